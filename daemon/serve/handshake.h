/*
 * The first bytes on the public listeners: an HTTP request that becomes a WebSocket session, or is
 * answered and done. Runs on its worker.
 */
#ifndef FF_SERVE_HANDSHAKE_H
#define FF_SERVE_HANDSHAKE_H

#include "net/conn.h"

extern const struct conn_handler handshake_handler;

#endif
