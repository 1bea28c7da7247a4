/* What others say, applied; and what the log tells of itself and of the nodes. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/cluster_state.h"
#include "links/listen_far.h"
#include "links/webhook.h"
#include "pubsub/elsewhere.h"
#include "pubsub/inorder.h"

#define STRANGER_MS 60000u /* between two words about the same one */
#define DOUBT_MS                                                                                   \
    10000u /* until all have found a Redis again that has lost something, and have resent */
#define LOSSES_MAX 1024u /* names */

static struct hub *cluster_hub(const struct cluster_lane *lane)
{
    return lane->cluster->hub;
}

bool cluster_app(struct cluster *cluster, struct slice id, uint32_t *app)
{
    const struct apps *apps = cluster->hub->apps;
    if (cluster->app_of == apps && cluster->app < apps->count &&
        slice_equal(apps->items[cluster->app].id, id)) {
        *app = cluster->app;
        return true;
    }
    const struct app *found = apps_by_id(apps, id.p, id.len);
    if (found == NULL) {
        return false;
    }
    cluster->app_of = apps;
    cluster->app = found->index;
    *app = found->index;
    return true;
}

/* ---- names ---- */

static const char *cluster_name(const struct bus_node *node)
{
    return node->name[0] != '\0' ? node->name : "without a name yet";
}

/* Nodes are spoken of once, and not for each lane. */
static bool cluster_speaks(const struct cluster_lane *lane)
{
    return lane->number == 0;
}

/* ---- listeners ---- */

/* False: the record is about something else. */
static bool cluster_listeners(struct cluster_lane *lane, const struct listen_word *word,
                              const struct bus_record *record)
{
    struct listens *listens = cluster_hub(lane)->listens;
    switch (record->type) {
    case BUS_GROUP:
        listens_heard_group(listens, word, record->channel, record->number != 0,
                            (uint32_t)record->base);
        return true;
    case BUS_QUEUED:
        listens_heard_queued(listens, word, record->channel, record->node, record->text);
        return true;
    case BUS_TOLD:
        listens_heard_told(listens, word, record->text);
        return true;
    case BUS_SETTLED:
        listens_heard_settled(listens, word, record->channel, record->text);
        return true;
    default:
        return false;
    }
}

/* Said by this node (NULL), or by another one. */
static bool cluster_apply_listeners(struct cluster_lane *lane, const struct bus_node *node,
                                    uint32_t app, const struct bus_record *record)
{
    const struct cluster_source *source = node != NULL ? node->data : NULL;
    struct listen_word word = {.node = node != NULL ? node->id : lane->cluster->id,
                               .source = source != NULL ? source->number : 0,
                               .stamp = source != NULL ? source->stamp : 1,
                               .app = app,
                               .restated = record->restated};
    if (node != NULL && source == NULL && bus_type_state(record->type)) {
        return false;
    }
    if (node != NULL && source == NULL) {
        word.source = UINT32_MAX; /* a dead one's last words, which are no state */
    }
    return cluster_listeners(lane, &word, record);
}

static void cluster_sweep_listeners(const struct cluster_lane *lane, uint32_t source,
                                    uint32_t stamp)
{
    if (cluster_speaks(lane) && cluster_hub(lane)->listens != NULL) {
        listens_sweep(cluster_hub(lane)->listens, source, stamp);
    }
}

/* ---- own records ---- */

static void cluster_own_back(struct cluster_lane *lane, uint32_t app,
                             const struct bus_record *record)
{
    struct hub *hub = cluster_hub(lane);
    switch (record->type) {
    case BUS_DELIVER:
        if (!record->client) {
            elsewhere_placed(hub, app, record->channel, record->text);
        }
        break;
    case BUS_JOINED:
        inorder_member_back(hub, app, record->channel, record->user_id, true, record->restated);
        break;
    case BUS_LEFT:
        inorder_member_back(hub, app, record->channel, record->user_id, false, record->restated);
        break;
    case BUS_COUNT:
        inorder_count_back(hub, app, record->channel, (uint32_t)record->number, record->restated);
        break;
    default:
        break;
    }
}

/* ---- records of others ---- */

