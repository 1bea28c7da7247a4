/* What the hub says, as records of the lanes. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/cluster_state.h"
#include "links/listen_far.h"
#include "pubsub/broadcast.h"
#include "pubsub/elsewhere.h"
#include "pubsub/inorder.h"
#include "pubsub/share.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

#define SAY_LATELY_MS 30000u /* longer than it takes to hear what others have */

/* FNV-1a: the same on every node, which the hash of our maps is not. */
static uint64_t cluster_mix(uint64_t hash, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (uint8_t)text.p[i]) * 0x100000001b3u;
    }
    return (hash ^ 0xff) * 0x100000001b3u;
}

struct cluster_lane *cluster_lane_of(struct cluster *cluster, uint32_t app, struct slice channel)
{
    if (cluster->nlanes == 1) {
        return &cluster->lanes[0];
    }
    uint64_t hash = cluster_mix(0xcbf29ce484222325u, cluster_app_id(cluster, app));
    hash = cluster_mix(hash, channel);
    return &cluster->lanes[(hash ^ hash >> 32) % cluster->nlanes];
}

struct slice cluster_app_id(const struct cluster *cluster, uint32_t app)
{
    const char *id = cluster->hub->apps->registry->records[app]->id;
    return (struct slice){id, strlen(id)};
}

uint64_t cluster_say(struct cluster_lane *lane, const struct bus_record *record)
{
    struct cluster *cluster = lane->cluster;
    lane->said = bus_log_add(&lane->log, record, clock_mono_ms());
    if (lane->said == 0) {
        cluster->unsaid++;
        log_limited(LOG_LEVEL_ERROR, "cluster",
                    "a record for the other nodes could not be kept: it is too large, or there is "
                    "no memory");
    }
    cluster->dirty = true;
    return lane->said;
}

static struct bus_socket cluster_socket(const struct socket_ref *socket)
{
    return (struct bus_socket){socket->random, socket->worker, socket->slot};
}

static void cluster_say_deliver(void *arg, const struct broadcast *broadcast)
{
    struct cluster *cluster = arg;
    struct bus_record record = {.type = BUS_DELIVER,
                                .client = broadcast->kind == BROADCAST_CLIENT,
                                .app = cluster_app_id(cluster, broadcast->app),
                                .channel = broadcast->channel,
                                .text = wire_payload(broadcast->frame),
                                .socket = cluster_socket(&broadcast->except)};
    if (broadcast->context != NULL) {
        record.traced = true;
        record.trace = *broadcast->context;
    }
    (void)cluster_say(cluster_lane_of(cluster, broadcast->app, broadcast->channel), &record);
}

static struct bus_record cluster_joined(struct cluster *cluster, uint32_t app, struct slice channel,
                                        const struct pusher_member *member)
{
    return (struct bus_record){.type = BUS_JOINED,
                               .app = cluster_app_id(cluster, app),
                               .channel = channel,
                               .user_id = member->user_id,
                               .id_json = member->id_json,
                               .info_json = member->info_json};
}

static void cluster_say_member(void *arg, uint32_t app, struct slice channel,
                               const struct pusher_member *member)
{
    struct bus_record record = cluster_joined(arg, app, channel, member);
    (void)cluster_say(cluster_lane_of(arg, app, channel), &record);
}

static void cluster_say_no_member(void *arg, uint32_t app, struct slice channel,
                                  struct slice user_id)
{
    struct bus_record record = {
        .type = BUS_LEFT, .app = cluster_app_id(arg, app), .channel = channel, .user_id = user_id};
    (void)cluster_say(cluster_lane_of(arg, app, channel), &record);
}

static void cluster_say_counted(void *arg, uint32_t app, struct slice channel, uint32_t n)
{
    struct bus_record record = {
        .type = BUS_COUNT, .app = cluster_app_id(arg, app), .channel = channel, .number = n};
    (void)cluster_say(cluster_lane_of(arg, app, channel), &record);
}

static void cluster_say_terminate_user(void *arg, uint32_t app, struct slice user_id,
                                       uint64_t question)
{
    struct cluster *cluster = arg;
    struct bus_record record = {.type = BUS_TERMINATE_USER,
                                .app = cluster_app_id(cluster, app),
                                .user_id = user_id,
                                .number = question != 0 ? cluster_ask_begin(cluster, question) : 0};
    (void)cluster_say(&cluster->lanes[0], &record);
}

