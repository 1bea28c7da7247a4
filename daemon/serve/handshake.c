#include "serve/handshake.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/input.h"
#include "proto/http.h"
#include "proto/proxy.h"
#include "pubsub/worker.h"
#include "serve/api.h"
#include "serve/echo.h"
#include "serve/http_conn.h"
#include "serve/rates.h"
#include "serve/session.h"

/* The path behind the prefix; .p == NULL when it does not start with it. */
static struct slice strip_prefix(struct slice path, const char *prefix)
{
    size_t len = strlen(prefix);
    if (!slice_starts(path, prefix) || (path.len > len && path.p[len] != '/')) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){path.p + len, path.len - len};
}

/* Whether this address has a handshake left in this second. */
static bool within_rate(struct conn *conn, const struct http_request *request)
{
    struct worker *worker = worker_of(conn);
    uint64_t rate = worker->limits->handshake_rate;
    struct address client;
    char text[ADDRESS_TEXT];
    if (rate == 0 || worker->handshakes == NULL || !http_client(conn, request, &client) ||
        rates_take(worker->handshakes, &client, rate, clock_mono_ns() / 1000)) {
        return true;
    }
    counter_add(conn->loop->counters, COUNTER_REFUSED_RATE, 1);
    log_limited(LOG_LEVEL_INFO, "handshake",
                "%s makes more than %" PRIu64 " handshakes a second (handshake_rate)",
                address_print(&client, text), rate);
    return false;
}

/* False: it has been answered, with what is wrong. */
static bool is_websocket(struct conn *conn, const struct http_request *request, bool keep,
                         struct slice *ws_key)
{
    const char *why = NULL;
    bool head_only = slice_is(request->method, "HEAD");
    if (http_header_has(request, "Upgrade", "websocket") && !within_rate(conn, request)) {
        http_refuse(conn, 429, "Retry-After: 1\r\n", "Too many connections, try again", false,
                    head_only);
        return false;
    }
    int status = http_header_has(request, "Upgrade", "websocket")
                     ? http_websocket(request, ws_key, &why)
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
        http_refuse(conn, status, extra, why, keep && status == 426, head_only);
        return false;
    }
    return true;
}

static void route_session(struct conn *conn, const struct http_request *request, struct slice key,
                          bool keep)
{
    struct session_request open = {.http = request, .app_key = key};
    if (!is_websocket(conn, request, keep, &open.ws_key)) {
        return;
    }
    open.protocol = http_query(request->query, "protocol");
    open.origin = http_header(request, "Origin");
    session_open(conn, &open);
}

static void route(struct conn *conn, const struct http_request *request, struct slice path)
{
    bool get = slice_is(request->method, "GET"), head = slice_is(request->method, "HEAD");
    /* A body that nobody reads would be taken for the next request. */
    bool keep = request->keep_alive && request->body_len == 0 && !request->chunked;
    if (slice_starts(path, "/app/") && path.len > 5 &&
        memchr(path.p + 5, '/', path.len - 5) == NULL) {
        route_session(conn, request, (struct slice){path.p + 5, path.len - 5}, keep);
    } else if (slice_is(path, "/up")) {
        if (get || head) {
            http_answer(conn, 200, NULL, SLICE("{\"health\":\"OK\"}"), keep, head);
        } else {
            http_refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed", keep, false);
        }
#ifdef FANFARE_ECHO
    } else if (slice_is(path, "/__echo")) {
        struct slice ws_key;
        if (is_websocket(conn, request, keep, &ws_key)) {
            echo_open(conn, request, ws_key);
        }
#endif
    } else {
        http_refuse(conn, 404, NULL, "Not found", keep, head);
    }
}

/* The PROXY protocol's header. */
static size_t handshake_preamble(struct conn *conn, const uint8_t *bytes, size_t len)
{
    struct proxy_header header;
    struct address peer;
    char text[ADDRESS_TEXT];
    const char *why = NULL;
    switch (proxy_read(bytes, len, &header, &why)) {
    case PROXY_MORE:
        break;
    case PROXY_BAD:
        counter_add(conn->loop->counters, COUNTER_BAD_PROXY, 1);
        log_limited(LOG_LEVEL_WARN, "proxy", "closed a connection from the proxy %s: %s",
                    conn_peer(conn, &peer) ? address_print(&peer, text) : "?", why);
        conn_doom(conn);
        break;
    case PROXY_DONE:
        http_conn_of(conn)->named = header.known;
        http_conn_of(conn)->client = header.client;
        return header.len;
    }
    return 0;
}

static void handshake_log_bad(const struct conn *conn, const uint8_t *bytes, size_t len,
                              const char *why)
{
    const struct http_request none = {.nheaders = 0};
    struct address client;
    char text[ADDRESS_TEXT];
    bool known = http_client(conn, &none, &client);
    bool tls = len >= 2 && bytes[0] == 0x16 && bytes[1] == 3; /* a handshake record */
    log_limited(LOG_LEVEL_DEBUG, "handshake", "%s sent what is no HTTP: %s",
                known ? address_print(&client, text) : "a client",
                tls ? "it speaks TLS (https, wss), and this port does not" : why);
}

static size_t handshake_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    size_t used = 0;
    while (used < len && conn_live(conn)) {
        struct http_request request;
        int status = 0;
        const char *why = NULL;
        if (!http_conn_of(conn)->started) {
            http_conn_of(conn)->started = true;
            conn_idle(conn, IDLE_HEAD);
        }
        enum http_result result =
            http_parse((const char *)bytes + used, len - used, &request, &status, &why);
        if (result == HTTP_MORE) {
            break;
        }
        if (result == HTTP_BAD) {
            counter_add(conn->loop->counters, COUNTER_BAD_HTTP, 1);
            handshake_log_bad(conn, bytes + used, len - used, why);
            http_refuse(conn, status, NULL, why, false, false);
            break;
        }
        struct slice path = strip_prefix(request.path, worker_of(conn)->path_prefix);
        if (api_owns(path)) {
            size_t took = api_input(conn, &request, path, bytes + used, len - used);
            if (took == 0) {
                break;
            }
            used += took;
        } else {
            used += request.head_len;
            route(conn, &request, path);
        }
        if (conn->kind != KIND_HTTP) {
            if (used < len && conn_live(conn)) {
                used += conn->loop->handlers[conn->kind]->input(conn, bytes + used, len - used);
            }
            return used;
        }
        http_conn_of(conn)->started = false;
        if (conn_waiting(conn)) {
            conn_idle(conn, IDLE_NONE); /* the hub is asked */
            break;
        }
        if (conn_live(conn)) {
            conn_idle(conn, IDLE_KEEPALIVE);
        }
    }
    return used;
}

static void handshake_expired(struct conn *conn, enum idle_class was)
{
    if (was == IDLE_HEAD) {
        counter_add(conn->loop->counters, COUNTER_TIMEOUT_HEAD, 1);
        if (http_conn_of(conn)->started) {
            http_refuse(conn, 408, NULL, "The request was not complete in time", false, false);
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
    .preamble = handshake_preamble,
    .leave = handshake_leave,
    .expired = handshake_expired,
    .max_input = HTTP_MAX_HEAD,
    .client = true,
};

void handshake_setup(struct loop *loop, const struct limits *limits)
{
    /* Chunked bodies are larger on the wire. */
    loop_max_input(loop, KIND_HTTP, HTTP_MAX_HEAD + api_max_body(limits) * 2);
}
