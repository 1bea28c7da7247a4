#include "pubsub/share.h"
#include "pubsub/elsewhere.h"

#include "base/mem.h"
#include "pubsub/broadcast.h"
#include "pubsub/joins.h"
#include "pubsub/occupancy.h"
#include "pubsub/presence.h"
#include "pubsub/room.h"
#include "pubsub/trace.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

static struct frame *elsewhere_frame(struct slice text)
{
    return wire_frame(WS_TEXT, text, (struct slice){NULL, 0});
}

/* ---- messages ---- */

void elsewhere_deliver(struct hub *hub, uint32_t app, struct slice channel, struct slice text,
                       const struct socket_ref *except, bool client,
                       const struct traceparent *context)
{
    struct trace trace;
    struct broadcast broadcast = {.kind = client ? BROADCAST_RELAYED : BROADCAST_EVENT,
                                  .app = app,
                                  .channel = channel,
                                  .except = *except,
                                  .context = context};
    broadcast_find(hub, &broadcast);
    if (!broadcast_wanted_here(&broadcast)) {
        return;
    }
    broadcast.frame = elsewhere_frame(text);
    if (broadcast.frame != NULL) {
        if (context != NULL &&
            trace_heard(&trace, hub, hub->apps->registry->records[app]->id, context)) {
            broadcast.trace = &trace;
        }
        broadcast_receive(hub, &broadcast);
        frame_unref(broadcast.frame);
    }
}

static bool elsewhere_is_kept(struct slice channel)
{
    return (ff_channel_type(channel.p, channel.len) & FF_CHANNEL_CACHE) != 0;
}

static void elsewhere_keep(struct hub *hub, uint32_t app, struct slice channel, struct slice text,
                           uint64_t stored_ms)
{
    struct frame *frame = elsewhere_frame(text);
    if (frame != NULL) {
        cache_put(&hub->caches[app], channel, strmap_hash(channel.p, channel.len), frame,
                  stored_ms);
        frame_unref(frame);
    }
}

void elsewhere_placed(struct hub *hub, uint32_t app, struct slice channel, struct slice text)
{
    if (elsewhere_is_kept(channel)) {
        elsewhere_keep(hub, app, channel, text, hub->loop->now);
    }
}

void elsewhere_cached(struct hub *hub, uint32_t app, struct slice channel, struct slice text,
                      uint64_t ttl_ms)
{
    struct frame *events[CACHE_HISTORY];
    struct cache *cache = &hub->caches[app];
    uint64_t now = hub->loop->now;
    if (!elsewhere_is_kept(channel) ||
        cache_get(cache, channel, strmap_hash(channel.p, channel.len), now, events, NULL) > 0) {
        return; /* what came through the log is newer */
    }
    uint64_t age = cache->ttl_ms > ttl_ms && ttl_ms != 0 ? cache->ttl_ms - ttl_ms : 0;
    elsewhere_keep(hub, app, channel, text, now > age ? now - age : 0);
}

/* ---- members and counts ---- */

static struct dirent *elsewhere_entry(struct hub *hub, const struct mail_channel *channel,
                                      struct slice name)
{
    return directory_get(&hub->channels[channel->app], hub_workers(hub), channel, name.p);
}

static struct mail_channel elsewhere_channel(uint32_t app, struct slice name)
{
    return (struct mail_channel){
        .app = app, .hash = strmap_hash(name.p, name.len), .len = (uint32_t)name.len};
}

void elsewhere_joined(struct hub *hub, uint32_t source, uint32_t stamp, uint32_t app,
                      struct slice channel, const struct pusher_member *member)
{
    struct mail_channel key = elsewhere_channel(app, channel);
    joins_hold(hub, &key, elsewhere_entry(hub, &key, channel), source, stamp, member);
}

void elsewhere_left(struct hub *hub, uint32_t source, uint32_t app, struct slice channel,
                    struct slice user_id)
{
    struct dirent *entry = hub_find(hub, app, strmap_hash(channel.p, channel.len), channel);
    if (entry != NULL) {
        joins_drop(hub, entry, source, user_id, true);
        joins_release(hub, app, entry);
    }
}

void elsewhere_count(struct hub *hub, uint32_t source, uint32_t stamp, uint32_t app,
                     struct slice channel, uint32_t n)
{
    struct mail_channel key = elsewhere_channel(app, channel);
    struct dirent *entry =
        n > 0 ? elsewhere_entry(hub, &key, channel) : hub_find(hub, app, key.hash, channel);
    if (entry != NULL) {
        occupancy_set_away(hub, &key, entry, source, stamp, n, true);
        joins_release(hub, app, entry);
    }
}

/* ---- all of it ---- */

static void elsewhere_sweep_entry(struct hub *hub, uint32_t app, struct dirent *entry,
                                  uint32_t source, uint32_t stamp, bool ours)
{
    joins_drop_stale(hub, entry, source, stamp, !ours);
    if (occupancy_is_stale(entry, source, stamp)) {
        struct mail_channel key = elsewhere_channel(app, dirent_name(entry));
        occupancy_set_away(hub, &key, entry, source, 0, 0, !ours);
    }
}

void elsewhere_sweep(struct hub *hub, uint32_t source, uint32_t stamp, bool ours)
{
    for (uint32_t app = 0; app < hub->napps; app++) {
        struct directory *directory = &hub->channels[app];
        /* Entries go behind the walk: it must find the table as it was. */
        struct dirent **empty = mem_alloc((directory->entries.count + 1) * sizeof(struct dirent *));
        size_t nempty = 0, cursor = 0;
        void *value;
        while (strmap_next(&directory->entries, &cursor, &value)) {
            struct dirent *entry = value;
            bool was = entry->away != NULL || entry->room != NULL;
            elsewhere_sweep_entry(hub, app, entry, source, stamp, ours);
            if (was && dirent_total(entry) == 0) {
                empty[nempty++] = entry;
            }
        }
        for (size_t i = 0; i < nempty; i++) {
            joins_release(hub, app, empty[i]);
        }
        mem_free(empty);
    }
}

/* ---- what this node has ---- */

static void elsewhere_read_entry(struct hub *hub, uint32_t app, const struct dirent *entry,
                                 const struct elsewhere_reader *reader)
{
    const struct presence *members = room_members(entry);
    struct pusher_member member;
    const void *cursor = NULL;
    while (members != NULL && presence_next_here(members, &cursor, &member)) {
        reader->member(reader->arg, app, dirent_name(entry), &member);
    }
    if (entry->here > 0 && share_counts_channel(hub, app, dirent_name(entry))) {
        reader->count(reader->arg, app, dirent_name(entry), entry->here);
    }
}

void elsewhere_read(struct hub *hub, const struct elsewhere_reader *reader)
{
    for (uint32_t app = 0; app < hub->napps; app++) {
        size_t cursor = 0;
        void *value;
        while (strmap_next(&hub->channels[app].entries, &cursor, &value)) {
            elsewhere_read_entry(hub, app, value, reader);
        }
        if (reader->cached != NULL) {
            struct slice channel;
            struct frame *frame;
            uint64_t ttl_ms;
            cursor = 0;
            while (
                cache_next(&hub->caches[app], hub->loop->now, &cursor, &channel, &frame, &ttl_ms)) {
                reader->cached(reader->arg, app, channel, wire_payload(frame), ttl_ms);
            }
        }
    }
}
