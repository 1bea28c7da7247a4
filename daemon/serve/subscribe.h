/*
 * Subscriptions of a session, with their authorisation. On the session's worker.
 */
#ifndef FF_SERVE_SUBSCRIBE_H
#define FF_SERVE_SUBSCRIBE_H

#include "proto/pusher.h"
#include "serve/session_state.h"

void session_subscribe(struct conn *conn, struct app *app, const struct pusher_message *message);
void session_unsubscribe(struct conn *conn, const struct pusher_message *message);

#endif
