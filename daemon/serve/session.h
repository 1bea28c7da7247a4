/*
 * A WebSocket session: the state machine of the Pusher protocol, from the handshake's answer to the
 * close frame.
 *
 * Runs on its worker. Reads frames and messages and hands each to the module that decides:
 * serve/subscribe, client_event, user. Subscriptions live in pubsub/chan, bytes in net/.
 */
#ifndef FF_SERVE_SESSION_H
#define FF_SERVE_SESSION_H

#include "net/conn.h"
#include "proto/http.h"
#include "pubsub/apps.h"

extern const struct conn_handler session_handler;

/* What the session was opened with. */
struct session_request {
    const struct http_request *http;
    struct slice ws_key; /* Sec-WebSocket-Key */
    struct slice app_key;
    struct slice protocol; /* query parameter; .p == NULL when absent */
    struct slice origin;   /* header; .p == NULL when absent */
};

/*
 * Answers a handshake that is valid as HTTP: the 101, and behind it connection_established or the
 * error and the close frame. The connection becomes a session, or is finishing.
 */
void session_open(struct conn *conn, const struct session_request *request);

/* The loop takes in the largest message allowed. Before it runs, and again with new limits. */
void session_setup(struct loop *loop, const struct limits *limits);

#endif
