#include "links/admin_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "links/admin_api.h"
#include "links/admin_auth.h"
#include "links/admin_wanted.h"
#include "proto/json.h"
#include "proto/sign.h"
#include "pubsub/control.h"
#include "pubsub/publish.h"
#include "pubsub/worker.h"
#include "shared/channel.h"

#define ADMIN_BODY_SLACK (64u << 10) /* of an order, besides the data of its event */

_Static_assert(sizeof(struct admin_conn) <= CONN_STATE_SIZE, "it must fit into its connection");

/* What somebody else answers. */
struct admin_call {
    struct conn *conn;           /* NULL: it is gone */
    struct sockets_query *query; /* NULL: an order */
    uint32_t app;
    const char *word;
};

static struct hub *admin_call_hub(const struct conn *conn)
{
    return conn->loop->hub;
}

/* ---- who may ---- */

static bool admin_call_peer(struct conn *conn)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t len = sizeof(peer);
    char why[200];
    if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
        (peer.uid == 0 || peer.uid == geteuid())) {
        return true;
    }
    log_limited(LOG_LEVEL_WARN, "admin", "refused uid %ld (pid %ld) on the admin socket",
                (long)peer.uid, (long)peer.pid);
    snprintf(why, sizeof(why),
             "This is for root and for the daemon's own user (uid %ld), not for uid %ld: run it as "
             "one of them, for example with sudo",
             (long)geteuid(), (long)peer.uid);
    http_refuse(conn, 403, NULL, why);
    return false;
}

static bool admin_call_allowed(struct conn *conn, const struct http_request *request)
{
    return conn->kind == KIND_CONTROL
               ? admin_call_peer(conn)
               : admin_auth_allowed(conn, request, !slice_is(request->method, "GET"));
}

/* ---- what is asked ---- */

/* The application that is named, or the only one. NULL: it was refused. */
static const struct app *admin_call_app(struct conn *conn, struct slice id)
{
    const struct apps *apps = admin_call_hub(conn)->apps;
    const struct app *only = NULL;
    if (id.p != NULL) {
        only = apps_by_id(apps, id.p, id.len);
        if (only == NULL) {
            http_refuse(conn, 404, NULL,
                        "There is no such application; fanfared ctl apps lists them");
        }
        return only;
    }
    for (size_t i = 0; i < apps->count; i++) {
        if (!apps->items[i].removed) {
            if (only != NULL) {
                http_refuse(conn, 400, NULL,
                            "There are several applications: say which, with app (--app ID)");
                return NULL;
            }
            only = &apps->items[i];
        }
    }
    if (only == NULL) {
        http_refuse(conn, 404, NULL, "There is no application");
    }
    return only;
}

static void admin_call_answer(struct conn *conn, int failed, struct buf *body)
{
    if (failed != 0) {
        http_refuse(conn, 500, NULL, "The answer is too large: ask for a smaller page (limit)");
    } else {
        http_answer_json(conn, 200, "Cache-Control: no-store\r\n",
                         (struct slice){(const char *)body->data, body->len});
    }
    buf_free(body);
}

/* ---- connections, which the workers tell ---- */

static void admin_call_on_sockets(void *arg, const struct sockets_page *page)
{
    struct admin_call *call = arg;
    struct conn *conn = call->conn;
    struct hub *hub = admin_call_hub(conn);
    struct buf body;
    buf_init(&body, ADMIN_API_MAX);
    admin_conn_of(conn)->call = NULL;
    int failed = admin_api_sockets(&body, hub, &hub->apps->items[call->app], page);
    mem_free(call);
    admin_call_answer(conn, failed, &body);
}

static void admin_call_sockets(struct conn *conn, const struct admin_wanted *wanted)
{
    struct hub *hub = admin_call_hub(conn);
    struct socket_ref after = {.random = 0};
    if (wanted->after.p != NULL &&
        (!ff_socket_id_valid(wanted->after.p, wanted->after.len) ||
         !socket_id_read(wanted->after, &after) || after.worker >= hub_workers(hub))) {
        http_refuse(conn, 400, NULL, "after must be a socket id of this daemon, as next gives it");
        return;
    }
    struct admin_call *call = mem_alloc(sizeof(*call));
    *call = (struct admin_call){.conn = conn, .app = wanted->app->index};
    admin_conn_of(conn)->call = call;
    http_later(conn);
    call->query =
        sockets_ask(hub, wanted->app->index, &after, wanted->limit, admin_call_on_sockets, call);
}

