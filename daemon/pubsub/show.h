/*
 * What is said to whom, as [server] log_messages shows it: a line each, cut, at level info. Callers
 * ask log_messages() first. On any thread; owns nothing and changes nothing.
 *
 * No line has a signature in it: what clients send to be let in is named, not quoted.
 */
#ifndef FF_PUBSUB_SHOW_H
#define FF_PUBSUB_SHOW_H

#include "net/frame.h"
#include "proto/slice.h"
#include "pubsub/socket_id.h"

/* A message to one client. */
void show_frame(const struct socket_ref *to, const struct frame *frame);
/* What an application publishes, to `channel` and so many others. */
struct show_publish {
    const char *app;
    struct slice channel, event, data;
    struct slice trace; /* its traceparent; shown when it is one */
    uint32_t others;
};
void show_publish(const struct show_publish *publish);
/* Nobody of this node is subscribed to any of its channels. */
void show_nobody(const struct show_publish *publish);
/* A message to the n connections of this node that are on a channel. */
void show_broadcast(struct slice channel, uint32_t n, const struct frame *frame);

#endif
