#include "links/console.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "links/admin_api.h"
#include "links/admin_auth.h"
#include "links/console_files.h"
#include "net/outq.h"
#include "proto/json.h"
#include "proto/sign.h"
#include "pubsub/broadcast.h"
#include "pubsub/wire.h"
#include "pubsub/worker.h"
#include "shared/channel.h"
#include "web/ws_conn.h"

#define CONSOLE_TICK_MS 1000u
#define CONSOLE_MESSAGE 4096u       /* bytes of one that a viewer sends */
#define CONSOLE_NOTES   (64u << 10) /* bytes of what is noted for a viewer in a second */
#define CONSOLE_LONGEST 200u        /* bytes of the name of a channel */
#define CONSOLE_LOGIN   "console login"
/* Not of connections: each of them would be one more mail from its worker, while somebody looks. */
#define CONSOLE_WANTED                                                                             \
    (ANNOUNCE_BIT(ANNOUNCE_OCCUPIED) | ANNOUNCE_BIT(ANNOUNCE_VACATED) |                            \
     ANNOUNCE_BIT(ANNOUNCE_MEMBER_ADDED) | ANNOUNCE_BIT(ANNOUNCE_MEMBER_REMOVED) |                 \
     ANNOUNCE_BIT(ANNOUNCE_ONLINE) | ANNOUNCE_BIT(ANNOUNCE_OFFLINE))

static const char console_login_job[] = CONSOLE_LOGIN;

/* Every stride-th of what is seen is noted, as many as CONSOLE_SAMPLES in a second: the stride is
 * the one that would have been right for the second before. */
struct console_notes {
    struct buf json; /* items with commas between them */
    uint64_t seen;
    uint32_t stride, noted;
};

struct console_viewer {
    struct conn *conn;
    struct console_viewer *next, *prev;
    struct console_notes messages, activity;
    bool flow, payloads, prefix, one_app;
    uint32_t app; /* one_app: of which it wants to see what flows */
    uint32_t behind;
    size_t channel_len; /* 0: all */
    char channel[CONSOLE_LONGEST];
};

struct consoles {
    struct hub *hub;
    struct console_viewer *first;
    uint32_t viewers, consumer;
    uint32_t napps; /* of which announcements are wanted */
    uint64_t due_ns;
    uint8_t secret[ADMIN_AUTH_SECRET];
    uint8_t token[SIGN_LEN]; /* a print of the token with which those who look were let in */
    struct event timer;
};

/* conn->state of a viewer's connection. */
struct console_conn {
    struct ws_part *part;
    struct console_viewer *viewer;
};

static struct console_conn *console_conn_of(struct conn *conn)
{
    return (struct console_conn *)(void *)conn->state;
}

static struct consoles *console_of(const struct conn *conn)
{
    return ((struct hub *)conn->loop->hub)->consoles;
}

/* ---- what is noted ---- */

/* Whether this one is to be noted. Counts it. */
static bool console_sample(struct consoles *consoles, struct console_notes *notes)
{
    if (notes->seen++ % notes->stride != 0 || notes->noted >= CONSOLE_SAMPLES) {
        return false;
    }
    counter_add(consoles->hub->loop->counters, COUNTER_CONSOLE_SAMPLED, 1);
    return true;
}

/* An item that does not fit is taken back whole. */
static void console_noted(struct console_notes *notes, size_t before, int failed)
{
    if (failed != 0) {
        notes->json.len = before;
    } else {
        notes->noted++;
    }
}

static void console_notes_next(struct console_notes *notes)
{
    uint64_t stride = notes->seen / CONSOLE_SAMPLES;
    notes->stride = stride == 0 ? 1 : (stride > UINT32_MAX ? UINT32_MAX : (uint32_t)stride);
    notes->seen = 0;
    notes->noted = 0;
    buf_clear(&notes->json);
}

static int console_text(struct buf *out, const char *key, struct slice text)
{
    return buf_printf(out, ",\"%s\":", key) | json_write_string(out, text.p, text.len);
}

/* Its first bytes, cut between two characters. */
static int console_payload(struct buf *out, struct slice data)
{
    char *room = mem_try_alloc(data.len + 1);
    if (room == NULL) {
        return -1;
    }
    struct slice text = json_type(data) == JSON_STRING ? json_unescape(data, room) : data;
    if (text.len > CONSOLE_PAYLOAD) {
        text.len = CONSOLE_PAYLOAD;
        while (text.len > 0 && ((unsigned char)text.p[text.len] & 0xc0) == 0x80) {
            text.len--;
        }
    }
    int failed = console_text(out, "data", text);
    mem_free(room);
    return failed;
}

