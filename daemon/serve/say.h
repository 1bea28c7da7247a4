/*
 * What a session says by itself: messages, errors, and the last word. On the session's worker.
 */
#ifndef FF_SERVE_SAY_H
#define FF_SERVE_SAY_H

#include "base/buf.h"
#include "proto/slice.h"
#include "serve/session_state.h"

/* Writes the connection's socket id into `room` (SOCKET_ID_MAX bytes) and returns the view of it.
 */
struct slice session_socket_id(struct conn *conn, char *room);

/* Sends the text in `json`, which is freed, if `written` is 0; else ends the connection for lack of
 * memory. As of wire_message. */
void session_say(struct conn *conn, struct buf *json, int written);
void session_error(struct conn *conn, int code, const char *message);

/* Says why in a pusher:error (when `tell`) and a close frame with the same code, behind everything
 * queued; then ends. */
void session_close(struct conn *conn, uint16_t code, const char *why, bool tell);

#endif
