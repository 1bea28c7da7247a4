/*
 * Questions to all other nodes, and their answers. They go through the first lane, in entries
 * without numbers: what is lost is answered in part, after query_deadline.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "links/cluster_state.h"
#include "proto/bus_ask.h"
#include "pubsub/gathered.h"
#include "pubsub/pending.h"
#include "shared/channel.h"

#define ASK_TEXT  (64u << 20)
#define ASK_PIECE (256u << 10) /* bytes of one answer, of which there may be several */

/* ---- asking ---- */

static bool cluster_can_ask(const struct cluster *cluster)
{
    const struct cluster_lane *lane = &cluster->lanes[0];
    return lane->up && lane->log.joined && !cluster->leaving;
}

static struct cluster_question *cluster_question_new(struct cluster *cluster, uint64_t pending)
{
    const struct bus_nodes *nodes = &cluster->lanes[0].log.nodes;
    struct cluster_question *question =
        mem_alloc(sizeof(*question) + nodes->alive.count * sizeof(question->nodes[0]));
    *question = (struct cluster_question){.prev = cluster->last,
                                          .number = ++cluster->asked,
                                          .until = clock_mono_ms() + cluster->deadline_ms,
                                          .pending = pending,
                                          .whole = true};
    for (const struct bus_node *node = nodes->alive.first; node != NULL; node = node->next) {
        question->nodes[question->nnodes++] = node->id;
    }
    *(cluster->last != NULL ? &cluster->last->next : &cluster->first) = question;
    cluster->last = question;
    cluster->dirty = true;
    return question;
}

static void cluster_question_end(struct cluster *cluster, struct cluster_question *question)
{
    *(question->prev != NULL ? &question->prev->next : &cluster->first) = question->next;
    *(question->next != NULL ? &question->next->prev : &cluster->last) = question->prev;
    if (question->pending != 0) {
        pending_answer(&cluster->hub->pendings, question->pending, question->sum);
    } else {
        gathered_end(question->gathered, question->whole && question->nnodes == 0);
        question->fn(question->arg, question->gathered);
        gathered_free(question->gathered);
    }
    mem_free(question);
}

enum cluster_asked cluster_ask_others(void *arg, enum cluster_ask kind, uint32_t app,
                                      const struct slice *names, size_t n, cluster_answer_fn *fn,
                                      void *fn_arg)
{
    struct cluster *cluster = arg;
    struct cluster_lane *lane = &cluster->lanes[0];
    if (!cluster_can_ask(cluster)) {
        return CLUSTER_AWAY;
    }
    if (lane->log.nodes.alive.count == 0) {
        return CLUSTER_ALONE;
    }
    struct buf text;
    int failed = 0;
    buf_init(&text, ASK_TEXT);
    for (size_t i = 0; i < n; i++) {
        struct slice name = names[i].p != NULL ? names[i] : SLICE("");
        failed |= bus_ask_name(&text, name);
    }
    struct bus_record query = {.type = BUS_QUERY,
                               .app = cluster_app_id(cluster, app),
                               .number = cluster->asked + 1,
                               .base = kind,
                               .text = {(const char *)text.data, text.len}};
    failed |= failed == 0 ? bus_log_add_loose(&lane->log, &query) : 0;
    buf_free(&text);
    if (failed != 0) {
        return CLUSTER_AWAY;
    }
    struct cluster_question *question = cluster_question_new(cluster, 0);
    question->kind = kind;
    question->gathered = gathered_new();
    question->fn = fn;
    question->arg = fn_arg;
    return CLUSTER_ASKED;
}

uint64_t cluster_ask_begin(struct cluster *cluster, uint64_t pending)
{
    if (!cluster_can_ask(cluster) || cluster->lanes[0].log.nodes.alive.count == 0) {
        pending_answer(&cluster->hub->pendings, pending, 0);
        return 0;
    }
    return cluster_question_new(cluster, pending)->number;
}

/* ---- answering ---- */

static void cluster_answer(struct cluster *cluster, uint64_t node, uint64_t number,
                           const struct buf *text, bool last)
{
    struct bus_record answer = {.type = BUS_ANSWER,
                                .last = last,
                                .node = node,
                                .number = number,
                                .text = {(const char *)text->data, text->len}};
    if (bus_log_add_loose(&cluster->lanes[0].log, &answer) != 0) {
        return; /* Redis is away, or there is no memory: who asked ends with a part */
    }
    cluster->dirty = true;
}

static void cluster_answer_number(struct cluster *cluster, uint64_t node, uint64_t number,
                                  uint64_t value)
{
    struct buf text;
    buf_init(&text, 64);
    if (bus_ask_number(&text, value) == 0) {
        cluster_answer(cluster, node, number, &text, true);
    }
    buf_free(&text);
}

/* Channels that this node's own connections are on. */
static void cluster_answer_channels(struct cluster *cluster, const struct bus_node *node,
                                    const struct bus_record *query, uint32_t app,
                                    struct slice prefix)
{
    struct buf text;
    size_t cursor = 0;
    void *value;
    buf_init(&text, 2 * ASK_PIECE);
    while (strmap_next(&cluster->hub->channels[app].entries, &cursor, &value)) {
        const struct dirent *entry = value;
        struct slice name = dirent_name(entry);
        if (entry->here == 0 || name.len < prefix.len ||
            memcmp(name.p, prefix.p, prefix.len) != 0 ||
            (ff_channel_type(name.p, name.len) & FF_CHANNEL_HIDDEN)) {
            continue;
        }
        if (bus_ask_channel(&text, name, entry->here) != 0) {
            break; /* no memory: what follows is missing, and the question ends in part */
        }
        if (text.len >= ASK_PIECE) {
            cluster_answer(cluster, node->id, query->number, &text, false);
            buf_clear(&text);
        }
    }
    cluster_answer(cluster, node->id, query->number, &text, true);
    buf_free(&text);
}

