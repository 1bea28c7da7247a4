#include "serve/api.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "proto/api.h"
#include "proto/chunked.h"
#include "pubsub/publish.h"
#include "pubsub/request.h"
#include "serve/http_conn.h"
#include "shared/channel.h"

#define MAX_BODY         (16u << 20)
#define BODY_BESIDES     65536u /* what a body has besides its data */
#define MAX_QUERY        8192u
#define MAX_ESCAPED_PATH 2048u

/* A request as far as its head tells. */
struct call {
    enum request_kind kind;
    struct app *app;
    struct slice name; /* channel or user id in the path, still escaped */
    struct api_query query;
    char room[MAX_QUERY];
};

size_t api_max_body(const struct limits *limits)
{
    /* An escape takes up to six bytes for one. */
    uint64_t most = limits->max_event_size * 6 + BODY_BESIDES;
    uint64_t batch = limits->max_batch != 0 ? limits->max_batch : MAX_BODY;
    if (limits->max_event_size == 0 || most > MAX_BODY / batch) {
        return MAX_BODY;
    }
    return (size_t)(most * batch);
}

bool api_owns(struct slice path)
{
    return slice_starts(path, "/apps/");
}

static void refuse(struct conn *conn, const struct http_request *request, int status,
                   const char *extra, const char *why)
{
    bool body = request->body_len > 0 || request->chunked;
    counter_add(conn->loop->counters,
                status == 401   ? COUNTER_API_UNAUTHORIZED
                : status == 503 ? COUNTER_API_OVERLOADED
                                : COUNTER_API_INVALID,
                1);
    if (status == 413) {
        counter_add(conn->loop->counters, COUNTER_LIMIT_EVENT_SIZE, 1);
    }
    http_refuse(conn, status, extra, why, request->keep_alive && !body,
                slice_is(request->method, "HEAD"));
}

/* ---- routes ---- */

static struct slice segment(struct slice *rest)
{
    const char *slash = memchr(rest->p, '/', rest->len);
    size_t len = slash != NULL ? (size_t)(slash - rest->p) : rest->len;
    struct slice first = {rest->p, len};
    size_t used = slash != NULL ? len + 1 : len;
    *rest = (struct slice){rest->p + used, rest->len - used};
    return first;
}

