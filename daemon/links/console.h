/*
 * The console: the stream that the page on the admin listener shows live (links/console_pages has
 * the page itself). On the hub.
 *
 * Owns who looks, what was noted for each since the last second (links/console_notes), and what
 * sessions are signed with. While nobody looks there is no timer; while nobody wants to see what
 * flows, no announcement is wanted and a broadcast costs one look at a pointer. While somebody
 * does, each message and announcement is counted and a bounded number of them a second is noted;
 * payloads only for who has asked for them. Who does not read gets nothing more until it does, and
 * is sent away after CONSOLE_BEHIND seconds; nobody waits for it.
 */
#ifndef FF_LINKS_CONSOLE_H
#define FF_LINKS_CONSOLE_H

#include "base/buf.h"
#include "pubsub/hub.h"
#include "web/http_conn.h"

#define CONSOLE_VIEWERS 16u    /* that look at the same time */
#define CONSOLE_UNREAD  65536u /* bytes that wait for a viewer before it is left out */
#define CONSOLE_BEHIND  30u    /* seconds of being left out until it is sent away */

struct consoles;

struct consoles *consoles_new(struct hub *hub); /* sets hub->consoles */
/* When its connections have ended. */
void consoles_free(struct consoles *consoles);

extern const struct conn_handler console_handler; /* of KIND_CONSOLE */

bool consoles_full(const struct consoles *consoles) MUST_CHECK;
/* This connection asks for the stream, may have it, and has it from now on. `key` is that of its
 * WebSocket handshake. */
void console_enter(struct conn *conn, const struct http_request *request, struct slice key);

#endif
