/*
 * The first bytes on the public listeners: an HTTP request that becomes a WebSocket session, or is
 * answered and done. Runs on its worker.
 */
#ifndef FF_SERVE_HANDSHAKE_H
#define FF_SERVE_HANDSHAKE_H

#include "base/settings.h"
#include "net/conn.h"

extern struct conn_handler handshake_handler;

/* max_input of the handler follows the largest body allowed. Called once before loops run. */
void handshake_setup(const struct limits *limits);

#endif
