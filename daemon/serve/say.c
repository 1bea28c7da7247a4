#include "serve/say.h"

#include "proto/pusher.h"
#include "pubsub/wire.h"

struct slice session_socket_id(struct conn *conn, char *room)
{
    struct socket_ref ref = {.random = session_of(conn)->subscriber.random,
                             .worker = worker_of(conn)->id,
                             .slot = conn->slot};
    return (struct slice){room, socket_id_write(room, &ref)};
}

void session_say(struct conn *conn, struct buf *json, int written)
{
    counter_add(conn->loop->counters, COUNTER_MESSAGES_OUT, 1);
    conn_send(conn, wire_message(json, written));
}

void session_error(struct conn *conn, int code, const char *message)
{
    struct buf json = wire_json();
    session_say(conn, &json, pusher_error(&json, code, message));
}

void session_close(struct conn *conn, uint16_t code, const char *why, bool tell)
{
    if (!conn_live(conn)) {
        return;
    }
    if (tell) {
        session_error(conn, code, why);
    }
    ws_conn_close(conn, code, why);
}
