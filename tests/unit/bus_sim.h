/*
 * Nodes around one log, all of it simulated, each with a model of what it must have received: what
 * tests/unit/test_bus_sim.c and test_bus_log.c play with.
 */
#ifndef FF_TESTS_BUS_SIM_H
#define FF_TESTS_BUS_SIM_H

#include "bus_sim_log.h"

/* ---- a process ---- */

static uint64_t sim_clock(const struct sim_process *process)
{
    return process->sim->now + process->clock;
}

static struct sim_process *sim_of(const struct sim *sim, uint64_t id)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        if (sim->processes[i]->id == id) {
            return sim->processes[i];
        }
    }
    return NULL;
}

static void sim_cut_writer(struct sim_process *process)
{
    struct sim *sim = process->sim;
    if (!process->writer_up) {
        return;
    }
    process->writer_up = false;
    process->writer_at = sim->now + sim_below(sim, 400);
    sim_empty(&process->replies);
    /* Some are lost, some were sent and will be executed some day. */
    uint32_t lost = process->wire.count > 0 ? sim_below(sim, process->wire.count + 1) : 0;
    bool late = sim_below(sim, 2) == 0;
    for (uint32_t keep = process->wire.count - lost; keep > 0 && late; keep--) {
        sim_push(&sim->ghosts, sim_pop(&process->wire));
    }
    sim_empty(&process->wire);
    if (process->running) {
        bus_log_cut(&process->log);
    }
}

static void sim_drop_question(struct sim_process *process)
{
    process->asked = process->answered = false;
    sim_empty(&process->answer);
}

static void sim_cut_reader(struct sim_process *process)
{
    if (!process->reader_up) {
        return;
    }
    process->reader_up = false;
    process->reader_at = process->sim->now + sim_below(process->sim, 400);
    sim_drop_question(process);
    if (process->running) {
        bus_log_unread(&process->log);
    }
}

static void sim_cut(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        sim_cut_writer(sim->processes[i]);
        sim_cut_reader(sim->processes[i]);
    }
}

static uint64_t sim_number(struct slice text)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        number = number * 10 + (uint64_t)(text.p[i] - 48);
    }
    return number;
}

static void sim_received(struct sim_process *process, struct bus_node *node,
                         const struct bus_record *record)
{
    const struct sim_process *from = sim_of(process->sim, node->id);
    struct sim_peer *peer = &process->peers[from->number];
    uint64_t ordinal = sim_number(record->text);
    if (!peer->begun) {
        peer->begun = true;
        peer->start = peer->last = ordinal - 1;
    }
    sim_check(ordinal == node->broadcasts); /* counts agree with what is counted */
    sim_check(ordinal > peer->last);        /* once, and in order */
    sim_check(ordinal == peer->start + peer->received + peer->lost + 1); /* or counted as lost */
    peer->last = ordinal;
    peer->received++;
}

static void sim_apply(void *arg, struct bus_node *node, const struct bus_record *record)
{
    struct sim_process *process = arg;
    if (node == NULL) {
        return;
    }
    const struct sim_process *from = sim_of(process->sim, node->id);
    struct sim_peer *peer = &process->peers[from->number];
    uint32_t bit = 0;
    if (record->channel.len > 0) {
        bit = 1u << sim_number(record->channel) % SIM_MEMBERS;
    }
    switch (record->type) {
    case BUS_DELIVER:
        sim_received(process, node, record);
        break;
    case BUS_JOINED:
        peer->view |= bit;
        peer->stale &= ~bit;
        break;
    case BUS_LEFT:
        peer->view &= ~bit;
        break;
    case BUS_QUERY: {
        struct bus_record answer = {.type = BUS_ANSWER,
                                    .last = true,
                                    .node = node->id,
                                    .number = record->number,
                                    .text = SLICE("yes")};
        (void)!bus_log_add_loose(&process->log, &answer);
        break;
    }
    case BUS_ANSWER:
        sim_check(record->number == process->question);
        process->answers++;
        break;
    default:
        break;
    }
}

