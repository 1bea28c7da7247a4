/*
 * Closing many of a worker's sessions a few at a time, in random order, so that neither this loop
 * nor what they reconnect to is hit by all at once. Runs on its worker.
 */
#ifndef FF_SERVE_PACE_H
#define FF_SERVE_PACE_H

#include "net/conn.h"
#include "pubsub/worker.h"

/* Whether it is still to be closed is decided by `close`, when its time has come. */
typedef void pace_close_fn(struct conn *conn);
typedef bool pace_wants_fn(struct conn *conn);

struct pace {
    struct worker *worker;
    pace_close_fn *close;
    uint32_t *slots; /* sessions still to be closed, shuffled; slot and generation in pairs */
    size_t left, total;
    uint64_t started_ms, period_ms;
    struct event tick;
};

/* `pace` must not be moved, and freed before its loop. */
void pace_init(struct pace *pace, struct worker *worker, pace_close_fn *close);
/* Spreads over period_ms the closing of the sessions that `wants` (NULL: all) chooses; fewer than
 * `at_once` are closed now. What an earlier call has left to do is forgotten, but not how long it
 * has taken so far. */
void pace_start(struct pace *pace, pace_wants_fn *wants, size_t at_once, uint64_t period_ms);
void pace_free(struct pace *pace);

#endif
