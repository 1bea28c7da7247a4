/*
 * What the handshake and the HTTP API share: the state of an HTTP connection and how it is
 * answered. On the connection's worker.
 */
#ifndef FF_SERVE_HTTP_CONN_H
#define FF_SERVE_HTTP_CONN_H

#include "base/address.h"
#include "net/conn.h"
#include "proto/http.h"

/* conn->state while the connection speaks HTTP. */
struct http_conn {
    bool started;  /* the first byte of a head has come */
    bool verified; /* the head at the start of the buffer was accepted by the API; its body is
                      awaited */
    bool keep;     /* of the request that is being answered */
    bool head_only;
    bool named; /* a proxy has said whom it speaks for: */
    struct address client;
};

static inline struct http_conn *http_conn_of(struct conn *conn)
{
    return (struct http_conn *)conn->state;
}

/* Who sends this request, as far as trusted proxies tell. False: it cannot be known. */
bool http_client(const struct conn *conn, const struct http_request *request,
                 struct address *out) MUST_CHECK;

/* A connection that ends with this answer is finished; the peer's unread body, if any, is thrown
 * away. `extra`: whole header lines, or NULL. */
void http_answer(struct conn *conn, int status, const char *extra, struct slice json, bool keep,
                 bool head_only);
/* {"error":why}; why must be valid inside a JSON string. */
void http_refuse(struct conn *conn, int status, const char *extra, const char *why, bool keep,
                 bool head_only);

#endif