/* ---- questions ---- */

static void admin_call_list(struct conn *conn, struct slice path, const struct admin_wanted *wanted)
{
    struct hub *hub = admin_call_hub(conn);
    struct admin_page page = {
        .prefix = wanted->prefix, .after = wanted->after, .limit = wanted->limit};
    struct buf body;
    int failed;
    if (slice_is(path, "/api/connections")) {
        admin_call_sockets(conn, wanted);
        return;
    }
    if (!admin_api_after_valid(wanted->after)) {
        http_refuse(conn, 400, NULL, "after must be what next gave");
        return;
    }
    buf_init(&body, ADMIN_API_MAX);
    if (slice_is(path, "/api/channels")) {
        failed = admin_api_channels(&body, hub, wanted->app, &page);
    } else if (wanted->name.p != NULL) {
        failed = admin_api_members(&body, hub, wanted->app, wanted->name, &page);
    } else {
        failed = admin_api_users(&body, hub, wanted->app, &page);
    }
    admin_call_answer(conn, failed, &body);
}

/* Reads the query into views of `room`. False: it was refused. */
static bool admin_call_query(struct conn *conn, const struct http_request *request, char *room,
                             struct admin_wanted *wanted)
{
    char why[ADMIN_WANTED_WHY];
    if (admin_wanted_query(request->query, room, wanted, why) != 0) {
        http_refuse(conn, 400, NULL, why);
        return false;
    }
    wanted->app = admin_call_app(conn, wanted->app_id);
    return wanted->app != NULL;
}

/* False: there is no such page. */
static bool admin_call_ask(struct conn *conn, const struct http_request *request)
{
    struct hub *hub = admin_call_hub(conn);
    struct buf body;
    buf_init(&body, ADMIN_API_MAX);
    if (slice_is(request->path, "/api/status")) {
        admin_call_answer(conn, admin_api_status(&body, hub), &body);
        return true;
    }
    if (slice_is(request->path, "/api/apps")) {
        admin_call_answer(conn, admin_api_apps(&body, hub), &body);
        return true;
    }
    if (slice_is(request->path, "/api/nodes")) {
        admin_call_answer(conn, admin_api_nodes(&body, hub), &body);
        return true;
    }
    bool one = slice_is(request->path, "/api/channel");
    if (!one && !slice_is(request->path, "/api/channels") &&
        !slice_is(request->path, "/api/users") && !slice_is(request->path, "/api/connections")) {
        return false;
    }
    struct admin_wanted wanted;
    char *room = mem_alloc(request->query.len + 1);
    if (admin_call_query(conn, request, room, &wanted)) {
        if (!one) {
            admin_call_list(conn, request->path, &wanted);
        } else if (wanted.name.p == NULL ||
                   !ff_channel_publishable(wanted.name.p, wanted.name.len, 0)) {
            http_refuse(conn, 400, NULL,
                        "name must be that of a channel: letters, digits and _ - = @ , . ;");
        } else {
            admin_call_answer(conn, admin_api_channel(&body, hub, wanted.app, wanted.name), &body);
        }
    }
    mem_free(room);
    return true;
}

/* ---- orders ---- */

/* {"KEY":n} */
static void admin_call_number(struct conn *conn, const char *key, uint64_t n)
{
    char text[80];
    int len = snprintf(text, sizeof(text), "{\"%s\":%" PRIu64 "}", key, n);
    http_answer_json(conn, 200, NULL, (struct slice){text, (size_t)len});
}

static void admin_call_on_ended(void *arg, const struct asker *asker, uint64_t sum, bool whole)
{
    struct conn *conn = conn_find(((struct hub *)arg)->loop, asker->slot, asker->gen);
    (void)whole;
    if (conn != NULL) {
        admin_call_number(conn, "ended", sum);
    }
}

