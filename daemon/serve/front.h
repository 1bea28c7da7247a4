/*
 * The front of a worker: its listeners, and what happens to all of its clients when the hub gives
 * an order: a drain, a reload, a termination, an answer to the HTTP API. Runs on its worker.
 */
#ifndef FF_SERVE_FRONT_H
#define FF_SERVE_FRONT_H

#include "net/listener.h"
#include "serve/pace.h"

/* With fewer clients to close than this on a worker, they are all closed at once. */
#define FRONT_AT_ONCE 100

struct front {
    struct worker *worker;
    struct listener *listeners; /* the worker's own */
    size_t nlisteners;
    struct pace draining, retiring;
    struct event late; /* deliveries from before a drain are not waited for any longer */
    uint64_t drain_ms; /* the time left for closing clients */
};

extern const struct worker_ops front_ops;

/* `front` must outlive the worker, and must not be moved. */
void front_init(struct front *front, struct worker *worker, struct listener *listeners,
                size_t nlisteners);
void front_free(struct front *front);

#endif
