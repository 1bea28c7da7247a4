/*
 * Watchlists: a signed-in user is told when the users on its list come and go.
 *
 * Who watches a user is subscribed, unseen, to a channel of that user's; when the first connection
 * of a user has signed in or the last one is gone, the hub publishes to it. A user is there while
 * somebody is subscribed to its #server-to-user channel. Functions run where their first argument
 * lives: connections on their worker, the rest on the hub.
 */
#ifndef FF_PUBSUB_WATCH_H
#define FF_PUBSUB_WATCH_H

#include "pubsub/hub.h"
#include "pubsub/worker.h"

#define WATCH_MAX 100u /* users on one list */

/*
 * Watch these users, at most WATCH_MAX; ids are 1..FF_MAX_USER_ID bytes of text and their views are
 * copied. Their present state is sent to the connection, then what changes. The ids that are not
 * watched yet are counted into *added. -1: no memory, and some may be watched.
 */
int watch_begin(struct conn *conn, const struct slice *ids, size_t n, size_t *added) MUST_CHECK;
void watch_end(struct conn *conn); /* of all that it watches */
void watch_tell(const struct mail_tell *mail, struct worker *worker);

void watch_answer(struct hub *hub, const struct mail_watch *mail);
/* A channel has been given its first subscriber or has lost its last: tells if it is a user's. */
void watch_changed(struct hub *hub, uint32_t app, struct slice channel, bool online);

#endif
