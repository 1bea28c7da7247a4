/*
 * How many connections there may be before the file descriptors of the process are used up, and
 * how many of these each listener leaves to others. Shared by all loops; a counter without a lock.
 *
 * Who comes in by the listeners for clients must not take the last one: health checks would find
 * nobody, and a supervisor would restart a full daemon under all its clients. Publishers, files of
 * a reload and connections to Redis need some as well.
 */
#ifndef FF_NET_DESCRIPTORS_H
#define FF_NET_DESCRIPTORS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define DESCRIPTORS_SPARE 64u /* that clients leave; fewer where there are few */

struct descriptors {
    _Atomic uint64_t taken; /* by connections */
    uint64_t max;           /* for connections */
    uint64_t spare;         /* that clients leave, of max */
};

/* From the limit of the process and what is open now. Before there are connections, when all else
 * that stays open has been opened. */
void descriptors_init(struct descriptors *descriptors);
/* The same from figures. */
void descriptors_set(struct descriptors *descriptors, uint64_t limit, uint64_t open);

/* Takes one for a connection and leaves `spare` to others. False: there are no more than those.
 * NULL: nobody counts. */
static inline bool descriptors_take(struct descriptors *descriptors, uint64_t spare)
{
    if (descriptors == NULL) {
        return true;
    }
    uint64_t before = atomic_fetch_add_explicit(&descriptors->taken, 1, memory_order_relaxed);
    if (before + spare < descriptors->max) {
        return true;
    }
    atomic_fetch_sub_explicit(&descriptors->taken, 1, memory_order_relaxed);
    return false;
}

static inline void descriptors_give(struct descriptors *descriptors)
{
    if (descriptors != NULL) {
        atomic_fetch_sub_explicit(&descriptors->taken, 1, memory_order_relaxed);
    }
}

#endif