static void sim_event(void *arg, const struct bus_event *event)
{
    struct sim_process *process = arg;
    const struct sim_process *from =
        event->node != NULL ? sim_of(process->sim, event->node->id) : NULL;
    struct sim_peer *peer = from != NULL ? &process->peers[from->number] : NULL;
    bool strict = process->sim->strict;
    switch (event->kind) {
    case BUS_EVENT_CONFIRMED:
        sim_check(event->to >= process->confirmed);
        process->confirmed = event->to;
        break;
    case BUS_EVENT_DROPPED:
        sim_check(!strict);
        process->dropped += event->broadcasts;
        break;
    case BUS_EVENT_LOST:
        sim_check(!strict);
        if (!peer->begun) {
            peer->begun = true;
            peer->start = peer->last = event->node->broadcasts - event->broadcasts;
        }
        peer->lost += event->broadcasts;
        break;
    case BUS_EVENT_GONE:
        sim_check(!strict || event->clean);
        process->gones++;
        peer->view = peer->stale = 0;
        break;
    case BUS_EVENT_STALE:
        peer->stale = peer->view;
        break;
    case BUS_EVENT_SWEPT:
        sim_check(!strict || (peer->view & peer->stale) == 0); /* nobody flickers */
        peer->view &= ~peer->stale;
        peer->stale = 0;
        break;
    case BUS_EVENT_DIED:
        sim_check(!strict);
        process->deaths++;
        break;
    case BUS_EVENT_READY:
        process->ready_at = process->sim->now;
        for (uint32_t i = 0; i < process->sim->count; i++) {
            const struct bus_node *node =
                bus_nodes_find(&process->log.nodes, process->sim->processes[i]->id);
            process->peers[i].due = node != NULL && node->alive && node->owned == BUS_OWNED_KNOWN
                                        ? process->sim->processes[i]->total + 1
                                        : 0;
        }
        break;
    case BUS_EVENT_NAMESAKE:
        process->namesakes++;
        break;
    case BUS_EVENT_REREAD:
        sim_drop_question(process);
        break;
    case BUS_EVENT_TWIN:
    case BUS_EVENT_FOREIGN:
    case BUS_EVENT_BAD:
        sim_fail("an entry that nobody has written", __LINE__);
    case BUS_EVENT_CAME:
    case BUS_EVENT_STATE:
    case BUS_EVENT_REWOUND:
        break;
    }
}

static struct sim_process *sim_start(struct sim *sim, const char *name)
{
    struct sim_process *process = calloc(1, sizeof(*process));
    check(process != NULL && sim->count < SIM_PROCESSES);
    *process = (struct sim_process){.sim = sim,
                                    .number = sim->count,
                                    .id = sim_rnd(sim) | 1,
                                    .clock = sim_rnd(sim) % 100000000u + 100000u,
                                    .running = true};
    snprintf(process->name, sizeof(process->name), "%s", name);
    struct bus_log_settings settings = {.node = process->id,
                                        .name = process->name,
                                        .lanes = 1,
                                        .window_ms = SIM_WINDOW,
                                        .max_bytes = sim->max_bytes,
                                        .node_timeout_ms = SIM_TIMEOUT};
    struct bus_callbacks callbacks = {sim_apply, sim_event, process};
    bus_log_init(&process->log, &settings, &callbacks);
    sim->processes[sim->count++] = process;
    return process;
}

static void sim_kill(struct sim_process *process)
{
    sim_cut_writer(process);
    sim_cut_reader(process);
    process->running = false;
    process->own = 0;
    bus_log_free(&process->log);
}

static void sim_broadcast(struct sim_process *process)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)++process->total);
    struct bus_record record = {
        .type = BUS_DELIVER, .app = SLICE("a"), .channel = SLICE("0"), .text = {text, (size_t)len}};
    sim_check(bus_log_add(&process->log, &record, sim_clock(process)) != 0);
}

static void sim_member(struct sim_process *process, uint32_t member, bool joined, bool restated)
{
    char channel[12];
    int len = snprintf(channel, sizeof(channel), "%u", member);
    struct bus_record record = {.type = joined ? BUS_JOINED : BUS_LEFT,
                                .restated = restated,
                                .app = SLICE("a"),
                                .channel = {channel, (size_t)len},
                                .user_id = SLICE("u"),
                                .id_json = SLICE("\"u\"")};
    sim_check(bus_log_add(&process->log, &record, sim_clock(process)) != 0);
}

/* Says a part of what it owns. */
static void sim_state(struct sim_process *process)
{
    uint64_t now = sim_clock(process);
    if (!process->stating && process->log.state_due) {
        sim_check(bus_log_begin(&process->log, now));
        process->stating = true;
        process->state_at = 0;
    }
    for (uint32_t n = sim_below(process->sim, 20); process->stating && n > 0; n--) {
        if (process->state_at == SIM_MEMBERS) {
            sim_check(bus_log_end(&process->log, now) == 0);
            process->stating = false;
        } else if ((process->own >> process->state_at & 1) != 0) {
            sim_member(process, process->state_at, true, true);
        }
        process->state_at++;
    }
}

static void sim_read(struct sim_process *process)
{
    if (!process->reader_up || (process->asked && !process->answered)) {
        return;
    }
    if (process->answered && sim_below(process->sim, 4) > 0) {
        struct sim_fifo got = process->answer;
        process->answer = (struct sim_fifo){NULL, NULL, 0};
        process->asked = process->answered = false;
        struct sim_bytes *item = got.first;
        if (process->asked_for == BUS_READ_TAIL || process->asked_for == BUS_READ_LOOK) {
            struct slice bytes = {item != NULL ? (const char *)item->bytes : NULL,
                                  item != NULL ? item->len : 0};
            if (process->asked_for == BUS_READ_TAIL) {
                bus_log_tail(&process->log, item != NULL ? item->id : (struct bus_id){0, 0}, bytes);
            } else {
                bus_log_looked(&process->log, bytes);
            }
        } else {
            for (; item != NULL; item = item->next) {
                bus_log_entry(&process->log, item->id,
                              (struct slice){(const char *)item->bytes, item->len},
                              sim_clock(process));
            }
        }
        sim_empty(&got);
    }
    if (!process->asked) {
        process->asked = true;
        process->asked_for = bus_log_read(&process->log, &process->asked_id);
    }
}