static void cluster_say_terminate_socket(void *arg, uint32_t app, const struct socket_ref *socket,
                                         uint64_t question)
{
    struct cluster *cluster = arg;
    struct bus_record record = {.type = BUS_TERMINATE_SOCKET,
                                .app = cluster_app_id(cluster, app),
                                .socket = cluster_socket(socket),
                                .number = question != 0 ? cluster_ask_begin(cluster, question) : 0};
    (void)cluster_say(&cluster->lanes[0], &record);
}

/* ---- listeners ---- */

static void cluster_say_group(void *arg, uint32_t app, struct slice name, bool listeners,
                              uint32_t types)
{
    struct cluster *cluster = arg;
    struct bus_record record = {.type = BUS_GROUP,
                                .app = cluster_app_id(cluster, app),
                                .channel = name,
                                .number = listeners ? 1 : 0,
                                .base = types};
    (void)cluster_say(&cluster->lanes[0], &record);
}

static void cluster_say_told(void *arg, uint32_t app, struct slice event)
{
    struct cluster *cluster = arg;
    struct bus_record record = {
        .type = BUS_TOLD, .app = cluster_app_id(cluster, app), .text = event};
    (void)cluster_say(&cluster->lanes[0], &record);
}

static void cluster_say_settled(void *arg, uint32_t app, struct slice group, struct slice ids)
{
    struct cluster *cluster = arg;
    struct bus_record record = {
        .type = BUS_SETTLED, .app = cluster_app_id(cluster, app), .channel = group, .text = ids};
    (void)cluster_say(&cluster->lanes[0], &record);
}

static void cluster_say_wanted(void *arg)
{
    cluster_say_counts(arg);
}

static bool cluster_joined_all(void *arg)
{
    const struct cluster *cluster = arg;
    return cluster->lanes[0].log.ready;
}

/* A count of 0 takes back what was said. */
static void cluster_say_app(struct cluster *cluster, uint32_t app, bool count)
{
    size_t cursor = 0;
    void *value;
    while (strmap_next(&cluster->hub->channels[app].entries, &cursor, &value)) {
        const struct dirent *entry = value;
        if (entry->here > 0 && !(ff_channel_type(entry->name, entry->len) & FF_CHANNEL_WATCH)) {
            cluster_say_counted(cluster, app, dirent_name(entry), count ? entry->here : 0);
        }
    }
}

void cluster_say_counts(struct cluster *cluster)
{
    struct hub *hub = cluster->hub;
    if (hub->napps > cluster->ncounting) {
        cluster->counting = mem_realloc(cluster->counting, hub->napps * sizeof(bool));
        memset(cluster->counting + cluster->ncounting, 0,
               (hub->napps - cluster->ncounting) * sizeof(bool));
        cluster->ncounting = hub->napps;
    }
    for (uint32_t app = 0; app < hub->napps; app++) {
        bool now = share_counts(hub, app);
        if (now != cluster->counting[app]) {
            cluster->counting[app] = now;
            cluster_say_app(cluster, app, now);
        }
    }
}

/* ---- places ---- */

#define PLACE_SHIFT 56

static uint64_t cluster_say_place(void *arg, uint32_t app, struct slice channel)
{
    const struct cluster_lane *lane = cluster_lane_of(arg, app, channel);
    return (uint64_t)(lane->number + 1) << PLACE_SHIFT | lane->said;
}

static enum cluster_fate cluster_say_fate(void *arg, uint64_t place)
{
    const struct cluster *cluster = arg;
    const struct cluster_lane *lane = &cluster->lanes[(place >> PLACE_SHIFT) - 1];
    uint64_t number = place & (((uint64_t)1 << PLACE_SHIFT) - 1);
    if (number == 0 || (number >= lane->dropped_from && number <= lane->dropped_to)) {
        return CLUSTER_DROPPED;
    }
    return number <= lane->log.confirmed ? CLUSTER_CONFIRMED : CLUSTER_PENDING;
}

/* ---- all that this node owns ---- */

static void cluster_state_member(void *arg, uint32_t app, struct slice channel,
                                 const struct pusher_member *member)
{
    struct cluster_lane *lane = arg;
    if (cluster_lane_of(lane->cluster, app, channel) == lane) {
        struct bus_record record = cluster_joined(lane->cluster, app, channel, member);
        record.restated = true;
        if (lane->reborn) {
            inorder_void_member(lane->cluster->hub, app, channel, member->user_id);
        }
        (void)cluster_say(lane, &record);
    }
}