static int console_message(struct buf *out, const struct hub *hub,
                           const struct broadcast *broadcast, uint32_t here, bool payload)
{
    static const char *const kinds[] = {[BROADCAST_EVENT] = "event",
                                        [BROADCAST_CLIENT] = "client",
                                        [BROADCAST_RELAYED] = "client",
                                        [BROADCAST_SYSTEM] = "system"};
    struct slice json = wire_payload(broadcast->frame), key, value;
    struct slice event = {NULL, 0}, data = {NULL, 0};
    size_t cursor = 0;
    /* The daemon writes the event first, so that a large payload is walked for who asked alone. */
    while ((event.p == NULL || (payload && data.p == NULL)) &&
           json_next(json, &cursor, &key, &value)) {
        if (json_string_is(key, "event")) {
            event = value;
        } else if (json_string_is(key, "data")) {
            data = value;
        }
    }
    int failed = buf_printf(out,
                            "%s{\"at\":%" PRIu64 ",\"kind\":\"%s\",\"here\":%" PRIu32
                            ",\"bytes\":%zu,\"app\":\"%s\"",
                            out->len > 0 ? "," : "", clock_wall_ms(), kinds[broadcast->kind], here,
                            json.len, hub->apps->items[broadcast->app].settings->id);
    failed |= console_text(out, "channel", broadcast->channel);
    if (event.p != NULL) {
        failed |= buf_text(out, ",\"event\":") | buf_append(out, event.p, event.len);
    }
    if (payload && data.p != NULL) {
        failed |= console_payload(out, data);
    }
    return failed | buf_text(out, "}");
}

static bool console_wants(const struct console_viewer *viewer, const struct broadcast *broadcast)
{
    struct slice name = broadcast->channel;
    if (!viewer->flow || (viewer->one_app && viewer->app != broadcast->app)) {
        return false;
    }
    size_t len = viewer->channel_len;
    return len == 0 || ((viewer->prefix ? name.len >= len : name.len == len) &&
                        memcmp(name.p, viewer->channel, len) == 0);
}

static void console_on_broadcast(struct hub *hub, const struct broadcast *broadcast, uint32_t here)
{
    struct consoles *consoles = hub->consoles;
    for (struct console_viewer *viewer = consoles->first; viewer != NULL; viewer = viewer->next) {
        struct console_notes *notes = &viewer->messages;
        if (console_wants(viewer, broadcast) && console_sample(consoles, notes)) {
            size_t before = notes->json.len;
            console_noted(notes, before,
                          console_message(&notes->json, hub, broadcast, here, viewer->payloads));
        }
    }
}

static int console_announced(struct buf *out, const struct hub *hub,
                             const struct announcement *announcement)
{
    static const char *const kinds[ANNOUNCE_KINDS] = {
        [ANNOUNCE_OCCUPIED] = "occupied",   [ANNOUNCE_VACATED] = "vacated",
        [ANNOUNCE_MEMBER_ADDED] = "joined", [ANNOUNCE_MEMBER_REMOVED] = "left",
        [ANNOUNCE_CLIENT_EVENT] = "client", [ANNOUNCE_CACHE_MISS] = "miss",
        [ANNOUNCE_COUNT] = "count",         [ANNOUNCE_OPENED] = "opened",
        [ANNOUNCE_CLOSED] = "closed",       [ANNOUNCE_ONLINE] = "online",
        [ANNOUNCE_OFFLINE] = "offline",
    };
    int failed = buf_printf(out, "%s{\"at\":%" PRIu64 ",\"what\":\"%s\",\"app\":\"%s\"",
                            out->len > 0 ? "," : "", clock_wall_ms(), kinds[announcement->kind],
                            hub->apps->items[announcement->app].settings->id);
    if (announcement->channel.p != NULL) {
        failed |= console_text(out, "channel", announcement->channel);
    }
    if (announcement->user_id.p != NULL) {
        failed |= console_text(out, "user", announcement->user_id);
    }
    if (announcement->sender != NULL) {
        char id[SOCKET_ID_MAX];
        size_t len = socket_id_write(id, announcement->sender);
        failed |= console_text(out, "socket", (struct slice){id, len});
    }
    return failed | buf_text(out, "}");
}

