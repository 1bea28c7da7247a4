#include "links/admin_api.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "links/cluster.h"
#include "proto/json.h"
#include "pubsub/control.h"
#include "pubsub/presence.h"
#include "pubsub/query.h"
#include "pubsub/share.h"
#include "shared/channel.h"

static int admin_api_text(struct buf *out, const char *text)
{
    return json_write_string(out, text, strlen(text));
}

static const char *admin_api_bool(bool value)
{
    return value ? "true" : "false";
}

/* ---- the process ---- */

const char *admin_api_state(const struct hub *hub)
{
    static const char *const states[] = {
        [CLUSTER_READY] = "ready", [CLUSTER_JOINING] = "joining", [CLUSTER_WITHOUT] = "redis"};
    if (hub->draining) {
        return "draining";
    }
    return hub->cluster != NULL ? states[cluster_health(hub->cluster)] : "ready";
}

int admin_api_counters(struct buf *out, const struct hub *hub)
{
    int failed = buf_text(out, "{");
    for (int i = 0; i < COUNTER_MAX; i++) {
        const struct counter_info *info = &counter_infos[i];
        bool labels = info->labels[0] != '\0';
        char name[160];
        snprintf(name, sizeof(name), "%s%s%s%s", info->metric, labels ? "{" : "", info->labels,
                 labels ? "}" : "");
        failed |= i > 0 ? buf_text(out, ",") : 0;
        failed |= admin_api_text(out, name);
        failed |= buf_printf(out, ":%" PRIu64, hub_counter(hub, (enum counter)i));
    }
    return failed | buf_text(out, "}");
}

static int admin_api_list(struct buf *out, const char *key, const struct text_list *list)
{
    int failed = buf_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < list->count; i++) {
        failed |= i > 0 ? buf_text(out, ",") : 0;
        failed |= admin_api_text(out, list->items[i]);
    }
    return failed | buf_text(out, "]");
}

static int admin_api_facts(struct buf *out, const struct process_facts *facts)
{
    int failed = admin_api_list(out, "listen", facts->listen) |
                 admin_api_list(out, "tls_listen", facts->tls_listen) |
                 buf_text(out, ",\"socket\":") | admin_api_text(out, facts->socket) |
                 buf_text(out, ",\"config\":");
    return failed | (facts->config_path != NULL ? admin_api_text(out, facts->config_path)
                                                : buf_text(out, "null"));
}

/* Removed, and its last connection has ended. */
static bool admin_api_gone(const struct app *app)
{
    return app->removed && app_connections(app) == 0;
}

static size_t admin_api_app_count(const struct hub *hub)
{
    size_t n = 0;
    for (size_t i = 0; i < hub->apps->count; i++) {
        n += admin_api_gone(&hub->apps->items[i]) ? 0 : 1;
    }
    return n;
}

int admin_api_status(struct buf *out, const struct hub *hub)
{
    int failed = buf_printf(
        out,
        "{\"version\":\"%s\",\"pid\":%ld,\"state\":\"%s\",\"uptime\":%" PRIu64
        ",\"workers\":%" PRIu32 ",\"connections\":%" PRIu32 ",\"max_connections\":%" PRIu64
        ",\"channels\":%zu,\"apps\":%zu,\"log_level\":\"%s\",\"log_dropped\":%" PRIu64,
        FANFARE_VERSION, (long)getpid(), admin_api_state(hub),
        (clock_mono_ms() - hub->started_ms) / 1000, hub_workers(hub), apps_connections(hub->apps),
        hub->limits->max_connections, hub_channels(hub), admin_api_app_count(hub),
        log_level_name(log_level()), log_dropped());
    if (hub->facts != NULL) {
        failed |= admin_api_facts(out, hub->facts);
    }
    if (hub->cluster != NULL) {
        failed |= buf_text(out, ",\"node\":") | admin_api_text(out, cluster_name(hub->cluster)) |
                  buf_printf(out, ",\"nodes\":%" PRIu64, cluster_nodes(hub->cluster));
    }
    return failed | buf_text(out, ",\"counters\":") | admin_api_counters(out, hub) |
           buf_text(out, "}");
}

int admin_api_apps(struct buf *out, const struct hub *hub)
{
    const char *comma = "";
    int failed = buf_text(out, "{\"apps\":[");
    for (size_t i = 0; i < hub->apps->count; i++) {
        const struct app *app = &hub->apps->items[i];
        if (!admin_api_gone(app)) {
            failed |= buf_printf(out,
                                 "%s{\"id\":\"%s\",\"state\":\"%s\",\"connections\":%" PRIu32
                                 ",\"max_connections\":%" PRIu64 ",\"channels\":%zu}",
                                 comma, app->settings->id,
                                 app->removed ? "removed"
                                              : (app->settings->enabled ? "enabled" : "disabled"),
                                 app_connections(app), app->settings->max_connections,
                                 hub_app_channels(hub, (uint32_t)i));
            comma = ",";
        }
    }
    return failed | buf_text(out, "]}");
}

