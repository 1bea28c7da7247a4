#include "pubsub/share.h"

#include "pubsub/cluster.h"
#include "shared/channel.h"

bool share_counts(const struct hub *hub, uint32_t app)
{
    const struct app_settings *settings = hub->apps->items[app].settings;
    return settings->subscription_count || settings->watchlist ||
           announce_needed(&hub->announcer, app, ANNOUNCE_OCCUPIED) ||
           announce_needed(&hub->announcer, app, ANNOUNCE_VACATED) ||
           announce_needed(&hub->announcer, app, ANNOUNCE_COUNT) ||
           announce_needed(&hub->announcer, app, ANNOUNCE_ONLINE) ||
           announce_needed(&hub->announcer, app, ANNOUNCE_OFFLINE);
}

bool share_counts_channel(const struct hub *hub, uint32_t app, struct slice channel)
{
    /* Who watches whom is each node's own affair. */
    return share_counts(hub, app) && !(ff_channel_type(channel.p, channel.len) & FF_CHANNEL_WATCH);
}

void share_count(struct hub *hub, uint32_t app, const struct dirent *entry)
{
    if (hub->cluster_ops != NULL) {
        hub->cluster_ops->counted(hub->cluster, app, dirent_name(entry), entry->here);
    }
}

void share_joined(struct hub *hub, uint32_t app, struct slice channel,
                  const struct pusher_member *member)
{
    if (hub->cluster_ops != NULL) {
        hub->cluster_ops->joined(hub->cluster, app, channel, member);
    }
}

void share_left(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id)
{
    if (hub->cluster_ops != NULL) {
        hub->cluster_ops->left(hub->cluster, app, channel, user_id);
    }
}