static void cluster_answer_counts(struct cluster *cluster, const struct bus_node *node,
                                  const struct bus_record *query, uint32_t app)
{
    struct slice names = query->text, name;
    struct buf text;
    buf_init(&text, ASK_TEXT);
    while (bus_ask_name_next(&names, &name)) {
        const struct dirent *entry =
            hub_find(cluster->hub, app, strmap_hash(name.p, name.len), name);
        if (entry != NULL && entry->here > 0 && bus_ask_channel(&text, name, entry->here) != 0) {
            break;
        }
    }
    cluster_answer(cluster, node->id, query->number, &text, true);
    buf_free(&text);
}

void cluster_ask_heard(struct cluster *cluster, const struct bus_node *node,
                       const struct bus_record *query)
{
    struct slice names = query->text, prefix;
    uint32_t app;
    if (!cluster_app(cluster, query->app, &app)) {
        return;
    }
    switch ((enum cluster_ask)query->base) {
    case CLUSTER_ASK_CHANNELS:
        if (bus_ask_name_next(&names, &prefix)) {
            cluster_answer_channels(cluster, node, query, app, prefix);
        }
        break;
    case CLUSTER_ASK_COUNTS:
        cluster_answer_counts(cluster, node, query, app);
        break;
    case CLUSTER_ASK_CONNECTIONS:
        cluster_answer_number(cluster, node->id, query->number,
                              app_connections(&cluster->hub->apps->items[app]));
        break;
    }
}

/* ---- terminations ---- */

static void cluster_on_ended(void *arg, const struct asker *asker, uint64_t sum, bool whole)
{
    (void)whole;
    cluster_answer_number(arg, (uint64_t)asker->slot << 32 | asker->gen, asker->seq, sum);
}

void cluster_ask_terminate(struct cluster *cluster, const struct bus_node *node,
                           const struct bus_record *order, uint32_t app)
{
    struct hub *hub = cluster->hub;
    const struct app *of = &hub->apps->items[app];
    struct asker asker = {
        .slot = (uint32_t)(node->id >> 32), .gen = (uint32_t)node->id, .seq = order->number};
    struct socket_ref socket = {order->socket.random, order->socket.worker, order->socket.slot};
    bool user = order->type == BUS_TERMINATE_USER;
    if (!user && (socket.random == 0 || socket.worker >= hub_workers(hub))) {
        if (order->number != 0) {
            cluster_answer_number(cluster, node->id, order->number, 0);
        }
        return;
    }
    uint64_t question = 0;
    if (order->number != 0) {
        question = pending_ask(&hub->pendings, &asker, user ? hub_workers(hub) : 1,
                               cluster_on_ended, cluster, hub->loop->now);
    }
    if (user) {
        hub_terminate_user_here(hub, of, order->user_id, question);
    } else {
        hub_terminate_socket_here(hub, of, &socket, question);
    }
}

/* ---- hearing answers ---- */

static struct cluster_question *cluster_question_find(struct cluster *cluster, uint64_t number)
{
    /* In the order of their numbers. While a node is silent many wait for it, and the answers of
     * the others are to the youngest. */
    struct cluster_question *question = cluster->last;
    while (question != NULL && question->number > number) {
        question = question->prev;
    }
    return question != NULL && question->number == number ? question : NULL;
}

/* Nothing more comes from this node. */
static void cluster_question_heard(struct cluster *cluster, struct cluster_question *question,
                                   uint64_t node, bool whole)
{
    for (uint32_t i = 0; i < question->nnodes; i++) {
        if (question->nodes[i] == node) {
            question->nodes[i] = question->nodes[--question->nnodes];
            question->whole = question->whole && whole;
        }
    }
    if (question->nnodes == 0) {
        cluster_question_end(cluster, question);
    }
}

static void cluster_question_add(struct cluster_question *question, enum cluster_ask kind,
                                 struct slice text)
{
    uint64_t value;
    uint32_t subscriptions;
    struct slice name;
    if (question->gathered == NULL || kind == CLUSTER_ASK_CONNECTIONS) {
        if (bus_ask_number_next(&text, &value)) {
            question->sum += value;
            if (question->gathered != NULL) {
                gathered_add_connections(question->gathered, value);
            }
        }
        return;
    }
    while (bus_ask_channel_next(&text, &name, &subscriptions)) {
        gathered_add(question->gathered, name, subscriptions);
    }
}

void cluster_ask_answered(struct cluster *cluster, const struct bus_node *node,
                          const struct bus_record *answer)
{
    struct cluster_question *question = cluster_question_find(cluster, answer->number);
    if (question == NULL) {
        return;
    }
    cluster_question_add(question, question->kind, answer->text);
    if (answer->last) {
        cluster_question_heard(cluster, question, node->id, true);
    }
}

void cluster_ask_gone(struct cluster *cluster, const struct bus_node *node)
{
    struct cluster_question *next;
    for (struct cluster_question *question = cluster->first; question != NULL; question = next) {
        next = question->next;
        cluster_question_heard(cluster, question, node->id, false);
    }
}

uint64_t cluster_ask_expire(struct cluster *cluster, uint64_t now)
{
    while (cluster->first != NULL && now >= cluster->first->until) {
        cluster_question_end(cluster, cluster->first);
    }
    return cluster->first != NULL ? cluster->first->until : UINT64_MAX;
}

void cluster_ask_end(struct cluster *cluster)
{
    while (cluster->first != NULL) {
        cluster_question_end(cluster, cluster->first);
    }
}
