/*
 * What a session does with channels: subscriptions with their authorisation, and client events. On
 * the session's worker.
 */
#ifndef FF_SERVE_SUBSCRIBE_H
#define FF_SERVE_SUBSCRIBE_H

#include "base/buf.h"
#include "net/conn.h"
#include "proto/pusher.h"
#include "pubsub/apps.h"
#include "pubsub/chan.h"
#include "serve/ws_conn.h"

enum session_flag {
    SESSION_ADMITTED = 1 << 0,      /* counted in its application */
    SESSION_CONTROL_PINGS = 1 << 1, /* the client uses control frames: ping it with them */
};

/* conn->state of a session. The rate is a bucket of thousandths of client events. */
struct session {
    struct subscriber subscriber; /* first: pubsub/chan looks for it there */
    struct ws_part *part;         /* an unfinished message, see serve/ws_conn.h */
    uint32_t rate_left;
    uint32_t rate_at; /* loop time in ms */
    uint8_t flags;
    uint8_t hidden; /* subscriptions that a sign-in made: they are not the client's */
};

static inline struct session *session_of(struct conn *conn)
{
    return (struct session *)conn->state;
}

/* Writes the connection's socket id into `room` (SOCKET_ID_MAX bytes) and returns the view of it.
 */
struct slice session_socket_id(struct conn *conn, char *room);

/* Sends the text in `json` if written is 0, else ends the connection for lack of memory; frees
 * json. */
void session_say(struct conn *conn, int written, struct buf *json);
void session_error(struct conn *conn, int code, const char *message);

void session_subscribe(struct conn *conn, struct app *app, const struct pusher_message *message);
void session_client_event(struct conn *conn, struct app *app, const struct pusher_message *message);

#endif
