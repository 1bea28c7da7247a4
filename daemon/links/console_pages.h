/*
 * What the console is asked for over HTTP: its files, who is signed in, signing in and out, and the
 * request that becomes its stream (links/console). On the hub.
 *
 * The files say nothing of the daemon and come to anybody.
 */
#ifndef FF_LINKS_CONSOLE_PAGES_H
#define FF_LINKS_CONSOLE_PAGES_H

#include "web/http_conn.h"

/* Requests for / and below /console: as of struct http_service. `console_owns` says whether a job
 * is ours. */
bool console_path(struct slice path);
void *console_head(struct conn *conn, const struct http_request *request);
bool console_owns(const void *job);
void console_body(struct conn *conn, void *job, struct slice body, int status);

#endif
