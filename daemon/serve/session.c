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
#include "serve/subscribe.h"
#include "serve/user.h"
#include "shared/channel.h"
#include "shared/utf8.h"

_Static_assert(sizeof(struct session) <= CONN_STATE_SIZE, "a session must fit into its connection");

/* The largest message that we still take when no limit is set. */
#define UNLIMITED (64u << 20)

void session_setup(const struct limits *limits)
{
    uint64_t max = limits->max_message_size != 0 ? limits->max_message_size : UNLIMITED;
    session_handler.max_input = (size_t)max + WS_MAX_HEADER + WS_MAX_CONTROL;
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
    conn_send(conn, wire_close(code, why));
    conn_finish(conn, false);
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
    session->rate_left = (uint32_t)(app->settings->client_event_rate * 1000);
    counter_add(conn->loop->counters, COUNTER_CONNECTIONS_OPENED, 1);
    buf_init(&json, WIRE_MAX);
    struct slice socket_id = session_socket_id(conn, id);
    int written = pusher_established(&json, socket_id, (uint32_t)worker->limits->activity_timeout);
    session_say(conn, written, &json);
}

void session_open(struct conn *conn, const struct session_request *request)
{
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\n"
                               "Upgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: ";
    struct worker *worker = worker_of(conn);
    struct app *app = NULL;
    const char *why = NULL;
    enum counter counter;
    uint16_t code = judge_request(worker, request, &app, &why, &counter);
    struct frame *answer = frame_new(sizeof(head) - 1 + WS_ACCEPT_LEN + 4);
    if (answer != NULL) {
        char *at = mempcpy((char *)answer->bytes, head, sizeof(head) - 1);
        ws_accept(request->ws_key, at);
        memcpy(at + WS_ACCEPT_LEN, "\r\n\r\n", 4);
    }
    conn_become(conn, KIND_SESSION, IDLE_OPEN);
    subscriber_init(&session_of(conn)->subscriber, 0, 0);
    conn_send(conn, answer);
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
    if (pusher_read(text, len, scratch, &message) != 0) {
        bad_message(conn);
        return true;
    }
    if (message.kind == PUSHER_SUBSCRIBE || message.kind == PUSHER_CLIENT_EVENT) {
        struct sub_ref *ref = chan_find(conn, message.channel);
        if (ref != NULL && ref->joining != 0) {
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

/* A broken frame: the close frame says so, and whatever was valid before it has been answered. */
static void bad_frame(struct conn *conn, uint16_t code, const char *why)
{
    counter_add(conn->loop->counters, COUNTER_BAD_FRAME, 1);
    session_close(conn, code, why, false);
}

/* XOR with the key again: the frame goes back to how it came, to be read once more. */
static void mask_again(struct ws_frame *frame)
{
    const uint8_t *key = frame->payload - 4;
    for (size_t i = 0; i < frame->len; i++) {
        frame->payload[i] ^= key[i & 3];
    }
}

static bool fragment_add(struct session *session, const struct ws_frame *frame)
{
    struct inbuf *old = session->fragments;
    size_t len = old != NULL ? old->len : 0;
    if (old == NULL || old->cap - len < frame->len) {
        size_t cap = len + frame->len + len / 2 + 256;
        struct inbuf *grown = mem_try_realloc(old, sizeof(*grown) + cap);
        if (grown == NULL) {
            return false;
        }
        grown->cap = cap;
        grown->len = len;
        session->fragments = grown;
    }
    if (frame->len > 0) {
        memcpy(session->fragments->bytes + len, frame->payload, frame->len);
    }
    session->fragments->len += frame->len;
    return true;
}

static void fragments_drop(struct session *session)
{
    mem_free(session->fragments);
    session->fragments = NULL;
    session->flags &= (uint8_t)~SESSION_FRAGMENTED;
}

/* False: hold this frame back, see handle_text. */
static bool handle_data(struct conn *conn, struct ws_frame *frame)
{
    struct session *session = session_of(conn);
    bool continues = frame->opcode == WS_CONTINUATION;
    bool open = session->flags & SESSION_FRAGMENTED;
    if (continues != open) {
        bad_frame(conn, 1002,
                  continues ? "Continuation without a message"
                            : "Message inside a fragmented message");
        return true;
    }
    if (frame->opcode == WS_BINARY) {
        bad_frame(conn, 1003, "Binary messages are not supported");
        return true;
    }
    const char *text = (const char *)frame->payload;
    size_t len = frame->len, before = 0;
    if (continues || !frame->fin) {
        uint64_t max = worker_of(conn)->limits->max_message_size;
        before = session->fragments != NULL ? session->fragments->len : 0;
        if (before + len > (max != 0 ? max : UNLIMITED)) {
            bad_frame(conn, 1009, "Maximum message size exceeded");
            return true;
        }
        if (!fragment_add(session, frame)) {
            conn_doom(conn);
            return true;
        }
        session->flags |= SESSION_FRAGMENTED;
        if (!frame->fin) {
            return true;
        }
        text = (const char *)session->fragments->bytes;
        len = session->fragments->len;
    }
    if (!ff_utf8_valid(text, len)) {
        bad_frame(conn, 1007, "Text is not valid UTF-8");
        return true;
    }
    if (!handle_text(conn, text, len)) {
        if (continues) {
            session->fragments->len = before;
        }
        mask_again(frame);
        return false;
    }
    if (continues && !(conn->flags & CONN_LEFT)) {
        fragments_drop(session);
    }
    return true;
}

static void handle_control(struct conn *conn, struct ws_frame *frame)
{
    struct slice payload = {(const char *)frame->payload, frame->len};
    if (frame->opcode == WS_CLOSE) {
        uint16_t code = 0;
        int wrong = ws_close_payload(frame->payload, frame->len, &code);
        if (wrong != 0) {
            counter_add(conn->loop->counters, COUNTER_BAD_FRAME, 1);
        }
        conn_send(conn, wire_close(wrong != 0 ? (uint16_t)wrong : code == 1005 ? 0 : code, ""));
        conn_finish(conn, true);
        return;
    }
    session_of(conn)->flags |= SESSION_CONTROL_PINGS;
    if (frame->opcode == WS_PING) {
        conn_send(conn, wire_frame(WS_PONG, payload, (struct slice){NULL, 0}));
    }
}

static size_t session_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct worker *worker = worker_of(conn);
    size_t used = 0;
    conn_idle(conn, IDLE_OPEN);
    while (used < len && !(conn->flags & (CONN_FINISHING | CONN_DOOMED))) {
        struct ws_frame frame;
        uint16_t code = 0;
        const char *why = NULL;
        if (worker_held(worker)) {
            loop_throttle(conn->loop);
            conn_resume(conn);
            break;
        }
        uint64_t max = worker->limits->max_message_size;
        enum ws_result result = ws_decode(bytes + used, len - used,
                                          max != 0 ? (size_t)max : UNLIMITED, &frame, &code, &why);
        if (result == WS_MORE) {
            break;
        }
        if (result == WS_BAD) {
            bad_frame(conn, code, why);
            break;
        }
        if (frame.opcode >= WS_CLOSE) {
            handle_control(conn, &frame);
        } else if (!handle_data(conn, &frame)) {
            conn_wait(conn);
            break;
        }
        used += frame.used;
        if (conn->flags & CONN_WAITING) {
            break;
        }
    }
    return used;
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
    fragments_drop(session);
    if (session->flags & SESSION_ADMITTED) {
        session->flags &= (uint8_t)~SESSION_ADMITTED;
        app_release(worker_of(conn)->apps, app_of(conn));
        counter_add(conn->loop->counters, COUNTER_CONNECTIONS_CLOSED, 1);
    }
}

struct conn_handler session_handler = {
    .input = session_input,
    .leave = session_leave,
    .expired = session_expired,
    .client = true,
};
