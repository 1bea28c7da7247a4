/* What the cluster says of itself to operators. */
#include <inttypes.h>

#include "base/clock.h"
#include "links/cluster.h"
#include "links/cluster_state.h"
#include "proto/json.h"

#define CLUSTER_LABEL 300u /* bytes of a label with the name of a node */

/* ---- sums over lanes ---- */

struct cluster_sums {
    uint64_t bytes_in, records_in, entries_in, duplicates, bytes_out, records_out, entries_out;
    uint64_t resent, bad, foreign, rewinds, kept_bytes, lag_ms, covers_ms;
    uint32_t lanes_up;
};

static struct cluster_sums cluster_sum(const struct cluster *cluster)
{
    struct cluster_sums sums = {.covers_ms = UINT64_MAX};
    uint64_t now = clock_mono_ms();
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        const struct cluster_lane *lane = &cluster->lanes[i];
        const struct bus_log *log = &lane->log;
        uint64_t lag = bus_log_lag(log, now);
        sums.bytes_in += log->bytes_in;
        sums.records_in += log->records_in;
        sums.entries_in += log->entries_in;
        sums.duplicates += log->duplicates;
        sums.bytes_out += log->out.sent_bytes;
        sums.records_out += log->out.records;
        sums.entries_out += log->out.entries;
        sums.resent += log->out.resent;
        sums.bad += log->bad;
        sums.foreign += log->foreign;
        sums.rewinds += log->rewinds;
        sums.kept_bytes += log->out.bytes;
        sums.lag_ms = lag > sums.lag_ms ? lag : sums.lag_ms;
        sums.covers_ms =
            lane->growth.covers_ms < sums.covers_ms ? lane->growth.covers_ms : sums.covers_ms;
        sums.lanes_up += lane->up ? 1 : 0;
    }
    return sums;
}

/* ---- /metrics ---- */

static void cluster_pair(struct metrics *out, const char *name, uint64_t in, uint64_t sent)
{
    metrics_head(out, name);
    metrics_line(out, name, "direction=\"in\"", in);
    metrics_line(out, name, "direction=\"out\"", sent);
}

/* Labels are names of nodes: letters, digits, dots, dashes, underscores; or what a node of another
 * version calls itself. */
static const char *cluster_label(char *out, size_t size, const char *name)
{
    size_t len = (size_t)snprintf(out, size, "node=\"");
    len += metrics_label(out + len, size - len - 1, name);
    snprintf(out + len, size - len, "\"");
    return out;
}

static void cluster_losses(struct metrics *out, const struct cluster *cluster, bool control)
{
    const char *name = control ? "fanfare_bus_lost_control_total" : "fanfare_bus_lost_total";
    char label[CLUSTER_LABEL];
    metrics_head(out, name);
    for (const struct cluster_loss *loss = cluster->losses; loss != NULL; loss = loss->next) {
        metrics_line(out, name, cluster_label(label, sizeof(label), loss->name),
                     control ? loss->records : loss->broadcasts);
    }
}

static void cluster_ages(struct metrics *out, const struct cluster *cluster)
{
    const char *name = "fanfare_cluster_node_age_seconds";
    char label[CLUSTER_LABEL];
    uint64_t now = clock_mono_ms();
    metrics_head(out, name);
    const struct bus_node *node = cluster->lanes[0].log.nodes.alive.first;
    for (; node != NULL; node = node->next) {
        metrics_line_seconds(out, name, cluster_label(label, sizeof(label), node->name),
                             now > node->heard_ms ? now - node->heard_ms : 0);
    }
}

uint64_t cluster_nodes(const struct cluster *cluster)
{
    return cluster->lanes[0].log.nodes.alive.count + 1;
}

const char *cluster_name(const struct cluster *cluster)
{
    return cluster->name;
}

