#include "pubsub/gathered.h"
#include "pubsub/share.h"
#include "pubsub/request.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "proto/json.h"
#include "pubsub/cluster.h"
#include "pubsub/presence.h"
#include "pubsub/publish.h"
#include "pubsub/query.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

void request_free(struct request *request)
{
    if (request != NULL) {
        mem_free(request->events);
        mem_free(request->channels);
        mem_free(request->room);
        mem_free(request);
    }
}

void request_post(struct mailbox *hub, struct request *request)
{
    struct mail_request *mail = mem_alloc(sizeof(*mail));
    request->app_index = request->app->index;
    request->app = NULL;
    size_t memory = sizeof(*mail) + sizeof(*request) + request->memory;
    *mail = (struct mail_request){.mail = {.type = MAIL_REQUEST, .weight = flow_mail(memory)},
                                  .request = request};
    mailbox_post(hub, &mail->mail);
}

struct publish request_publish(const struct request *request, const struct api_event *event)
{
    return (struct publish){
        .channels = request->channels + event->first,
        .nchannels = (uint32_t)event->count,
        .event = event->name,
        .data = event->data,
        .except = event->socket_id,
        .since_ns = request->since_ns,
        .trace = {request->trace_len > 0 ? request->trace : NULL, request->trace_len},
        .http = true,
    };
}

/* ---- answers; each function returns 0, or -1 when the buffer is full ---- */

static int request_write_cache(struct buf *out, struct hub *hub, const struct app *app,
                               struct slice name)
{
    struct slice data;
    uint64_t ttl;
    if (!query_cached(hub, app, name, &data, &ttl)) {
        return buf_text(out, ",\"cache\":null");
    }
    return buf_text(out, ",\"cache\":{\"data\":") | buf_append(out, data.p, data.len) |
           buf_printf(out, ",\"ttl\":%" PRIu64 "}", ttl);
}

/* The attributes asked for, as far as they apply to the channel, each with a comma in front. */
static int request_write_attributes(struct buf *out, struct hub *hub, const struct app *app,
                                    struct slice name, const struct channel_info *channel,
                                    unsigned int wanted)
{
    int failed = 0;
    if (channel->occupied && (wanted & API_INFO_USER_COUNT) &&
        (channel->type & FF_CHANNEL_PRESENCE)) {
        failed |= buf_printf(out, ",\"user_count\":%" PRIu32, channel->users);
    }
    if (channel->occupied && (wanted & API_INFO_SUBSCRIPTION_COUNT) &&
        !(channel->type & FF_CHANNEL_PRESENCE)) {
        failed |= buf_printf(out, ",\"subscription_count\":%" PRIu32, channel->subscriptions);
    }
    if ((wanted & API_INFO_CACHE) && (channel->type & FF_CHANNEL_CACHE)) {
        failed |= request_write_cache(out, hub, app, name);
    }
    return failed;
}

/* The same as an object of its own. */
static int request_write_object(struct buf *out, struct hub *hub, const struct app *app,
                                struct slice name, const struct channel_info *channel,
                                unsigned int wanted)
{
    size_t mark = out->len;
    int failed = request_write_attributes(out, hub, app, name, channel, wanted);
    if (out->len == mark) {
        return failed | buf_text(out, "{}");
    }
    out->data[mark] = '{'; /* in the place of the first comma */
    return failed | buf_text(out, "}");
}

static void request_name_of(const void *value, const char **key, size_t *len)
{
    const struct ff_slice *name = value;
    *key = name->p;
    *len = name->len;
}

/* Each channel once, however often it was named: the keys of an object are different. */
static int request_write_channels_of(struct buf *out, struct hub *hub,
                                     const struct request *request, const struct api_event *event)
{
    struct strmap written;
    int failed = 0;
    strmap_init(&written, request_name_of);
    for (size_t i = 0; i < event->count; i++) {
        struct ff_slice *channel = &request->channels[event->first + i];
        struct slice name = {channel->p, channel->len};
        if (strmap_get(&written, name.p, name.len) != NULL) {
            continue;
        }
        strmap_put(&written, channel);
        struct channel_info info = query_channel(hub, request->app, name);
        failed |= i > 0 ? buf_text(out, ",") : 0;
        failed |= json_write_string(out, name.p, name.len) | buf_text(out, ":");
        failed |= request_write_object(out, hub, request->app, name, &info, event->info);
    }
    strmap_free(&written);
    return failed;
}

static int request_answer_events(struct buf *out, struct hub *hub, const struct request *request)
{
    if (request->events[0].info == 0) {
        return buf_text(out, "{}");
    }
    return buf_text(out, "{\"channels\":{") |
           request_write_channels_of(out, hub, request, &request->events[0]) | buf_text(out, "}}");
}

