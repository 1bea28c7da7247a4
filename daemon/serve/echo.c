#include "serve/echo.h"

#include "pubsub/wire.h"
#include "pubsub/worker.h"
#include "web/ws_conn.h"

/* conn->state of an echo. */
struct echo {
    struct ws_part *part;
};

static struct ws_part **echo_part(struct conn *conn)
{
    return &((struct echo *)conn->state)->part;
}

static size_t echo_max_message(struct conn *conn)
{
    (void)conn;
    return ECHO_MAX;
}

static bool echo_message(struct conn *conn, bool binary, const uint8_t *bytes, size_t len)
{
    struct slice message = {(const char *)bytes, len};
    counter_add(conn->loop->counters, COUNTER_MESSAGES_IN, 1);
    counter_add(conn->loop->counters, COUNTER_MESSAGES_OUT, 1);
    worker_send(conn, wire_frame(binary ? WS_BINARY : WS_TEXT, message, (struct slice){NULL, 0}));
    return true;
}

static struct deflater *echo_deflater(struct conn *conn)
{
    return worker_of(conn)->deflater;
}

static const struct ws_endpoint echo_endpoint = {
    .part = echo_part,
    .max_message = echo_max_message,
    .message = echo_message,
    .deflater = echo_deflater,
    .binary = true,
};

void echo_open(struct conn *conn, const struct http_request *request, struct slice ws_key)
{
    conn_become(conn, KIND_ECHO, IDLE_NONE);
    ws_conn_accept(conn, request, ws_key, true);
}

static size_t echo_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    return ws_conn_input(conn, &echo_endpoint, bytes, len);
}

static void echo_leave(struct conn *conn)
{
    ws_part_drop(echo_part(conn));
}

static void echo_expired(struct conn *conn, enum idle_class was)
{
    (void)conn;
    (void)was;
}

struct conn_handler echo_handler = {
    .input = echo_input,
    .leave = echo_leave,
    .expired = echo_expired,
    .max_input = ECHO_MAX + WS_MAX_HEADER + WS_MAX_CONTROL,
    .frames = 4096, /* conformance suites send messages in fragments of a byte */
    .client = true,
    .bounded = true,
};
