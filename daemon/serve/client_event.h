/*
 * Client events: may this one be sent, and on its way with it; and how many messages a session may
 * send at all. On the session's worker.
 */
#ifndef FF_SERVE_CLIENT_EVENT_H
#define FF_SERVE_CLIENT_EVENT_H

#include "proto/pusher.h"
#include "serve/session_state.h"

/* Full buckets, for a session that begins. -1: no memory. */
int session_rates_init(struct conn *conn, const struct app *app) MUST_CHECK;
/* Takes one message out of its bucket; false: there is none left. session_untake_message puts it
 * back: the message will come again. */
bool session_take_message(struct conn *conn, const struct app *app) MUST_CHECK;
void session_untake_message(struct conn *conn);

void session_client_event(struct conn *conn, struct app *app, const struct pusher_message *message);

#endif