static void admin_call_end(struct conn *conn, const struct admin_wanted *wanted, bool user)
{
    struct hub *hub = admin_call_hub(conn);
    struct asker asker = {.slot = conn->slot, .gen = conn->gen};
    struct socket_ref socket;
    bool asked;
    if (user) {
        if (wanted->user.p == NULL || !ff_user_id_valid(wanted->user.p, wanted->user.len)) {
            http_refuse(conn, 400, NULL, "user must be the id of a user, of 1 to 128 bytes");
            return;
        }
        asked = hub_terminate_user(hub, wanted->app, wanted->user, &asker, admin_call_on_ended);
    } else {
        if (wanted->socket.p == NULL || !socket_id_read(wanted->socket, &socket)) {
            http_refuse(conn, 400, NULL,
                        "socket must be a socket id, such as 123.456; fanfared ctl connections "
                        "lists them");
            return;
        }
        asked = hub_terminate_socket(hub, wanted->app, &socket, &asker, admin_call_on_ended);
    }
    if (asked) {
        http_later(conn);
    } else {
        admin_call_number(conn, "ended", 0);
    }
}

static void admin_call_publish(struct conn *conn, const struct admin_wanted *wanted)
{
    struct hub *hub = admin_call_hub(conn);
    struct publish publish = {.channels = wanted->channels,
                              .nchannels = wanted->nchannels,
                              .event = wanted->event,
                              .data = wanted->data,
                              .except = wanted->except};
    struct receipt receipt;
    char why[300];
    if (wanted->nchannels == 0 || wanted->event.p == NULL || wanted->data.p == NULL) {
        http_refuse(conn, 400, NULL, "A publish has channels, an event and data");
        return;
    }
    uint64_t max = hub->limits->max_channels_per_publish;
    if (max != 0 && wanted->nchannels > max) {
        counter_add(hub->loop->counters, COUNTER_LIMIT_CHANNELS_PER_PUBLISH, 1);
        snprintf(why, sizeof(why),
                 "One publish goes to %" PRIu64
                 " channels at most (max_channels_per_publish): send several",
                 max);
        http_refuse(conn, 400, NULL, why);
        return;
    }
    if (!app_serves(wanted->app)) {
        http_refuse(conn, 403, NULL, "The application is disabled");
        return;
    }
    enum publish_fault fault = publish_check(hub->limits, wanted->app, &publish, why, sizeof(why));
    if (fault != PUBLISH_FINE) {
        publish_count_fault(hub->loop->counters, fault);
        http_refuse(conn, fault == PUBLISH_TOO_LARGE ? 413 : 400, NULL, why);
        return;
    }
    if (!hub_open(hub)) {
        http_refuse(conn, 503, "Retry-After: 1\r\n", "The daemon has too much to do: try again");
        return;
    }
    if (publish_broadcast(hub, wanted->app, &publish, &receipt) != 0) {
        http_refuse(conn, 500, NULL, "The daemon is out of memory");
        return;
    }
    counter_add(hub->loop->counters, COUNTER_PUBLISHED_HTTP, 1);
    admin_call_number(conn, "recipients", receipt.recipients);
}

static void admin_call_level(struct conn *conn, struct slice level)
{
    enum log_level wanted;
    char text[80];
    if (level.p == NULL || !log_level_find(level.p, level.len, &wanted)) {
        http_refuse(conn, 400, NULL, "level must be error, warn, info or debug");
        return;
    }
    enum log_level before = log_level();
    log_set_level(wanted);
    int len = snprintf(text, sizeof(text), "{\"level\":\"%s\",\"before\":\"%s\"}",
                       log_level_name(wanted), log_level_name(before));
    http_answer_json(conn, 200, NULL, (struct slice){text, (size_t)len});
}

static void admin_call_on_done(void *arg, enum control_result result, const char *why)
{
    struct admin_call *call = arg;
    struct conn *conn = call->conn;
    if (conn != NULL) {
        char text[80];
        admin_conn_of(conn)->call = NULL;
        if (result == CONTROL_ACCEPTED) {
            int len = snprintf(text, sizeof(text), "{\"done\":\"%s\"}", call->word);
            http_answer_json(conn, 200, NULL, (struct slice){text, (size_t)len});
        } else {
            http_refuse(conn, result == CONTROL_DRAINING ? 503 : 409, NULL, why);
        }
    }
    mem_free(call);
}

static void admin_call_control(struct conn *conn, enum control_action action, const char *word)
{
    struct hub *hub = admin_call_hub(conn);
    if (hub->control_ops == NULL) {
        http_refuse(conn, 503, NULL, "The daemon takes no orders yet");
        return;
    }
    struct admin_call *call = mem_alloc(sizeof(*call));
    *call = (struct admin_call){.conn = conn, .word = word};
    admin_conn_of(conn)->call = call;
    http_later(conn);
    hub->control_ops->order(hub->controller, action, admin_call_on_done, call);
}

