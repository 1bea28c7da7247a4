/*
 * A strict HTTP/1.1 request head parser and the writing of response heads. Pure; nothing is
 * allocated, every view points into the given bytes.
 *
 * Strict means: CRLF only (a bare LF or CR is refused), no obs-fold, no space before a colon, token
 * methods and header names, no control byte in a value, exactly one Host in HTTP/1.1,
 * Content-Length once and in digits only, never together with Transfer-Encoding, which may only be
 * "chunked", at most HTTP_MAX_HEADERS headers. One empty line before the request line is skipped.
 */
#ifndef FF_PROTO_HTTP_H
#define FF_PROTO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/slice.h"

#define HTTP_MAX_HEADERS 64
#define HTTP_MAX_HEAD    16384 /* bytes of a request head; more is 431 */
#define HTTP_MAX_TARGET  8192  /* bytes of a request target; more is 414 */

struct http_header {
    struct slice name, value; /* value without surrounding blanks */
};

struct http_request {
    struct slice method;
    struct slice target; /* as sent */
    /* The target split at the first '?', not decoded; query.p == NULL without one. The path leaves
     * out the authority of an absolute target. */
    struct slice path, query;
    int minor; /* HTTP/1.minor, 0 or 1 */
    struct http_header headers[HTTP_MAX_HEADERS];
    size_t nheaders;
    size_t head_len;      /* bytes up to and with the empty line */
    uint64_t body_len;    /* of Content-Length, 0 without one */
    bool chunked;         /* Transfer-Encoding: chunked */
    bool keep_alive;      /* by version and Connection */
    bool expect_continue; /* Expect: 100-continue */
};

enum http_result { HTTP_DONE, HTTP_MORE, HTTP_BAD };

/* HTTP_BAD sets *status (400, 405 never, 414, 431, 501, 505) and *why, a static sentence.
 * HTTP_MORE: the head is not complete; a head that can no longer become valid is refused as early
 * as its bad byte. */
enum http_result http_parse(const char *bytes, size_t len, struct http_request *out, int *status,
                            const char **why);

/* The first header with this name, in any case; value.p == NULL when absent. */
struct slice http_header(const struct http_request *request, const char *name);
/* How many headers have this name. */
size_t http_header_count(const struct http_request *request, const char *name);
/* Whether a comma-separated header (all of that name together) contains this token, in any case. */
bool http_header_has(const struct http_request *request, const char *name, const char *token);
/* The raw (undecoded) value of a query parameter; .p == NULL when absent. */
struct slice http_query(struct slice query, const char *name);

/* The path with its escapes of letters, digits and "-._~" undone: they mean the same as the
 * characters themselves (RFC 3986 section 6.2.2.2). Other escapes stay, and a path with a broken
 * one is left alone. `room` needs path.len bytes and is used when there is something to undo. */
struct slice http_plain_path(struct slice path, char *room);
/* What is behind a prefix that has no slash at its end: empty, or from a slash on. .p == NULL: the
 * path is not below it. */
struct slice http_path_below(struct slice path, const char *prefix);

/* Checks the headers of a WebSocket handshake (RFC 6455 section 4.2.1) and sets *key, of 24 bytes.
 * Returns 0, or the HTTP status to refuse it with (400, 405, 426, 505), with *why. */
int http_websocket(const struct http_request *request, struct slice *key, const char **why);

/* "Bad Request" for 400 and so on; "Unknown" for a status that we never send. */
const char *http_reason(int status);

/* Appends a whole response: status line, Content-Type (when type is not NULL), Content-Length,
 * Connection, `extra` (NULL or whole header lines, each with its CRLF), the body unless head_only.
 * -1: the buffer is full. */
int http_respond(struct buf *out, int status, const char *type, const char *extra, const char *body,
                 size_t len, bool keep_alive, bool head_only) MUST_CHECK;

#endif
