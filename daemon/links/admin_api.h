/*
 * What the operator's interface answers, as JSON: docs/ctl.md has the shape of each. On the hub.
 *
 * Knows nothing of HTTP and asks nobody else: of a cluster it tells what this node has and knows.
 * Lists come a page at a time, and a page looks at a bounded number of entries (ADMIN_API_LOOK), so
 * that nobody waits for an operator. Each function returns 0, or -1 when the buffer is full.
 */
#ifndef FF_LINKS_ADMIN_API_H
#define FF_LINKS_ADMIN_API_H

#include "base/buf.h"
#include "pubsub/hub.h"
#include "pubsub/sockets.h"

#define ADMIN_API_LOOK 4000u
#define ADMIN_API_MAX  (8u << 20) /* bytes of an answer */

/* "ready", "joining", "redis" (away, and required) or "draining": only the first takes clients. */
const char *admin_api_state(const struct hub *hub);

/* {"name":value,...} of all counters. */
int admin_api_counters(struct buf *out, const struct hub *hub) MUST_CHECK;
int admin_api_status(struct buf *out, const struct hub *hub) MUST_CHECK;
int admin_api_apps(struct buf *out, const struct hub *hub) MUST_CHECK;
int admin_api_nodes(struct buf *out, const struct hub *hub) MUST_CHECK;
int admin_api_channel(struct buf *out, struct hub *hub, const struct app *app,
                      struct slice name) MUST_CHECK;

/* A page of a walk; `next` of one is `after` of the next, .p == NULL: from the beginning. */
struct admin_page {
    struct slice prefix; /* of the names, .p == NULL: all */
    struct slice after;
    uint32_t limit;
};
/* False: it is not what a page has given. */
bool admin_api_after_valid(struct slice after) MUST_CHECK;
/* Occupied channels. What is there from the first page to the last is in one of them at least. */
int admin_api_channels(struct buf *out, struct hub *hub, const struct app *app,
                       const struct admin_page *page) MUST_CHECK;
/* Users that have signed in, in the same way. */
int admin_api_users(struct buf *out, struct hub *hub, const struct app *app,
                    const struct admin_page *page) MUST_CHECK;
/* Members of a presence channel, in the order in which they joined. */
int admin_api_members(struct buf *out, struct hub *hub, const struct app *app, struct slice name,
                      const struct admin_page *page) MUST_CHECK;
int admin_api_sockets(struct buf *out, const struct hub *hub, const struct app *app,
                      const struct sockets_page *page) MUST_CHECK;

#endif
