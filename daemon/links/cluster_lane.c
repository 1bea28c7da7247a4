/* One lane between its log and Redis: entries appended, entries read, and how much Redis keeps. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/cluster_state.h"
#include "pubsub/elsewhere.h"

#define LANE_LOOK_MS   10000u   /* between two questions about what Redis keeps */
#define LANE_EXPIRE_MS 3600000u /* a log that no node writes any more goes by itself */
#define LANE_LOG_PARTS 4u       /* the log may be so many times as large as what one node keeps */

/* ---- how the log grows ---- */

static const struct cluster_sample *cluster_growth_at(const struct cluster_growth *growth,
                                                      uint32_t i)
{
    return &growth->samples[(growth->first + i) % CLUSTER_SAMPLES];
}

/* Whether what stands behind this sample is all that is to be kept, or more: neither older than the
 * window, nor more bytes than max. */
static bool cluster_growth_over(const struct cluster_growth *growth,
                                const struct cluster_sample *sample, uint64_t window_ms,
                                uint64_t max)
{
    return growth->now.id_ms - sample->id_ms > window_ms || growth->now.bytes - sample->bytes > max;
}

static void cluster_growth_add(struct cluster_growth *growth, struct redis_id id, size_t bytes,
                               uint64_t window_ms, uint64_t max)
{
    if (id.ms < growth->now.id_ms) {
        *growth = (struct cluster_growth){.covers_ms = growth->covers_ms}; /* another log */
    }
    growth->now.id_ms = id.ms;
    growth->now.bytes += bytes;
    growth->now.entries++;
    if (growth->n > 0 && id.ms - cluster_growth_at(growth, growth->n - 1)->id_ms <
                             window_ms / (CLUSTER_SAMPLES / 2)) {
        return;
    }
    /* The first sample is the newest behind which everything is that is to be kept. */
    while (growth->n == CLUSTER_SAMPLES ||
           (growth->n > 1 &&
            cluster_growth_over(growth, cluster_growth_at(growth, 1), window_ms, max))) {
        growth->first = (growth->first + 1) % CLUSTER_SAMPLES;
        growth->n--;
    }
    growth->samples[(growth->first + growth->n++) % CLUSTER_SAMPLES] = growth->now;
}

static uint64_t cluster_lane_max(const struct cluster_lane *lane)
{
    return LANE_LOG_PARTS * lane->cluster->max_bytes / lane->cluster->nlanes;
}

/* ---- writing ---- */

static void cluster_lane_cut(struct cluster_lane *lane)
{
    lane->up = false;
    lane->stale = lane->flying;
    bus_log_cut(&lane->log);
}

static void cluster_lane_on_appended(void *arg, enum redis_result result,
                                     const struct redisReply *reply)
{
    struct cluster_lane *lane = arg;
    struct redis_id id;
    lane->flying--;
    lane->cluster->dirty = true;
    if (lane->stale > 0) {
        lane->stale--;
        return;
    }
    switch (result) {
    case REDIS_ANSWERED:
        if (reply->type == REDIS_REPLY_STRING && redis_id_read(reply->str, reply->len, &id)) {
            bus_log_appended(&lane->log, (struct bus_id){id.ms, id.seq}, clock_mono_ms());
            return;
        }
        break;
    case REDIS_REFUSED:
        /* Redis older than 6.2 takes the word MINID for an id of the entry. */
        if (!lane->maxlen &&
            (strstr(reply->str, "stream ID") != NULL || strstr(reply->str, "syntax") != NULL)) {
            lane->maxlen = true;
        } else {
            log_limited(LOG_LEVEL_ERROR, "cluster", "Redis does not take what this node says: %s",
                        reply->str);
        }
        break;
    case REDIS_AGAIN:
    case REDIS_UNSURE:
        cluster_lane_cut(lane);
        return;
    }
    bus_log_refused(&lane->log, clock_mono_ms());
}

/* Appends MINID ~ ID, or MAXLEN ~ NUMBER. Returns how many arguments. */
static size_t cluster_lane_trim(const struct cluster_lane *lane, struct slice *argv,
                                char room[REDIS_ID])
{
    const struct cluster *cluster = lane->cluster;
    const struct cluster_sample *oldest = cluster_growth_at(&lane->growth, 0);
    if (lane->growth.n == 0 ||
        !cluster_growth_over(&lane->growth, oldest, cluster->window_ms, cluster_lane_max(lane))) {
        return 0;
    }
    if (lane->maxlen) {
        snprintf(room, REDIS_ID, "%" PRIu64, lane->growth.now.entries - oldest->entries + 1);
    } else {
        snprintf(room, REDIS_ID, "%" PRIu64, oldest->id_ms);
    }
    argv[0] = lane->maxlen ? SLICE("MAXLEN") : SLICE("MINID");
    argv[1] = SLICE("~");
    argv[2] = (struct slice){room, strlen(room)};
    return 3;
}

