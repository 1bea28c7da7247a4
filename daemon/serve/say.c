#include "serve/say.h"

#include "base/log.h"
#include "proto/pusher.h"
#include "pubsub/show.h"
#include "pubsub/wire.h"

static struct socket_ref session_ref(struct conn *conn)
{
    return (struct socket_ref){.random = session_of(conn)->subscriber.random,
                               .worker = worker_of(conn)->id,
                               .slot = conn->slot};
}

struct slice session_socket_id(struct conn *conn, char *room)
{
    struct socket_ref ref = session_ref(conn);
    return (struct slice){room, socket_id_write(room, &ref)};
}

void session_say(struct conn *conn, struct buf *json, int written)
{
    struct frame *frame = wire_message(json, written);
    counter_add(conn->loop->counters, COUNTER_MESSAGES_OUT, 1);
    if (log_messages() && frame != NULL && session_of(conn)->subscriber.random != 0) {
        struct socket_ref to = session_ref(conn);
        show_frame(&to, frame);
    }
    conn_send(conn, frame);
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
    if (log_messages() && session_of(conn)->subscriber.random != 0) {
        char room[SOCKET_ID_MAX];
        struct slice id = session_socket_id(conn, room);
        log_with(LOG_LEVEL_INFO, "connection", LOG_FIELDS(.socket = id.p, .socket_len = id.len),
                 "%.*s is closed with %u: %s", (int)id.len, id.p, code, why);
    }
    ws_conn_close(conn, code, why);
}
