/*
 * Watchlists: a signed-in user is told when the users on its list come and go. The worker's half;
 * the hub's is pubsub/watchers.h.
 *
 * Who watches a user is subscribed, unseen, to a channel of that user's; when the first connection
 * of a user has signed in or the last one is gone, the hub sends to it.
 */
#ifndef FF_PUBSUB_WATCH_H
#define FF_PUBSUB_WATCH_H

#include "pubsub/watch_name.h"
#include "pubsub/worker.h"

/*
 * Watch these users, at most WATCH_MAX; ids are 1..FF_MAX_USER_ID bytes of text and their views are
 * copied. Their present state is sent to the connection, then what changes. The ids that are not
 * watched yet are counted into *added. -1: no memory, and some may be watched.
 */
int watch_begin(struct conn *conn, const struct slice *ids, size_t n, size_t *added) MUST_CHECK;
void watch_end(struct conn *conn); /* of all that it watches */
void watch_tell(const struct mail_tell *mail, struct worker *worker);

#endif
