#include "links/ipc_stats.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "links/cluster.h"
#include "pubsub/control.h"
#include "shared/ipc_pack.h"

#define STATS_LIST (64u << 10) /* bytes of a list as text */

/* Pairs are collected on their own, because a map begins with their number. */
struct ipc_stats {
    msgpack_sbuffer pairs;
    uint32_t n;
    int failed;
};

static void ipc_stats_uint(struct ipc_stats *stats, const char *name, uint64_t value)
{
    stats->n++;
    stats->failed |= ff_ipc_pack_stats_uint(&stats->pairs, name, value);
}

static void ipc_stats_bool(struct ipc_stats *stats, const char *name, bool value)
{
    stats->n++;
    stats->failed |= ff_ipc_pack_stats_bool(&stats->pairs, name, value);
}

static void ipc_stats_text(struct ipc_stats *stats, const char *name, const char *value)
{
    stats->n++;
    stats->failed |= ff_ipc_pack_stats_text(&stats->pairs, name, value);
}

/* As it stands in the configuration: with commas between the items. */
static void ipc_stats_list(struct ipc_stats *stats, const char *name, const struct text_list *list)
{
    struct buf text;
    buf_init(&text, STATS_LIST);
    for (size_t i = 0; i < list->count; i++) {
        if (buf_printf(&text, "%s%s", i > 0 ? ", " : "", list->items[i]) != 0) {
            break;
        }
    }
    if (buf_append(&text, "", 1) == 0) {
        ipc_stats_text(stats, name, (const char *)text.data);
    } else {
        stats->failed = -1;
    }
    buf_free(&text);
}