static void cluster_apply_state(struct cluster_lane *lane, const struct cluster_source *source,
                                uint32_t app, const struct bus_record *record)
{
    struct hub *hub = cluster_hub(lane);
    struct pusher_member member;
    switch (record->type) {
    case BUS_JOINED:
        member = (struct pusher_member){
            .user_id = record->user_id, .id_json = record->id_json, .info_json = record->info_json};
        elsewhere_joined(hub, source->number, source->stamp, app, record->channel, &member);
        break;
    case BUS_LEFT:
        elsewhere_left(hub, source->number, app, record->channel, record->user_id);
        break;
    case BUS_COUNT:
        elsewhere_count(hub, source->number, source->stamp, app, record->channel,
                        record->number < UINT32_MAX ? (uint32_t)record->number : UINT32_MAX);
        break;
    case BUS_CACHED:
        elsewhere_cached(hub, app, record->channel, record->text, record->number);
        break;
    default:
        break;
    }
}

static void cluster_apply(void *arg, struct bus_node *node, const struct bus_record *record)
{
    struct cluster_lane *lane = arg;
    struct cluster *cluster = lane->cluster;
    uint32_t app;
    if (record->type == BUS_ANSWER) {
        cluster_ask_answered(cluster, node, record);
        return;
    }
    if (record->app.p == NULL || record->app.len == 0) {
        return; /* nodes speak of themselves */
    }
    if (!cluster_app(cluster, record->app, &app)) {
        if (node != NULL) {
            log_limited_with(
                LOG_LEVEL_WARN, "cluster", LOG_FIELDS(.peer = cluster_name(node)),
                "node %s speaks of application %.*s, which this node does not have: give "
                "all nodes the same applications",
                cluster_name(node), (int)record->app.len, record->app.p);
        }
        return;
    }
    if (cluster->hub->listens != NULL && cluster_apply_listeners(lane, node, app, record)) {
        return;
    }
    if (node == NULL) {
        cluster_own_back(lane, app, record);
        return;
    }
    struct socket_ref socket = {record->socket.random, record->socket.worker, record->socket.slot};
    switch (record->type) {
    case BUS_DELIVER:
        elsewhere_deliver(cluster->hub, app, record->channel, record->text, &socket, record->client,
                          record->traced ? &record->trace : NULL);
        break;
    case BUS_TERMINATE_USER:
    case BUS_TERMINATE_SOCKET:
        cluster_ask_terminate(cluster, node, record, app);
        break;
    case BUS_QUERY:
        cluster_ask_heard(cluster, node, record);
        break;
    default:
        if (node->data != NULL) {
            cluster_apply_state(lane, node->data, app, record);
        }
    }
}

/* ---- losses ---- */

static void cluster_count_loss(struct cluster *cluster, const struct bus_event *event)
{
    struct cluster_loss *loss = cluster->losses;
    uint32_t n = 0;
    while (loss != NULL && strcmp(loss->name, event->node->name) != 0) {
        loss = loss->next;
        n++;
    }
    if (loss == NULL && n < LOSSES_MAX) {
        loss = mem_zalloc(sizeof(*loss));
        memcpy(loss->name, event->node->name, sizeof(loss->name));
        loss->next = cluster->losses;
        cluster->losses = loss;
    }
    if (loss != NULL) {
        loss->broadcasts += event->broadcasts;
        loss->records += event->records - event->broadcasts;
    }
}

/* ---- the log's own word ---- */

static void cluster_on_came(struct cluster_lane *lane, struct bus_node *node)
{
    if (node->data == NULL) {
        struct cluster_source *source = mem_alloc(sizeof(*source));
        *source = (struct cluster_source){++lane->cluster->sources, 1, clock_mono_ms()};
        node->data = source;
    }
}

static void cluster_on_gone(struct cluster_lane *lane, const struct bus_event *event)
{
    struct cluster *cluster = lane->cluster;
    struct cluster_source *source = event->node->data;
    bool ours = event->own || (event->clean && bus_nodes_is_first(&lane->log.nodes, event->node));
    if (cluster_speaks(lane)) {
        if (event->clean) {
            log_with(LOG_LEVEL_INFO, "cluster", LOG_FIELDS(.peer = cluster_name(event->node)),
                     "node %s has left", cluster_name(event->node));
        } else {
            log_with(LOG_LEVEL_WARN, "cluster", LOG_FIELDS(.peer = cluster_name(event->node)),
                     "node %s is dead: it has been silent for node_timeout (%" PRIu64
                     " s), and its members leave",
                     cluster_name(event->node), cluster->node_timeout_ms / 1000);
        }
        cluster_ask_gone(cluster, event->node);
    }
    if (source != NULL) {
        if (event->own && !event->clean && cluster->hub->webhooks != NULL) {
            webhooks_teller_gone(cluster->hub->webhooks, source->number, event->node->heard_ms);
        }
        elsewhere_sweep(cluster->hub, source->number, 0, ours);
        cluster_sweep_listeners(lane, source->number, 0);
        mem_free(source);
        event->node->data = NULL;
    }
}

