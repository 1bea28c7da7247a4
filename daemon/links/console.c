#include "links/console.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "links/admin_api.h"
#include "links/admin_auth.h"
#include "links/console_notes.h"
#include "net/outq.h"
#include "proto/json.h"
#include "proto/sign.h"
#include "pubsub/wire.h"
#include "pubsub/worker.h"
#include "web/ws_conn.h"

#define CONSOLE_TICK_MS 1000u
#define CONSOLE_MESSAGE 4096u /* bytes of one that a viewer sends */
#define CONSOLE_LONGEST 200u  /* bytes of the name of a channel */
/* Not of connections: each of them would be one more mail from its worker, while somebody looks. */
#define CONSOLE_WANTED                                                                             \
    (ANNOUNCE_BIT(ANNOUNCE_OCCUPIED) | ANNOUNCE_BIT(ANNOUNCE_VACATED) |                            \
     ANNOUNCE_BIT(ANNOUNCE_MEMBER_ADDED) | ANNOUNCE_BIT(ANNOUNCE_MEMBER_REMOVED) |                 \
     ANNOUNCE_BIT(ANNOUNCE_ONLINE) | ANNOUNCE_BIT(ANNOUNCE_OFFLINE))

struct console_viewer {
    struct conn *conn;
    struct console_viewer *next, *prev;
    struct console_notes messages, activity;
    bool flow, payloads, prefix, one_app;
    uint32_t app; /* one_app: of which it wants to see what flows */
    uint32_t behind;
    uint64_t until_ms;  /* then it has to sign in again, if its session is over */
    size_t channel_len; /* 0: all */
    char channel[CONSOLE_LONGEST];
};

struct consoles {
    struct hub *hub;
    struct console_viewer *first;
    uint32_t viewers, consumer;
    uint32_t napps; /* of which announcements are wanted */
    uint64_t due_ns;
    struct admin_guard guard;
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
        if (console_wants(viewer, broadcast)) {
            console_note_message(&viewer->messages, hub, broadcast, here, viewer->payloads);
        }
    }
}

static void console_on_announcement(void *arg, const struct announcement *announcement)
{
    struct consoles *consoles = arg;
    for (struct console_viewer *viewer = consoles->first; viewer != NULL; viewer = viewer->next) {
        if (viewer->flow && (!viewer->one_app || viewer->app == announcement->app)) {
            console_note_announcement(&viewer->activity, consoles->hub, announcement);
        }
    }
}

/* ---- who looks ---- */

/* Announcements and messages are asked for while somebody wants to see what flows, and no longer:
 * numbers alone cost no broadcast anything. */
static void console_want(struct consoles *consoles)
{
    struct hub *hub = consoles->hub;
    bool flow = false;
    for (struct console_viewer *one = consoles->first; one != NULL && !flow; one = one->next) {
        flow = one->flow;
    }
    uint32_t napps = (uint32_t)hub->apps->count;
    bool wanted = hub->looked != NULL;
    if (flow == wanted && (!flow || consoles->napps == napps)) {
        return;
    }
    for (uint32_t i = 0; i < napps; i++) {
        announce_want(&hub->announcer, consoles->consumer, i, flow ? CONSOLE_WANTED : 0);
    }
    consoles->napps = flow ? napps : 0;
    hub->looked = flow ? console_on_broadcast : NULL;
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
    sign_hmac((struct slice){(const char *)consoles->guard.secret, ADMIN_AUTH_SECRET}, &text, 1,
              out);
}

bool consoles_full(const struct consoles *consoles)
{
    return consoles->viewers >= CONSOLE_VIEWERS;
}

void console_enter(struct conn *conn, const struct http_request *request, struct slice key)
{
    struct consoles *consoles = console_of(conn);
    conn_become(conn, KIND_CONSOLE, IDLE_NONE);
    ws_conn_accept(conn, request, key, false);
    struct console_viewer *viewer = mem_zalloc(sizeof(*viewer));
    viewer->conn = conn;
    viewer->until_ms = clock_mono_ms() + ADMIN_AUTH_SECONDS * 1000ull;
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
    console_notes_free(&viewer->messages);
    console_notes_free(&viewer->activity);
    mem_free(viewer);
    console_conn_of(conn)->viewer = NULL;
    if (--consoles->viewers == 0) {
        event_del(&consoles->timer);
    }
    console_want(consoles);
}

/* ---- once a second ---- */

/* How often each duration of this kind was met since the start, of all applications and loops. */
static int console_histogram(struct buf *out, const struct hub *hub, enum histogram_kind kind,
                             const char *key)
{
    struct histogram sum = {.sum_ns = 0};
    for (uint32_t i = 0; i < hub->ncounters; i++) {
        for (uint32_t app = 0; app <= HISTOGRAM_APPS; app++) {
            histogram_sum(&sum, &hub->counters[i]->histograms[kind][app]);
        }
    }
    int failed = buf_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        failed |= buf_printf(out, "%s%" PRIu64, i > 0 ? "," : "", sum.buckets[i]);
    }
    return failed | buf_text(out, "]");
}

/* "bounds" are those of the others, in seconds; what took longer than the last comes behind it. */
static int console_histograms(struct buf *out, const struct hub *hub)
{
    int failed = buf_text(out, ",\"latency\":{\"bounds\":[");
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        failed |= buf_printf(out, "%s%s", i > 0 ? "," : "", histogram_bounds[i].seconds);
    }
    failed |= buf_text(out, "]") | console_histogram(out, hub, HISTOGRAM_DELIVERY, "delivery") |
              console_histogram(out, hub, HISTOGRAM_ANSWER, "answer") |
              console_histogram(out, hub, HISTOGRAM_TURN, "turn");
    return failed | buf_text(out, "}");
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
                     console_notes_write(&json, "messages", &viewer->messages) |
                     console_notes_write(&json, "activity", &viewer->activity) |
                     buf_text(&json, "}");
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
                 admin_api_status(&status, consoles->hub) |
                 console_histograms(&status, consoles->hub);
    for (; viewer != NULL; viewer = next) {
        next = viewer->next;
        if (!same) {
            ws_conn_close(viewer->conn, 1008, "The token has changed");
        } else if (now / 1000000 >= viewer->until_ms) {
            ws_conn_close(viewer->conn, 1008, "The session is over");
        } else if (failed == 0) {
            console_tell(viewer, &status);
        }
    }
    buf_free(&status);
    if (consoles->viewers > 0) {
        console_want(consoles); /* a reload may have brought an application */
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
    console_want(console_of(conn));
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

/* ---- from beginning to end ---- */

struct consoles *consoles_new(struct hub *hub)
{
    struct consoles *consoles = mem_zalloc(sizeof(*consoles));
    consoles->hub = hub;
    rnd_bytes(consoles->guard.secret, sizeof(consoles->guard.secret));
    consoles->consumer =
        announce_register(&hub->announcer, console_on_announcement, consoles, true);
    check(event_assign(&consoles->timer, hub->loop->base, -1, 0, console_on_timer, consoles) == 0);
    hub->consoles = consoles;
    hub->admin_guard = &consoles->guard;
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
    consoles->hub->admin_guard = NULL;
    explicit_bzero(consoles->guard.secret, sizeof(consoles->guard.secret));
    mem_free(consoles);
}
