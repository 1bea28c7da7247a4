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

/* conn->state of a session. The two rates are buckets that hold one second's worth, in thousandths
 * of a client event and of a message, and are filled together. */
struct session {
    struct subscriber subscriber; /* first: pubsub/chan looks for it there */
    struct ws_part *part;         /* an unfinished message, see serve/ws_conn.h */
    uint32_t events_left, messages_left;
    uint32_t rate_at; /* loop time in ms when they were filled */
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

/* Full buckets, for a session that begins. */
void session_rates_init(struct conn *conn, const struct app *app);
/* Takes one message out of its bucket; false: there is none left. session_untake_message puts it
 * back: the message will come again. */
bool session_take_message(struct conn *conn, const struct app *app) MUST_CHECK;
void session_untake_message(struct conn *conn);

void session_subscribe(struct conn *conn, struct app *app, const struct pusher_message *message);
void session_client_event(struct conn *conn, struct app *app, const struct pusher_message *message);

#endif
