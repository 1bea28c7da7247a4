/*
 * Ending on request: readiness goes first, then, after a delay, the clients a few at a time, then
 * the publishers, then the process. What the end of the clients causes is still told to webhooks,
 * for as long as there is time. A node among others then says goodbye to them, behind all that it
 * has to say. Runs on the hub; reaches the workers by mail.
 */
#ifndef FF_OPS_SHUTDOWN_H
#define FF_OPS_SHUTDOWN_H

#include "links/cluster.h"
#include "links/ipc.h"
#include "net/listener.h"
#include "pubsub/hub.h"
#include "pubsub/worker.h"

/* Fewer clients than this are told all at once. */
#define SHUTDOWN_AT_ONCE 100

enum shutdown_stage {
    SHUTDOWN_DELAYED,    /* as before, but for readiness */
    SHUTDOWN_CLIENTS,    /* they are told to reconnect */
    SHUTDOWN_PUBLISHERS, /* what they have sent is answered, and nothing more is taken */
    SHUTDOWN_GOODBYE,    /* what was said to the other nodes is on its way to them */
};

struct shutdown {
    struct hub *hub;
    const struct worker *workers[FLOW_WORKERS];
    /* Of a node among others; NULL: it stands alone, and ends with its clients. */
    struct cluster *cluster;
    struct ipc *ipc;
    struct listener *ipc_listener;

    uint64_t delay_ms, period_ms, close_ms, deadline;
    struct event timer;
    enum shutdown_stage stage;
    bool alone;
};

void shutdown_init(struct shutdown *shutdown, struct hub *hub);
/* How long it may take; before it begins. */
void shutdown_set(struct shutdown *shutdown, uint64_t delay_ms, uint64_t period_ms,
                  uint64_t close_ms);
void shutdown_free(struct shutdown *shutdown);
/* The hub's loop ends within delay + period + the close time-out, and a second for the goodbye. */
void shutdown_begin(struct shutdown *shutdown);

#endif