static void cluster_on_swept(struct cluster_lane *lane, const struct bus_node *node)
{
    const struct cluster_source *source = node->data;
    if (source != NULL && source->stamp > 1) {
        elsewhere_sweep(cluster_hub(lane), source->number, source->stamp, false);
        cluster_sweep_listeners(lane, source->number, source->stamp);
    }
    if (cluster_speaks(lane)) {
        log_with(LOG_LEVEL_INFO, "cluster", LOG_FIELDS(.peer = cluster_name(node)),
                 "node %s is there, and what it has is known", cluster_name(node));
    }
}

static void cluster_on_dropped(struct cluster_lane *lane, const struct bus_event *event)
{
    lane->cluster->dropped += event->broadcasts;
    if (event->from != lane->dropped_to + 1) {
        lane->dropped_from = event->from;
    }
    lane->dropped_to = event->to;
    lane->cluster->notice = true;
    inorder_dropped(cluster_hub(lane));
    if (cluster_speaks(lane) && cluster_hub(lane)->listens != NULL) {
        listens_dropped(cluster_hub(lane)->listens);
    }
    log_limited(LOG_LEVEL_ERROR, "cluster",
                "own messages are kept no longer than resend_window and resend_bytes allow, and "
                "are not known to have reached Redis: other nodes may lack some");
}

static void cluster_on_namesake(const struct bus_event *event)
{
    log_limited_with(
        LOG_LEVEL_WARN, "cluster", LOG_FIELDS(.peer = event->node->name),
        "there are two nodes with the name %s: unless one of them has just been replaced "
        "by the other, give each a [cluster] node of its own",
        event->node->name);
}

/* ---- strangers ---- */

static struct cluster_stranger *cluster_stranger(struct cluster *cluster, uint64_t node)
{
    for (uint32_t i = 0; i < cluster->nstrangers; i++) {
        if (cluster->strangers[i].node == node) {
            return &cluster->strangers[i];
        }
    }
    if (cluster->nstrangers == CLUSTER_STRANGERS) {
        return NULL;
    }
    struct cluster_stranger *stranger = &cluster->strangers[cluster->nstrangers++];
    *stranger = (struct cluster_stranger){.node = node};
    return stranger;
}

/* It says its name when it comes, whatever else this node understands of it. */
static void cluster_learn_name(struct cluster_stranger *stranger, const struct bus_entry *entry)
{
    struct bus_record record;
    size_t cursor = 0;
    while (bus_record_next(entry, &cursor, &record)) {
        if ((record.type == BUS_HELLO || record.type == BUS_BEGIN) &&
            record.text.len <= BUS_NAME_MAX) {
            memcpy(stranger->name, record.text.p, record.text.len);
            stranger->name[record.text.len] = '\0';
            stranger->told_ms = 0; /* it can be named now */
        }
    }
}

static void cluster_on_foreign(struct cluster_lane *lane, const struct bus_entry *entry)
{
    struct cluster *cluster = lane->cluster;
    struct cluster_stranger *stranger = cluster_stranger(cluster, entry->node);
    uint64_t now = clock_mono_ms();
    bool format = entry->count == 0;
    if (stranger == NULL) {
        return;
    }
    stranger->heard_ms = now;
    if (!format && stranger->name[0] == '\0') {
        cluster_learn_name(stranger, entry);
    }
    if (stranger->told_ms == 0 && stranger->name[0] == '\0') {
        /* It does not know this node's name either, which it says to friends alone. */
        struct bus_record hello = {
            .type = BUS_HELLO, .restated = true, .text = {cluster->name, strlen(cluster->name)}};
        (void)cluster_say(lane, &hello);
    }
    if (stranger->told_ms != 0 && now - stranger->told_ms < STRANGER_MS) {
        return;
    }
    stranger->told_ms = now;
    const char *name = stranger->name[0] != '\0' ? stranger->name : "whose name is not known yet";
    if (format) {
        log_error("cluster",
                  "a node writes a format of the log (%u) that this version (%u) cannot read, and "
                  "is not heard: upgrade this node",
                  entry->format, BUS_FORMAT);
    } else {
        log_error("cluster",
                  "node %s has %u lanes and this node has %u, so they do not hear each other: give "
                  "all nodes the same [cluster] lanes and restart those that differ",
                  name, entry->lanes, cluster->nlanes);
    }
}

