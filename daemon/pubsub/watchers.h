/*
 * The hub's half of watchlists (pubsub/watch.h): who is online, and telling those who watch. A user
 * is there while somebody is subscribed to its #server-to-user channel. On the hub.
 */
#ifndef FF_PUBSUB_WATCHERS_H
#define FF_PUBSUB_WATCHERS_H

#include "pubsub/hub.h"

/* Answers a connection that has begun to watch. */
void watchers_answer(struct hub *hub, const struct mail_watch *mail);
/* A channel has been given its first subscriber or has lost its last: tells if it is a user's. */
void watchers_tell(struct hub *hub, uint32_t app, struct slice channel, bool online);

#endif
