/* What the cluster says of itself to operators. */
#include <inttypes.h>

#include "base/clock.h"
#include "links/cluster.h"
#include "links/cluster_state.h"
#include "proto/json.h"

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

static int cluster_metric(struct buf *out, const char *name, const char *type, const char *help)
{
    return buf_printf(out, "# HELP fanfare_%s %s\n# TYPE fanfare_%s %s\n", name, help, name, type);
}

static int cluster_number(struct buf *out, const char *name, const char *type, const char *help,
                          uint64_t value)
{
    return cluster_metric(out, name, type, help) |
           buf_printf(out, "fanfare_%s %" PRIu64 "\n", name, value);
}

static int cluster_pair(struct buf *out, const char *name, const char *help, uint64_t in,
                        uint64_t sent)
{
    return cluster_metric(out, name, "counter", help) |
           buf_printf(out,
                      "fanfare_%s{direction=\"in\"} %" PRIu64
                      "\nfanfare_%s{direction=\"out\"} %" PRIu64 "\n",
                      name, in, name, sent);
}

static int cluster_seconds(struct buf *out, const char *name, const char *help, uint64_t ms)
{
    return cluster_metric(out, name, "gauge", help) |
           buf_printf(out, "fanfare_%s %" PRIu64 ".%03u\n", name, ms / 1000,
                      (unsigned int)(ms % 1000));
}

/* Labels are names of nodes: letters, digits, dots, dashes, underscores; or what a node of another
 * version calls itself. */
static int cluster_label(struct buf *out, const char *name)
{
    int failed = 0;
    for (const char *c = name; *c != '\0' && failed == 0; c++) {
        failed = *c == '"' || *c == '\\' || (uint8_t)*c < ' ' ? buf_text(out, "_")
                                                              : buf_append(out, c, 1);
    }
    return failed;
}

static int cluster_losses(struct buf *out, const struct cluster *cluster, bool control)
{
    const char *name = control ? "bus_lost_control_total" : "bus_lost_total";
    int failed = cluster_metric(
        out, name, "counter",
        control ? "Records of other nodes that are no broadcasts and never reached this one"
                : "Broadcasts of other nodes that never reached this one, one for each publish and "
                  "channel");
    for (const struct cluster_loss *loss = cluster->losses; loss != NULL; loss = loss->next) {
        failed |= buf_printf(out, "fanfare_%s{node=\"", name) | cluster_label(out, loss->name) |
                  buf_printf(out, "\"} %" PRIu64 "\n", control ? loss->records : loss->broadcasts);
    }
    return failed;
}

static int cluster_ages(struct buf *out, const struct cluster *cluster)
{
    uint64_t now = clock_mono_ms();
    int failed = cluster_metric(out, "cluster_node_age_seconds", "gauge",
                                "Since the last entry of another node was read");
    const struct bus_node *node = cluster->lanes[0].log.nodes.alive.first;
    for (; node != NULL; node = node->next) {
        uint64_t age = now > node->heard_ms ? now - node->heard_ms : 0;
        failed |= buf_text(out, "fanfare_cluster_node_age_seconds{node=\"") |
                  cluster_label(out, node->name) |
                  buf_printf(out, "\"} %" PRIu64 ".%03u\n", age / 1000, (unsigned int)(age % 1000));
    }
    return failed;
}

uint64_t cluster_nodes(const struct cluster *cluster)
{
    return cluster->lanes[0].log.nodes.alive.count + 1;
}

const char *cluster_name(const struct cluster *cluster)
{
    return cluster->name;
}

int cluster_metrics(const struct cluster *cluster, struct buf *out)
{
    struct cluster_sums sums = cluster_sum(cluster);
    struct redis_status redis;
    redis_status(cluster->redis, &redis);
    return cluster_number(out, "cluster_nodes", "gauge", "Nodes that are alive, this one included",
                          cluster_nodes(cluster)) |
           cluster_number(out, "cluster_ready", "gauge",
                          "1 once this node has heard what the others have", cluster->ready) |
           cluster_number(out, "cluster_lanes", "gauge", "Lanes", cluster->nlanes) |
           cluster_number(out, "cluster_lanes_up", "gauge", "Lanes whose Redis takes commands",
                          sums.lanes_up) |
           cluster_number(out, "cluster_members", "gauge",
                          "Users on presence channels that are known, here and elsewhere",
                          cluster->hub->rooms.members) |
           cluster_pair(out, "bus_bytes_total", "Bytes of entries appended to the log and read",
                        sums.bytes_in, sums.bytes_out) |
           cluster_pair(out, "bus_entries_total", "Entries appended to the log and read",
                        sums.entries_in, sums.entries_out) |
           cluster_pair(out, "bus_records_total",
                        "Records said to other nodes, and those of others that were applied",
                        sums.records_in, sums.records_out) |
           cluster_number(out, "bus_resent_total", "counter",
                          "Own records that were appended again", sums.resent) |
           cluster_number(out, "bus_duplicates_total", "counter",
                          "Records of others that were read again and not applied",
                          sums.duplicates) |
           cluster_losses(out, cluster, false) | cluster_losses(out, cluster, true) |
           cluster_number(out, "bus_dropped_total", "counter",
                          "Own broadcasts that were kept no longer, and are not known to be in the "
                          "log",
                          cluster->dropped) |
           cluster_number(out, "bus_unsaid_total", "counter",
                          "Own records for which there was no memory", cluster->unsaid) |
           cluster_number(out, "bus_kept_bytes", "gauge",
                          "Own entries that are kept until all others have them", sums.kept_bytes) |
           cluster_number(out, "bus_unreadable_total", "counter",
                          "Entries that are no node's, or of another format or number of lanes",
                          sums.bad + sums.foreign) |
           cluster_number(out, "bus_rewinds_total", "counter",
                          "Times that the log had lost something that was read before",
                          sums.rewinds) |
           cluster_seconds(out, "bus_lag_seconds",
                           "From the append of an entry until this node has read it back",
                           sums.lag_ms) |
           cluster_seconds(out, "bus_log_seconds",
                           "Time that the log covers: a node that reads later than this has lost "
                           "something",
                           sums.covers_ms == UINT64_MAX ? 0 : sums.covers_ms) |
           cluster_ages(out, cluster) |
           cluster_number(out, "redis_up", "gauge", "1 while all lanes are written and read",
                          redis.up) |
           cluster_number(out, "redis_reconnects_total", "counter",
                          "Connections to Redis that came up again", redis.reconnects) |
           cluster_number(out, "redis_commands_total", "counter", "Commands sent to Redis",
                          redis.commands) |
           cluster_number(out, "redis_commands_failed_total", "counter",
                          "Commands that Redis did not answer, or wants later", redis.failed) |
           cluster_number(out, "redis_unanswered_bytes", "gauge",
                          "Of commands that Redis has not answered", redis.bytes);
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
