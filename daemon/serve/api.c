#include "serve/api.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/latency.h"
#include "net/loop.h"
#include "proto/api.h"
#include "pubsub/publish.h"
#include "pubsub/request.h"
#include "shared/channel.h"
#include "web/http_conn.h"

#define MAX_BODY     (16u << 20)
#define BODY_BESIDES 65536u /* what a body has besides its data */
#define MD5_DIGITS   32u

/* A request as far as its head tells; views are good until the head is. */
struct api_call {
    enum request_kind kind;
    struct app *app;
    struct slice name; /* channel or user id in the path, still escaped */
    struct api_query query;
    char room[HTTP_MAX_TARGET];
};

/* What is kept of it until its body is there. */
struct api_job {
    struct request *request;
    const char *fault; /* what is wrong with its names; NULL: nothing */
    bool has_md5;
    uint8_t md5_len;
    char md5[MD5_DIGITS + 1]; /* more than that is none */
};

static size_t api_limit_of_body(const struct limits *limits)
{
    /* An escape takes up to six bytes for one. */
    uint64_t most = limits->max_event_size * 6 + BODY_BESIDES;
    uint64_t batch = limits->max_batch != 0 ? limits->max_batch : MAX_BODY;
    if (limits->max_event_size == 0 || most > MAX_BODY / batch) {
        return MAX_BODY;
    }
    return (size_t)(most * batch);
}

size_t api_max_body(const struct conn *conn)
{
    return api_limit_of_body(worker_of(conn)->limits);
}

bool api_owns(struct slice path)
{
    return slice_starts(path, "/apps/");
}

static void api_refuse(struct conn *conn, int status, const char *extra, const char *why)
{
    char peer[ADDRESS_TEXT];
    counter_add(conn->loop->counters,
                status == 401   ? COUNTER_API_UNAUTHORIZED
                : status == 503 ? COUNTER_API_OVERLOADED
                                : COUNTER_API_INVALID,
                1);
    if (status == 401) {
        log_with(LOG_LEVEL_DEBUG, "api", LOG_FIELDS(.client = http_peer(conn, peer)),
                 "refused a request from %s: %s", http_peer(conn, peer), why);
    }
    http_refuse(conn, status, extra, why);
}

/* ---- routes ---- */

static struct slice api_segment(struct slice *rest)
{
    const char *slash = memchr(rest->p, '/', rest->len);
    size_t len = slash != NULL ? (size_t)(slash - rest->p) : rest->len;
    struct slice first = {rest->p, len};
    size_t used = slash != NULL ? len + 1 : len;
    *rest = (struct slice){rest->p + used, rest->len - used};
    return first;
}

/* What the path behind /apps/{id}/ asks for. False: nothing of ours. */
static bool api_route(struct slice rest, struct api_call *call, bool *post)
{
    bool more = rest.len > 0;
    struct slice one = api_segment(&rest), two = {NULL, 0}, three = {NULL, 0};
    if (rest.len > 0) {
        two = api_segment(&rest);
    }
    if (rest.len > 0) {
        three = api_segment(&rest);
    }
    *post = false;
    call->name = two;
    if (!more || rest.len > 0) {
        return false;
    }
    if (two.p == NULL) {
        *post = slice_is(one, "events") || slice_is(one, "batch_events");
        call->kind = slice_is(one, "events")         ? REQUEST_EVENTS
                     : slice_is(one, "batch_events") ? REQUEST_BATCH
                     : slice_is(one, "channels")     ? REQUEST_CHANNELS
                                                     : REQUEST_CONNECTIONS;
        return *post || slice_is(one, "channels") || slice_is(one, "connections");
    }
    if (two.len == 0) {
        return false;
    }
    if (slice_is(one, "channels")) {
        call->kind = three.p == NULL ? REQUEST_CHANNEL : REQUEST_USERS;
        return three.p == NULL || slice_is(three, "users");
    }
    *post = true;
    call->kind = REQUEST_TERMINATE;
    return slice_is(one, "users") && slice_is(three, "terminate_connections");
}

