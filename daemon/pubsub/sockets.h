/*
 * A list of an application's connections on this node, a page at a time, gathered from the workers
 * by mail. On the hub.
 *
 * A worker looks at a bounded number of its connections for each letter (SOCKETS_LOOK), so that
 * nobody else waits for it; the hub writes again until the page is full or all workers have been
 * asked. Connections come in the order of their places, which is that of their socket ids' second
 * halves. One that opens meanwhile in a place that was passed is missed; none comes twice.
 */
#ifndef FF_PUBSUB_SOCKETS_H
#define FF_PUBSUB_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "pubsub/hub.h"
#include "pubsub/mail.h"
#include "pubsub/socket_id.h"

struct sockets_query;

/* One connection of a page. Views into the page. */
struct sockets_item {
    struct socket_ref ref;
    struct slice user_id; /* .p == NULL: not known */
    struct slice address; /* text; empty: not known */
    uint64_t opened_ms;   /* since 1970, to the second */
    uint32_t subscriptions;
    uint32_t unread; /* bytes that wait for it, because it has not read what came before */
};

struct sockets_page {
    struct sockets_item *items;
    uint32_t n;
    bool more;  /* there may be some behind the last */
    bool whole; /* every worker has answered in time */
};

/* Called once and never from within sockets_ask. The page is good for the call. */
typedef void sockets_fn(void *arg, const struct sockets_page *page);

/* Ends before its hub does: by its answer or by sockets_cancel. The first `limit` (not 0) behind
 * the connection `after`, which need not be there any more, but be of a worker that there is;
 * .random == 0: from the beginning. The application is given by its index. */
struct sockets_query *sockets_ask(struct hub *hub, uint32_t app, const struct socket_ref *after,
                                  uint32_t limit, sockets_fn *fn, void *arg);
/* Nobody wants to know any more: `fn` will not be called. Not from within it. */
void sockets_cancel(struct hub *hub, struct sockets_query *query);
/* A worker has answered. */
void sockets_heard(struct hub *hub, const struct mail_sockets *mail);
/* Ends what a worker has not answered in time; now and then. */
void sockets_expire(struct hub *hub);

#endif
