#include "pubsub/pending.h"

#include "base/mem.h"

/* A worker answers within a turn; one that is stopped or overrun is not waited for any longer. */
#define PENDING_MS 5000u

struct pending {
    struct pending *prev, *next;
    uint64_t number, sum, until;
    struct asker asker;
    uint32_t parts;
    pending_fn *done;
    void *arg;
};

uint64_t pending_ask(struct pendings *pendings, const struct asker *asker, uint32_t parts,
                     pending_fn *done, void *arg, uint64_t now)
{
    struct pending *pending = mem_alloc(sizeof(*pending));
    *pending = (struct pending){.prev = pendings->last,
                                .number = ++pendings->asked,
                                .until = now + PENDING_MS,
                                .asker = *asker,
                                .parts = parts,
                                .done = done,
                                .arg = arg};
    if (pendings->last != NULL) {
        pendings->last->next = pending;
    } else {
        pendings->first = pending;
    }
    pendings->last = pending;
    return pending->number;
}

static void pending_end(struct pendings *pendings, struct pending *pending)
{
    if (pending->prev != NULL) {
        pending->prev->next = pending->next;
    } else {
        pendings->first = pending->next;
    }
    if (pending->next != NULL) {
        pending->next->prev = pending->prev;
    } else {
        pendings->last = pending->prev;
    }
    pending->done(pending->arg, &pending->asker, pending->sum, pending->parts == 0);
    mem_free(pending);
}

void pending_answer(struct pendings *pendings, uint64_t number, uint64_t part)
{
    struct pending *pending = pendings->first;
    while (pending != NULL && pending->number != number) {
        pending = pending->next;
    }
    if (pending == NULL) {
        return;
    }
    pending->sum += part;
    if (--pending->parts == 0) {
        pending_end(pendings, pending);
    }
}

void pending_expire(struct pendings *pendings, uint64_t now)
{
    while (pendings->first != NULL && now >= pendings->first->until) {
        pending_end(pendings, pendings->first);
    }
}

void pending_free(struct pendings *pendings)
{
    while (pendings->first != NULL) {
        struct pending *next = pendings->first->next;
        mem_free(pendings->first);
        pendings->first = next;
    }
}