bool cluster_among_strangers(const struct cluster *cluster)
{
    uint64_t now = clock_mono_ms();
    for (uint32_t i = 0; i < cluster->nstrangers; i++) {
        if (now - cluster->strangers[i].heard_ms < STRANGER_MS) {
            return cluster->lanes[0].log.nodes.alive.count == 0;
        }
    }
    return false;
}

/* ---- events ---- */

void cluster_look_doubt(struct cluster *cluster)
{
    bool doubt = clock_mono_ms() < cluster->doubt_until &&
                 bus_nodes_is_first(&cluster->lanes[0].log.nodes, NULL);
    inorder_doubt(cluster->hub, doubt);
}

static void cluster_event(void *arg, const struct bus_event *event)
{
    struct cluster_lane *lane = arg;
    struct cluster *cluster = lane->cluster;
    cluster->dirty = true;
    switch (event->kind) {
    case BUS_EVENT_CONFIRMED:
        cluster->notice = true;
        break;
    case BUS_EVENT_DROPPED:
        cluster_on_dropped(lane, event);
        break;
    case BUS_EVENT_LOST:
        cluster_count_loss(cluster, event);
        log_limited_with(LOG_LEVEL_ERROR, "cluster", LOG_FIELDS(.peer = cluster_name(event->node)),
                         "%" PRIu64
                         " messages of node %s are lost to this node: they were neither in "
                         "the log nor kept any more (resend_window, resend_bytes)",
                         event->broadcasts, cluster_name(event->node));
        break;
    case BUS_EVENT_CAME:
        cluster_on_came(lane, event->node);
        break;
    case BUS_EVENT_GONE:
        cluster_on_gone(lane, event);
        break;
    case BUS_EVENT_STALE:
        cluster_on_came(lane, event->node);
        ((struct cluster_source *)event->node->data)->stamp++;
        break;
    case BUS_EVENT_SWEPT:
        cluster_on_swept(lane, event->node);
        break;
    case BUS_EVENT_DIED:
        lane->reborn = true;
        cluster_sweep_listeners(lane, 0, 0);
        if (cluster_speaks(lane)) {
            log_warn("cluster", "the others took this node for dead: it had been silent for "
                                "node_timeout. It says again what it has");
        }
        break;
    case BUS_EVENT_STATE:
        lane->state_due = true;
        break;
    case BUS_EVENT_READY:
        if (cluster_speaks(lane)) {
            if (cluster->hub->listens != NULL) {
                listens_ready(cluster->hub->listens, cluster->id);
            }
            log_info("cluster", "joined: %" PRIu32 " other node%s", lane->log.nodes.alive.count,
                     lane->log.nodes.alive.count == 1 ? "" : "s");
        }
        break;
    case BUS_EVENT_REREAD:
        lane->reread = true;
        break;
    case BUS_EVENT_REWOUND:
        cluster->doubt_until = clock_mono_ms() + DOUBT_MS;
        cluster_look_doubt(cluster);
        log_limited(LOG_LEVEL_WARN, "cluster",
                    "the log in Redis has lost something, or is new: what others may lack is "
                    "appended again");
        break;
    case BUS_EVENT_NAMESAKE:
        cluster_on_namesake(event);
        break;
    case BUS_EVENT_TWIN:
        cluster->twin = true;
        break;
    case BUS_EVENT_FOREIGN:
        cluster_on_foreign(lane, event->entry);
        break;
    case BUS_EVENT_BAD:
        log_limited(LOG_LEVEL_ERROR, "cluster",
                    "there is something in the log that no node has written; is [redis] prefix "
                    "used by somebody else?");
        break;
    }
}

void cluster_hear_end(struct cluster_lane *lane)
{
    for (struct bus_node *node = lane->log.nodes.alive.first; node != NULL; node = node->next) {
        mem_free(node->data);
        node->data = NULL;
    }
}

const struct bus_callbacks cluster_hear_callbacks = {.apply = cluster_apply,
                                                     .event = cluster_event};
