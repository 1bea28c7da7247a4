/*
 * This node among others: what the hub says goes into the log on Redis, and what others have said
 * reaches the hub (pubsub/cluster.h, pubsub/elsewhere.h). Joins links/bus_log, which knows nothing
 * of Redis, and links/redis, which knows nothing of records. On the hub.
 *
 * Owns a lane (a stream of Redis and one side of its log) for each of [cluster] lanes, the
 * connections, and the questions that others have not answered yet. Never blocks, and never makes
 * this node's own clients wait.
 */
#ifndef FF_LINKS_CLUSTER_H
#define FF_LINKS_CLUSTER_H

#include "base/metrics.h"
#include "base/buf.h"
#include "base/settings.h"
#include "pubsub/hub.h"

struct cluster;

/* Before the hub's loop runs; sets hub->cluster. The settings are copied. NULL: it was logged why.
 */
struct cluster *cluster_new(struct hub *hub, const struct redis_settings *redis,
                            const struct cluster_settings *settings) MUST_CHECK;
/* Nobody is told goodbye. Questions end with what is known. NULL is fine. */
void cluster_free(struct cluster *cluster);

/* Other settings from now on, but for those that need a restart (the table of keys says which).
 * -1: TLS cannot be had, nothing has changed, and it was logged. */
int cluster_reload(struct cluster *cluster, const struct redis_settings *redis,
                   const struct cluster_settings *settings) MUST_CHECK;

/* The hub uses another generation of the applications: those whose counts the others are to know
 * now, or no more, are said. */
void cluster_reloaded(struct cluster *cluster);

/* Says goodbye, so that this node's members leave at once. Nothing is to be said after it. */
void cluster_leave(struct cluster *cluster);
/* Whether all that was said is in the log, or cannot come there now. */
bool cluster_left(const struct cluster *cluster);

enum cluster_health {
    CLUSTER_READY, /* it knows what the others have, or stands in for itself while Redis is away */
    CLUSTER_JOINING, /* it has begun, and not heard yet what the others have */
    CLUSTER_WITHOUT, /* Redis is away, and [redis] require = yes */
};
enum cluster_health cluster_health(const struct cluster *cluster);

/* Nodes that are alive, this one included; and the name of this one. */
uint64_t cluster_nodes(const struct cluster *cluster);
const char *cluster_name(const struct cluster *cluster);

/* Writes what /metrics has of it. */
void cluster_metrics(const struct cluster *cluster, struct metrics *out);
/* `,"cluster":{...}` for /stats. -1: the buffer is full. */
int cluster_stats(const struct cluster *cluster, struct buf *out) MUST_CHECK;

#endif
