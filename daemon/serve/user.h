/*
 * Users of a session: signing in, and ending all connections of a user. On the session's worker.
 *
 * A signed-in connection is subscribed to the user's own channel, #server-to-user-ID. So what is
 * sent to the user is a publish like any other, and the hub knows how many connections a user has.
 */
#ifndef FF_SERVE_USER_H
#define FF_SERVE_USER_H

#include "proto/pusher.h"
#include "serve/session_state.h"

void session_signin(struct conn *conn, struct app *app, const struct pusher_message *message);

/* As whom the connection has signed in; .p == NULL: as nobody. Good while it is. */
struct slice session_user_id(struct conn *conn);

/* Ends every connection of the worker that signed in as this user, or is on a presence channel as
 * this user or waits to be, with 4009, behind what was published for it before. Returns how many.
 */
uint32_t user_terminate(struct worker *worker, uint32_t app, struct slice user_id);
/* The same for the one with this socket id, if it is of this application. */
uint32_t user_terminate_socket(struct worker *worker, uint32_t app,
                               const struct socket_ref *socket);

#endif