/* One more way to write the path, if it is one. */
static void api_also(struct api_signer *signer, struct slice path)
{
    for (size_t i = 0; i < signer->npaths; i++) {
        if (slice_equal(signer->paths[i], path)) {
            return;
        }
    }
    if (path.p != NULL && signer->npaths < API_MAX_PATHS) {
        signer->paths[signer->npaths++] = path;
    }
}

/*
 * SDKs sign the path that they were given, and escape it when they send it: an id like "user 1" is
 * signed as it is. One that signs what it sends is right as well, and so is a proxy on the way that
 * escapes more or less of it. The same for the server's path prefix: those that are told of it sign
 * without it.
 */
static bool api_is_signed(const struct worker *worker, const struct api_call *call,
                          const struct http_request *request, struct slice plain,
                          char why[API_WHY_MAX])
{
    char room[HTTP_MAX_TARGET];
    struct slice bare = {NULL, 0};
    struct api_signer signer = {.key = call->app->key,
                                .secret = call->app->secret,
                                .method = request->method,
                                .now = clock_wall_ms() / 1000};
    if (plain.len <= sizeof(room) && api_unescape(plain, room, &bare) != 0) {
        bare = (struct slice){NULL, 0};
    }
    const struct slice ways[] = {plain, request->path, bare};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        api_also(&signer, http_path_below(ways[i], worker->path_prefix));
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        api_also(&signer, ways[i]);
    }
    return api_signed(&call->query, &signer, why);
}

/* Everything about a request that its head decides. False: it was answered. */
static bool api_judge_head(struct conn *conn, const struct http_request *request,
                           struct slice plain, struct api_call *call)
{
    struct worker *worker = worker_of(conn);
    struct slice path = http_path_below(plain, worker->path_prefix);
    struct slice rest = {path.p + 6, path.len - 6}; /* behind "/apps/" */
    struct slice id = api_segment(&rest);
    bool post, get = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
    char why[API_WHY_MAX];
    if (!api_route(rest, call, &post)) {
        api_refuse(conn, 404, NULL, "Not found");
        return false;
    }
    if (post ? !slice_is(request->method, "POST") : !get) {
        api_refuse(conn, 405, post ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n",
                   "Method not allowed");
        return false;
    }
    call->app = apps_by_id(worker->apps, id.p, id.len);
    if (call->app == NULL) {
        api_refuse(conn, 404, NULL, "No matching application");
        return false;
    }
    if (request->query.len > sizeof(call->room) ||
        api_query_read(request->query, call->room, &call->query) != 0) {
        api_refuse(conn, 401, NULL, "The query has too many parameters, or a broken escape");
        return false;
    }
    if (!api_is_signed(worker, call, request, plain, why)) {
        api_refuse(conn, 401, NULL, why);
        return false;
    }
    if (!call->app->settings->enabled) {
        api_refuse(conn, 403, NULL, "Application disabled");
        return false;
    }
    if (!flow_open(&worker->gate, worker->limits->mailbox_high)) {
        api_refuse(conn, 503, "Retry-After: 1\r\n", "Over capacity, try again");
        return false;
    }
    return true;
}

/* ---- bodies ---- */

static int api_status_of(enum publish_fault fault)
{
    return fault == PUBLISH_TOO_LARGE ? 413 : 400;
}

