/*
 * Ending a worker's clients: accepting stops, and everybody is told to reconnect, a few at a time.
 * Runs on its worker.
 */
#ifndef FF_SERVE_DRAIN_H
#define FF_SERVE_DRAIN_H

#include "net/listener.h"
#include "pubsub/worker.h"
#include "serve/pace.h"

struct drain {
    struct worker *worker;
    struct listener *listeners; /* the worker's own */
    size_t nlisteners;
    struct pace pace;
};

/* Lets worker->drain do its work. `drain` must outlive the worker. */
void drain_init(struct drain *drain, struct worker *worker, struct listener *listeners,
                size_t nlisteners);
void drain_free(struct drain *drain);

#endif