int admin_api_nodes(struct buf *out, const struct hub *hub)
{
    if (hub->cluster == NULL) {
        return buf_text(out, "{\"cluster\":null}");
    }
    /* It begins with the comma that /stats needs. */
    size_t at = out->len;
    int failed = cluster_stats(hub->cluster, out);
    if (failed == 0) {
        out->data[at] = '{';
    }
    return failed | buf_text(out, "}");
}

/* ---- channels ---- */

/* What is known of it here; on a node among others that may be a part. */
static bool admin_api_partial(const struct hub *hub, const struct app *app)
{
    return hub->cluster_ops != NULL && !share_counts(hub, app->index);
}

static const char *admin_api_kind(unsigned int type)
{
    if (type & FF_CHANNEL_PRESENCE) {
        return "presence";
    }
    if (type & FF_CHANNEL_ENCRYPTED) {
        return "encrypted";
    }
    return type & FF_CHANNEL_PRIVATE ? "private" : "public";
}

static int admin_api_channel_item(struct buf *out, struct slice name,
                                  const struct channel_info *info)
{
    int failed = buf_text(out, "{\"name\":") | json_write_string(out, name.p, name.len) |
                 buf_printf(out, ",\"type\":\"%s\",\"cache\":%s,\"subscriptions\":%" PRIu32,
                            admin_api_kind(info->type),
                            admin_api_bool(info->type & FF_CHANNEL_CACHE), info->subscriptions);
    if (info->type & FF_CHANNEL_PRESENCE) {
        failed |= buf_printf(out, ",\"users\":%" PRIu32, info->users);
    }
    return failed | buf_text(out, "}");
}

int admin_api_channel(struct buf *out, struct hub *hub, const struct app *app, struct slice name)
{
    struct channel_info info = query_channel(hub, app, name);
    struct slice data;
    uint64_t ttl;
    int failed =
        buf_printf(out,
                   "{\"app\":\"%s\",\"occupied\":%s,\"partial\":%s,\"channel\":", app->settings->id,
                   admin_api_bool(info.occupied), admin_api_bool(admin_api_partial(hub, app))) |
        admin_api_channel_item(out, name, &info);
    if ((info.type & FF_CHANNEL_CACHE) && query_cached(hub, app, name, &data, &ttl)) {
        failed |= buf_printf(out, ",\"cached\":{\"bytes\":%zu,\"ttl\":%" PRIu64 "}", data.len, ttl);
    }
    return failed | buf_text(out, "}");
}

/* A walk through the directory, of which a page is one piece. */
struct admin_api_walk {
    struct buf *out;
    const struct hub *hub;
    const struct app *app;
    const struct admin_page *page;
    struct slice begins; /* what names begin with, before the page's prefix */
    unsigned int type;   /* of those that are wanted, among FF_CHANNEL_HIDDEN */
    int failed;
    uint32_t n, looked;
};

static bool admin_api_starts(struct slice name, struct slice prefix)
{
    return name.len >= prefix.len && (prefix.len == 0 || memcmp(name.p, prefix.p, prefix.len) == 0);
}

static void admin_api_on_entry(void *arg, void *value)
{
    struct admin_api_walk *walk = arg;
    const struct dirent *entry = value;
    struct slice name = dirent_name(entry);
    walk->looked++;
    if ((ff_channel_type(name.p, name.len) & FF_CHANNEL_HIDDEN) != walk->type ||
        !admin_api_starts(name, walk->begins)) {
        return;
    }
    struct channel_info info = query_channel((struct hub *)(uintptr_t)walk->hub, walk->app, name);
    name.p += walk->begins.len;
    name.len -= walk->begins.len;
    if (!info.occupied || !admin_api_starts(name, walk->page->prefix)) {
        return;
    }
    walk->failed |= walk->n++ > 0 ? buf_text(walk->out, ",") : 0;
    if (walk->type == 0) {
        walk->failed |= admin_api_channel_item(walk->out, name, &info);
    } else {
        walk->failed |= buf_text(walk->out, "{\"id\":") |
                        json_write_string(walk->out, name.p, name.len) |
                        buf_printf(walk->out, ",\"connections\":%" PRIu32 "}", info.subscriptions);
    }
}

/* "at.slots.restarts", as admin_api_walk_page writes it. */
static bool admin_api_scan_read(struct slice text, struct strmap_scan *scan)
{
    char room[64];
    unsigned long long at, slots;
    unsigned int restarts;
    int used = 0;
    *scan = (struct strmap_scan){0};
    if (text.p == NULL) {
        return true;
    }
    if (text.len >= sizeof(room)) {
        return false;
    }
    memcpy(room, text.p, text.len);
    room[text.len] = '\0';
    if (sscanf(room, "%18llu.%18llu.%2u%n", &at, &slots, &restarts, &used) != 3 ||
        (size_t)used != text.len || restarts > 16 || at > slots) {
        return false;
    }
    *scan = (struct strmap_scan){.at = (size_t)at, .slots = (size_t)slots, .restarts = restarts};
    return true;
}

bool admin_api_after_valid(struct slice after)
{
    struct strmap_scan scan;
    return admin_api_scan_read(after, &scan);
}

