/*
 * /__echo: a WebSocket that sends every message back, text and binary, through the same codec as
 * sessions do. For conformance suites from elsewhere; only in builds with -DFANFARE_ECHO=ON.
 *
 * Runs on its worker. Takes messages up to ECHO_MAX bytes and always agrees to compress. Like
 * a session it is not read while its client leaves much unread.
 */
#ifndef FF_SERVE_ECHO_H
#define FF_SERVE_ECHO_H

#include "net/conn.h"
#include "proto/http.h"

#define ECHO_MAX (16u << 20)

extern struct conn_handler echo_handler;

/* Answers a handshake that is valid; the connection becomes an echo. */
void echo_open(struct conn *conn, const struct http_request *request, struct slice ws_key);

#endif
