/*
 * A simulated log, and what there is around it: tests/unit/bus_sim.h has the nodes. The same seed
 * gives the same run.
 *
 * The log has the ways of a Redis stream: ids by a clock that may be wrong, never lower than the
 * one before while the stream lives; commands of one connection are executed in order, and some of
 * a connection that is lost may be executed long after. Each node has one connection for writing
 * and one for reading, a clock of its own, members that come and go, and a model of what it must
 * have received.
 */
#ifndef FF_TESTS_BUS_SIM_LOG_H
#define FF_TESTS_BUS_SIM_LOG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "links/bus_log.h"

#define SIM_PROCESSES 48u
#define SIM_NODES     5u
#define SIM_MEMBERS   32u
#define SIM_TIMEOUT   3000u
#define SIM_WINDOW    12000u
#define SIM_COUNT     100u

struct sim_bytes {
    struct sim_bytes *next;
    struct bus_id id;
    bool refused;
    size_t len;
    uint8_t bytes[];
};

struct sim_fifo {
    struct sim_bytes *first, *last;
    uint32_t count;
};

/* What a process has of another one. */
struct sim_peer {
    bool begun;
    uint64_t start, last, received, lost; /* ordinals of broadcasts: before the first; so far */
    uint64_t due;         /* it must have begun before this one: when the process became ready */
    uint32_t view, stale; /* members */
};

struct sim;

struct sim_process {
    struct sim *sim;
    uint32_t number;
    uint64_t id;
    char name[16];
    bool running, clean, was_silent; /* was_silent: others may have given it up with reason */
    uint64_t paused_until, clock;    /* clock: ahead of the world's */
    struct bus_log log;
    bool writer_up, reader_up;
    uint64_t writer_at, reader_at; /* when to connect again */
    struct sim_fifo wire, replies; /* of the writer */
    bool asked, answered;          /* of the reader */
    enum bus_read asked_for;
    struct bus_id asked_id;
    struct sim_fifo answer;
    uint64_t total; /* broadcasts said */
    uint32_t own;   /* members */
    bool stating;
    uint32_t state_at;
    uint64_t confirmed, dropped, deaths, gones, answers, question, ready_at, namesakes;
    struct sim_peer peers[SIM_PROCESSES];
};

struct sim {
    uint64_t seed, rnd, now;
    struct sim_process *processes[SIM_PROCESSES];
    uint32_t count;
    struct sim_bytes **entries;
    size_t nentries, room;
    struct bus_id last;
    int64_t skew;           /* of the server's clock */
    bool down, stopped;     /* killed; stopped: connections stay */
    uint32_t refuse;        /* one of so many appends is refused; 0: none */
    struct sim_fifo ghosts; /* of lost connections */
    bool strict;            /* whatever happens, nobody loses anything and nobody is given up */
    uint64_t max_bytes;
    uint32_t count_max; /* entries in one reply, as seen */
};

static struct sim *sim_current; /* for the message when something breaks */

_Noreturn static void sim_fail(const char *what, int line)
{
    fprintf(stderr, "bus_sim: line %d: %s; seed %llu, at %llu ms\n", line, what,
            (unsigned long long)sim_current->seed, (unsigned long long)sim_current->now);
    abort();
}

#define sim_check(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            sim_fail(#condition, __LINE__);                                                        \
        }                                                                                          \
    } while (0)