static void cluster_state_count(void *arg, uint32_t app, struct slice channel, uint32_t n)
{
    struct cluster_lane *lane = arg;
    if (cluster_lane_of(lane->cluster, app, channel) == lane) {
        struct bus_record record = {.type = BUS_COUNT,
                                    .restated = true,
                                    .app = cluster_app_id(lane->cluster, app),
                                    .channel = channel,
                                    .number = n};
        if (lane->reborn) {
            inorder_void_count(lane->cluster->hub, app, channel, n);
        }
        (void)cluster_say(lane, &record);
    }
}

static void cluster_state_cached(void *arg, uint32_t app, struct slice channel, struct slice text,
                                 uint64_t ttl_ms)
{
    struct cluster_lane *lane = arg;
    if (cluster_lane_of(lane->cluster, app, channel) == lane) {
        struct bus_record record = {.type = BUS_CACHED,
                                    .restated = true,
                                    .app = cluster_app_id(lane->cluster, app),
                                    .channel = channel,
                                    .text = text,
                                    .number = ttl_ms};
        (void)cluster_say(lane, &record);
    }
}

static void cluster_state_group(void *arg, uint32_t app, struct slice name, bool there,
                                uint32_t types)
{
    struct cluster_lane *lane = arg;
    struct bus_record record = {.type = BUS_GROUP,
                                .restated = true,
                                .app = cluster_app_id(lane->cluster, app),
                                .channel = name,
                                .number = there ? 1 : 0,
                                .base = types};
    (void)cluster_say(lane, &record);
}

static void cluster_state_queued(void *arg, uint32_t app, struct slice name, uint64_t owner,
                                 struct slice event)
{
    struct cluster_lane *lane = arg;
    struct bus_record record = {.type = BUS_QUEUED,
                                .restated = true,
                                .app = cluster_app_id(lane->cluster, app),
                                .channel = name,
                                .node = owner,
                                .text = event};
    (void)cluster_say(lane, &record);
}

/* One node alone says what all have cached: of those who know it, the first. Who came lately may
 * have asked for it just now: were that one the first, nobody would say it. */
static bool cluster_says_cached(const struct cluster_lane *lane)
{
    uint64_t now = clock_mono_ms();
    if (!lane->log.ready) {
        return false;
    }
    for (const struct bus_node *node = lane->log.nodes.alive.first; node != NULL;
         node = node->next) {
        const struct cluster_source *source = node->data;
        if (node->owned == BUS_OWNED_KNOWN && node->id < lane->cluster->id && source != NULL &&
            now - source->came_ms > SAY_LATELY_MS) {
            return false;
        }
    }
    return true;
}

bool cluster_say_state(struct cluster_lane *lane)
{
    struct elsewhere_reader reader = {
        .member = cluster_state_member,
        .count = cluster_state_count,
        .cached = cluster_says_cached(lane) ? cluster_state_cached : NULL,
        .arg = lane,
    };
    if (!bus_log_begin(&lane->log, clock_mono_ms())) {
        return false;
    }
    elsewhere_read(lane->cluster->hub, &reader);
    if (lane->number == 0 && lane->cluster->hub->listens != NULL) {
        struct listen_reader groups = {.group = cluster_state_group,
                                       .queued =
                                           reader.cached != NULL ? cluster_state_queued : NULL,
                                       .arg = lane};
        listens_read(lane->cluster->hub->listens, &groups);
    }
    lane->reborn = false;
    lane->cluster->dirty = true;
    return bus_log_end(&lane->log, clock_mono_ms()) == 0;
}

static void cluster_say_turn(void *arg)
{
    struct cluster *cluster = arg;
    bool open = hub_open(cluster->hub);
    if (open == cluster->paused) {
        cluster->paused = !open;
        redis_read_pause(cluster->redis, cluster->paused);
    }
    if (cluster->paused) {
        loop_look_again(cluster->hub->loop);
    }
    cluster_run(cluster);
    if (cluster->notice) {
        cluster->notice = false;
        if (cluster->hub->confirmed != NULL) {
            cluster->hub->confirmed(cluster->hub);
        }
    }
}

const struct cluster_ops cluster_say_ops = {
    .deliver = cluster_say_deliver,
    .joined = cluster_say_member,
    .left = cluster_say_no_member,
    .counted = cluster_say_counted,
    .terminate_user = cluster_say_terminate_user,
    .terminate_socket = cluster_say_terminate_socket,
    .ask = cluster_ask_others,
    .place = cluster_say_place,
    .fate = cluster_say_fate,
    .group = cluster_say_group,
    .told = cluster_say_told,
    .settled = cluster_say_settled,
    .wanted = cluster_say_wanted,
    .joined_all = cluster_joined_all,
    .turn = cluster_say_turn,
};
