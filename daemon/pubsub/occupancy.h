/*
 * What follows when the number of a channel's subscribers changes: whoever wants to hear of it is
 * told (announcements, watched users), and so are the subscribers themselves where the application
 * wants pusher_internal:subscription_count. On the hub.
 *
 * A count is sent at the first change at once and then at most once a second and channel, with the
 * latest value: one client that flips its subscription must not make a message for each of
 * thousands each time.
 */
#ifndef FF_PUBSUB_OCCUPANCY_H
#define FF_PUBSUB_OCCUPANCY_H

#include "pubsub/hub.h"

/* The worker has n connections on the channel from now on. */
void occupancy_set(struct hub *hub, const struct mail_channel *channel, struct dirent *entry,
                   uint32_t worker, uint32_t n);
/* Sends the counts whose time has come. Each turn. */
void occupancy_tell_due(struct hub *hub);
/* The entry goes. */
void occupancy_forget(struct dirent *entry);

#endif
