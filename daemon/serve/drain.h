/*
 * Ending a worker's clients: accepting stops, and everybody is told to reconnect, a few at a time.
 * Runs on its worker.
 */
#ifndef FF_SERVE_DRAIN_H
#define FF_SERVE_DRAIN_H

#include "net/listener.h"
#include "pubsub/worker.h"

struct drain {
    struct worker *worker;
    struct listener *listeners; /* the worker's own */
    size_t nlisteners;
    uint32_t
        *slots; /* sessions still to be closed, shuffled; indexes slot and generation in pairs */
    size_t left, total;
    uint64_t started_ms, period_ms;
    struct event tick;
};

/* Lets worker->drain do its work. `drain` must outlive the worker. */
void drain_init(struct drain *drain, struct worker *worker, struct listener *listeners,
                size_t nlisteners);
void drain_free(struct drain *drain);

#endif
