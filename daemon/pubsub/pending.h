/*
 * Answers that several threads give together: who asked, how many parts are still awaited, what
 * came so far, and until when the rest is waited for. Belongs to the hub.
 *
 * A question has a number, which travels with its parts. When the last part has come, or its time
 * is over, whoever asked is told once; parts that come later find nothing.
 */
#ifndef FF_PUBSUB_PENDING_H
#define FF_PUBSUB_PENDING_H

#include <stdbool.h>
#include <stdint.h>

struct pending;

struct pendings {
    struct pending *first, *last; /* in order of asking, which is that of their deadlines */
    uint64_t asked;
};

/* Who waits: a connection of the hub's loop, and what it needs to know its own question by. */
struct asker {
    uint32_t slot, gen;
    uint64_t seq;
    uint32_t type;
};

/* sum: of the parts that came. whole: all of them have. */
typedef void pending_fn(void *arg, const struct asker *asker, uint64_t sum, bool whole);

/* `parts` > 0. Returns the question's number, never 0. now, in ms, is the loop's time. */
uint64_t pending_ask(struct pendings *pendings, const struct asker *asker, uint32_t parts,
                     pending_fn *done, void *arg, uint64_t now);
void pending_answer(struct pendings *pendings, uint64_t number, uint64_t part);
/* Ends what has waited too long; call it now and then. */
void pending_expire(struct pendings *pendings, uint64_t now);
void pending_free(struct pendings *pendings); /* tells nobody */

#endif
