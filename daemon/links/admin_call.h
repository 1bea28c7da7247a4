/*
 * Requests below /api/ of the operator's interface: who may make them, what they ask for, and
 * orders that change something. docs/ctl.md lists them. On the hub.
 *
 * By the admin socket they are taken of root and of the daemon's own user, as the kernel names
 * them; by TCP of who has [admin] token. Nobody else learns a name or changes anything. One request
 * of a connection at a time; nothing behind it is read until it is answered.
 */
#ifndef FF_LINKS_ADMIN_CALL_H
#define FF_LINKS_ADMIN_CALL_H

#include "web/http_conn.h"

struct admin_call;

/* conn->state of an admin connection. */
struct admin_conn {
    struct http_conn http;
    struct admin_call *call; /* waits for an answer of somebody else; NULL: none */
};

static inline struct admin_conn *admin_conn_of(struct conn *conn)
{
    return (struct admin_conn *)conn->state;
}

/* As of struct http_service, for paths that begin with /api/. */
void *admin_call_head(struct conn *conn, const struct http_request *request);
void admin_call_body(struct conn *conn, void *job, struct slice body, int status);
void admin_call_drop(void *job);
size_t admin_call_max_body(const struct conn *conn);

void admin_call_leave(struct conn *conn);

#endif
