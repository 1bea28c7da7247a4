/*
 * The chunked transfer coding of a request's body (RFC 9112 section 7.1). Pure.
 */
#ifndef FF_PROTO_CHUNKED_H
#define FF_PROTO_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "proto/http.h"

/*
 * Looks whether `bytes` hold a whole chunked body of at most `max` bytes of data. HTTP_DONE: the
 * data was moved together to the start of `bytes`, *body_len of it, and *used bytes of input belong
 * to the body, trailers included. HTTP_MORE: nothing was changed. HTTP_BAD: *status is 400, or 413
 * for a body over max. Strict: CRLF only, sizes in at most 8 hex digits, extensions and trailers
 * are skipped but bounded.
 */
enum http_result http_dechunk(uint8_t *bytes, size_t len, size_t max, size_t *body_len,
                              size_t *used, int *status);

#endif