void cluster_metrics(const struct cluster *cluster, struct metrics *out)
{
    struct cluster_sums sums = cluster_sum(cluster);
    struct redis_status redis;
    redis_status(cluster->redis, &redis);
    metrics_value(out, "fanfare_cluster_nodes", cluster_nodes(cluster));
    metrics_value(out, "fanfare_cluster_ready", cluster->ready);
    metrics_value(out, "fanfare_cluster_lanes", cluster->nlanes);
    metrics_value(out, "fanfare_cluster_lanes_up", sums.lanes_up);
    metrics_value(out, "fanfare_cluster_members", cluster->hub->rooms.members);
    cluster_pair(out, "fanfare_bus_bytes_total", sums.bytes_in, sums.bytes_out);
    cluster_pair(out, "fanfare_bus_entries_total", sums.entries_in, sums.entries_out);
    cluster_pair(out, "fanfare_bus_records_total", sums.records_in, sums.records_out);
    metrics_value(out, "fanfare_bus_resent_total", sums.resent);
    metrics_value(out, "fanfare_bus_duplicates_total", sums.duplicates);
    cluster_losses(out, cluster, false);
    cluster_losses(out, cluster, true);
    metrics_value(out, "fanfare_bus_dropped_total", cluster->dropped);
    metrics_value(out, "fanfare_bus_unsaid_total", cluster->unsaid);
    metrics_value(out, "fanfare_bus_kept_bytes", sums.kept_bytes);
    metrics_value(out, "fanfare_bus_unreadable_total", sums.bad + sums.foreign);
    metrics_value(out, "fanfare_bus_rewinds_total", sums.rewinds);
    metrics_seconds(out, "fanfare_bus_lag_seconds", sums.lag_ms);
    metrics_seconds(out, "fanfare_bus_log_seconds",
                    sums.covers_ms == UINT64_MAX ? 0 : sums.covers_ms);
    cluster_ages(out, cluster);
    metrics_value(out, "fanfare_redis_up", redis.up);
    metrics_value(out, "fanfare_redis_reconnects_total", redis.reconnects);
    metrics_value(out, "fanfare_redis_commands_total", redis.commands);
    metrics_value(out, "fanfare_redis_commands_failed_total", redis.failed);
    metrics_value(out, "fanfare_redis_unanswered_bytes", redis.bytes);
}

/* ---- /stats ---- */

static int cluster_text(struct buf *out, const char *text)
{
    return json_write_string(out, text, strlen(text));
}

static int cluster_node_stats(struct buf *out, const struct bus_node *node, uint64_t now)
{
    return buf_printf(out, ",{\"node\":") | cluster_text(out, node->name) |
           buf_printf(out,
                      ",\"id\":\"%016" PRIx64 "\",\"self\":false,\"known\":%s,\"age_ms\":%" PRIu64
                      ",\"lost\":%" PRIu64 "}",
                      node->id, node->owned == BUS_OWNED_KNOWN ? "true" : "false",
                      now > node->heard_ms ? now - node->heard_ms : 0, node->lost);
}

int cluster_stats(const struct cluster *cluster, struct buf *out)
{
    struct cluster_sums sums = cluster_sum(cluster);
    struct redis_status redis;
    uint64_t now = clock_mono_ms();
    redis_status(cluster->redis, &redis);
    int failed =
        buf_printf(out, ",\"cluster\":{\"node\":") | cluster_text(out, cluster->name) |
        buf_printf(out,
                   ",\"ready\":%s,\"lanes\":%u,\"lanes_up\":%u,\"redis\":{\"up\":%s,"
                   "\"reconnects\":%" PRIu64 ",\"why\":",
                   cluster->ready ? "true" : "false", cluster->nlanes, sums.lanes_up,
                   redis.up ? "true" : "false", redis.reconnects) |
        cluster_text(out, redis.why) |
        buf_printf(out,
                   "},\"lag_ms\":%" PRIu64 ",\"log_ms\":%" PRIu64 ",\"kept_bytes\":%" PRIu64
                   ",\"resent\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"dropped\":%" PRIu64
                   ",\"nodes\":[{\"node\":",
                   sums.lag_ms, sums.covers_ms, sums.kept_bytes, sums.resent, sums.duplicates,
                   cluster->dropped) |
        cluster_text(out, cluster->name) |
        buf_printf(out, ",\"id\":\"%016" PRIx64 "\",\"self\":true,\"known\":true}", cluster->id);
    const struct bus_node *node = cluster->lanes[0].log.nodes.alive.first;
    for (; node != NULL; node = node->next) {
        failed |= cluster_node_stats(out, node, now);
    }
    return failed | buf_text(out, "]}");
}