static int request_answer_batch(struct buf *out, struct hub *hub, const struct request *request)
{
    unsigned int any = 0;
    for (size_t i = 0; i < request->nevents; i++) {
        any |= request->events[i].info;
    }
    if (any == 0) {
        return buf_text(out, "{}");
    }
    int failed = buf_text(out, "{\"batch\":");
    for (size_t i = 0; i < request->nevents; i++) {
        const struct api_event *event = &request->events[i];
        struct ff_slice channel = request->channels[event->first];
        struct slice name = {channel.p, channel.len};
        struct channel_info info = query_channel(hub, request->app, name);
        failed |= buf_text(out, i > 0 ? "," : "[");
        failed |= request_write_object(out, hub, request->app, name, &info, event->info);
    }
    return failed | buf_text(out, "]}");
}

static int request_answer_channels(struct buf *out, struct hub *hub, const struct request *request)
{
    struct slice name;
    struct channel_info info;
    struct query_cursor cursor = {0};
    bool first = true;
    int failed = buf_text(out, "{\"channels\":{");
    while (query_next(hub, request->app, request->name, &cursor, &name, &info)) {
        failed |= first ? 0 : buf_text(out, ",");
        failed |= json_write_string(out, name.p, name.len) | buf_text(out, ":");
        failed |= request_write_object(out, hub, request->app, name, &info, request->info);
        first = false;
    }
    return failed | buf_text(out, "}}");
}

static int request_answer_channel(struct buf *out, struct hub *hub, const struct request *request)
{
    struct channel_info info = query_channel(hub, request->app, request->name);
    return buf_printf(out, "{\"occupied\":%s", info.occupied ? "true" : "false") |
           request_write_attributes(out, hub, request->app, request->name, &info, request->info) |
           buf_text(out, "}");
}

/* Ids are strings here, whatever they were when the user subscribed: that is what SDKs read. */
static int request_write_id(struct buf *out, struct slice id_json)
{
    if (json_type(id_json) == JSON_STRING) {
        return buf_append(out, id_json.p, id_json.len);
    }
    return json_write_string(out, id_json.p, id_json.len);
}

static int request_answer_users(struct buf *out, struct hub *hub, const struct request *request)
{
    const struct presence *presence = query_presence(hub, request->app, request->name);
    int failed = buf_text(out, "{\"users\":[");
    if (presence != NULL) {
        struct presence_walk walk;
        struct pusher_members members = presence_members(&walk, presence);
        struct pusher_member member;
        for (bool first = true; members.next(members.arg, &member); first = false) {
            failed |= buf_text(out, first ? "{\"id\":" : ",{\"id\":") |
                      request_write_id(out, member.id_json) | buf_text(out, "}");
        }
    }
    return failed | buf_text(out, "]}");
}

/* Frees the answer and the request. */
static void request_reply(struct hub *hub, struct request *request, int status, struct buf *json)
{
    struct frame *body = status == 500 ? NULL : frame_copy(json->data, json->len);
    buf_free(json);
    struct mail_response *mail = mem_alloc(sizeof(*mail));
    *mail = (struct mail_response){
        .mail = {.type = MAIL_RESPONSE,
                 .weight = flow_mail(sizeof(*mail) + (body != NULL ? body->len : 0))},
        .slot = request->slot,
        .gen = request->gen,
        .status = body != NULL ? status : 500,
        .body = body,
    };
    mailbox_post(hub->flow->workers[request->worker], &mail->mail);
    request_free(request);
}

static int request_publish_all(struct hub *hub, const struct request *request)
{
    for (size_t i = 0; i < request->nevents; i++) {
        struct receipt receipt;
        struct publish publish = request_publish(request, &request->events[i]);
        if (publish_broadcast(hub, request->app, &publish, &receipt) != 0) {
            return -1;
        }
        counter_add(hub->loop->counters, COUNTER_PUBLISHED_HTTP, 1);
    }
    return 0;
}

static int request_answer_kind(struct buf *out, struct hub *hub, const struct request *request)
{
    switch (request->kind) {
    case REQUEST_EVENTS:
        return request_answer_events(out, hub, request);
    case REQUEST_BATCH:
        return request_answer_batch(out, hub, request);
    case REQUEST_CHANNELS:
        return request_answer_channels(out, hub, request);
    case REQUEST_CHANNEL:
        return request_answer_channel(out, hub, request);
    case REQUEST_USERS:
        return request_answer_users(out, hub, request);
    case REQUEST_CONNECTIONS:
        return buf_printf(out, "{\"connections\":%" PRIu64 "}",
                          query_connections(hub, request->app));
    case REQUEST_TERMINATE:
        return buf_text(out, "{}");
    }
    return -1;
}

/* What it is short of: nodes that have not answered in time. In the place of the last brace. */
static int request_mark_partial(struct buf *out)
{
    if (out->len <= 2) {
        return 0; /* nothing is said that could be partial */
    }
    out->len--;
    return buf_text(out, ",\"partial\":true}");
}