static void sim_connect(struct sim_process *process)
{
    struct sim *sim = process->sim;
    if (!process->writer_up && sim->now >= process->writer_at && !sim->down && !sim->stopped) {
        process->writer_up = true;
        bus_log_writable(&process->log);
    }
    if (!process->reader_up && sim->now >= process->reader_at && !sim->down && !sim->stopped) {
        process->reader_up = true;
    }
}

/* One turn of a process, without saying anything new. */
static void sim_turn(struct sim_process *process)
{
    struct sim *sim = process->sim;
    struct slice entry;
    sim_connect(process);
    for (uint32_t n = sim_below(sim, 64); n > 0 && process->replies.count > 0; n--) {
        struct sim_bytes *reply = sim_pop(&process->replies);
        if (reply->refused) {
            bus_log_refused(&process->log, sim_clock(process));
        } else {
            bus_log_appended(&process->log, reply->id, sim_clock(process));
        }
        free(reply);
    }
    sim_read(process);
    sim_state(process);
    (void)bus_log_tick(&process->log, sim_clock(process));
    while (process->writer_up && bus_log_take(&process->log, sim_clock(process), &entry)) {
        sim_push(&process->wire, sim_bytes(entry.p, entry.len));
    }
}

/* A few milliseconds of the world. */
static void sim_step(struct sim *sim, bool load)
{
    sim->now += 1 + sim_below(sim, 20);
    sim_serve(sim);
    for (uint32_t i = 0; i < sim->count; i++) {
        struct sim_process *process = sim->processes[i];
        if (!process->running || sim->now < process->paused_until) {
            continue;
        }
        if (load && !process->log.leaving) {
            for (uint32_t n = sim_below(sim, 4); n > 1; n--) {
                sim_broadcast(process);
            }
            if (sim_below(sim, 10) == 0) {
                uint32_t member = sim_below(sim, SIM_MEMBERS);
                process->own ^= 1u << member;
                sim_member(process, member, (process->own >> member & 1) != 0, false);
            }
        }
        sim_turn(process);
        if (process->log.leaving && bus_log_left(&process->log)) {
            process->clean = true;
            sim_kill(process);
        }
    }
}

static void sim_run(struct sim *sim, uint64_t ms, bool load)
{
    for (uint64_t end = sim->now + ms; sim->now < end;) {
        sim_step(sim, load);
    }
}

/* Everything has come to rest: each has of each other what there was, and sees what it owns. */
static void sim_settled(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        struct sim_process *process = sim->processes[i];
        if (!process->running) {
            continue;
        }
        sim_check(process->log.ready);
        sim_check(process->log.out.unsent == NULL && process->log.out.unconfirmed == NULL);
        sim_check(process->log.out.head == NULL); /* all others have it, and say so */
        for (uint32_t j = 0; j < sim->count; j++) {
            const struct sim_process *other = sim->processes[j];
            const struct sim_peer *peer = &process->peers[j];
            const struct bus_node *node = bus_nodes_find(&process->log.nodes, other->id);
            if (j == i) {
                continue;
            }
            if (!other->running) {
                sim_check(peer->view == 0);
                sim_check(node == NULL || !node->alive);
                continue;
            }
            sim_check(node != NULL && node->alive);
            sim_check(node->incarnation == other->log.out.incarnation);
            sim_check(node->expected == other->log.out.next);
            sim_check(node->lost == peer->lost && node->broadcasts == other->total);
            if (peer->begun) {
                sim_check(peer->start + peer->received + peer->lost == other->total);
                sim_check(peer->due == 0 || peer->start < peer->due);
            }
            sim_check(peer->view == other->own);
        }
    }
}

static void sim_init(struct sim *sim, uint64_t seed, bool strict)
{
    *sim = (struct sim){
        .seed = seed, .rnd = seed, .now = 1000, .strict = strict, .max_bytes = 8u << 20};
    sim_current = sim;
}

static void sim_free(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        if (sim->processes[i]->running) {
            sim_kill(sim->processes[i]);
        }
        free(sim->processes[i]);
    }
    sim_empty(&sim->ghosts);
    sim_trim_oldest(sim, sim->nentries);
    free(sim->entries);
}

static const char *const sim_names[] = {"a", "b", "c", "d", "e"};

static void sim_begin(struct sim *sim, uint64_t seed, bool strict, uint32_t nodes)
{
    sim_init(sim, seed, strict);
    for (uint32_t i = 0; i < nodes; i++) {
        sim_start(sim, sim_names[i]);
    }
}

static void sim_end(struct sim *sim)
{
    while (sim->ghosts.count > 0) {
        sim_append(sim, sim_pop(&sim->ghosts));
    }
    sim_run(sim, 30000, false);
    sim_settled(sim);
    sim_free(sim);
}

#endif