static void admin_call_log(struct conn *conn, enum admin_order order)
{
    const char *word = admin_wanted_word(order);
    struct ucred peer;
    socklen_t len = sizeof(peer);
    char text[ADDRESS_TEXT];
    if (conn->kind != KIND_CONTROL) {
        log_with(LOG_LEVEL_INFO, "admin", LOG_FIELDS(.client = http_peer(conn, text)),
                 "%s: asked for by %s", word, http_peer(conn, text));
    } else if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
        log_info("admin", "%s: asked for by pid %ld, uid %ld", word, (long)peer.pid,
                 (long)peer.uid);
    }
}

static void admin_call_order(struct conn *conn, enum admin_order order,
                             const struct admin_wanted *wanted)
{
    admin_call_log(conn, order);
    switch (order) {
    case ADMIN_KICK:
        admin_call_end(conn, wanted, false);
        break;
    case ADMIN_TERMINATE:
        admin_call_end(conn, wanted, true);
        break;
    case ADMIN_PUBLISH:
        admin_call_publish(conn, wanted);
        break;
    case ADMIN_RELOAD:
        admin_call_control(conn, CONTROL_RELOAD, "reload");
        break;
    case ADMIN_DRAIN:
        admin_call_control(conn, wanted->restart ? CONTROL_RESTART : CONTROL_STOP,
                           wanted->restart ? "restart" : "drain");
        break;
    case ADMIN_LOG_LEVEL:
        admin_call_level(conn, wanted->level);
        break;
    }
}

/* ---- bodies ---- */

void admin_call_body(struct conn *conn, void *job, struct slice body, int status)
{
    enum admin_order order = (enum admin_order)(uintptr_t)job;
    char why[ADMIN_WANTED_WHY];
    if (status != 0) {
        http_refuse(conn, status, NULL, "The body of the request cannot be taken");
        return;
    }
    struct admin_wanted *wanted = mem_alloc(sizeof(*wanted));
    char *room = mem_alloc(body.len + 1);
    if (admin_wanted_body(order, body, room, wanted, why) != 0) {
        http_refuse(conn, 400, NULL, why);
    } else if (!admin_wanted_needs_app(order)) {
        admin_call_order(conn, order, wanted);
    } else {
        wanted->app = admin_call_app(conn, wanted->app_id);
        if (wanted->app != NULL) {
            admin_call_order(conn, order, wanted);
        }
    }
    mem_free(room);
    mem_free(wanted);
}

void admin_call_drop(void *job)
{
    (void)job; /* it is a number */
}

size_t admin_call_max_body(const struct conn *conn)
{
    uint64_t event = admin_call_hub(conn)->limits->max_event_size;
    return (size_t)(event == 0 || event > (4u << 20) ? 4u << 20 : event) * 2 + ADMIN_BODY_SLACK;
}

/* ---- heads ---- */

/* A page in a browser may send a body of this type to another origin only when that allows it. */
static bool admin_call_is_json(const struct http_request *request)
{
    return slice_starts(http_header(request, "Content-Type"), "application/json") ||
           (request->body_len == 0 && !request->chunked);
}

void *admin_call_head(struct conn *conn, const struct http_request *request)
{
    bool read = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
    bool post = slice_is(request->method, "POST");
    if (!admin_call_allowed(conn, request)) {
        return NULL;
    }
    if (read && admin_call_ask(conn, request)) {
        return NULL;
    }
    enum admin_order order = admin_wanted_order(request->path);
    if (order != 0) {
        if (!post) {
            http_refuse(conn, 405, "Allow: POST\r\n", "This changes something: POST it");
            return NULL;
        }
        if (!admin_call_is_json(request)) {
            http_refuse(conn, 415, NULL, "Send Content-Type: application/json");
            return NULL;
        }
        return (void *)(uintptr_t)order;
    }
    if (read) {
        http_refuse(conn, 404, NULL,
                    "Not found; there are /api/status, apps, channels, channel, connections, users "
                    "and nodes");
    } else {
        http_refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed");
    }
    return NULL;
}

void admin_call_leave(struct conn *conn)
{
    struct admin_call *call = admin_conn_of(conn)->call;
    if (call == NULL) {
        return;
    }
    admin_conn_of(conn)->call = NULL;
    if (call->query != NULL) {
        sockets_cancel(admin_call_hub(conn), call->query);
        mem_free(call);
    } else {
        call->conn = NULL;
    }
}
