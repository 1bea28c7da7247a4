#include "serve/show.h"

#include "base/clock.h"
#include "base/log.h"
#include "serve/say.h"
#include "serve/sockets.h"

#define SHOW_ID_ARGS(id) (int)(id).len, (id).p

#define SHOW_OF(conn, id)                                                                          \
    LOG_FIELDS(.app = session_app(conn)->settings->id, .socket = (id).p, .socket_len = (id).len)

static struct log_text show_cut(struct slice text)
{
    return log_cut(text.p, text.len);
}

void show_opened(struct conn *conn, struct slice origin)
{
    char room[SOCKET_ID_MAX], text[ADDRESS_TEXT];
    struct slice id = session_socket_id(conn, room);
    struct address address;
    struct log_text from = show_cut(origin);
    const char *client = sockets_address(conn, &address) ? address_print(&address, text) : NULL;
    log_with(LOG_LEVEL_INFO, "connection",
             LOG_FIELDS(.app = session_app(conn)->settings->id, .client = client, .socket = id.p,
                        .socket_len = id.len),
             "%.*s opened by %s%s" LOG_TEXT ", application %s", SHOW_ID_ARGS(id),
             client != NULL ? client : "a client", origin.p != NULL ? ", origin " : "",
             LOG_ARGS(from), session_app(conn)->settings->id);
}

void show_closed(struct conn *conn)
{
    char room[SOCKET_ID_MAX];
    struct slice id = session_socket_id(conn, room);
    uint64_t now = clock_wall_ms() / 1000;
    log_with(LOG_LEVEL_INFO, "connection", SHOW_OF(conn, id), "%.*s closed after %llu s",
             SHOW_ID_ARGS(id), (unsigned long long)(now > conn->opened ? now - conn->opened : 0));
}

void show_message(struct conn *conn, const struct pusher_message *message)
{
    char room[SOCKET_ID_MAX];
    struct slice id = session_socket_id(conn, room);
    struct log_text channel = show_cut(message->channel), event = show_cut(message->event),
                    data = show_cut(message->data);
    switch (message->kind) {
    case PUSHER_SUBSCRIBE:
        log_with(LOG_LEVEL_INFO, "message", SHOW_OF(conn, id), "%.*s subscribes to " LOG_TEXT,
                 SHOW_ID_ARGS(id), LOG_ARGS(channel));
        break;
    case PUSHER_UNSUBSCRIBE:
        log_with(LOG_LEVEL_INFO, "message", SHOW_OF(conn, id), "%.*s unsubscribes from " LOG_TEXT,
                 SHOW_ID_ARGS(id), LOG_ARGS(channel));
        break;
    case PUSHER_CLIENT_EVENT:
        log_with(LOG_LEVEL_INFO, "message", SHOW_OF(conn, id),
                 "%.*s sends " LOG_TEXT " to " LOG_TEXT ": " LOG_TEXT, SHOW_ID_ARGS(id),
                 LOG_ARGS(event), LOG_ARGS(channel), LOG_ARGS(data));
        break;
    case PUSHER_SIGNIN:
        log_with(LOG_LEVEL_INFO, "message", SHOW_OF(conn, id), "%.*s signs in", SHOW_ID_ARGS(id));
        break;
    case PUSHER_PING:
    case PUSHER_PONG:
        log_with(LOG_LEVEL_INFO, "message", SHOW_OF(conn, id), "%.*s sends " LOG_TEXT,
                 SHOW_ID_ARGS(id), LOG_ARGS(event));
        break;
    case PUSHER_IGNORED:
        log_with(LOG_LEVEL_INFO, "message", SHOW_OF(conn, id),
                 "%.*s sends " LOG_TEXT ", which is ignored: its name does not begin "
                 "with client-",
                 SHOW_ID_ARGS(id), LOG_ARGS(event));
        break;
    }
}

void show_nonsense(struct conn *conn, size_t len)
{
    char room[SOCKET_ID_MAX];
    struct slice id = session_socket_id(conn, room);
    log_with(LOG_LEVEL_INFO, "message", SHOW_OF(conn, id),
             "%.*s sends %zu bytes that are no message", SHOW_ID_ARGS(id), len);
}