static void console_on_announcement(void *arg, const struct announcement *announcement)
{
    struct consoles *consoles = arg;
    for (struct console_viewer *viewer = consoles->first; viewer != NULL; viewer = viewer->next) {
        struct console_notes *notes = &viewer->activity;
        if (viewer->flow && (!viewer->one_app || viewer->app == announcement->app) &&
            console_sample(consoles, notes)) {
            size_t before = notes->json.len;
            console_noted(notes, before,
                          console_announced(&notes->json, consoles->hub, announcement));
        }
    }
}

/* ---- who looks ---- */

static void console_want(struct consoles *consoles, unsigned int bits)
{
    uint32_t napps = (uint32_t)consoles->hub->apps->count;
    for (uint32_t i = 0; i < napps; i++) {
        announce_want(&consoles->hub->announcer, consoles->consumer, i, bits);
    }
    consoles->napps = bits != 0 ? napps : 0;
    consoles->hub->looked = bits != 0 ? console_on_broadcast : NULL;
}

static void console_arm(struct consoles *consoles)
{
    struct timeval wait = {.tv_sec = CONSOLE_TICK_MS / 1000};
    consoles->due_ns = clock_mono_ns() + CONSOLE_TICK_MS * 1000000ull;
    check(event_add(&consoles->timer, &wait) == 0);
}

static void console_print(const struct consoles *consoles, uint8_t out[SIGN_LEN])
{
    const char *token = consoles->hub->apps->admin_token;
    struct slice text = {token != NULL ? token : "", token != NULL ? strlen(token) : 0};
    sign_hmac((struct slice){(const char *)consoles->secret, ADMIN_AUTH_SECRET}, &text, 1, out);
}

static void console_notes_init(struct console_notes *notes)
{
    buf_init(&notes->json, CONSOLE_NOTES);
    notes->stride = 1;
}

static void console_enter(struct conn *conn)
{
    struct consoles *consoles = console_of(conn);
    struct console_viewer *viewer = mem_zalloc(sizeof(*viewer));
    viewer->conn = conn;
    console_notes_init(&viewer->messages);
    console_notes_init(&viewer->activity);
    viewer->next = consoles->first;
    if (consoles->first != NULL) {
        consoles->first->prev = viewer;
    }
    consoles->first = viewer;
    console_conn_of(conn)->viewer = viewer;
    if (consoles->viewers++ == 0) {
        console_print(consoles, consoles->token);
        console_want(consoles, CONSOLE_WANTED);
        console_arm(consoles);
    }
}

static void console_leave(struct conn *conn)
{
    struct consoles *consoles = console_of(conn);
    struct console_viewer *viewer = console_conn_of(conn)->viewer;
    ws_part_drop(&console_conn_of(conn)->part);
    if (viewer == NULL) {
        return;
    }
    if (viewer->prev != NULL) {
        viewer->prev->next = viewer->next;
    } else {
        consoles->first = viewer->next;
    }
    if (viewer->next != NULL) {
        viewer->next->prev = viewer->prev;
    }
    buf_free(&viewer->messages.json);
    buf_free(&viewer->activity.json);
    mem_free(viewer);
    console_conn_of(conn)->viewer = NULL;
    if (--consoles->viewers == 0) {
        console_want(consoles, 0);
        event_del(&consoles->timer);
    }
}

/* ---- once a second ---- */

static int console_append(struct buf *out, const char *key, const struct console_notes *notes)
{
    int failed = buf_printf(out, ",\"%s\":{\"seen\":%" PRIu64 ",\"items\":[", key, notes->seen);
    if (notes->json.len > 0) {
        failed |= buf_append(out, notes->json.data, notes->json.len);
    }
    return failed | buf_text(out, "]}");
}

static void console_tell(struct console_viewer *viewer, const struct buf *status)
{
    struct conn *conn = viewer->conn;
    if (conn_weight(conn) > CONSOLE_UNREAD) {
        counter_add(conn->loop->counters, COUNTER_CONSOLE_SKIPPED, 1);
        if (++viewer->behind >= CONSOLE_BEHIND) {
            log_limited(LOG_LEVEL_INFO, "admin", "a console that does not read is sent away");
            conn_doom(conn);
            return;
        }
    } else {
        struct buf json = wire_json();
        int failed = buf_append(&json, status->data, status->len) |
                     console_append(&json, "messages", &viewer->messages) |
                     console_append(&json, "activity", &viewer->activity) | buf_text(&json, "}");
        viewer->behind = 0;
        conn_send(conn, wire_message(&json, failed));
        if (console_conn_of(conn)->viewer == NULL) {
            return; /* there was no memory for it, and it has left */
        }
    }
    console_notes_next(&viewer->messages);
    console_notes_next(&viewer->activity);
}

