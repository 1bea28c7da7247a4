#include "web/http_conn.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/input.h"
#include "net/outq.h"
#include "proto/chunked.h"
#include "proto/forwarded.h"
#include "proto/json.h"

#define HEAD_MAX  4096u /* bytes of an answer besides its body */
#define ERROR_MAX 4096u /* bytes of {"error":...} */

_Static_assert(sizeof(struct http_conn) <= CONN_STATE_SIZE, "it must fit into its connection");
_Static_assert(HTTP_MAX_HEAD <= UINT16_MAX, "bytes of a head are counted in 16 bits");

/* A body that is on its way. */
struct http_body {
    const struct http_service *service;
    void *job;
    size_t max;
    uint64_t left; /* of Content-Length */
    bool chunked, keep;
    struct chunked chunks;
    struct buf data; /* what has come in earlier reads */
};

/* ---- answers ---- */

void http_answer(struct conn *conn, int status, const char *type, const char *extra,
                 struct slice body)
{
    struct http_conn *state = http_conn_of(conn);
    struct buf out;
    struct frame *frame = NULL;
    bool keep = state->keep;
    buf_init(&out, HEAD_MAX + body.len);
    if (http_respond(&out, status, type, extra, body.p, body.len, keep, state->head_only) == 0) {
        frame = frame_copy(out.data, out.len);
    }
    buf_free(&out);
    state->begun = false;
    conn_send(conn, frame);
    if (!keep) {
        conn_finish(conn, false);
        return;
    }
    conn_idle(conn, IDLE_KEEPALIVE);
    if (conn_waiting(conn)) {
        conn_resume(conn);
    }
}

void http_answer_json(struct conn *conn, int status, const char *extra, struct slice json)
{
    http_answer(conn, status, "application/json", extra, json);
}

void http_refuse(struct conn *conn, int status, const char *extra, const char *why)
{
    struct buf json;
    buf_init(&json, ERROR_MAX);
    if (buf_text(&json, "{\"error\":") != 0 || json_write_string(&json, why, strlen(why)) != 0 ||
        buf_text(&json, "}") != 0) {
        conn_doom(conn);
    } else {
        http_answer_json(conn, status, extra, (struct slice){(const char *)json.data, json.len});
    }
    buf_free(&json);
}

void http_later(struct conn *conn)
{
    conn_wait(conn);
    conn_idle(conn, IDLE_NONE);
}

void http_last(struct conn *conn)
{
    http_conn_of(conn)->keep = false;
}

/* ---- bodies ---- */

/* Reads on. False: more is to come. Otherwise `data` is the whole body, or *status says what is
 * wrong with it. */
static bool http_body_read(struct http_body *body, uint8_t *bytes, size_t len, size_t *used,
                           struct slice *data, int *status)
{
    size_t some;
    bool whole;
    *status = 0;
    if (body->chunked) {
        enum http_result result =
            chunked_read(&body->chunks, bytes, len, body->max, &some, used, status);
        whole = result == HTTP_DONE;
    } else {
        some = *used = len < body->left ? len : (size_t)body->left;
        body->left -= some;
        whole = body->left == 0;
    }
    *data = (struct slice){(const char *)bytes, some};
    if (*status != 0) {
        return true;
    }
    if (whole && body->data.len == 0) {
        return true; /* all in one read: it need not be copied */
    }
    if (buf_append(&body->data, bytes, some) != 0) {
        *status = 500;
        return true;
    }
    *data = (struct slice){(const char *)body->data.data, body->data.len};
    return whole;
}

/* Takes over the body, which the connection has no longer. */
static void http_body_done(struct conn *conn, struct http_body *body, struct slice data, int status)
{
    static const struct slice none = {"", 0};
    struct http_conn *state = http_conn_of(conn);
    state->keep = body->keep && status == 0;
    body->service->body(conn, body->job, status == 0 ? data : none, status);
    buf_free(&body->data);
}

