/*
 * What this node has, said to the others as it changes; to nobody on a node that is alone. On the
 * hub.
 */
#ifndef FF_PUBSUB_SHARE_H
#define FF_PUBSUB_SHARE_H

#include "proto/pusher.h"
#include "pubsub/hub.h"

/* Whether the counts of this application's channels are kept on every node: where occupancy causes
 * something everywhere (subscription_count, watchlists, webhooks). For others they are asked for.
 */
bool share_counts(const struct hub *hub, uint32_t app);
bool share_counts_channel(const struct hub *hub, uint32_t app, struct slice channel);

void share_count(struct hub *hub, uint32_t app, const struct dirent *entry);
void share_joined(struct hub *hub, uint32_t app, struct slice channel,
                  const struct pusher_member *member);
void share_left(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id);

#endif
