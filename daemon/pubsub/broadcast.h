/*
 * The one route of a message to the subscribers of a channel, whatever its source: published by an
 * application, sent by a client, or the daemon's own word on members, counts and watched users. On
 * the hub.
 *
 * A step that all messages of a kind take has its place here: the cache, the workers of this node,
 * who wants to hear of it, and the other nodes.
 */
#ifndef FF_PUBSUB_BROADCAST_H
#define FF_PUBSUB_BROADCAST_H

#include "proto/traceparent.h"
#include "pubsub/hub.h"

struct trace;

enum broadcast_kind {
    BROADCAST_EVENT,   /* published: a cache channel keeps it */
    BROADCAST_CLIENT,  /* a client event: others may want to hear of it */
    BROADCAST_RELAYED, /* a client event of another node, where others have heard of it */
    BROADCAST_SYSTEM,  /* the daemon's own, to this node's subscribers */
};

struct broadcast {
    enum broadcast_kind kind;
    uint32_t app, hash;
    struct slice channel;
    struct dirent *entry; /* NULL: nobody is subscribed */
    struct frame *frame;  /* finished; borrowed */
    struct socket_ref except;
    uint64_t since_ns; /* latency_turn() of who took it in; 0: this turn of the hub */
    /* What it belongs to, whether or not that is sampled or this node traces: for the other nodes
     * and for who looks. NULL: nothing was said. */
    const struct traceparent *context;
    struct trace *trace; /* whose spans it adds to; NULL: it is not traced here */
};

/* Who would receive it: fills hash and entry from app and channel. */
void broadcast_find(const struct hub *hub, struct broadcast *broadcast);
/* Whether it has to be made at all: somebody is subscribed, or it is to be kept; or, but for the
 * second, there are other nodes, of whose subscribers this one knows nothing. */
bool broadcast_wanted(const struct hub *hub, const struct broadcast *broadcast);
bool broadcast_wanted_here(const struct broadcast *broadcast);
/* Sends it on its way; the hub keeps no reference but a cache's. Returns the number of subscribers
 * of this node, less the one who is left out. */
uint32_t broadcast_send(struct hub *hub, const struct broadcast *broadcast);
/* The same of one that another node has sent: it goes to this node's subscribers alone. */
void broadcast_receive(struct hub *hub, const struct broadcast *broadcast);

#endif
