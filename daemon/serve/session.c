#include "serve/session.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "proto/pusher.h"
#include "proto/sign.h"
#include "proto/ws.h"
#include "pubsub/wire.h"
#include "serve/client_event.h"
#include "serve/retire.h"
#include "serve/say.h"
#include "serve/show.h"
#include "serve/sockets.h"
#include "serve/subscribe.h"
#include "serve/user.h"
#include "shared/channel.h"
#include "web/http_conn.h"

/* What is read of a client at once: some of the largest usual messages, or more small ones than it
 * has handled in a turn. */
#define SESSION_READ 16384u

void session_setup(struct loop *loop, const struct limits *limits)
{
    uint64_t max = limits->max_message_size;
    loop_max_input(loop, KIND_SESSION, ws_conn_max_input(max != 0 ? (size_t)max : WS_UNLIMITED));
}

/* ---- opening ---- */

/* 0: welcome. Otherwise the code to refuse with; *why and *counter go with it. An application that
 * was found is in *app. */
static uint16_t session_judge(struct worker *worker, const struct session_request *request,
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
    if (!app_allows_origin(*app, request->origin, http_header(request->http, "Host"))) {
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

/* Only who looks for it, or at everything, wants to read of everybody who has an old key. While it
 * is HTTP. */
static void session_log_refusal(const struct conn *conn, const struct session_request *request,
                                const char *why)
{
    struct address client;
    char text[ADDRESS_TEXT];
    bool known = http_client(conn, request->http, worker_of(conn)->proxies, &client);
    log_limited_with(
        log_messages() ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "handshake",
        LOG_FIELDS(.client = known ? address_print(&client, text) : NULL),
        "refused %s: %s (key %.*s, Origin %.*s)", known ? address_print(&client, text) : "a client",
        why, (int)(request->app_key.len < 128 ? request->app_key.len : 128), request->app_key.p,
        (int)(request->origin.len < 256 ? request->origin.len : 256),
        request->origin.p != NULL ? request->origin.p : "");
}

/* A listener of the application wants to know. Nobody else pays for it. */
static void session_tell(struct conn *conn, const struct app *app, bool opened)
{
    struct slice user = opened ? (struct slice){NULL, 0} : session_user_id(conn);
    struct worker *worker = worker_of(conn);
    struct mail_session *mail = mem_alloc(sizeof(*mail) + user.len);
    *mail = (struct mail_session){
        .mail = {.type = MAIL_SESSION, .weight = flow_mail(sizeof(*mail) + user.len)},
        .app = app->index,
        .user_len = (uint32_t)user.len,
        .opened = opened,
        .socket = {.random = session_of(conn)->subscriber.random,
                   .worker = worker->id,
                   .slot = conn->slot}};
    if (user.len > 0) {
        memcpy(mail->user_id, user.p, user.len);
    }
    if (opened) {
        mailbox_post(worker->flow->hub, &mail->mail);
    } else {
        worker_ended(worker, &mail->mail);
    }
}

static void session_welcome(struct conn *conn, struct app *app, struct slice origin)
{
    struct worker *worker = worker_of(conn);
    struct session *session = session_of(conn);
    char id[SOCKET_ID_MAX];
    subscriber_init(&session->subscriber, rnd_u64() >> 12 | 1, app->index);
    session->subscriber.flags |= SESSION_ADMITTED;
    counter_add(conn->loop->counters, COUNTER_CONNECTIONS_OPENED, 1);
    if (app_tells_sessions(app)) {
        session_tell(conn, app, true);
    }
    if (session_rates_init(conn, app) != 0) {
        conn_doom(conn);
        return;
    }
    if (log_messages()) {
        show_opened(conn, origin);
    }
    struct buf json = wire_json();
    struct slice socket_id = session_socket_id(conn, id);
    uint64_t activity = worker->limits->activity_timeout;
    /* No limit: pusher-js takes a number that is larger than its own for that, but 0 for a broken
     * handshake. */
    session_say(conn, &json,
                pusher_established(&json, socket_id, activity != 0 ? (uint32_t)activity : 86400));
}

void session_open(struct conn *conn, const struct session_request *request)
{
    struct worker *worker = worker_of(conn);
    struct app *app = NULL;
    const char *why = NULL;
    enum counter counter;
    uint16_t code = session_judge(worker, request, &app, &why, &counter);
    if (code != 0) {
        session_log_refusal(conn, request, why);
    } else {
        sockets_opened(conn, request->http);
    }
    conn_become(conn, KIND_SESSION, IDLE_OPEN);
    subscriber_init(&session_of(conn)->subscriber, 0, 0);
    ws_conn_accept(conn, request->http, request->ws_key,
                   code == 0 && worker->permessage_deflate && app->settings->permessage_deflate);
    if (code != 0) {
        counter_add(conn->loop->counters, counter, 1);
        session_close(conn, code, why, true);
        return;
    }
    if (conn_doomed(conn)) {
        app_release(worker->apps, app);
        return;
    }
    session_welcome(conn, app, request->origin);
    if (worker->draining) {
        session_close(conn, 4200, "Server is restarting", false);
    }
}

/* ---- messages ---- */

static void session_bad_message(struct conn *conn)
{
    counter_add(conn->loop->counters, COUNTER_BAD_MESSAGE, 1);
    session_error(conn, 4200, "Invalid message format");
}

static void session_over_rate(struct conn *conn, const struct app *app)
{
    static const char why[] = "Rate limit exceeded";
    counter_add(conn->loop->counters, COUNTER_LIMIT_MESSAGE_RATE, 1);
    if (app->settings->message_rate_terminate) {
        session_close(conn, 4301, why, true);
    } else {
        session_error(conn, 4301, why);
    }
}

/* Whether there is room for what the message will set off. */
static bool session_admits(struct conn *conn, const struct pusher_message *message)
{
    switch (message->kind) {
    case PUSHER_CLIENT_EVENT:
        return worker_admits(conn);
    case PUSHER_SUBSCRIBE:
    case PUSHER_UNSUBSCRIBE:
    case PUSHER_SIGNIN:
        return worker_hub_admits(conn);
    case PUSHER_PING:
    case PUSHER_PONG:
    case PUSHER_IGNORED:
        break;
    }
    return true;
}

/* Whether the message concerns a channel whose join is under way. */
static bool session_joins(struct conn *conn, const struct pusher_message *message)
{
    if (message->kind != PUSHER_SUBSCRIBE && message->kind != PUSHER_CLIENT_EVENT) {
        return false;
    }
    const struct sub_ref *ref = chan_find(conn, message->channel);
    return ref != NULL && ref->joining != 0;
}

/* False: not now. It must come again: when the join is answered, or when there is room. */
static bool session_text(struct conn *conn, const char *text, size_t len)
{
    struct app *app = session_app(conn);
    struct pusher_message message;
    char *scratch = worker_scratch(worker_of(conn), len * 2 + 1);
    if (scratch == NULL) {
        conn_doom(conn);
        return true;
    }
    if (!session_take_message(conn, app)) {
        session_over_rate(conn, app);
        return true;
    }
    if (pusher_read(text, len, scratch, &message) != 0) {
        if (log_messages()) {
            show_nonsense(conn, len);
        }
        session_bad_message(conn);
        return true;
    }
    if (session_joins(conn, &message) || !session_admits(conn, &message)) {
        session_untake_message(conn);
        return false;
    }
    if (log_messages()) {
        show_message(conn, &message);
    }
    struct buf json;
    switch (message.kind) {
    case PUSHER_SUBSCRIBE:
        session_subscribe(conn, app, &message);
        break;
    case PUSHER_SIGNIN:
        session_signin(conn, app, &message);
        break;
    case PUSHER_UNSUBSCRIBE:
        session_unsubscribe(conn, &message);
        break;
    case PUSHER_PING:
        json = wire_json();
        session_say(conn, &json, pusher_pong(&json));
        break;
    case PUSHER_CLIENT_EVENT:
        session_client_event(conn, app, &message);
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
                             session_app(conn)->settings->max_message_size);
    return max != 0 ? (size_t)max : WS_UNLIMITED;
}

static bool session_message(struct conn *conn, bool binary, const uint8_t *bytes, size_t len)
{
    (void)binary;
    return session_text(conn, (const char *)bytes, len);
}

static void session_control(struct conn *conn, enum ws_opcode opcode, struct slice payload)
{
    (void)opcode;
    (void)payload;
    subscriber_of(conn)->flags |= SESSION_CONTROL_PINGS;
}

static struct deflater *session_deflater(struct conn *conn)
{
    return worker_of(conn)->deflater;
}

static const struct ws_endpoint session_endpoint = {
    .part = session_part,
    .max_message = session_max_message,
    .message = session_message,
    .control = session_control,
    .deflater = session_deflater,
};

static size_t session_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    if (session_retired(conn)) {
        return 0;
    }
    conn_idle(conn, IDLE_OPEN);
    return ws_conn_input(conn, &session_endpoint, bytes, len);
}

/* ---- time and end ---- */

static void session_expired(struct conn *conn, enum idle_class was)
{
    if (was == IDLE_PINGED) {
        counter_add(conn->loop->counters, COUNTER_TIMEOUT_PONG, 1);
        session_close(conn, 4201, "Pong reply not received in time", true);
        return;
    }
    if (subscriber_of(conn)->flags & SESSION_CONTROL_PINGS) {
        struct slice none = {NULL, 0};
        conn_send(conn, wire_frame(WS_PING, none, none));
    } else {
        struct buf json = wire_json();
        session_say(conn, &json, pusher_ping(&json));
    }
    conn_idle(conn, IDLE_PINGED);
}

static void session_leave(struct conn *conn)
{
    struct session *session = session_of(conn);
    if ((session->subscriber.flags & SESSION_ADMITTED) && app_tells_sessions(session_app(conn))) {
        session_tell(conn, session_app(conn), false);
    }
    chan_leave_all(conn);
    ws_part_drop(&session->part);
    session_rare_free(conn);
    if (session->subscriber.flags & SESSION_ADMITTED) {
        session->subscriber.flags &= (uint8_t)~SESSION_ADMITTED;
        app_release(worker_of(conn)->apps, session_app(conn));
        counter_add(conn->loop->counters, COUNTER_CONNECTIONS_CLOSED, 1);
        if (log_messages()) {
            show_closed(conn);
        }
    }
}

const struct conn_handler session_handler = {
    .input = session_input,
    .leave = session_leave,
    .expired = session_expired,
    .first_read = SESSION_READ,
    .client = true,
};
