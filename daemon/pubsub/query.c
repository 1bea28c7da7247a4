#include "pubsub/gathered.h"
#include "pubsub/query.h"

#include <string.h>

#include "proto/json.h"
#include "pubsub/presence.h"
#include "pubsub/room.h"
#include "pubsub/share.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

static struct channel_info query_info(const struct hub *hub, const struct app *app,
                                      const struct dirent *entry, struct slice name)
{
    struct channel_info info = {.type = ff_channel_type(name.p, name.len)};
    if (entry != NULL) {
        /* What was told everywhere counts only as long as it is: a reload may have ended that. */
        info.subscriptions = share_counts(hub, app->index) ? dirent_total(entry) : entry->here;
        const struct presence *members = room_members(entry);
        info.users = members != NULL ? (uint32_t)presence_count(members) : 0;
    }
    if (hub->gathered != NULL) {
        info.subscriptions += gathered_subscriptions(hub->gathered, name);
    }
    info.occupied = info.subscriptions > 0 || info.users > 0;
    return info;
}

struct channel_info query_channel(struct hub *hub, const struct app *app, struct slice name)
{
    return query_info(hub, app, hub_find(hub, app->index, strmap_hash(name.p, name.len), name),
                      name);
}

static bool query_begins_with(struct slice name, struct slice prefix)
{
    return prefix.p == NULL ||
           (name.len >= prefix.len && memcmp(name.p, prefix.p, prefix.len) == 0);
}

/* Those that this node knows. */
static bool query_next_here(struct hub *hub, const struct app *app, struct slice prefix,
                            size_t *cursor, struct slice *name, struct channel_info *info)
{
    void *value;
    while (strmap_next(&hub->channels[app->index].entries, cursor, &value)) {
        const struct dirent *entry = value;
        *name = (struct slice){entry->name, entry->len};
        if (!query_begins_with(*name, prefix)) {
            continue;
        }
        *info = query_info(hub, app, entry, *name);
        if (info->occupied && !(info->type & FF_CHANNEL_HIDDEN)) {
            return true;
        }
    }
    return false;
}

/* Those that only others have named. */
static bool query_next_elsewhere(struct hub *hub, const struct app *app, struct slice prefix,
                                 size_t *cursor, struct slice *name, struct channel_info *info)
{
    uint32_t subscriptions;
    while (gathered_next(hub->gathered, cursor, name, &subscriptions)) {
        if (hub_find(hub, app->index, strmap_hash(name->p, name->len), *name) == NULL &&
            query_begins_with(*name, prefix)) {
            *info = query_info(hub, app, NULL, *name);
            return true;
        }
    }
    return false;
}

bool query_next(struct hub *hub, const struct app *app, struct slice prefix,
                struct query_cursor *cursor, struct slice *name, struct channel_info *info)
{
    if (!cursor->elsewhere) {
        if (query_next_here(hub, app, prefix, &cursor->at, name, info)) {
            return true;
        }
        *cursor = (struct query_cursor){.elsewhere = true};
    }
    return hub->gathered != NULL && query_next_elsewhere(hub, app, prefix, &cursor->at, name, info);
}

uint64_t query_connections(const struct hub *hub, const struct app *app)
{
    return app_connections(app) + (hub->gathered != NULL ? gathered_connections(hub->gathered) : 0);
}

const struct presence *query_presence(struct hub *hub, const struct app *app, struct slice name)
{
    const struct dirent *entry = hub_find(hub, app->index, strmap_hash(name.p, name.len), name);
    return entry != NULL ? room_members(entry) : NULL;
}

/* The event that a finished frame holds: its data, as the JSON string that it is there. */
static struct slice query_data(const struct frame *frame)
{
    struct slice json = wire_payload(frame), key, value;
    size_t cursor = 0;
    while (json_next(json, &cursor, &key, &value)) {
        if (json_string_is(key, "data")) {
            return value;
        }
    }
    return SLICE("null");
}

bool query_cached(struct hub *hub, const struct app *app, struct slice name, struct slice *data,
                  uint64_t *ttl)
{
    uint64_t ttl_ms = 0;
    struct frame *events[CACHE_HISTORY];
    size_t n = cache_get(&hub->caches[app->index], name, strmap_hash(name.p, name.len),
                         hub->loop->now, events, &ttl_ms);
    if (n == 0) {
        return false;
    }
    *data = query_data(events[n - 1]);
    *ttl = (ttl_ms + 999) / 1000;
    return true;
}
