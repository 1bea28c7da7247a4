/*
 * The one place that checks, encodes and routes a broadcast, whatever door it came through.
 *
 * Checking and encoding are pure and run anywhere; routing is the hub's.
 */
#ifndef FF_PUBSUB_PUBLISH_H
#define FF_PUBSUB_PUBLISH_H

#include "base/settings.h"
#include "pubsub/hub.h"
#include "shared/ipc_proto.h"

struct publish {
    const struct ff_slice *channels;
    uint32_t nchannels;
    struct slice event, data;
    struct slice except; /* a socket id; .p == NULL: nobody is left out */
    uint64_t since_ns;   /* latency_turn() of who took it in; 0: this turn of the hub */
    struct slice trace;  /* a traceparent, not judged; .p == NULL: none */
    bool http;           /* by the HTTP API, else IPC */
};

enum publish_fault {
    PUBLISH_FINE,
    PUBLISH_BAD_CHANNEL,
    PUBLISH_LONG_CHANNEL,
    PUBLISH_BAD_EVENT,
    PUBLISH_LONG_EVENT,
    PUBLISH_BAD_PAYLOAD,
    PUBLISH_TOO_LARGE,
    PUBLISH_BAD_EXCEPT,
};

/* Everything that can be wrong with a broadcast of this application. `why` gets a sentence for its
 * sender, valid UTF-8. */
enum publish_fault publish_check(const struct limits *limits, const struct app *app,
                                 const struct publish *publish, char *why, size_t size);

/* Counts a fault that is a limit under that limit; others are not counted here. */
void publish_count_fault(struct counters *counters, enum publish_fault fault);

/*
 * Sends a checked broadcast to each of its channels, each channel once. Fills the receipt. -1: no
 * memory; then nothing was sent to some or all of the channels.
 */
int publish_broadcast(struct hub *hub, const struct app *app, const struct publish *publish,
                      struct receipt *receipt) MUST_CHECK;

/* What a worker hands over for a client event: a finished frame for everybody but its sender. */
void publish_client_event(struct hub *hub, const struct mail_publish *mail);
/* On the worker: hands it over; takes over the reference. receivers: as far as the worker knows.
 * since_ns: latency_turn() of the worker. */
void publish_post_client_event(struct mailbox *hub, uint32_t app, struct slice channel,
                               uint64_t receivers, struct frame *frame,
                               const struct socket_ref *sender, uint64_t since_ns);

#define PUBLISH_ID_MAX 32u
/* A message id: unique over all nodes and restarts. Returns its length. */
size_t publish_id(const struct hub *hub, uint64_t id, char out[PUBLISH_ID_MAX]);

#endif
