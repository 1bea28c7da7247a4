#include "serve/session.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "proto/pusher.h"
#include "proto/sign.h"
#include "proto/ws.h"
#include "pubsub/chan.h"
#include "pubsub/publish.h"
#include "pubsub/wire.h"
#include "serve/retire.h"
#include "serve/subscribe.h"
#include "serve/user.h"
#include "serve/ws_conn.h"
#include "shared/channel.h"

_Static_assert(sizeof(struct session) <= CONN_STATE_SIZE, "a session must fit into its connection");

void session_setup(struct loop *loop, const struct limits *limits)
{
    uint64_t max = limits->max_message_size;
    loop_max_input(loop, KIND_SESSION, ws_conn_max_input(max != 0 ? (size_t)max : WS_UNLIMITED));
}

static struct app *app_of(struct conn *conn)
{
    return &worker_of(conn)->apps->items[session_of(conn)->subscriber.app];
}

/* ---- saying things ---- */

void session_say(struct conn *conn, int written, struct buf *json)
{
    counter_add(conn->loop->counters, COUNTER_MESSAGES_OUT, 1);
    conn_send(conn, written == 0 ? wire_text(json) : NULL);
    buf_free(json);
}

void session_error(struct conn *conn, int code, const char *message)
{
    struct buf json;
    buf_init(&json, WIRE_MAX);
    int written = pusher_error(&json, code, message);
    session_say(conn, written, &json);
}

void session_close(struct conn *conn, uint16_t code, const char *why, bool tell)
{
    if (conn->flags & (CONN_FINISHING | CONN_DOOMED)) {
        return;
    }
    if (tell) {
        session_error(conn, code, why);
    }
    ws_conn_close(conn, code, why);
}

/* ---- opening ---- */

/* 0: welcome. Otherwise the code to refuse with; *why and *counter go with it. An application that
 * was found is in *app. */
static uint16_t judge_request(struct worker *worker, const struct session_request *request,
                              struct app **app, const char **why, enum counter *counter)
{
    struct slice protocol = request->protocol;
    *counter = COUNTER_REFUSED_PROTOCOL;
    if (protocol.p != NULL) {
        for (size_t i = 0; i < protocol.len; i++) {
            if (protocol.p[i] < '0' || protocol.p[i] > '9') {
                protocol.len = 0;
            }
        }
        if (protocol.len == 0) {
            *why = "Invalid version string format";
            return 4006;
        }
        if (protocol.len != 1 || protocol.p[0] < '5' || protocol.p[0] > '7') {
            *why = "Unsupported protocol version";
            return 4007;
        }
    }
    *counter = COUNTER_REFUSED_APP;
    *app = apps_by_key(worker->apps, request->app_key.p, request->app_key.len);
    if (*app == NULL) {
        *why = "Application does not exist";
        return 4001;
    }
    if (!(*app)->settings->enabled) {
        *why = "Application disabled";
        return 4003;
    }
    if (!app_allows_origin(*app, request->origin)) {
        *counter = COUNTER_REFUSED_ORIGIN;
        *why = "Origin not allowed";
        return 4009;
    }
    switch (app_admit(worker->apps, *app)) {
    case APP_OVER_QUOTA:
        *counter = COUNTER_REFUSED_QUOTA;
        *why = "Application is over connection quota";
        return 4004;
    case APP_NODE_FULL:
        *counter = COUNTER_REFUSED_CAPACITY;
        *why = "Over capacity";
        return 4100;
    case APP_ADMITTED:
        break;
    }
    return 0;
}

static void welcome(struct conn *conn, struct app *app)
{
    struct worker *worker = worker_of(conn);
    struct session *session = session_of(conn);
    char id[SOCKET_ID_MAX];
    struct buf json;
    subscriber_init(&session->subscriber, rnd_u64() >> 12 | 1, app->index);
    session->flags |= SESSION_ADMITTED;
    session_rates_init(conn, app);
    counter_add(conn->loop->counters, COUNTER_CONNECTIONS_OPENED, 1);
    buf_init(&json, WIRE_MAX);
    struct slice socket_id = session_socket_id(conn, id);
    uint64_t activity = worker->limits->activity_timeout;
    /* No limit: pusher-js takes a number that is larger than its own for that, but 0 for a broken
     * handshake. */
    int written = pusher_established(&json, socket_id, activity != 0 ? (uint32_t)activity : 86400);
    session_say(conn, written, &json);
}

void session_open(struct conn *conn, const struct session_request *request)
{
    struct worker *worker = worker_of(conn);
    struct app *app = NULL;
    const char *why = NULL;
    enum counter counter;
    uint16_t code = judge_request(worker, request, &app, &why, &counter);
    conn_become(conn, KIND_SESSION, IDLE_OPEN);
    subscriber_init(&session_of(conn)->subscriber, 0, 0);
    ws_conn_accept(conn, request->http, request->ws_key,
                   code == 0 && worker->permessage_deflate && app->settings->permessage_deflate);
    if (code != 0) {
        counter_add(conn->loop->counters, counter, 1);
        session_close(conn, code, why, true);
        return;
    }
    if (conn->flags & CONN_DOOMED) {
        app_release(worker->apps, app);
        return;
    }
    welcome(conn, app);
    if (worker->draining) {
        session_close(conn, 4200, "Server is restarting", false);
    }
}