/* Reads the events of a body into the request. False: *fault says why not. */
static bool api_read_events(struct worker *worker, struct request *request, struct slice body,
                            struct api_fault *fault)
{
    const struct limits *limits = worker->limits;
    size_t events, channels;
    api_count(body, &events, &channels);
    if (request->kind == REQUEST_EVENTS) {
        events = 1;
    } else if (limits->max_batch != 0 && events > limits->max_batch) {
        events = limits->max_batch;
    }
    request->room = mem_try_alloc(body.len * 3 + 1);
    request->events = mem_try_alloc(events * sizeof(*request->events));
    request->channels = mem_try_alloc(channels * sizeof(*request->channels));
    request->memory = body.len * 3 + 1 + events * sizeof(*request->events) +
                      channels * sizeof(*request->channels);
    if (request->room == NULL || request->events == NULL || request->channels == NULL) {
        *fault = (struct api_fault){.status = 500, .why = "Out of memory"};
        return false;
    }
    memcpy(request->room, body.p, body.len);
    body.p = request->room;
    struct api_reader reader = {.scratch = request->room + body.len,
                                .channels = request->channels,
                                .max_channels = channels,
                                .channels_per_event = (size_t)limits->max_channels_per_publish};
    request->nevents = 1;
    if (request->kind == REQUEST_EVENTS) {
        return api_event_read(body, &reader, request->events, fault) == 0;
    }
    return api_batch_read(body, &reader, request->events, events, &request->nevents, fault) == 0;
}

static bool api_check_events(struct worker *worker, struct request *request, char *why, size_t size,
                             int *status)
{
    for (size_t i = 0; i < request->nevents; i++) {
        struct api_event *event = &request->events[i];
        /* A socket id that is none is nobody's. */
        if (event->socket_id.p != NULL &&
            !ff_socket_id_valid(event->socket_id.p, event->socket_id.len)) {
            event->socket_id = (struct slice){NULL, 0};
        }
        struct publish publish = request_publish(request, event);
        enum publish_fault fault = publish_check(worker->limits, request->app, &publish, why, size);
        if (fault != PUBLISH_FINE) {
            publish_count_fault(worker->loop->counters, fault);
            *status = api_status_of(fault);
            return false;
        }
    }
    return true;
}

/* The name in the path, and what the query asks for. NULL: fine. */
static const char *api_read_names(struct worker *worker, const struct api_call *call,
                                  struct request *request)
{
    struct slice text = call->name;
    if (request->kind == REQUEST_CHANNELS) {
        text = api_param(&call->query, "filter_by_prefix");
    }
    request->info = api_info(api_param(&call->query, "info"));
    if (text.p == NULL) {
        return NULL;
    }
    request->room = mem_alloc(text.len + 1);
    if (request->kind == REQUEST_CHANNELS) {
        memcpy(request->room, text.p, text.len); /* decoded with the query */
        request->name = (struct slice){request->room, text.len};
        return NULL;
    }
    if (api_unescape(text, request->room, &request->name) != 0) {
        return "The path has a broken escape";
    }
    if (request->kind == REQUEST_TERMINATE) {
        return ff_user_id_valid(request->name.p, request->name.len)
                   ? NULL
                   : "The user id must be 1 to 128 bytes of UTF-8";
    }
    uint64_t max =
        app_limit(worker->limits->max_channel_name, call->app->settings->max_channel_name);
    if (!ff_channel_publishable(request->name.p, request->name.len, max)) {
        return "The channel name is invalid";
    }
    if (request->kind == REQUEST_USERS &&
        !(ff_channel_type(request->name.p, request->name.len) & FF_CHANNEL_PRESENCE)) {
        return "Users are known of presence channels only";
    }
    return NULL;
}

void api_drop(void *arg)
{
    struct api_job *job = arg;
    request_free(job->request);
    mem_free(job);
}

/* Several are as good as none. A longer one is none of a version that we know. */
static void api_note_trace(const struct http_request *http, struct request *request)
{
    struct slice trace = http_header(http, "traceparent");
    if (trace.p != NULL && trace.len <= sizeof(request->trace) &&
        http_header_count(http, "traceparent") == 1) {
        memcpy(request->trace, trace.p, trace.len);
        request->trace_len = (uint8_t)trace.len;
    }
}