/* The first of a body that is wanted, behind its head. Returns how many bytes of it were used. */
static size_t http_body_begin(struct conn *conn, struct http_body *body, bool go_on, uint8_t *bytes,
                              size_t len)
{
    static const char please[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t used = 0;
    struct slice data = {NULL, 0};
    int status = body->left > body->max ? 413 : 0;
    buf_init(&body->data, body->max);
    if (status != 0 || http_body_read(body, bytes, len, &used, &data, &status)) {
        http_body_done(conn, body, data, status);
        return used;
    }
    http_conn_of(conn)->body = mem_alloc(sizeof(*body));
    *http_conn_of(conn)->body = *body;
    conn_idle(conn, IDLE_HEAD); /* it has the same time again */
    if (go_on && len == 0) {
        conn_send(conn, frame_copy(please, sizeof(please) - 1));
    }
    return used;
}

static size_t http_body_more(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct http_body *body = http_conn_of(conn)->body;
    struct slice data;
    size_t used;
    int status;
    if (http_body_read(body, bytes, len, &used, &data, &status)) {
        http_conn_of(conn)->body = NULL;
        http_body_done(conn, body, data, status);
        mem_free(body);
    }
    return used;
}

/* ---- heads ---- */

/*
 * Whether an incomplete head is worth another parse: a line has ended, a byte has come that no head
 * may have, or it has doubled. Without this a head that comes byte by byte would be parsed from its
 * start with each of them.
 */
static bool http_head_ripe(struct http_conn *state, const uint8_t *bytes, size_t len)
{
    bool ripe = len >= 2u * state->parsed || len >= HTTP_MAX_HEAD;
    for (size_t i = state->seen; i < len && !ripe; i++) {
        ripe = (bytes[i] < ' ' && bytes[i] != '\t' && bytes[i] != '\r') || bytes[i] == 0x7F;
    }
    size_t seen = len < HTTP_MAX_HEAD ? len : HTTP_MAX_HEAD;
    state->seen = (uint16_t)seen;
    if (ripe) {
        state->parsed = (uint16_t)seen;
    }
    return ripe;
}

static void http_head_bad(struct conn *conn, int status, const char *why, const uint8_t *bytes)
{
    struct http_conn *state = http_conn_of(conn);
    char text[ADDRESS_TEXT];
    counter_add(conn->loop->counters, COUNTER_BAD_HTTP, 1);
    log_debug("http", "%s sent what is no HTTP: %s", http_peer(conn, text),
              bytes[0] == 0x16 ? "it speaks TLS (https, wss), and this port does not" : why);
    state->keep = state->head_only = false;
    http_refuse(conn, status, NULL, why);
}

/* Returns how many bytes were used; 0: the head is not complete, or broken and refused. */
static size_t http_head(struct conn *conn, const struct http_service *service, uint8_t *bytes,
                        size_t len)
{
    struct http_conn *state = http_conn_of(conn);
    struct http_request request;
    int status = 0;
    const char *why = NULL;
    if (!state->begun) {
        state->begun = true;
        state->parsed = state->seen = 0;
        conn_idle(conn, IDLE_HEAD);
    }
    if (!http_head_ripe(state, bytes, len)) {
        return 0;
    }
    switch (http_parse((const char *)bytes, len, &request, &status, &why)) {
    case HTTP_MORE:
        return 0;
    case HTTP_BAD:
        http_head_bad(conn, status, why, bytes);
        return 0;
    case HTTP_DONE:
        break;
    }
    size_t used = request.head_len;
    /* A body that nobody reads would be taken for the next request. */
    state->keep = request.keep_alive && request.body_len == 0 && !request.chunked;
    state->head_only = slice_is(request.method, "HEAD");
    void *job = service->head(conn, &request);
    if (job != NULL) {
        struct http_body body = {.service = service,
                                 .job = job,
                                 .max = service->max_body(conn),
                                 .left = request.body_len,
                                 .chunked = request.chunked,
                                 .keep = request.keep_alive};
        used += http_body_begin(conn, &body, request.expect_continue, bytes + used, len - used);
    }
    return used;
}

/* ---- the connection ---- */

/* Whether another request may be read. A client that reads none of its answers is asked for no
 * more of them, and one that sends many requests at once leaves time for the others. */
static bool http_may_read(struct conn *conn)
{
    if (!conn_takes_input(conn)) {
        return false;
    }
    if (conn_rests(conn)) {
        counter_add(conn->loop->counters, COUNTER_HELD_UNREAD, 1);
        return false;
    }
    return conn_turn(conn);
}

size_t http_input(struct conn *conn, const struct http_service *service, uint8_t *bytes, size_t len)
{
    uint8_t kind = conn->kind;
    size_t used = 0;
    while (used < len && http_may_read(conn)) {
        size_t took = http_conn_of(conn)->body != NULL
                          ? http_body_more(conn, bytes + used, len - used)
                          : http_head(conn, service, bytes + used, len - used);
        used += took;
        if (conn->kind != kind) {
            /* What follows is in the protocol that it speaks now. */
            if (used < len && conn_live(conn)) {
                used += conn->loop->handlers[conn->kind]->input(conn, bytes + used, len - used);
            }
            break;
        }
        if (took == 0) {
            break;
        }
    }
    return used;
}

void http_leave(struct conn *conn)
{
    struct http_body *body = http_conn_of(conn)->body;
    if (body != NULL) {
        body->service->drop(body->job);
        buf_free(&body->data);
        mem_free(body);
        http_conn_of(conn)->body = NULL;
    }
}

void http_expired(struct conn *conn, enum idle_class was)
{
    struct http_conn *state = http_conn_of(conn);
    if (was == IDLE_HEAD) {
        counter_add(conn->loop->counters, COUNTER_TIMEOUT_HEAD, 1);
        if (state->begun) {
            state->keep = state->head_only = false;
            http_refuse(conn, 408, NULL, "The request was not complete in time");
            return;
        }
    }
    conn_finish(conn, false);
}

/* ---- who it is ---- */

static bool http_other_end(const struct conn *conn, struct address *out)
{
    const struct http_conn *state = (const struct http_conn *)conn->state;
    if (state->named) {
        *out = state->client;
        return true;
    }
    return conn_peer(conn, out);
}

bool http_client(const struct conn *conn, const struct http_request *request,
                 const struct networks *proxies, struct address *out)
{
    struct address peer;
    if (!http_other_end(conn, &peer)) {
        return false;
    }
    *out = proxies != NULL ? forwarded_for(request, proxies, &peer) : peer;
    return true;
}

const char *http_peer(const struct conn *conn, char text[ADDRESS_TEXT])
{
    struct address peer;
    if (!http_other_end(conn, &peer)) {
        return "?";
    }
    return address_print(&peer, text);
}
