/*
 * What a session is made of. Data alone, for the modules that make up the Pusher protocol: say,
 * subscribe, client_event, user, retire and, on top, session. On the session's worker.
 */
#ifndef FF_SERVE_SESSION_STATE_H
#define FF_SERVE_SESSION_STATE_H

#include "pubsub/chan.h"
#include "web/ws_conn.h"

enum session_flag {
    SESSION_ADMITTED = 1 << 0,      /* counted in its application */
    SESSION_CONTROL_PINGS = 1 << 1, /* the client uses control frames: ping it with them */
};

/* What few sessions need: of those that have signed in, or whose messages are limited. */
struct session_rare {
    uint32_t messages_left; /* see struct session */
    uint8_t hidden;         /* subscriptions that a sign-in made: they are not the client's */
    char *user;             /* who has signed in: the user_data as it came. NULL: nobody */
    size_t user_len;
};

/* conn->state of a session. The two rates are buckets that hold one second's worth, in thousandths
 * of a client event and of a message, and are filled together. */
struct session {
    struct subscriber subscriber; /* first: pubsub/chan looks for it there; has the flags */
    struct ws_part *part;         /* an unfinished message, see web/ws_conn.h */
    struct session_rare *rare;    /* NULL: nothing of it; see session_rare */
    uint32_t events_left;
    uint32_t rate_at; /* loop time in ms when the buckets were filled */
};

_Static_assert(sizeof(struct session) <= CONN_STATE_SIZE, "a session must fit into its connection");

static inline struct session *session_of(struct conn *conn)
{
    return (struct session *)conn->state;
}

/* Its application, for the current turn. */
static inline struct app *session_app(struct conn *conn)
{
    return &worker_of(conn)->apps->items[session_of(conn)->subscriber.app];
}

/* Made when it is first needed, freed with the session. NULL: no memory. */
struct session_rare *session_rare(struct conn *conn) MUST_CHECK;
void session_rare_free(struct conn *conn);

/* Who has signed in: the user_data as it came. .p == NULL: nobody. Good until the next sign-in. */
static inline struct slice session_user(struct conn *conn)
{
    const struct session_rare *rare = session_of(conn)->rare;
    return rare != NULL ? (struct slice){rare->user, rare->user_len} : (struct slice){NULL, 0};
}

/* Subscriptions that are the client's own. */
static inline uint32_t session_subscriptions(struct conn *conn)
{
    const struct session *session = session_of(conn);
    return session->subscriber.n - (session->rare != NULL ? session->rare->hidden : 0u);
}

#endif