static void cluster_lane_write(struct cluster_lane *lane, uint64_t now)
{
    struct slice entry;
    while (lane->up && bus_log_take(&lane->log, now, &entry)) {
        char room[REDIS_ID];
        struct slice argv[8] = {SLICE("XADD"), redis_key_name(lane->key)};
        size_t argc = 2 + cluster_lane_trim(lane, argv + 2, room);
        argv[argc++] = SLICE("*");
        argv[argc++] = SLICE("e");
        argv[argc++] = entry;
        if (redis_send(lane->key, argv, argc, cluster_lane_on_appended, lane) != 0) {
            /* It has just gone down and will say so, or there is no room and it will say when. */
            cluster_lane_cut(lane);
            return;
        }
        lane->flying++;
    }
}

/* ---- reading ---- */

/* An answer of Redis that is a list of entries: the first one's id, and its bytes. */
static bool cluster_lane_first(const struct redisReply *reply, struct redis_id *id,
                               struct slice *bytes)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        return false;
    }
    const struct redisReply *entry = reply->element[0];
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[0]->type != REDIS_REPLY_STRING ||
        !redis_id_read(entry->element[0]->str, entry->element[0]->len, id)) {
        return false;
    }
    const struct redisReply *fields = entry->element[1];
    *bytes = fields->type == REDIS_REPLY_ARRAY && fields->elements >= 2
                 ? (struct slice){fields->element[1]->str, fields->element[1]->len}
                 : SLICE("");
    return true;
}

struct lane_look {
    struct cluster_lane *lane;
    uint64_t number;
    bool tail;
};

static void cluster_lane_on_looked(void *arg, enum redis_result result,
                                   const struct redisReply *reply)
{
    struct lane_look *look = arg;
    struct cluster_lane *lane = look->lane;
    bool tail = look->tail, mine = look->number == lane->look;
    struct redis_id id = {0, 0};
    struct slice bytes = {NULL, 0};
    mem_free(look);
    lane->cluster->dirty = true;
    if (!mine) {
        return;
    }
    if (result != REDIS_ANSWERED) {
        lane->reread = true;
        return;
    }
    bool there = cluster_lane_first(reply, &id, &bytes);
    if (!there) {
        id = (struct redis_id){0, 0};
        bytes = (struct slice){NULL, 0};
    }
    if (tail) {
        bus_log_tail(&lane->log, (struct bus_id){id.ms, id.seq}, bytes);
    } else {
        bus_log_looked(&lane->log, bytes);
    }
    lane->reread = true; /* on to the next question, or to reading */
}

static void cluster_lane_look(struct cluster_lane *lane, bool tail, struct redis_id id)
{
    char room[REDIS_ID];
    struct slice argv[6] = {tail ? SLICE("XREVRANGE") : SLICE("XRANGE"), redis_key_name(lane->key)};
    argv[2] = tail ? SLICE("+") : (struct slice){redis_id_print(id, room), strlen(room)};
    argv[3] = tail ? SLICE("-") : argv[2];
    argv[4] = SLICE("COUNT");
    argv[5] = SLICE("1");
    struct lane_look *look = mem_alloc(sizeof(*look));
    *look = (struct lane_look){lane, ++lane->look, tail};
    if (redis_send(lane->key, argv, 6, cluster_lane_on_looked, look) != 0) {
        mem_free(look);
        lane->reread = true;
    }
}

static void cluster_lane_read(struct cluster_lane *lane)
{
    struct bus_id at;
    lane->reread = false;
    enum bus_read read = bus_log_read(&lane->log, &at);
    struct redis_id id = {at.ms, at.seq};
    switch (read) {
    case BUS_READ_TAIL:
    case BUS_READ_LOOK:
        redis_read_stop(lane->key);
        cluster_lane_look(lane, read == BUS_READ_TAIL, id);
        break;
    case BUS_READ_AFTER:
        lane->look++;
        redis_read(lane->key, id);
        break;
    }
}

/* ---- what Redis keeps ---- */

static void cluster_lane_on_oldest(void *arg, enum redis_result result,
                                   const struct redisReply *reply)
{
    struct cluster_lane *lane = arg;
    struct redis_id id;
    struct slice bytes;
    if (result == REDIS_ANSWERED) {
        bool there = cluster_lane_first(reply, &id, &bytes);
        lane->growth.covers_ms =
            there && lane->growth.now.id_ms > id.ms ? lane->growth.now.id_ms - id.ms : 0;
    }
}

