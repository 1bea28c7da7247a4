#include "pubsub/share.h"
#include "pubsub/occupancy.h"

#include "base/buf.h"
#include "base/mem.h"
#include "proto/pusher.h"
#include "pubsub/broadcast.h"
#include "pubsub/cluster.h"
#include "pubsub/inorder.h"
#include "pubsub/watchers.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

#define COUNT_MS 1000u

/* A channel that is to be told, or was within the last second. */
struct count_due {
    struct count_list *list;
    struct count_due *prev, *next;
    struct dirent *entry;
    uint64_t until; /* loop time in ms at which it may be told again */
    uint32_t app, hash;
    bool changed; /* since the last one */
};

static void occupancy_count_link(struct count_list *list, struct count_due *due)
{
    due->list = list;
    due->prev = list->last;
    due->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = due;
    list->last = due;
}

static void occupancy_count_unlink(struct count_due *due)
{
    *(due->prev != NULL ? &due->prev->next : &due->list->first) = due->next;
    *(due->next != NULL ? &due->next->prev : &due->list->last) = due->prev;
}

static void occupancy_count_free(struct count_due *due)
{
    occupancy_count_unlink(due);
    due->entry->due = NULL;
    mem_free(due);
}

static void occupancy_count_tell(struct hub *hub, const struct count_due *due)
{
    struct dirent *entry = due->entry;
    if (entry->here == 0 || !hub->apps->items[due->app].settings->subscription_count) {
        return;
    }
    struct buf json = wire_json();
    struct broadcast broadcast = {
        .kind = BROADCAST_SYSTEM,
        .app = due->app,
        .hash = due->hash,
        .channel = dirent_name(entry),
        .entry = entry,
        .frame = wire_message(
            &json, pusher_subscription_count(&json, dirent_name(entry), dirent_total(entry))),
    };
    if (broadcast.frame != NULL) {
        broadcast_send(hub, &broadcast);
        frame_unref(broadcast.frame);
    }
}

/* Presence channels have their members instead. */
static void occupancy_count_changed(struct hub *hub, const struct mail_channel *channel,
                                    struct dirent *entry, unsigned int type)
{
    if (type & (FF_CHANNEL_PRESENCE | FF_CHANNEL_HIDDEN) ||
        !hub->apps->items[channel->app].settings->subscription_count) {
        return;
    }
    if (entry->due == NULL) {
        entry->due = mem_alloc(sizeof(*entry->due));
        *entry->due =
            (struct count_due){.entry = entry, .app = channel->app, .hash = channel->hash};
        occupancy_count_link(&hub->counts.fresh, entry->due);
    }
    entry->due->changed = true;
}

void occupancy_tell_due(struct hub *hub)
{
    struct counts *counts = &hub->counts;
    /* Their second is over: again, or forgotten. */
    while (counts->told.first != NULL && hub->loop->now >= counts->told.first->until) {
        struct count_due *due = counts->told.first;
        if (due->changed) {
            occupancy_count_unlink(due);
            occupancy_count_link(&counts->fresh, due);
        } else {
            occupancy_count_free(due);
        }
    }
    while (counts->fresh.first != NULL && hub_open(hub)) {
        struct count_due *due = counts->fresh.first;
        occupancy_count_unlink(due);
        occupancy_count_tell(hub, due);
        due->changed = false;
        due->until = hub->loop->now + COUNT_MS;
        occupancy_count_link(&counts->told, due);
    }
}

void occupancy_forget(struct dirent *entry)
{
    if (entry->due != NULL) {
        occupancy_count_free(entry->due);
    }
}

/* So many are known to be subscribed, here and elsewhere, where there were `before`. */
static void occupancy_changed(struct hub *hub, const struct mail_channel *channel,
                              struct dirent *entry, uint32_t before)
{
    uint32_t total = dirent_total(entry);
    if (total == before) {
        return;
    }
    occupancy_count_changed(hub, channel, entry, ff_channel_type(entry->name, entry->len));
    if ((total == 0) != (before == 0)) {
        watchers_tell(hub, channel->app, dirent_name(entry), before == 0);
    }
}

void occupancy_set(struct hub *hub, const struct mail_channel *channel, struct dirent *entry,
                   uint32_t worker, uint32_t n)
{
    uint32_t before = entry->here, total = dirent_total(entry);
    entry->here = before - entry->counts[worker] + n;
    entry->counts[worker] = n;
    if (entry->here == before) {
        return;
    }
    if (hub->cluster_ops == NULL || share_counts_channel(hub, channel->app, dirent_name(entry))) {
        inorder_count(hub, channel->app, entry, before);
        share_count(hub, channel->app, entry);
    } else {
        inorder_count_here(hub, channel->app, entry, before);
    }
    occupancy_changed(hub, channel, entry, total);
}

/* ---- other nodes ---- */

static struct away *occupancy_away_grow(struct dirent *entry)
{
    uint32_t n = entry->away != NULL ? entry->away->n : 0, sum = n > 0 ? entry->away->sum : 0;
    entry->away =
        mem_realloc(entry->away, sizeof(*entry->away) + (n + 1) * sizeof(entry->away->nodes[0]));
    entry->away->n = n;
    entry->away->sum = sum;
    return entry->away;
}

static void occupancy_away_put(struct dirent *entry, uint32_t source, uint32_t stamp, uint32_t n)
{
    struct away *away = entry->away;
    uint32_t i = 0;
    while (away != NULL && i < away->n && away->nodes[i].source != source) {
        i++;
    }
    if (away != NULL && i < away->n) {
        away->sum += n - away->nodes[i].count;
        away->nodes[i].count = n;
        away->nodes[i].stamp = stamp;
    } else if (n > 0) {
        away = occupancy_away_grow(entry);
        away->sum += n;
        away->nodes[i].source = source;
        away->nodes[i].stamp = stamp;
        away->nodes[i].count = n;
        away->n++;
        return;
    }
    if (away != NULL && n == 0 && i < away->n) {
        away->nodes[i] = away->nodes[--away->n];
    }
    if (away != NULL && away->n == 0) {
        mem_free(away);
        entry->away = NULL;
    }
}

void occupancy_set_away(struct hub *hub, const struct mail_channel *channel, struct dirent *entry,
                        uint32_t source, uint32_t stamp, uint32_t n, bool theirs)
{
    uint32_t total = dirent_total(entry), before = total - entry->here;
    occupancy_away_put(entry, source, stamp, n);
    inorder_count_elsewhere(hub, channel->app, entry, before, theirs ? source : 0);
    occupancy_changed(hub, channel, entry, total);
}

bool occupancy_is_stale(const struct dirent *entry, uint32_t source, uint32_t stamp)
{
    for (uint32_t i = 0; entry->away != NULL && i < entry->away->n; i++) {
        if (entry->away->nodes[i].source == source) {
            return stamp == 0 || entry->away->nodes[i].stamp != stamp;
        }
    }
    return false;
}