static void console_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct consoles *consoles = arg;
    struct console_viewer *viewer = consoles->first, *next;
    uint64_t now = clock_mono_ns();
    uint64_t late_us = now > consoles->due_ns ? (now - consoles->due_ns) / 1000 : 0;
    uint8_t token[SIGN_LEN];
    struct buf status;
    (void)fd;
    (void)what;
    console_print(consoles, token);
    bool same = sign_equal(token, consoles->token, SIGN_LEN);
    buf_init(&status, ADMIN_API_MAX);
    int failed = buf_printf(&status,
                            "{\"type\":\"second\",\"at\":%" PRIu64 ",\"late_us\":%" PRIu64
                            ",\"viewers\":%" PRIu32 ",\"status\":",
                            clock_wall_ms(), late_us, consoles->viewers) |
                 admin_api_status(&status, consoles->hub);
    for (; viewer != NULL; viewer = next) {
        next = viewer->next;
        if (!same) {
            ws_conn_close(viewer->conn, 1008, "The token has changed");
        } else if (failed == 0) {
            console_tell(viewer, &status);
        }
    }
    buf_free(&status);
    if (consoles->viewers > 0) {
        if (consoles->napps != consoles->hub->apps->count) {
            console_want(consoles, CONSOLE_WANTED);
        }
        console_arm(consoles);
    }
}

/* ---- what a viewer says ---- */

/* {"flow":bool,"payloads":bool,"app":"ID" or "","channel":"NAME", "PREFIX*" or ""}: what is shown
 * to it. {"ping":n}: answered with the same. */
static void console_set(struct console_viewer *viewer, const struct hub *hub, struct slice key,
                        struct slice value, char *room)
{
    bool truth = json_type(value) == JSON_TRUE;
    struct slice text = {NULL, 0};
    if (json_type(value) == JSON_STRING) {
        text = json_unescape(value, room);
    }
    if (json_string_is(key, "flow")) {
        viewer->flow = truth;
    } else if (json_string_is(key, "payloads")) {
        viewer->payloads = truth;
    } else if (json_string_is(key, "app") && text.p != NULL) {
        const struct app *app = apps_by_id(hub->apps, text.p, text.len);
        viewer->one_app = text.len > 0;
        viewer->app = app != NULL ? app->index : UINT32_MAX; /* of one that is not there: nothing */
    } else if (json_string_is(key, "channel") && text.p != NULL && text.len <= CONSOLE_LONGEST) {
        viewer->prefix = text.len > 0 && text.p[text.len - 1] == '*';
        viewer->channel_len = text.len - (viewer->prefix ? 1 : 0);
        memcpy(viewer->channel, text.p, viewer->channel_len);
    }
}

static bool console_on_message(struct conn *conn, bool binary, const uint8_t *bytes, size_t len)
{
    struct slice message = json_trim((struct slice){(const char *)bytes, len}), key, value;
    char room[CONSOLE_MESSAGE];
    size_t cursor = 0;
    (void)binary;
    if (!json_valid(message.p, message.len) || json_type(message) != JSON_OBJECT) {
        ws_conn_close(conn, 1008, "Not a JSON object");
        return true;
    }
    while (conn_live(conn) && json_next(message, &cursor, &key, &value)) {
        if (json_string_is(key, "ping") && json_type(value) == JSON_NUMBER && value.len <= 20) {
            struct buf json = wire_json();
            int failed =
                buf_printf(&json, "{\"type\":\"pong\",\"ping\":%.*s}", (int)value.len, value.p);
            conn_send(conn, wire_message(&json, failed));
        } else {
            console_set(console_conn_of(conn)->viewer, conn->loop->hub, key, value, room);
        }
    }
    return true;
}

static struct ws_part **console_part(struct conn *conn)
{
    return &console_conn_of(conn)->part;
}

static size_t console_max_message(struct conn *conn)
{
    (void)conn;
    return CONSOLE_MESSAGE;
}

static const struct ws_endpoint console_endpoint = {
    .part = console_part,
    .max_message = console_max_message,
    .message = console_on_message,
};