static int admin_api_walk_page(struct admin_api_walk *walk, const char *key)
{
    const struct admin_page *page = walk->page;
    struct strmap_scan scan;
    bool more = true;
    if (!admin_api_scan_read(page->after, &scan)) {
        return -1;
    }
    int failed =
        buf_printf(walk->out, "{\"app\":\"%s\",\"partial\":%s,\"%s\":[", walk->app->settings->id,
                   admin_api_bool(admin_api_partial(walk->hub, walk->app)), key);
    while (more && walk->n < page->limit && walk->looked < ADMIN_API_LOOK) {
        /* A name that is met twice after the table has changed its size costs a line; pieces that
         * grow with each such change would cost the others' time. */
        unsigned int restarts = scan.restarts;
        scan.restarts = restarts > 4 ? 4 : restarts;
        more = strmap_scan(&walk->hub->channels[walk->app->index].entries, &scan, page->limit,
                           admin_api_on_entry, walk);
    }
    failed |= walk->failed | buf_text(walk->out, "],\"next\":");
    if (more) {
        failed |= buf_printf(walk->out, "\"%zu.%zu.%u\"}", scan.at, scan.slots, scan.restarts);
    } else {
        failed |= buf_text(walk->out, "null}");
    }
    return failed;
}

int admin_api_channels(struct buf *out, struct hub *hub, const struct app *app,
                       const struct admin_page *page)
{
    struct admin_api_walk walk = {
        .out = out, .hub = hub, .app = app, .page = page, .begins = {"", 0}};
    return admin_api_walk_page(&walk, "channels");
}

int admin_api_users(struct buf *out, struct hub *hub, const struct app *app,
                    const struct admin_page *page)
{
    struct admin_api_walk walk = {.out = out,
                                  .hub = hub,
                                  .app = app,
                                  .page = page,
                                  .begins = SLICE(FF_USER_CHANNEL_PREFIX),
                                  .type = FF_CHANNEL_USER};
    return admin_api_walk_page(&walk, "users");
}

/* ---- members and connections ---- */

static int admin_api_member(struct buf *out, const struct pusher_member *member)
{
    int failed = buf_text(out, "{\"id\":") |
                 json_write_string(out, member->user_id.p, member->user_id.len) |
                 buf_text(out, ",\"info\":");
    return failed |
           (member->info_json.p != NULL
                ? buf_append(out, member->info_json.p, member->info_json.len)
                : buf_text(out, "null")) |
           buf_text(out, "}");
}

int admin_api_members(struct buf *out, struct hub *hub, const struct app *app, struct slice name,
                      const struct admin_page *page)
{
    const struct presence *presence = query_presence(hub, app, name);
    struct strmap_scan from;
    if (!admin_api_scan_read(page->after, &from)) {
        return -1;
    }
    size_t at = 0, n = 0;
    bool more = false;
    int failed = buf_printf(out, "{\"app\":\"%s\",\"channel\":", app->settings->id) |
                 json_write_string(out, name.p, name.len) | buf_text(out, ",\"members\":[");
    if (presence != NULL) {
        struct presence_walk walk;
        struct pusher_members members = presence_members(&walk, presence);
        struct pusher_member member;
        while (!more && members.next(members.arg, &member)) {
            if (at < from.at) {
                at++;
            } else if (n == page->limit) {
                more = true;
            } else {
                failed |= n++ > 0 ? buf_text(out, ",") : 0;
                failed |= admin_api_member(out, &member);
                at++;
            }
        }
    }
    failed |= buf_text(out, "],\"next\":");
    return failed | (more ? buf_printf(out, "\"%zu.%zu.0\"}", at, at) : buf_text(out, "null}"));
}

int admin_api_sockets(struct buf *out, const struct hub *hub, const struct app *app,
                      const struct sockets_page *page)
{
    char id[SOCKET_ID_MAX];
    size_t len = 0;
    int failed =
        buf_printf(out, "{\"app\":\"%s\",\"partial\":%s,\"connections\":[", app->settings->id,
                   admin_api_bool(!page->whole || hub->cluster_ops != NULL));
    for (uint32_t i = 0; i < page->n; i++) {
        const struct sockets_item *item = &page->items[i];
        len = socket_id_write(id, &item->ref);
        failed |=
            buf_printf(out, "%s{\"id\":\"%.*s\",\"worker\":%" PRIu32 ",\"user\":", i > 0 ? "," : "",
                       (int)len, id, item->ref.worker);
        failed |= item->user_id.p != NULL
                      ? json_write_string(out, item->user_id.p, item->user_id.len)
                      : buf_text(out, "null");
        failed |= buf_text(out, ",\"address\":") |
                  json_write_string(out, item->address.p, item->address.len) |
                  buf_printf(out,
                             ",\"opened\":%" PRIu64 ",\"subscriptions\":%" PRIu32
                             ",\"unread\":%" PRIu32 "}",
                             item->opened_ms / 1000, item->subscriptions, item->unread);
    }
    failed |= buf_text(out, "],\"next\":");
    return failed | (page->more && page->n > 0 ? buf_printf(out, "\"%.*s\"}", (int)len, id)
                                               : buf_text(out, "null}"));
}
