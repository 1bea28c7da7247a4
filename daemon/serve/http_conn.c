#include "serve/http_conn.h"

#include <stdio.h>

#include "base/buf.h"
#include "proto/forwarded.h"
#include "net/input.h"
#include "pubsub/wire.h"
#include "pubsub/worker.h"

_Static_assert(sizeof(struct http_conn) <= CONN_STATE_SIZE, "it must fit into its connection");

bool http_client(const struct conn *conn, const struct http_request *request, struct address *out)
{
    const struct http_conn *state = (const struct http_conn *)conn->state;
    const struct networks *proxies = worker_of(conn)->proxies;
    struct address peer = state->client;
    if (!state->named && !conn_peer(conn, &peer)) {
        return false;
    }
    *out = proxies != NULL ? forwarded_for(request, proxies, &peer) : peer;
    return true;
}

void http_answer(struct conn *conn, int status, const char *extra, struct slice json, bool keep,
                 bool head_only)
{
    struct buf out;
    struct frame *frame = NULL;
    buf_init(&out, WIRE_MAX);
    if (http_respond(&out, status, "application/json", extra, json.p, json.len, keep, head_only) ==
        0) {
        frame = frame_copy(out.data, out.len);
    }
    buf_free(&out);
    conn_send(conn, frame);
    if (!keep) {
        conn_finish(conn, false);
    }
}

void http_refuse(struct conn *conn, int status, const char *extra, const char *why, bool keep,
                 bool head_only)
{
    char json[512];
    int len = snprintf(json, sizeof(json), "{\"error\":\"%s\"}", why);
    http_answer(conn, status, extra, (struct slice){json, (size_t)len}, keep, head_only);
}
