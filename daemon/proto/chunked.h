/*
 * The chunked transfer coding of a request's body (RFC 9112 section 7.1), read as it comes. Pure.
 */
#ifndef FF_PROTO_CHUNKED_H
#define FF_PROTO_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "proto/http.h"

/* How far a body has been read; zeroed before its first byte. */
struct chunked {
    size_t total;  /* data of all chunks until now, the one begun included */
    uint32_t left; /* data of this chunk that is still to come; before: its size as far as read */
    uint16_t line; /* bytes of the line that is being read */
    uint8_t step, digits, trailers;
};

/*
 * Reads on. The data among `bytes` is moved together to their start, *data_len of it; *used bytes
 * of input belong to the body. HTTP_MORE: all were used and the body goes on. HTTP_DONE: it is
 * complete, trailers included. HTTP_BAD: *status is 400, or 413 once the chunks announce more than
 * `max` bytes of data, which must stay the same for a body; nothing may be read after it.
 *
 * Strict: CRLF only, sizes in at most 8 hex digits, behind which comes nothing but an extension.
 * Extensions and trailers are skipped but bounded. Each byte is looked at once.
 */
enum http_result chunked_read(struct chunked *body, uint8_t *bytes, size_t len, size_t max,
                              size_t *data_len, size_t *used, int *status);

#endif
