/*
 * A request of the HTTP API on its way from a worker to the hub and, answered, back. The worker has
 * checked who asks and what for; the hub answers out of what it knows. Whatever carries the same
 * questions elsewhere uses pubsub/query.
 */
#ifndef FF_PUBSUB_REQUEST_H
#define FF_PUBSUB_REQUEST_H

#include "proto/api.h"
#include "proto/traceparent.h"
#include "pubsub/hub.h"

enum request_kind {
    REQUEST_EVENTS,
    REQUEST_BATCH,
    REQUEST_CHANNELS,
    REQUEST_CHANNEL,
    REQUEST_USERS,
    REQUEST_CONNECTIONS,
    REQUEST_TERMINATE,
};

struct request {
    enum request_kind kind;
    uint32_t worker, slot, gen; /* who awaits the answer */
    const struct app *app; /* of whose thread has the request; for the current turn, not sent */
    uint32_t app_index;    /* what is sent */
    struct slice name;     /* the channel, the prefix of channels (.p == NULL: all) or the user id;
                              points into room */
    unsigned int info;
    struct api_event *events; /* checked; point into room */
    size_t nevents;
    struct ff_slice *channels;
    char *room;
    size_t memory;     /* bytes of room, events and channels */
    uint64_t since_ns; /* latency_turn() of who has read it */
    uint8_t trace_len; /* 0: no traceparent */
    char trace[TRACEPARENT_MAX];
};

void request_free(struct request *request); /* NULL is fine */

/* On the worker: hands it over to the hub. */
void request_post(struct mailbox *hub, struct request *request);

/* On the hub: answers and frees it. */
void request_handle(struct hub *hub, struct request *request);

/* What a request says of one of its events. */
struct publish request_publish(const struct request *request, const struct api_event *event);

#endif