static void cluster_lane_tend(struct cluster_lane *lane, uint64_t now)
{
    char room[24];
    if (!lane->up || (lane->asked_at != 0 && now - lane->asked_at < LANE_LOOK_MS)) {
        return;
    }
    lane->asked_at = now;
    struct slice oldest[] = {SLICE("XRANGE"), redis_key_name(lane->key),
                             SLICE("-"),      SLICE("+"),
                             SLICE("COUNT"),  SLICE("1")};
    uint64_t expire = 2 * lane->cluster->window_ms;
    snprintf(room, sizeof(room), "%" PRIu64, expire > LANE_EXPIRE_MS ? expire : LANE_EXPIRE_MS);
    struct slice keep[] = {SLICE("PEXPIRE"), redis_key_name(lane->key), {room, strlen(room)}};
    /* Neither matters much: what is not sent now is sent in some seconds. */
    if (redis_send(lane->key, oldest, 6, cluster_lane_on_oldest, lane) != 0 ||
        redis_send(lane->key, keep, 3, NULL, NULL) != 0) {
        lane->asked_at = now;
    }
}

/* ---- what Redis says ---- */

static void cluster_lane_on_state(void *arg, struct redis_key *key, enum redis_key_state state)
{
    struct cluster *cluster = arg;
    struct cluster_lane *lane = redis_key_tag(key);
    cluster->dirty = true;
    switch (state) {
    case REDIS_KEY_UP:
        lane->up = true;
        lane->reread = true;
        bus_log_writable(&lane->log);
        bus_log_unread(&lane->log);
        break;
    case REDIS_KEY_DOWN:
        cluster_lane_cut(lane);
        bus_log_unread(&lane->log);
        redis_read_stop(key);
        lane->look++;
        break;
    case REDIS_KEY_ROOM:
        lane->up = true;
        bus_log_writable(&lane->log);
        break;
    }
}

static void cluster_lane_on_entry(void *arg, struct redis_key *key, struct redis_id id,
                                  const struct slice *fields, size_t n)
{
    struct cluster *cluster = arg;
    struct cluster_lane *lane = redis_key_tag(key);
    struct slice bytes = n >= 2 ? fields[1] : SLICE("");
    cluster->dirty = true;
    /* Whoever was told that he is subscribed must be known before this is routed. */
    loop_drain_mail(cluster->hub->loop, &cluster->hub->box);
    cluster_growth_add(&lane->growth, id, bytes.len, cluster->window_ms, cluster_lane_max(lane));
    bus_log_entry(&lane->log, (struct bus_id){id.ms, id.seq}, bytes, clock_mono_ms());
}

static void cluster_lane_on_rewound(void *arg, struct redis_key *key, struct redis_id was,
                                    struct redis_id last)
{
    struct cluster *cluster = arg;
    struct cluster_lane *lane = redis_key_tag(key);
    (void)was;
    (void)last;
    cluster->dirty = true;
    bus_log_unread(&lane->log);
    lane->reread = true;
}

const struct redis_handler cluster_redis_handler = {.state = cluster_lane_on_state,
                                                    .entry = cluster_lane_on_entry,
                                                    .rewound = cluster_lane_on_rewound};

/* ---- from beginning to end ---- */

static void cluster_lane_begin(struct cluster_lane *lane)
{
    struct cluster *cluster = lane->cluster;
    struct bus_callbacks callbacks = cluster_hear_callbacks;
    struct bus_log_settings settings = {
        .node = cluster->id,
        .name = cluster->name,
        .lane = lane->number,
        .lanes = cluster->nlanes,
        .window_ms = cluster->window_ms,
        .max_bytes = cluster->max_bytes / cluster->nlanes,
        .node_timeout_ms = cluster->node_timeout_ms,
    };
    callbacks.arg = lane;
    bus_log_init(&lane->log, &settings, &callbacks);
}

void cluster_lane_open(struct cluster *cluster, uint32_t number, const char *prefix)
{
    struct cluster_lane *lane = &cluster->lanes[number];
    char name[128];
    lane->cluster = cluster;
    lane->number = number;
    int len =
        snprintf(name, sizeof(name), "%s%slane:%u", prefix, prefix[0] != '\0' ? ":" : "", number);
    lane->key = redis_key_new(cluster->redis, name, (size_t)len, lane);
    cluster_lane_begin(lane);
}

void cluster_lane_close(struct cluster_lane *lane)
{
    cluster_hear_end(lane);
    bus_log_free(&lane->log);
}

void cluster_lane_renew(struct cluster_lane *lane)
{
    for (struct bus_node *node = lane->log.nodes.alive.first; node != NULL; node = node->next) {
        const struct cluster_source *source = node->data;
        if (source != NULL) {
            elsewhere_sweep(lane->cluster->hub, source->number, 0, false);
        }
    }
    cluster_lane_close(lane);
    cluster_lane_begin(lane);
    lane->stale = lane->flying;
    lane->reread = true;
    lane->look++;
    lane->said = 0;
    if (lane->up) {
        bus_log_writable(&lane->log);
    }
}

uint64_t cluster_lane_run(struct cluster_lane *lane, uint64_t now)
{
    if (lane->up && lane->reread) {
        cluster_lane_read(lane);
    }
    uint64_t next = bus_log_tick(&lane->log, now);
    if (lane->state_due && cluster_say_state(lane)) {
        lane->state_due = false;
    }
    cluster_lane_write(lane, now);
    cluster_lane_tend(lane, now);
    return next;
}
