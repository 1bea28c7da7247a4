#include "links/cluster.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "links/cluster_state.h"
#include "pubsub/inorder.h"

#define ROUNDS     8u    /* in one go, of what causes something else */
#define SILENCE_MS 5000u /* that it may take until a dead node is declared so */
#define START_MS   3000u /* that Redis is waited for before this node stands in for itself */

/* ---- time ---- */

static void cluster_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct cluster *cluster = arg;
    (void)fd;
    (void)what;
    cluster->dirty = true; /* the turn of the hub follows, and does what is due */
}

static void cluster_arm(struct cluster *cluster, uint64_t now, uint64_t next)
{
    uint64_t wait = next > now ? next - now : 1;
    struct timeval in = {.tv_sec = (time_t)(wait / 1000),
                         .tv_usec = (suseconds_t)(wait % 1000 * 1000)};
    event_add(&cluster->timer, &in);
}

/* Another process has this one's id, as a copy of a virtual machine has: this one takes another. */
static void cluster_renew(struct cluster *cluster)
{
    log_error("cluster",
              "another process has the same id as this node, and was probably copied from "
              "it: this node takes another id and says again what it has");
    cluster->twin = false;
    cluster->id = rnd_u64();
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        cluster_lane_renew(&cluster->lanes[i]);
    }
    inorder_dropped(cluster->hub);
}

static void cluster_look_ready(struct cluster *cluster)
{
    /* Who comes and finds strangers alone is the one that was set up wrongly, and is not to be sent
     * clients. Who was there before goes on. */
    bool ready = !cluster_among_strangers(cluster);
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        ready = ready && cluster->lanes[i].log.ready;
    }
    cluster->ready = cluster->ready || ready;
}

void cluster_run(struct cluster *cluster)
{
    if (!cluster->dirty) {
        return;
    }
    uint64_t now = clock_mono_ms(), next = 0;
    for (uint32_t round = 0; cluster->dirty && round < ROUNDS; round++) {
        cluster->dirty = false;
        if (cluster->twin) {
            cluster_renew(cluster);
        }
        next = cluster_ask_expire(cluster, now);
        for (uint32_t i = 0; i < cluster->nlanes; i++) {
            uint64_t due = cluster_lane_run(&cluster->lanes[i], now);
            next = due < next ? due : next;
        }
    }
    cluster_look_ready(cluster);
    cluster_look_doubt(cluster);
    cluster_arm(cluster, now, cluster->dirty ? now : next);
}

/* ---- settings ---- */

static void cluster_set(struct cluster *cluster, const struct redis_settings *redis,
                        const struct cluster_settings *settings)
{
    cluster->require = redis->require;
    cluster->window_ms = settings->resend_window * 1000;
    cluster->max_bytes = settings->resend_bytes;
    cluster->node_timeout_ms = settings->node_timeout * 1000;
    cluster->deadline_ms = settings->query_deadline_ms;
    cluster->hub->announcer.silence_ms = 2 * cluster->node_timeout_ms + SILENCE_MS;
}

/* The host's name and the process, of letters that Redis takes for a client's name. */
static void cluster_name_self(struct cluster *cluster, const char *name)
{
    char host[48] = "node";
    if (name[0] != '\0') {
        snprintf(cluster->name, sizeof(cluster->name), "%s", name);
        return;
    }
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
        snprintf(host, sizeof(host), "node");
    }
    host[sizeof(host) - 1] = '\0';
    for (char *c = host; *c != '\0'; c++) {
        bool fine = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                    (*c >= '0' && *c <= '9') || *c == '.' || *c == '-' || *c == '_';
        *c = fine ? *c : '-';
    }
    snprintf(cluster->name, sizeof(cluster->name), "%s-%ld", host, (long)getpid());
}

int cluster_reload(struct cluster *cluster, const struct redis_settings *redis,
                   const struct cluster_settings *settings)
{
    if (redis_reload(cluster->redis, redis) != 0) {
        return -1;
    }
    cluster_set(cluster, redis, settings);
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        bus_log_set(&cluster->lanes[i].log, cluster->window_ms,
                    cluster->max_bytes / cluster->nlanes, cluster->node_timeout_ms);
    }
    cluster->dirty = true;
    return 0;
}

void cluster_reloaded(struct cluster *cluster)
{
    cluster_say_counts(cluster);
}

/* ---- from beginning to end ---- */

struct cluster *cluster_new(struct hub *hub, const struct redis_settings *redis,
                            const struct cluster_settings *settings)
{
    struct cluster *cluster = mem_zalloc(sizeof(*cluster));
    cluster->hub = hub;
    cluster->id = rnd_u64();
    cluster->started_ms = clock_mono_ms();
    cluster->nlanes = (uint32_t)settings->lanes;
    cluster_set(cluster, redis, settings);
    cluster_name_self(cluster, settings->node);
    struct redis_options options = {
        .settings = redis,
        .node = cluster->name,
        /* The log sends no more than this by itself, and an entry more. */
        .queue_max = cluster->nlanes * (BUS_FLIGHT_BYTES + BUS_ENTRY_MAX),
    };
    cluster->redis = redis_new(hub->loop->base, &options, &cluster_redis_handler, cluster);
    if (cluster->redis == NULL) {
        mem_free(cluster);
        return NULL;
    }
    check(event_assign(&cluster->timer, hub->loop->base, -1, 0, cluster_on_timer, cluster) == 0);
    cluster->lanes = mem_zalloc(cluster->nlanes * sizeof(*cluster->lanes));
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        cluster_lane_open(cluster, i, redis->prefix);
    }
    hub->cluster = cluster;
    hub->cluster_ops = &cluster_say_ops;
    inorder_begin(hub);
    cluster_say_counts(cluster);
    cluster->dirty = true;
    log_node(cluster->name);
    log_info("cluster", "this node is %s, in %u lane%s", cluster->name, cluster->nlanes,
             cluster->nlanes == 1 ? "" : "s");
    return cluster;
}

void cluster_free(struct cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    cluster_ask_end(cluster);
    cluster->hub->cluster_ops = NULL;
    cluster->hub->cluster = NULL;
    redis_free(cluster->redis);
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        cluster_lane_close(&cluster->lanes[i]);
    }
    inorder_end(cluster->hub);
    while (cluster->losses != NULL) {
        struct cluster_loss *next = cluster->losses->next;
        mem_free(cluster->losses);
        cluster->losses = next;
    }
    event_del(&cluster->timer);
    mem_free(cluster->counting);
    mem_free(cluster->lanes);
    mem_free(cluster);
}

void cluster_leave(struct cluster *cluster)
{
    cluster->leaving = true;
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        if (bus_log_leave(&cluster->lanes[i].log, clock_mono_ms()) == 0) {
            log_warn("cluster", "no memory to say goodbye: the others notice after node_timeout");
        }
    }
    cluster->dirty = true;
    cluster_run(cluster);
}

bool cluster_left(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        if (cluster->lanes[i].up && !bus_log_left(&cluster->lanes[i].log)) {
            return false;
        }
    }
    return true;
}

enum cluster_health cluster_health(const struct cluster *cluster)
{
    bool up = true;
    for (uint32_t i = 0; i < cluster->nlanes; i++) {
        up = up && cluster->lanes[i].up;
    }
    if (!up && cluster->require) {
        return CLUSTER_WITHOUT;
    }
    if (!cluster->ready && (up || clock_mono_ms() - cluster->started_ms < START_MS)) {
        return CLUSTER_JOINING;
    }
    return CLUSTER_READY;
}
