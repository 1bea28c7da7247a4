/*
 * What follows when the number of a channel's subscribers changes, here or on another node: whoever
 * wants to hear of it is told (other nodes, announcements, watched users), and so are the
 * subscribers themselves where the application wants pusher_internal:subscription_count. On the
 * hub.
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
/* Another node has n connections on the channel from now on, said with this stamp. theirs: somebody
 * else tells those outside of it (pubsub/inorder.h). */
void occupancy_set_away(struct hub *hub, const struct mail_channel *channel, struct dirent *entry,
                        uint32_t source, uint32_t stamp, uint32_t n, bool theirs);
/* Whether what is known of the node was said with another stamp than this one (0: any). */
bool occupancy_is_stale(const struct dirent *entry, uint32_t source, uint32_t stamp);
/* Sends the counts whose time has come. Each turn. */
void occupancy_tell_due(struct hub *hub);
/* The entry goes. */
void occupancy_forget(struct dirent *entry);

#endif