/* Answers, with what others have told (NULL: they were not asked), and frees it. */
static void request_finish(struct hub *hub, struct request *request,
                           const struct gathered *gathered)
{
    struct buf json;
    buf_init(&json, WIRE_MAX);
    request->app = &hub->apps->items[request->app_index];
    hub->gathered = gathered;
    int failed = request_answer_kind(&json, hub, request);
    hub->gathered = NULL;
    if (gathered != NULL && !gathered_whole(gathered)) {
        failed |= request_mark_partial(&json);
    }
    request_reply(hub, request, failed == 0 ? 200 : 500, &json);
}

struct request_asking {
    struct hub *hub;
    struct request *request;
};

static void request_on_gathered(void *arg, const struct gathered *gathered)
{
    struct request_asking *asking = arg;
    request_finish(asking->hub, asking->request, gathered);
    mem_free(asking);
}

static void request_name_key(const void *value, const char **key, size_t *len)
{
    const struct slice *name = value;
    *key = name->p;
    *len = name->len;
}

/* The channels of which it wants to know how many are subscribed. Returns how many; `out` has room
 * for all that it names. */
static size_t request_names(const struct request *request, struct slice *out)
{
    struct strmap seen;
    size_t n = 0;
    strmap_init(&seen, request_name_key);
    if (request->kind == REQUEST_CHANNEL) {
        out[n++] = request->name;
    }
    for (size_t i = 0; i < request->nevents; i++) {
        const struct api_event *event = &request->events[i];
        for (size_t j = 0; event->info != 0 && j < event->count; j++) {
            const struct ff_slice *channel = &request->channels[event->first + j];
            out[n] = (struct slice){channel->p, channel->len};
            /* Answers are added up by name: one that is asked for twice would count twice. */
            if (strmap_get(&seen, channel->p, channel->len) == NULL) {
                strmap_put(&seen, &out[n++]);
            }
        }
    }
    strmap_free(&seen);
    return n;
}

/* Whether what this node knows is not all; then the others are asked, or cannot be. */
static enum cluster_asked request_ask(struct hub *hub, struct request *request)
{
    const struct cluster_ops *ops = hub->cluster_ops;
    uint32_t app = request->app_index;
    if (ops == NULL || request->kind == REQUEST_USERS || request->kind == REQUEST_TERMINATE ||
        (request->kind != REQUEST_CONNECTIONS && share_counts(hub, app))) {
        return CLUSTER_ALONE;
    }
    size_t most = 1;
    for (size_t i = 0; i < request->nevents; i++) {
        most += request->events[i].count;
    }
    struct slice *names = mem_alloc(most * sizeof(*names));
    struct request_asking *asking = mem_alloc(sizeof(*asking));
    *asking = (struct request_asking){hub, request};
    enum cluster_ask kind = CLUSTER_ASK_COUNTS;
    size_t n = 0;
    if (request->kind == REQUEST_CONNECTIONS) {
        kind = CLUSTER_ASK_CONNECTIONS;
    } else if (request->kind == REQUEST_CHANNELS) {
        kind = CLUSTER_ASK_CHANNELS;
        names[0] = request->name;
        n = 1;
    } else {
        n = request_names(request, names);
    }
    enum cluster_asked asked =
        kind == CLUSTER_ASK_COUNTS && n == 0
            ? CLUSTER_ALONE
            : ops->ask(hub->cluster, kind, app, names, n, request_on_gathered, asking);
    if (asked != CLUSTER_ASKED) {
        mem_free(asking);
    }
    mem_free(names);
    return asked;
}

/* What it changes. -1: no memory, and some or all of it did not happen. */
static int request_act(struct hub *hub, const struct request *request)
{
    switch (request->kind) {
    case REQUEST_EVENTS:
    case REQUEST_BATCH:
        return request_publish_all(hub, request);
    case REQUEST_TERMINATE:
        hub_terminate_user(hub, request->app, request->name, NULL, NULL);
        return 0;
    case REQUEST_CHANNELS:
    case REQUEST_CHANNEL:
    case REQUEST_USERS:
    case REQUEST_CONNECTIONS:
        break;
    }
    return 0;
}

static void request_refuse(struct hub *hub, struct request *request, int status, const char *text)
{
    struct buf json;
    buf_init(&json, WIRE_MAX);
    request_reply(hub, request, buf_text(&json, text) == 0 ? status : 500, &json);
}

void request_handle(struct hub *hub, struct request *request)
{
    request->app = &hub->apps->items[request->app_index];
    /* What the worker has checked may be over by now. */
    if (request->app->removed) {
        request_refuse(hub, request, 404, "{\"error\":\"No matching application\"}");
        return;
    }
    if (!request->app->settings->enabled) {
        request_refuse(hub, request, 403, "{\"error\":\"Application disabled\"}");
        return;
    }
    if (request_act(hub, request) != 0) {
        request_refuse(hub, request, 500, "");
        return;
    }
    switch (request_ask(hub, request)) {
    case CLUSTER_ALONE:
        request_finish(hub, request, NULL);
        break;
    case CLUSTER_AWAY: {
        struct gathered *nothing = gathered_new();
        request_finish(hub, request, nothing);
        gathered_free(nothing);
        break;
    }
    case CLUSTER_ASKED:
        break;
    }
}