void *api_head(struct conn *conn, const struct http_request *http, struct slice plain)
{
    struct worker *worker = worker_of(conn);
    struct api_call call;
    if (!api_judge_head(conn, http, plain, &call)) {
        return NULL;
    }
    struct slice md5 = api_param(&call.query, "body_md5");
    struct api_job *job = mem_zalloc(sizeof(*job));
    job->request = mem_zalloc(sizeof(*job->request));
    *job->request = (struct request){.kind = call.kind,
                                     .worker = worker->id,
                                     .slot = conn->slot,
                                     .gen = conn->gen,
                                     .app_index = call.app->index};
    if (call.kind != REQUEST_EVENTS && call.kind != REQUEST_BATCH) {
        job->fault = api_read_names(worker, &call, job->request);
    }
    api_note_trace(http, job->request);
    job->has_md5 = md5.p != NULL;
    job->md5_len = (uint8_t)(md5.len < sizeof(job->md5) ? md5.len : sizeof(job->md5));
    if (md5.p != NULL) {
        memcpy(job->md5, md5.p, job->md5_len);
    }
    return job;
}

/* What the request says. False: *fault says what is wrong. */
static bool api_judge_body(struct worker *worker, struct api_job *job, struct slice body,
                           struct api_fault *fault, char *why, size_t size)
{
    struct request *request = job->request;
    struct slice md5 = {job->has_md5 ? job->md5 : NULL, job->md5_len};
    if (!api_body_matches(md5, body)) {
        *fault = (struct api_fault){.status = 401,
                                    .why = job->has_md5 ? "body_md5 is not the MD5 of the body"
                                                        : "body_md5 is missing"};
    } else if (job->fault != NULL) {
        *fault = (struct api_fault){.status = 400, .why = job->fault};
    } else if ((request->kind == REQUEST_EVENTS || request->kind == REQUEST_BATCH) &&
               api_read_events(worker, request, body, fault) &&
               !api_check_events(worker, request, why, size, &fault->status)) {
        fault->why = why;
    }
    return fault->status == 0;
}

void api_body(struct conn *conn, void *arg, struct slice body, int status)
{
    struct worker *worker = worker_of(conn);
    struct api_job *job = arg;
    struct api_fault fault = {.status = status,
                              .why = status == 413   ? "Payload too large"
                                     : status == 500 ? "Out of memory"
                                                     : "The chunked body is broken"};
    char why[256];
    job->request->app = &worker->apps->items[job->request->app_index];
    if (status != 0 || !api_judge_body(worker, job, body, &fault, why, sizeof(why))) {
        if (status == 413) {
            counter_add(conn->loop->counters, COUNTER_LIMIT_EVENT_SIZE, 1);
        }
        if (fault.limit != API_NO_LIMIT) {
            counter_add(conn->loop->counters,
                        fault.limit == API_LIMIT_BATCH ? COUNTER_LIMIT_BATCH
                                                       : COUNTER_LIMIT_CHANNELS_PER_PUBLISH,
                        1);
        }
        api_refuse(conn, fault.status, NULL, fault.why);
    } else {
        counter_add(conn->loop->counters, COUNTER_API_REQUESTS, 1);
        http_later(conn);
        job->request->since_ns = latency_turn(conn->loop);
        request_post(worker->flow->hub, job->request);
        job->request = NULL;
    }
    api_drop(job);
}

/* ---- answers ---- */

void api_respond(struct worker *worker, const struct mail_response *response)
{
    struct conn *conn = conn_find(worker->loop, response->slot, response->gen);
    if (conn == NULL) {
        return; /* the caller did not wait */
    }
    struct slice json = SLICE("{\"error\":\"Out of memory\"}");
    if (response->body != NULL) {
        json = (struct slice){(const char *)response->body->bytes, response->body->len};
    }
    if (worker->draining) {
        http_last(conn);
    }
    http_answer_json(conn, response->status, NULL, json);
}
