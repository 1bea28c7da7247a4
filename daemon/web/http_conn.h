/*
 * A connection that speaks HTTP, at the server's end: requests are read and answered here, whatever
 * the listener that it came in by. Who serves it brings a table of functions; public clients and
 * the operator's pages have one each. Runs on the connection's loop.
 *
 * One request at a time: the next one is read when the answer to the last one is queued. Each byte
 * is walked once, however small the pieces are that it comes in: a head is parsed when it can have
 * become complete, and then used up; a body is collected, and chunks are taken apart, as they come.
 */
#ifndef FF_WEB_HTTP_CONN_H
#define FF_WEB_HTTP_CONN_H

#include "base/address.h"
#include "net/conn.h"
#include "proto/http.h"

struct http_body;

/* conn->state while the connection speaks HTTP. */
struct http_conn {
    bool begun;     /* the first byte of a head has come, and the request is not answered */
    bool keep;      /* the connection outlives the answer to this request */
    bool head_only; /* the answer has no body */
    bool named;     /* a proxy has said in its preamble whom it speaks for: */
    struct address client;
    uint16_t parsed, seen;  /* bytes of an incomplete head: at the last parse, and looked at */
    struct http_body *body; /* of a request that was taken; what is still to come; else NULL */
};

struct http_service {
    /*
     * The head of a request is there; its views are good until this returns. Either the request is
     * dealt with and the return is NULL: it was answered, or the connection waits (http_later), is
     * finished, or has become something else (conn_become). A body that nobody wanted ends the
     * connection with the answer. Or it is taken, and its body is wanted first: then the return is
     * what `body` will get.
     */
    void *(*head)(struct conn *conn, const struct http_request *request);
    /* The body of a request that was taken, of at most max_body bytes, good until this returns;
     * `job` is the callee's. `status` is 0, or why there is none and what to answer with: 400, 413
     * or 500; then the connection ends with the answer. NULL when `head` takes nothing. */
    void (*body)(struct conn *conn, void *job, struct slice body, int status);
    /* The connection has ended before its body was there. */
    void (*drop)(void *job);
    size_t (*max_body)(const struct conn *conn);
};

static inline struct http_conn *http_conn_of(struct conn *conn)
{
    return (struct http_conn *)conn->state;
}

/* For the handler's `input`, `leave` and `expired`. */
size_t http_input(struct conn *conn, const struct http_service *service, uint8_t *bytes,
                  size_t len);
void http_leave(struct conn *conn);
void http_expired(struct conn *conn, enum idle_class was);

/*
 * Answers the request that is being served, at once or after http_later. `type`: of the content;
 * `extra`: whole header lines, or NULL. A connection that does not outlive the answer is finished,
 * and the peer's unread body, if any, thrown away.
 */
void http_answer(struct conn *conn, int status, const char *type, const char *extra,
                 struct slice body);
void http_answer_json(struct conn *conn, int status, const char *extra, struct slice json);
/* {"error":why}; why is UTF-8 and may contain anything else. */
void http_refuse(struct conn *conn, int status, const char *extra, const char *why);

/* The answer comes from elsewhere: nothing is read until then, and no time-out runs. */
void http_later(struct conn *conn);
/* The connection ends with the answer to this request. */
void http_last(struct conn *conn);

/* Who sends this request, as far as those of `proxies` (NULL: nobody is one) tell. False: it cannot
 * be known. */
bool http_client(const struct conn *conn, const struct http_request *request,
                 const struct networks *proxies, struct address *out) MUST_CHECK;
/* The other end, or whom a proxy's preamble named, for a line in the log. Returns `text`. */
const char *http_peer(const struct conn *conn, char text[ADDRESS_TEXT]);

#endif
