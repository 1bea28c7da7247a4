/*
 * The console: a page on the admin listener, its login, and the stream that it shows live. On the
 * hub.
 *
 * Owns who looks, and what was noted for each since the last second. While nobody looks there is no
 * timer, no announcement is wanted and a broadcast costs one look at a pointer. While somebody
 * does, each message and announcement is counted and a bounded number of them a second is noted,
 * evenly spread; payloads only for who has asked for them. Who does not read gets nothing more
 * until it does, and is sent away after CONSOLE_BEHIND seconds; nobody waits for it.
 */
#ifndef FF_LINKS_CONSOLE_H
#define FF_LINKS_CONSOLE_H

#include "base/buf.h"
#include "pubsub/hub.h"
#include "web/http_conn.h"

#define CONSOLE_VIEWERS 16u    /* that look at the same time */
#define CONSOLE_SAMPLES 20u    /* messages, and as many announcements, a second for each of them */
#define CONSOLE_PAYLOAD 2048u  /* bytes of one that are shown */
#define CONSOLE_UNREAD  65536u /* bytes that wait for a viewer before it is left out */
#define CONSOLE_BEHIND  30u    /* seconds of being left out until it is sent away */

struct consoles;

struct consoles *consoles_new(struct hub *hub); /* sets hub->consoles */
/* When its connections have ended. */
void consoles_free(struct consoles *consoles);

extern const struct conn_handler console_handler; /* of KIND_CONSOLE */

/* Requests for / and below /console: as of struct http_service. `console_owns` says whether a job
 * is ours. */
bool console_path(struct slice path);
void *console_head(struct conn *conn, const struct http_request *request);
bool console_owns(const void *job);
void console_body(struct conn *conn, void *job, struct slice body, int status);

#endif