static size_t console_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    return ws_conn_input(conn, &console_endpoint, bytes, len);
}

static void console_expired(struct conn *conn, enum idle_class was)
{
    (void)conn;
    (void)was;
}

const struct conn_handler console_handler = {
    .input = console_input,
    .leave = console_leave,
    .expired = console_expired,
    .max_input = CONSOLE_MESSAGE + WS_MAX_HEADER + WS_MAX_CONTROL,
    .bounded = true,
};

/* ---- requests ---- */

#define CONSOLE_HEADERS                                                                            \
    "Cache-Control: no-cache\r\n"                                                                  \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "           \
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; "       \
    "base-uri 'none'\r\n"                                                                          \
    "X-Frame-Options: DENY\r\n"                                                                    \
    "Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"

bool console_path(struct slice path)
{
    return slice_is(path, "/") || slice_is(path, "/console") || slice_starts(path, "/console/");
}

static const char *console_type(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot != NULL && strcmp(dot, ".js") == 0) {
        return "text/javascript; charset=utf-8";
    }
    return dot != NULL && strcmp(dot, ".css") == 0 ? "text/css; charset=utf-8"
                                                   : "text/html; charset=utf-8";
}

static bool console_file(struct conn *conn, struct slice name)
{
    if (name.len == 0) {
        name = SLICE("index.html");
    }
    for (size_t i = 0; i < console_nfiles; i++) {
        const struct console_file *file = &console_files[i];
        if (slice_is(name, file->name)) {
            http_answer(conn, 200, console_type(file->name), CONSOLE_HEADERS,
                        (struct slice){(const char *)file->bytes, file->len});
            return true;
        }
    }
    return false;
}

/* What the page must know before it asks for anything: whether it may, and if not, why. */
static void console_session(struct conn *conn, const struct http_request *request)
{
    static const char *const states[] = {[ADMIN_AUTH_YES] = "in",
                                         [ADMIN_AUTH_OFF] = "off",
                                         [ADMIN_AUTH_NO_TOKEN] = "no-token",
                                         [ADMIN_AUTH_MISSING] = "login",
                                         [ADMIN_AUTH_WRONG] = "login",
                                         [ADMIN_AUTH_HOST] = "host",
                                         [ADMIN_AUTH_ORIGIN] = "origin"};
    const char *token = ((struct hub *)conn->loop->hub)->apps->admin_token;
    char text[120];
    int len = snprintf(text, sizeof(text), "{\"session\":\"%s\",\"token\":%s}",
                       states[admin_auth_judge(conn, request, false)],
                       token != NULL && token[0] != '\0' ? "true" : "false");
    http_answer_json(conn, 200, "Cache-Control: no-store\r\n", (struct slice){text, (size_t)len});
}

static void console_live(struct conn *conn, const struct http_request *request)
{
    struct slice key;
    const char *why = NULL;
    if (!admin_auth_allowed(conn, request, true)) {
        return;
    }
    int status = http_websocket(request, &key, &why);
    if (status != 0) {
        counter_add(conn->loop->counters, COUNTER_BAD_HANDSHAKE, 1);
        http_refuse(conn, status,
                    status == 426 ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : NULL,
                    status == 426 ? "This is a WebSocket endpoint" : why);
        return;
    }
    if (console_of(conn)->viewers >= CONSOLE_VIEWERS) {
        http_refuse(conn, 503, "Retry-After: 10\r\n",
                    "As many consoles as are served at a time are open: close one");
        return;
    }
    conn_become(conn, KIND_CONSOLE, IDLE_NONE);
    ws_conn_accept(conn, request, key, false);
    console_enter(conn);
}

/* A login or a logout; both are of our own page alone. False: it was refused. */
static bool console_may_post(struct conn *conn, const struct http_request *request)
{
    if (!slice_is(request->method, "POST")) {
        http_refuse(conn, 405, "Allow: POST\r\n", "This changes something: POST it");
        return false;
    }
    if (!admin_auth_origin_is(http_header(request, "Origin"), http_header(request, "Host"))) {
        counter_add(conn->loop->counters, COUNTER_ADMIN_REFUSED, 1);
        http_refuse(conn, 403, NULL,
                    "Origin is not that of this console; a proxy in front must pass Host on as it "
                    "came");
        return false;
    }
    return true;
}