/* Bytes of memory that the process has from the kernel. 0: it does not say. */
static uint64_t ipc_stats_memory(void)
{
    unsigned long long whole, resident = 0;
    FILE *in = fopen("/proc/self/statm", "re");
    if (in == NULL) {
        return 0;
    }
    if (fscanf(in, "%llu %llu", &whole, &resident) != 2) {
        resident = 0;
    }
    fclose(in);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The words of /health/ready. */
static const char *ipc_stats_state(const struct hub *hub)
{
    if (hub->draining) {
        return "draining";
    }
    if (hub->cluster == NULL) {
        return "ready";
    }
    switch (cluster_health(hub->cluster)) {
    case CLUSTER_JOINING:
        return "joining";
    case CLUSTER_WITHOUT:
        return "redis";
    case CLUSTER_READY:
        break;
    }
    return "ready";
}

static void ipc_stats_figures(struct ipc_stats *stats, struct hub *hub, const struct app *app)
{
    ipc_stats_text(stats, "version", FANFARE_VERSION);
    ipc_stats_uint(stats, "pid", (uint64_t)getpid());
    ipc_stats_uint(stats, "uptime", (clock_mono_ms() - hub->started_ms) / 1000);
    ipc_stats_uint(stats, "workers", hub_workers(hub));
    ipc_stats_uint(stats, "connections", app_connections(app));
    ipc_stats_uint(stats, "channels", hub_app_channels(hub, app->index));
    ipc_stats_uint(stats, "messages_in", hub_counter(hub, COUNTER_MESSAGES_IN));
    ipc_stats_uint(stats, "messages_out", hub_counter(hub, COUNTER_MESSAGES_OUT));
    ipc_stats_uint(stats, "bytes_out", hub_counter(hub, COUNTER_BYTES_OUT));
    ipc_stats_uint(stats, "dropped",
                   hub_counter(hub, COUNTER_DROPPED_OUTPUT_HARD) +
                       hub_counter(hub, COUNTER_DROPPED_OUTPUT_SOFT) +
                       hub_counter(hub, COUNTER_DROPPED_OUTPUT_TOTAL));
    ipc_stats_bool(stats, "draining", hub->draining);
    ipc_stats_text(stats, "state", ipc_stats_state(hub));
    ipc_stats_uint(stats, "unix_ms", clock_wall_ms());
    ipc_stats_uint(stats, "memory", ipc_stats_memory());
    ipc_stats_uint(stats, "node_connections", apps_connections(hub->apps));
    ipc_stats_uint(stats, "node_channels", hub_channels(hub));
    ipc_stats_uint(stats, "connections_opened", hub_counter(hub, COUNTER_CONNECTIONS_OPENED));
    ipc_stats_uint(stats, "connections_closed", hub_counter(hub, COUNTER_CONNECTIONS_CLOSED));
    ipc_stats_uint(stats, "published",
                   hub_counter(hub, COUNTER_PUBLISHED_IPC) +
                       hub_counter(hub, COUNTER_PUBLISHED_HTTP));
    ipc_stats_uint(stats, "reloads", hub_counter(hub, COUNTER_RELOADS));
    ipc_stats_uint(stats, "reloads_failed", hub_counter(hub, COUNTER_RELOADS_FAILED));
    ipc_stats_uint(stats, "log_dropped", log_dropped());
    ipc_stats_uint(stats, "nodes", hub->cluster != NULL ? cluster_nodes(hub->cluster) : 1);
    ipc_stats_text(stats, "node", hub->cluster != NULL ? cluster_name(hub->cluster) : "");
}

/* What does not fit an application's own idea of the daemon shows here. */
static void ipc_stats_settings(struct ipc_stats *stats, const struct hub *hub,
                               const struct app *app)
{
    static const char *const client_events[] = {[CLIENT_EVENTS_MEMBERS] = "members",
                                                [CLIENT_EVENTS_NONE] = "none",
                                                [CLIENT_EVENTS_ALL] = "all"};
    const struct limits *limits = hub->limits;
    const struct app_settings *settings = app->settings;
    if (hub->facts != NULL) {
        ipc_stats_list(stats, "listen", hub->facts->listen);
        ipc_stats_list(stats, "tls_listen", hub->facts->tls_listen);
        ipc_stats_text(stats, "socket", hub->facts->socket);
        ipc_stats_text(stats, "config",
                       hub->facts->config_path != NULL ? hub->facts->config_path : "");
    }
    ipc_stats_text(stats, "path_prefix", hub->apps->path_prefix);
    ipc_stats_uint(stats, "uid", (uint64_t)geteuid());
    ipc_stats_uint(stats, "ipc_protocol", FF_IPC_VERSION);
    ipc_stats_uint(stats, "ipc_protocol_min", FF_IPC_VERSION_MIN);
    ipc_stats_text(stats, "client_protocols", "5, 6, 7");
    ipc_stats_bool(stats, "log_messages", log_messages());
    ipc_stats_uint(stats, "max_connections",
                   app_limit(limits->max_connections, settings->max_connections));
    ipc_stats_uint(stats, "max_message_size",
                   app_limit(limits->max_message_size, settings->max_message_size));
    ipc_stats_uint(stats, "max_event_size",
                   app_limit(limits->max_event_size, settings->max_event_size));
    ipc_stats_uint(stats, "max_event_name", limits->max_event_name);
    ipc_stats_uint(stats, "max_channel_name",
                   app_limit(limits->max_channel_name, settings->max_channel_name));
    ipc_stats_uint(stats, "max_presence_members", settings->max_presence_members);
    ipc_stats_uint(stats, "activity_timeout", limits->activity_timeout);
    ipc_stats_list(stats, "allowed_origins", &settings->allowed_origins);
    ipc_stats_bool(stats, "allow_missing_origin", settings->allow_missing_origin);
    ipc_stats_text(stats, "client_events", client_events[settings->client_events]);
    ipc_stats_bool(stats, "user_authentication", settings->user_authentication);
    ipc_stats_bool(stats, "watchlist", settings->watchlist);
    ipc_stats_bool(stats, "subscription_count", settings->subscription_count);
    ipc_stats_bool(stats, "webhooks",
                   settings->webhook_url != NULL && settings->webhook_url[0] != '\0');
    ipc_stats_bool(stats, "control", settings->control);
}

int ipc_stats(struct hub *hub, const struct app *app, uint64_t seq, msgpack_sbuffer *out)
{
    struct ipc_stats stats = {.n = 0};
    size_t mark;
    msgpack_sbuffer_init(&stats.pairs);
    ipc_stats_figures(&stats, hub, app);
    ipc_stats_settings(&stats, hub, app);
    if (stats.failed == 0 && ff_ipc_pack_stats_begin(out, seq, stats.n, &mark) == 0) {
        if (msgpack_sbuffer_write(out, stats.pairs.data, stats.pairs.size) != 0 ||
            ff_ipc_pack_stats_end(out, mark) != 0) {
            out->size = mark;
            stats.failed = -1;
        }
    } else {
        stats.failed = -1;
    }
    msgpack_sbuffer_destroy(&stats.pairs);
    return stats.failed == 0 ? 0 : -1;
}
