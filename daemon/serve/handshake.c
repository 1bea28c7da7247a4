#include "serve/handshake.h"

#include <string.h>

#include "base/buf.h"
#include "net/loop.h"
#include "proto/http.h"
#include "pubsub/worker.h"
#include "serve/session.h"

struct handshake {
    bool started; /* the first byte of a head has come */
};

#define MAX_RESPONSE 4096u

static struct handshake *state_of(struct conn *conn)
{
    return (struct handshake *)conn->state;
}

/* A connection that ends with this answer is finished; the peer's unread body, if any, is thrown
 * away. */
static void answer(struct conn *conn, int status, const char *extra, const char *json, bool keep,
                   bool head_only)
{
    struct buf out;
    struct frame *frame = NULL;
    buf_init(&out, MAX_RESPONSE);
    if (http_respond(&out, status, "application/json", extra, json, strlen(json), keep,
                     head_only) == 0) {
        frame = frame_copy(out.data, out.len);
    }
    buf_free(&out);
    conn_send(conn, frame);
    if (!keep) {
        conn_finish(conn, false);
    }
}

static void refuse(struct conn *conn, int status, const char *extra, const char *why, bool keep,
                   bool head_only)
{
    char json[256];
    snprintf(json, sizeof(json), "{\"error\":\"%s\"}", why);
    answer(conn, status, extra, json, keep, head_only);
}

/* The path behind the prefix; .p == NULL when it does not start with it. */
static struct slice strip_prefix(struct slice path, const char *prefix)
{
    size_t len = strlen(prefix);
    if (!slice_starts(path, prefix) || (path.len > len && path.p[len] != '/')) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){path.p + len, path.len - len};
}

static void route_websocket(struct conn *conn, const struct http_request *request, struct slice key,
                            bool keep)
{
    struct session_request open = {.app_key = key};
    const char *why = NULL;
    bool head_only = slice_is(request->method, "HEAD");
    int status = http_header_has(request, "Upgrade", "websocket")
                     ? http_websocket(request, &open.ws_key, &why)
                     : 426;
    if (status != 0) {
        counter_add(conn->loop->counters, COUNTER_BAD_HANDSHAKE, 1);
        const char *extra = NULL;
        if (status == 426) {
            extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
            why = "This is a WebSocket endpoint";
        } else if (status == 405) {
            extra = "Allow: GET\r\n";
        }
        refuse(conn, status, extra, why, keep && status == 426, head_only);
        return;
    }
    open.protocol = http_query(request->query, "protocol");
    open.origin = http_header(request, "Origin");
    session_open(conn, &open);
}

static void route(struct conn *conn, const struct http_request *request)
{
    struct slice path = strip_prefix(request->path, worker_of(conn)->path_prefix);
    bool get = slice_is(request->method, "GET"), head = slice_is(request->method, "HEAD");
    /* A body that nobody reads would be taken for the next request. */
    bool keep = request->keep_alive && request->body_len == 0 && !request->chunked;
    if (slice_starts(path, "/app/") && path.len > 5 &&
        memchr(path.p + 5, '/', path.len - 5) == NULL) {
        route_websocket(conn, request, (struct slice){path.p + 5, path.len - 5}, keep);
    } else if (slice_is(path, "/up")) {
        if (get || head) {
            answer(conn, 200, NULL, "{\"health\":\"OK\"}", keep, head);
        } else {
            refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed", keep, false);
        }
    } else {
        refuse(conn, 404, NULL, "Not found", keep, head);
    }
}

static size_t handshake_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    size_t used = 0;
    while (used < len && !(conn->flags & (CONN_FINISHING | CONN_DOOMED))) {
        struct http_request request;
        int status = 0;
        const char *why = NULL;
        if (!state_of(conn)->started) {
            state_of(conn)->started = true;
            conn_idle(conn, IDLE_HEAD);
        }
        enum http_result result =
            http_parse((const char *)bytes + used, len - used, &request, &status, &why);
        if (result == HTTP_MORE) {
            break;
        }
        if (result == HTTP_BAD) {
            counter_add(conn->loop->counters, COUNTER_BAD_HTTP, 1);
            refuse(conn, status, NULL, why, false, false);
            break;
        }
        used += request.head_len;
        route(conn, &request);
        if (conn->kind == KIND_SESSION) {
            if (used < len && !(conn->flags & (CONN_FINISHING | CONN_DOOMED))) {
                used += session_handler.input(conn, bytes + used, len - used);
            }
            return used;
        }
        state_of(conn)->started = false;
        if (!(conn->flags & (CONN_FINISHING | CONN_DOOMED))) {
            conn_idle(conn, IDLE_KEEPALIVE);
        }
    }
    return used;
}

static void handshake_expired(struct conn *conn, enum idle_class was)
{
    if (was == IDLE_HEAD) {
        counter_add(conn->loop->counters, COUNTER_TIMEOUT_HEAD, 1);
        if (state_of(conn)->started) {
            refuse(conn, 408, NULL, "Request head was not complete in time", false, false);
            return;
        }
    }
    conn_finish(conn, false);
}

static void handshake_leave(struct conn *conn)
{
    (void)conn;
}

const struct conn_handler handshake_handler = {
    .input = handshake_input,
    .leave = handshake_leave,
    .expired = handshake_expired,
    .max_input = HTTP_MAX_HEAD,
    .client = true,
};
