/*
 * Users of a session: signing in, and ending all connections of a user. On the session's worker.
 *
 * A signed-in connection is subscribed to the user's own channel, #server-to-user-ID, which nobody
 * can subscribe to by name. So what is sent to the user is a publish like any other, and the hub
 * knows how many connections a user has.
 */
#ifndef FF_SERVE_USER_H
#define FF_SERVE_USER_H

#include "proto/pusher.h"
#include "pubsub/apps.h"
#include "pubsub/worker.h"

void session_signin(struct conn *conn, struct app *app, const struct pusher_message *message);

/* Lets worker->terminate do its work: ends every connection of the worker that signed in as this
 * user, or is on a presence channel as this user, with 4009. */
void user_setup(struct worker *worker);

#endif