void *console_head(struct conn *conn, const struct http_request *request)
{
    static const char base[] = "/console/";
    struct slice path = request->path;
    bool read = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
    if (slice_is(path, "/") || slice_is(path, "/console")) {
        if (read) {
            http_answer(conn, 302, NULL, "Location: console/\r\n", (struct slice){"", 0});
        } else {
            http_refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed");
        }
        return NULL;
    }
    path.p += sizeof(base) - 1;
    path.len -= sizeof(base) - 1;
    if (slice_is(path, "login")) {
        return console_may_post(conn, request) ? (void *)(uintptr_t)console_login_job : NULL;
    }
    if (slice_is(path, "logout")) {
        if (console_may_post(conn, request)) {
            http_answer_json(conn, 200,
                             "Set-Cookie: " ADMIN_AUTH_COOKIE
                             "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict\r\n",
                             SLICE("{\"session\":\"login\"}"));
        }
        return NULL;
    }
    if (!read) {
        http_refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed");
    } else if (slice_is(path, "session")) {
        console_session(conn, request);
    } else if (slice_is(path, "live")) {
        console_live(conn, request);
    } else if (!console_file(conn, path)) {
        http_refuse(conn, 404, NULL, "The console has no such page; it is at /console/");
    }
    return NULL;
}

bool console_owns(const void *job)
{
    return job == console_login_job;
}

static bool console_token_is(const char *token, struct slice body)
{
    struct slice key, value;
    size_t cursor = 0;
    bool good = false;
    body = json_trim(body);
    if (body.len == 0 || body.len > CONSOLE_MESSAGE || !json_valid(body.p, body.len) ||
        json_type(body) != JSON_OBJECT) {
        return false;
    }
    while (json_next(body, &cursor, &key, &value)) {
        if (json_string_is(key, "token") && json_type(value) == JSON_STRING) {
            char room[CONSOLE_MESSAGE];
            good = admin_auth_token_is(token, json_unescape(value, room));
            explicit_bzero(room, sizeof(room));
        }
    }
    return good;
}

void console_body(struct conn *conn, void *job, struct slice body, int status)
{
    const char *token = ((struct hub *)conn->loop->hub)->apps->admin_token;
    char session[ADMIN_AUTH_SESSION], header[300], text[ADDRESS_TEXT];
    (void)job;
    if (status != 0) {
        http_refuse(conn, status, NULL, "The body of the request cannot be taken");
        return;
    }
    if (token == NULL || !console_token_is(token, body)) {
        counter_add(conn->loop->counters, COUNTER_ADMIN_REFUSED, 1);
        log_limited_with(LOG_LEVEL_WARN, "admin", LOG_FIELDS(.client = http_peer(conn, text)),
                         "%s: a login with a wrong token", http_peer(conn, text));
        http_refuse(conn, 401, NULL, "That is not the token of [admin]");
        return;
    }
    log_with(LOG_LEVEL_INFO, "admin", LOG_FIELDS(.client = http_peer(conn, text)),
             "%s has signed in to the console", http_peer(conn, text));
    size_t len = admin_auth_session(session, console_of(conn)->secret, token,
                                    clock_wall_ms() / 1000 + ADMIN_AUTH_SECONDS);
    snprintf(header, sizeof(header),
             "Set-Cookie: " ADMIN_AUTH_COOKIE
             "=%.*s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict\r\nCache-Control: no-store\r\n",
             (int)len, session, ADMIN_AUTH_SECONDS);
    http_answer_json(conn, 200, header, SLICE("{\"session\":\"in\"}"));
}

/* ---- from beginning to end ---- */

struct consoles *consoles_new(struct hub *hub)
{
    struct consoles *consoles = mem_zalloc(sizeof(*consoles));
    consoles->hub = hub;
    rnd_bytes(consoles->secret, sizeof(consoles->secret));
    consoles->consumer = announce_register(&hub->announcer, console_on_announcement, consoles);
    check(event_assign(&consoles->timer, hub->loop->base, -1, 0, console_on_timer, consoles) == 0);
    hub->consoles = consoles;
    hub->admin_secret = consoles->secret;
    return consoles;
}

void consoles_free(struct consoles *consoles)
{
    if (consoles == NULL) {
        return;
    }
    check(consoles->first == NULL);
    event_del(&consoles->timer);
    consoles->hub->looked = NULL;
    consoles->hub->consoles = NULL;
    consoles->hub->admin_secret = NULL;
    explicit_bzero(consoles->secret, sizeof(consoles->secret));
    mem_free(consoles);
}