/* What the path behind /apps/{id}/ asks for. False: nothing of ours. */
static bool find_route(struct slice rest, struct call *call, bool *post)
{
    bool more = rest.len > 0;
    struct slice one = segment(&rest), two = {NULL, 0}, three = {NULL, 0};
    if (rest.len > 0) {
        two = segment(&rest);
    }
    if (rest.len > 0) {
        three = segment(&rest);
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

/* SDKs sign the path that they were given, and escape it when they send it: an id like "user 1" is
 * signed as it is. One that signs what it sends is right as well. */
static bool path_signed(const struct call *call, struct slice method, struct slice path)
{
    uint64_t now = clock_wall_ms() / 1000;
    struct slice key = call->app->key, secret = call->app->secret, plain;
    char room[MAX_ESCAPED_PATH];
    if (api_signed(&call->query, method, path, key, secret, now)) {
        return true;
    }
    return path.len <= sizeof(room) && memchr(path.p, '%', path.len) != NULL &&
           api_unescape(path, room, &plain) == 0 &&
           api_signed(&call->query, method, plain, key, secret, now);
}

static bool is_signed(const struct call *call, const struct http_request *request,
                      struct slice path)
{
    /* SDKs that are told of a path prefix sign without it; one that signs what it sends is right as
     * well. */
    return path_signed(call, request->method, path) ||
           (!slice_equal(path, request->path) && path_signed(call, request->method, request->path));
}

/* Everything about a request that its head decides. False: it was answered. */
static bool judge_head(struct conn *conn, const struct http_request *request, struct slice path,
                       struct call *call)
{
    struct worker *worker = worker_of(conn);
    struct slice rest = {path.p + 6, path.len - 6}; /* behind "/apps/" */
    struct slice id = segment(&rest);
    bool post, get = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
    if (!find_route(rest, call, &post)) {
        refuse(conn, request, 404, NULL, "Not found");
        return false;
    }
    if (post ? !slice_is(request->method, "POST") : !get) {
        refuse(conn, request, 405, post ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n",
               "Method not allowed");
        return false;
    }
    call->app = apps_by_id(worker->apps, id.p, id.len);
    if (call->app == NULL) {
        refuse(conn, request, 404, NULL, "No matching application");
        return false;
    }
    if (request->query.len > MAX_QUERY ||
        api_query_read(request->query, call->room, &call->query) != 0 ||
        !is_signed(call, request, path)) {
        refuse(conn, request, 401, NULL, "Authentication signature invalid");
        return false;
    }
    if (!call->app->settings->enabled) {
        refuse(conn, request, 403, NULL, "Application disabled");
        return false;
    }
    if (request->body_len > api_max_body(worker->limits)) {
        refuse(conn, request, 413, NULL, "Payload too large");
        return false;
    }
    if (!flow_open(&worker->gate, worker->limits->mailbox_high)) {
        refuse(conn, request, 503, "Retry-After: 1\r\n", "Over capacity, try again");
        return false;
    }
    return true;
}

/* ---- bodies ---- */

static int status_of(enum publish_fault fault)
{
    return fault == PUBLISH_TOO_LARGE ? 413 : 400;
}

/* Reads the events of a body into the request. False: *fault says why not. */
static bool read_events(struct worker *worker, struct request *request, struct slice body,
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

static bool check_events(struct worker *worker, const struct request *request, char *why,
                         size_t size, int *status)
{
    for (size_t i = 0; i < request->nevents; i++) {
        struct publish publish = request_publish(request, &request->events[i]);
        char plain[256];
        enum publish_fault fault =
            publish_check(worker->limits, request->app, &publish, plain, sizeof(plain));
        if (fault != PUBLISH_FINE) {
            size_t n = 0;
            publish_count_fault(worker->loop->counters, fault);
            for (const char *p = plain; *p != '\0' && n + 2 < size; p++) {
                if (*p == '"' || *p == '\\') {
                    why[n++] = '\\';
                }
                why[n++] = *p;
            }
            why[n] = '\0';
            *status = status_of(fault);
            return false;
        }
    }
    return true;
}

/* The name in the path, and what the query asks for. NULL: fine. */
static const char *read_names(struct worker *worker, const struct call *call,
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
    request->room = mem_try_alloc(text.len + 1);
    if (request->room == NULL) {
        return "Out of memory";
    }
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

static void run(struct conn *conn, const struct http_request *http, const struct call *call,
                struct slice body)
{
    struct worker *worker = worker_of(conn);
    struct http_conn *state = http_conn_of(conn);
    bool head = slice_is(http->method, "HEAD");
    struct api_fault fault = {0};
    char why[512];
    struct request *request = mem_zalloc(sizeof(*request));
    *request = (struct request){.kind = call->kind,
                                .worker = worker->id,
                                .slot = conn->slot,
                                .gen = conn->gen,
                                .app = call->app};
    if (!api_body_matches(&call->query, body)) {
        fault = (struct api_fault){.status = 401, .why = "Authentication signature invalid"};
    } else if (call->kind == REQUEST_EVENTS || call->kind == REQUEST_BATCH) {
        if (read_events(worker, request, body, &fault) &&
            !check_events(worker, request, why, sizeof(why), &fault.status)) {
            fault.why = why;
        }
    } else if ((fault.why = read_names(worker, call, request)) != NULL) {
        fault.status = 400;
    }
    if (fault.status != 0) {
        request_free(request);
        counter_add(conn->loop->counters,
                    fault.status == 401 ? COUNTER_API_UNAUTHORIZED : COUNTER_API_INVALID, 1);
        if (fault.limit != API_NO_LIMIT) {
            counter_add(conn->loop->counters,
                        fault.limit == API_LIMIT_BATCH ? COUNTER_LIMIT_BATCH
                                                       : COUNTER_LIMIT_CHANNELS_PER_PUBLISH,
                        1);
        }
        http_refuse(conn, fault.status, NULL, fault.why, http->keep_alive, head);
        return;
    }
    counter_add(conn->loop->counters, COUNTER_API_REQUESTS, 1);
    state->keep = http->keep_alive;
    state->head_only = head;
    conn_wait(conn);
    request_post(worker->flow->hub, request);
}

/* Where the body is: 1 complete, 0 not yet, -1 answered with an error. */
static int find_body(struct conn *conn, const struct http_request *request, uint8_t *bytes,
                     size_t len, struct slice *body, size_t *used)
{
    uint8_t *start = bytes + request->head_len;
    size_t have = len - request->head_len;
    if (!request->chunked) {
        *body = (struct slice){(const char *)start, (size_t)request->body_len};
        *used = request->head_len + (size_t)request->body_len;
        return have >= request->body_len;
    }
    int status;
    size_t body_len, body_used;
    switch (http_dechunk(start, have, api_max_body(worker_of(conn)->limits), &body_len, &body_used,
                         &status)) {
    case HTTP_MORE:
        return 0;
    case HTTP_BAD:
        refuse(conn, request, status, NULL,
               status == 413 ? "Payload too large" : "The chunked body is broken");
        return -1;
    case HTTP_DONE:
        break;
    }
    *body = (struct slice){(const char *)start, body_len};
    *used = request->head_len + body_used;
    return 1;
}

size_t api_input(struct conn *conn, const struct http_request *request, struct slice path,
                 uint8_t *bytes, size_t len)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_conn *state = http_conn_of(conn);
    struct call call;
    struct slice body;
    size_t used = len;
    if (!judge_head(conn, request, path, &call)) {
        return request->head_len;
    }
    int found = find_body(conn, request, bytes, len, &body, &used);
    if (found < 0) {
        return len;
    }
    if (found == 0) {
        if (!state->verified) {
            state->verified = true;
            conn_idle(conn, IDLE_HEAD); /* the body has the same time again */
            if (request->expect_continue && len == request->head_len) {
                conn_send(conn, frame_copy(go_on, sizeof(go_on) - 1));
            }
        }
        return 0;
    }
    state->verified = false;
    run(conn, request, &call, body);
    return used;
}

/* ---- answers ---- */

void api_respond(struct worker *worker, const struct mail_response *response)
{
    struct conn *conn = conn_find(worker->loop, response->slot, response->gen);
    if (conn == NULL) {
        return; /* the caller did not wait */
    }
    struct http_conn *state = http_conn_of(conn);
    struct slice json = SLICE("{\"error\":\"Out of memory\"}");
    if (response->body != NULL) {
        json = (struct slice){(const char *)response->body->bytes, response->body->len};
    }
    bool keep = state->keep && !worker->draining;
    http_answer(conn, response->status, NULL, json, keep, state->head_only);
    if (keep) {
        conn_idle(conn, IDLE_KEEPALIVE);
        conn_resume(conn);
    }
}