/* splitmix64 */
static uint64_t sim_rnd(struct sim *sim)
{
    uint64_t z = sim->rnd += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t sim_below(struct sim *sim, uint32_t bound)
{
    return (uint32_t)(sim_rnd(sim) % bound);
}

/* ---- bytes on their way ---- */

static struct sim_bytes *sim_bytes(const void *bytes, size_t len)
{
    struct sim_bytes *item = malloc(sizeof(*item) + len);
    check(item != NULL);
    *item = (struct sim_bytes){.len = len};
    if (len > 0) {
        memcpy(item->bytes, bytes, len);
    }
    return item;
}

static void sim_push(struct sim_fifo *fifo, struct sim_bytes *item)
{
    item->next = NULL;
    *(fifo->last != NULL ? &fifo->last->next : &fifo->first) = item;
    fifo->last = item;
    fifo->count++;
}

static struct sim_bytes *sim_pop(struct sim_fifo *fifo)
{
    struct sim_bytes *item = fifo->first;
    if (item != NULL) {
        fifo->first = item->next;
        fifo->last = fifo->first != NULL ? fifo->last : NULL;
        fifo->count--;
    }
    return item;
}

static void sim_empty(struct sim_fifo *fifo)
{
    for (struct sim_bytes *item; (item = sim_pop(fifo)) != NULL;) {
        free(item);
    }
}

/* ---- the log ---- */

/* Takes over the item. */
static void sim_append(struct sim *sim, struct sim_bytes *item)
{
    uint64_t clock = (uint64_t)((int64_t)sim->now + 1000000000 + sim->skew);
    if (clock > sim->last.ms) {
        sim->last = (struct bus_id){clock, 0};
    } else {
        sim->last.seq++;
    }
    item->id = sim->last;
    if (sim->nentries == sim->room) {
        sim->room = sim->room == 0 ? 1024 : sim->room * 2;
        sim->entries = realloc(sim->entries, sim->room * sizeof(struct sim_bytes *));
        check(sim->entries != NULL);
    }
    sim->entries[sim->nentries++] = item;
}

static void sim_trim_oldest(struct sim *sim, size_t n)
{
    n = n < sim->nentries ? n : sim->nentries;
    for (size_t i = 0; i < n; i++) {
        free(sim->entries[i]);
    }
    sim->nentries -= n;
    if (sim->nentries > 0) {
        memmove(sim->entries, sim->entries + n, sim->nentries * sizeof(struct sim_bytes *));
    }
}

static void sim_lose_newest(struct sim *sim, size_t n)
{
    for (; n > 0 && sim->nentries > 0; n--) {
        free(sim->entries[--sim->nentries]);
    }
    sim->last = sim->nentries > 0 ? sim->entries[sim->nentries - 1]->id : (struct bus_id){0, 0};
}

static size_t sim_after(const struct sim *sim, struct bus_id id)
{
    size_t low = 0, high = sim->nentries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bus_id_after(sim->entries[middle]->id, id)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static void sim_answer(struct sim *sim, struct sim_process *process)
{
    size_t at = 0, n = 0;
    switch (process->asked_for) {
    case BUS_READ_TAIL:
        at = sim->nentries > 0 ? sim->nentries - 1 : 0;
        n = sim->nentries > 0 ? 1 : 0;
        break;
    case BUS_READ_LOOK:
        for (at = 0; at < sim->nentries && n == 0; at += n == 0 ? 1 : 0) {
            n = sim->entries[at]->id.ms == process->asked_id.ms &&
                        sim->entries[at]->id.seq == process->asked_id.seq
                    ? 1
                    : 0;
        }
        break;
    case BUS_READ_AFTER:
        at = sim_after(sim, process->asked_id);
        n = sim->nentries - at;
        if (n == 0) {
            return; /* it blocks */
        }
        n = n < SIM_COUNT ? n : SIM_COUNT;
        break;
    }
    sim->count_max = n > sim->count_max ? (uint32_t)n : sim->count_max;
    for (size_t i = 0; i < n; i++) {
        struct sim_bytes *copy = sim_bytes(sim->entries[at + i]->bytes, sim->entries[at + i]->len);
        copy->id = sim->entries[at + i]->id;
        sim_push(&process->answer, copy);
    }
    process->answered = true;
}

/* The server's turn. */
static void sim_serve(struct sim *sim)
{
    if (sim->down || sim->stopped) {
        return;
    }
    if (sim->ghosts.count > 0 && sim_below(sim, 50) == 0) {
        sim_append(sim, sim_pop(&sim->ghosts));
    }
    uint32_t from = sim->count > 0 ? sim_below(sim, sim->count) : 0;
    for (uint32_t i = 0; i < sim->count; i++) {
        struct sim_process *process = sim->processes[(from + i) % sim->count];
        for (uint32_t n = sim_below(sim, 64); n > 0 && process->wire.count > 0; n--) {
            struct sim_bytes *item = sim_pop(&process->wire), *reply = sim_bytes(NULL, 0);
            reply->refused = sim->refuse > 0 && sim_below(sim, sim->refuse) == 0;
            if (reply->refused) {
                free(item);
            } else {
                sim_append(sim, item);
                reply->id = item->id;
            }
            sim_push(&process->replies, reply);
        }
        if (process->reader_up && process->asked && !process->answered && sim_below(sim, 3) > 0) {
            sim_answer(sim, process);
        }
    }
}

#endif
