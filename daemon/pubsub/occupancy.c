#include "pubsub/occupancy.h"

#include "base/buf.h"
#include "base/mem.h"
#include "proto/pusher.h"
#include "pubsub/broadcast.h"
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
        .frame =
            wire_message(&json, pusher_subscription_count(&json, dirent_name(entry), entry->here)),
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

static void occupancy_announce(struct hub *hub, uint32_t app, const struct dirent *entry,
                               unsigned int type, uint32_t before)
{
    if (app >= hub->announcer.napps || hub->announcer.wanted[app] == 0 ||
        (type & FF_CHANNEL_HIDDEN)) {
        return;
    }
    struct announcement announcement = {
        .app = app, .channel = dirent_name(entry), .before = before, .count = entry->here};
    if (before == 0 || entry->here == 0) {
        announcement.kind = before == 0 ? ANNOUNCE_OCCUPIED : ANNOUNCE_VACATED;
        announce(&hub->announcer, &announcement);
    }
    if (!(type & FF_CHANNEL_PRESENCE)) {
        announcement.kind = ANNOUNCE_COUNT;
        announce(&hub->announcer, &announcement);
    }
}

void occupancy_set(struct hub *hub, const struct mail_channel *channel, struct dirent *entry,
                   uint32_t worker, uint32_t n)
{
    uint32_t before = entry->here;
    entry->here = before - entry->counts[worker] + n;
    entry->counts[worker] = n;
    if (entry->here == before) {
        return;
    }
    unsigned int type = ff_channel_type(entry->name, entry->len);
    occupancy_announce(hub, channel->app, entry, type, before);
    occupancy_count_changed(hub, channel, entry, type);
    if ((entry->here == 0) != (before == 0)) {
        watchers_tell(hub, channel->app, dirent_name(entry), before == 0);
    }
}