/* ---- messages ---- */

static void bad_message(struct conn *conn)
{
    counter_add(conn->loop->counters, COUNTER_BAD_MESSAGE, 1);
    session_error(conn, 4200, "Invalid message format");
}

static void over_rate(struct conn *conn, const struct app *app)
{
    static const char why[] = "Rate limit exceeded";
    counter_add(conn->loop->counters, COUNTER_LIMIT_MESSAGE_RATE, 1);
    if (app->settings->message_rate_terminate) {
        session_close(conn, 4301, why, true);
    } else {
        session_error(conn, 4301, why);
    }
}

/* False: the message concerns a channel whose join is under way; it must come again after the
 * answer. */
static bool handle_text(struct conn *conn, const char *text, size_t len)
{
    struct pusher_message message;
    char *scratch = worker_scratch(worker_of(conn), len * 2 + 1);
    if (scratch == NULL) {
        conn_doom(conn);
        return true;
    }
    if (!session_take_message(conn, app_of(conn))) {
        over_rate(conn, app_of(conn));
        return true;
    }
    if (pusher_read(text, len, scratch, &message) != 0) {
        bad_message(conn);
        return true;
    }
    if (message.kind == PUSHER_SUBSCRIBE || message.kind == PUSHER_CLIENT_EVENT) {
        struct sub_ref *ref = chan_find(conn, message.channel);
        if (ref != NULL && ref->joining != 0) {
            session_untake_message(conn);
            return false;
        }
    }
    struct buf json;
    switch (message.kind) {
    case PUSHER_SUBSCRIBE:
        session_subscribe(conn, app_of(conn), &message);
        break;
    case PUSHER_SIGNIN:
        session_signin(conn, app_of(conn), &message);
        break;
    case PUSHER_UNSUBSCRIBE: {
        struct sub_ref *ref = chan_find(conn, message.channel);
        if (ref != NULL &&
            !(ff_channel_type(message.channel.p, message.channel.len) & FF_CHANNEL_HIDDEN)) {
            chan_unsubscribe(conn, ref);
        }
        break;
    }
    case PUSHER_PING:
        buf_init(&json, WIRE_MAX);
        session_say(conn, pusher_pong(&json), &json);
        break;
    case PUSHER_CLIENT_EVENT:
        session_client_event(conn, app_of(conn), &message);
        break;
    case PUSHER_PONG:
    case PUSHER_IGNORED:
        break;
    }
    counter_add(conn->loop->counters, COUNTER_MESSAGES_IN, 1);
    return true;
}

/* ---- frames ---- */

static struct ws_part **session_part(struct conn *conn)
{
    return &session_of(conn)->part;
}

static size_t session_max_message(struct conn *conn)
{
    uint64_t max = app_limit(worker_of(conn)->limits->max_message_size,
                             app_of(conn)->settings->max_message_size);
    return max != 0 ? (size_t)max : WS_UNLIMITED;
}

static bool session_message(struct conn *conn, bool binary, const uint8_t *bytes, size_t len)
{
    (void)binary;
    return handle_text(conn, (const char *)bytes, len);
}

static void session_control(struct conn *conn)
{
    session_of(conn)->flags |= SESSION_CONTROL_PINGS;
}

static const struct ws_endpoint endpoint = {
    .part = session_part,
    .max_message = session_max_message,
    .message = session_message,
    .control = session_control,
};

static size_t session_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    if (retire_session(conn)) {
        return 0;
    }
    conn_idle(conn, IDLE_OPEN);
    return ws_conn_input(conn, &endpoint, bytes, len);
}

/* ---- time and end ---- */

static void session_expired(struct conn *conn, enum idle_class was)
{
    if (was == IDLE_PINGED) {
        counter_add(conn->loop->counters, COUNTER_TIMEOUT_PONG, 1);
        session_close(conn, 4201, "Pong reply not received in time", true);
        return;
    }
    if (session_of(conn)->flags & SESSION_CONTROL_PINGS) {
        struct slice none = {NULL, 0};
        conn_send(conn, wire_frame(WS_PING, none, none));
    } else {
        struct buf json;
        buf_init(&json, WIRE_MAX);
        session_say(conn, pusher_ping(&json), &json);
    }
    conn_idle(conn, IDLE_PINGED);
}

static void session_leave(struct conn *conn)
{
    struct session *session = session_of(conn);
    chan_leave_all(conn);
    ws_part_drop(&session->part);
    if (session->flags & SESSION_ADMITTED) {
        session->flags &= (uint8_t)~SESSION_ADMITTED;
        app_release(worker_of(conn)->apps, app_of(conn));
        counter_add(conn->loop->counters, COUNTER_CONNECTIONS_CLOSED, 1);
    }
}

const struct conn_handler session_handler = {
    .input = session_input,
    .leave = session_leave,
    .expired = session_expired,
    .client = true,
};
