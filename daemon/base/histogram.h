/*
 * Histograms of durations with the same fixed buckets, one set per loop (base/counters.h): written
 * by the loop's thread alone, read by anyone. Nothing is reset and nothing allocates.
 */
#ifndef FF_BASE_HISTOGRAM_H
#define FF_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 19u

/* Applications that have a histogram of their own: those that come first in the configuration. All
 * others share the last one, so that no number of applications makes a scrape large. */
#define HISTOGRAM_APPS 32u

enum histogram_kind {
    HISTOGRAM_TURN,     /* of all applications: the first one alone is used */
    HISTOGRAM_DELIVERY, /* by application */
    HISTOGRAM_ANSWER,   /* by application */
    HISTOGRAM_MAX
};

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BOUNDS + 1]; /* not cumulative; the last has no bound */
    _Atomic uint64_t sum_ns;
};

struct histogram_bound {
    uint64_t ns;
    const char *seconds; /* as `le` has it */
};
extern const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS];

/* n events that took ns nanoseconds each. Only by the thread that owns it. */
void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t n);
/* Adds `from`, which its thread may be writing, to a copy that is the caller's own. */
void histogram_sum(struct histogram *into, const struct histogram *from);

static inline uint32_t histogram_place(uint32_t app)
{
    return app < HISTOGRAM_APPS ? app : HISTOGRAM_APPS;
}

#endif
