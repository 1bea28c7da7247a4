/*
 * Ending on request: readiness goes first, then, after a delay, the clients a few at a time, then
 * the publishers, then the process. What the end of the clients causes is still told to webhooks,
 * for as long as there is time. Runs on the hub; reaches the workers by mail.
 */
#ifndef FF_OPS_SHUTDOWN_H
#define FF_OPS_SHUTDOWN_H

#include "pubsub/hub.h"
#include "pubsub/worker.h"

/* Fewer clients than this are told all at once. */
#define SHUTDOWN_AT_ONCE 100

struct shutdown {
    struct hub *hub;
    const struct worker *workers[FLOW_WORKERS];
    uint64_t delay_ms, period_ms, close_ms, deadline;
    struct event timer;
    bool draining, alone;
};

void shutdown_init(struct shutdown *shutdown, struct hub *hub);
/* How long it may take; before it begins. */
void shutdown_set(struct shutdown *shutdown, uint64_t delay_ms, uint64_t period_ms,
                  uint64_t close_ms);
void shutdown_free(struct shutdown *shutdown);
/* The hub's loop ends within delay + period + the close time-out. */
void shutdown_begin(struct shutdown *shutdown);

#endif
