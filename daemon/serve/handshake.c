#include "serve/handshake.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/input.h"
#include "proto/http.h"
#include "proto/proxy.h"
#include "pubsub/worker.h"
#include "serve/api.h"
#include "serve/echo.h"
#include "serve/rates.h"
#include "serve/session.h"
#include "web/http_conn.h"

/* Whether this address has a handshake left in this second. */
static bool handshake_within_rate(struct conn *conn, const struct http_request *request)
{
    struct worker *worker = worker_of(conn);
    uint64_t rate = worker->limits->handshake_rate;
    struct address client;
    char text[ADDRESS_TEXT];
    if (rate == 0 || worker->handshakes == NULL ||
        !http_client(conn, request, worker->proxies, &client) ||
        rates_take(worker->handshakes, &client, rate, clock_mono_ns() / 1000)) {
        return true;
    }
    counter_add(conn->loop->counters, COUNTER_REFUSED_RATE, 1);
    log_limited_with(
        LOG_LEVEL_INFO, "handshake", LOG_FIELDS(.client = address_print(&client, text)),
        "%s makes more than %" PRIu64 " handshakes a second (handshake_rate); is it a proxy, "
        "name it in [server] trusted_proxies",
        address_print(&client, text), rate);
    return false;
}

/* False: it has been answered, with what is wrong. */
static bool handshake_is_websocket(struct conn *conn, const struct http_request *request,
                                   struct slice *ws_key)
{
    const char *why = NULL, *extra = NULL;
    bool upgrade = http_header_has(request, "Upgrade", "websocket");
    if (upgrade && !handshake_within_rate(conn, request)) {
        http_last(conn);
        http_refuse(conn, 429, "Retry-After: 1\r\n", "Too many connections, try again");
        return false;
    }
    int status = upgrade ? http_websocket(request, ws_key, &why) : 426;
    if (status == 0) {
        return true;
    }
    counter_add(conn->loop->counters, COUNTER_BAD_HANDSHAKE, 1);
    if (status == 426) {
        extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
        why = "This is a WebSocket endpoint";
    } else {
        extra = status == 405 ? "Allow: GET\r\n" : NULL;
        http_last(conn);
    }
    http_refuse(conn, status, extra, why);
    return false;
}

static void handshake_session(struct conn *conn, const struct http_request *request,
                              struct slice key)
{
    struct session_request open = {.http = request, .app_key = key};
    if (!handshake_is_websocket(conn, request, &open.ws_key)) {
        return;
    }
    open.protocol = http_query(request->query, "protocol");
    open.origin = http_header(request, "Origin");
    session_open(conn, &open);
}

/* Pages without a signature. `options`: load balancers ask with that method, too. */
static void handshake_healthy(struct conn *conn, const struct http_request *request, bool options)
{
    const char *allow = options ? "Allow: GET, HEAD, OPTIONS\r\n" : "Allow: GET, HEAD\r\n";
    if (slice_is(request->method, "GET") || slice_is(request->method, "HEAD")) {
        http_answer_json(conn, 200, NULL, SLICE("{\"health\":\"OK\"}"));
    } else if (options && slice_is(request->method, "OPTIONS")) {
        http_answer_json(conn, 200, allow, SLICE("{\"health\":\"OK\"}"));
    } else {
        http_refuse(conn, 405, allow, "Method not allowed");
    }
}

/* The root, with and without the prefix, is what load balancers ask for when nobody has told them
 * otherwise. A WebSocket client that comes there has a wrong address, and must hear of it. */
static bool handshake_is_root(const struct http_request *request, struct slice plain,
                              struct slice path)
{
    if (slice_is(plain, "*")) {
        return slice_is(request->method, "OPTIONS");
    }
    return (slice_is(plain, "/") || slice_is(path, "/") || (path.p != NULL && path.len == 0)) &&
           !http_header_has(request, "Upgrade", "websocket");
}

static void *handshake_head(struct conn *conn, const struct http_request *request)
{
    char room[HTTP_MAX_TARGET];
    struct slice plain = http_plain_path(request->path, room);
    struct slice path = http_path_below(plain, worker_of(conn)->path_prefix);
    if (api_owns(path)) {
        return api_head(conn, request, plain);
    }
    if (slice_starts(path, "/app/") && path.len > 5 &&
        memchr(path.p + 5, '/', path.len - 5) == NULL) {
        handshake_session(conn, request, (struct slice){path.p + 5, path.len - 5});
    } else if (slice_is(path, "/up")) {
        handshake_healthy(conn, request, false);
    } else if (handshake_is_root(request, plain, path)) {
        handshake_healthy(conn, request, true);
#ifdef FANFARE_ECHO
    } else if (slice_is(path, "/__echo")) {
        struct slice ws_key;
        if (handshake_is_websocket(conn, request, &ws_key)) {
            echo_open(conn, request, ws_key);
        }
#endif
    } else {
        http_refuse(conn, 404, NULL, "Not found");
    }
    return NULL;
}

static const struct http_service handshake_service = {
    .head = handshake_head,
    .body = api_body,
    .drop = api_drop,
    .max_body = api_max_body,
};

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
        const char *from = conn_peer(conn, &peer) ? address_print(&peer, text) : NULL;
        log_limited_with(LOG_LEVEL_WARN, "proxy", LOG_FIELDS(.client = from),
                         "closed a connection from the proxy %s: %s", from != NULL ? from : "?",
                         why);
        conn_doom(conn);
        break;
    case PROXY_DONE:
        http_conn_of(conn)->named = header.known;
        http_conn_of(conn)->client = header.client;
        return header.len;
    }
    return 0;
}

static size_t handshake_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    return http_input(conn, &handshake_service, bytes, len);
}

const struct conn_handler handshake_handler = {
    .input = handshake_input,
    .preamble = handshake_preamble,
    .leave = http_leave,
    .expired = http_expired,
    .max_input = HTTP_MAX_HEAD,
    .client = true,
};
