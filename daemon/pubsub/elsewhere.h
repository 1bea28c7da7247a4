/*
 * What other nodes have said, as it reaches the hub: messages for subscribers of this node, members
 * and counts that are theirs, orders. And what this node has, to be said to those who do not know.
 * On the hub.
 *
 * A source is another node, by a number (not 0) that its link gives it; for each lane of the log
 * another one. What it has said of itself carries a stamp (not 0), so that what it did not say
 * again can be told from what it did: elsewhere_sweep.
 */
#ifndef FF_PUBSUB_ELSEWHERE_H
#define FF_PUBSUB_ELSEWHERE_H

#include "proto/pusher.h"
#include "proto/traceparent.h"
#include "pubsub/hub.h"

/* The text of a message for the subscribers of a channel, but for `except`. client: of one of their
 * clients, who is `except`; a cache channel does not keep it. context: the trace that it belongs
 * to, NULL: none. */
void elsewhere_deliver(struct hub *hub, uint32_t app, struct slice channel, struct slice text,
                       const struct socket_ref *except, bool client,
                       const struct traceparent *context);

/* A message that this node has published has its place in the log: a cache channel's last event is
 * on all nodes the one that stands last there. */
void elsewhere_placed(struct hub *hub, uint32_t app, struct slice channel, struct slice text);
/* The last event of a cache channel, of whoever sent it, for a node that has none yet. ttl_ms: for
 * how long it is still kept, 0 for ever. */
void elsewhere_cached(struct hub *hub, uint32_t app, struct slice channel, struct slice text,
                      uint64_t ttl_ms);

void elsewhere_joined(struct hub *hub, uint32_t source, uint32_t stamp, uint32_t app,
                      struct slice channel, const struct pusher_member *member);
void elsewhere_left(struct hub *hub, uint32_t source, uint32_t app, struct slice channel,
                    struct slice user_id);
void elsewhere_count(struct hub *hub, uint32_t source, uint32_t stamp, uint32_t app,
                     struct slice channel, uint32_t n);

/* Forgets what a source has said with another stamp than this one (0: all of it). ours: this node
 * tells outside what that changes, as the one whose word it was that the other is dead. */
void elsewhere_sweep(struct hub *hub, uint32_t source, uint32_t stamp, bool ours);

/* All that this node has, one after the other. cached: also the last events of cache channels. */
struct elsewhere_reader {
    void (*member)(void *arg, uint32_t app, struct slice channel,
                   const struct pusher_member *member);
    void (*count)(void *arg, uint32_t app, struct slice channel, uint32_t n);
    void (*cached)(void *arg, uint32_t app, struct slice channel, struct slice text,
                   uint64_t ttl_ms); /* NULL: not wanted */
    void *arg;
};
void elsewhere_read(struct hub *hub, const struct elsewhere_reader *reader);

#endif
