#include "proto/chunked.h"

#include <string.h>

#include "shared/hex.h"

#define MAX_SIZE_DIGITS 8u
#define MAX_LINE        1024u /* of a chunk's size with its extension, and of a trailer */
#define MAX_TRAILERS    16u

enum chunked_step {
    CHUNKED_SIZE,      /* in a chunk's size */
    CHUNKED_BLANK,     /* behind it: blanks that only an extension may follow */
    CHUNKED_EXTENSION, /* behind its ';' */
    CHUNKED_SIZE_LF,   /* the CR of that line was there */
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER,
    CHUNKED_TRAILER_LF,
};

/* The line of a size is over. False: there is more data than may be. */
static bool chunked_begin(struct chunked *body, size_t max)
{
    if (body->left > max - body->total) {
        return false;
    }
    body->total += body->left;
    body->step = body->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
    body->line = 0;
    body->digits = 0;
    return true;
}

/* One byte of anything but data. The status to refuse the body with, or 0. */
static int chunked_byte(struct chunked *body, uint8_t byte, size_t max, bool *done)
{
    if (body->line++ > MAX_LINE) {
        return 400;
    }
    switch ((enum chunked_step)body->step) {
    case CHUNKED_SIZE:
        if (ff_hex_value(byte) >= 0 && body->digits < MAX_SIZE_DIGITS) {
            body->left = body->left << 4 | (uint32_t)ff_hex_value(byte);
            body->digits++;
            return 0;
        }
        if (body->digits == 0) {
            return 400;
        }
        if (byte == '\r') {
            body->step = CHUNKED_SIZE_LF;
            return 0;
        }
        body->step = byte == ';' ? CHUNKED_EXTENSION : CHUNKED_BLANK;
        return byte == ';' || byte == ' ' || byte == '\t' ? 0 : 400;
    case CHUNKED_BLANK:
        body->step = byte == ';' ? CHUNKED_EXTENSION : CHUNKED_BLANK;
        return byte == ';' || byte == ' ' || byte == '\t' ? 0 : 400;
    case CHUNKED_EXTENSION:
        body->step = byte == '\r' ? CHUNKED_SIZE_LF : CHUNKED_EXTENSION;
        return byte == '\n' || byte == '\0' ? 400 : 0;
    case CHUNKED_SIZE_LF:
        return byte != '\n' ? 400 : chunked_begin(body, max) ? 0 : 413;
    case CHUNKED_DATA:
        break;
    case CHUNKED_DATA_CR:
        body->step = CHUNKED_DATA_LF;
        return byte == '\r' ? 0 : 400;
    case CHUNKED_DATA_LF:
        body->step = CHUNKED_SIZE;
        body->line = 0;
        return byte == '\n' ? 0 : 400;
    case CHUNKED_TRAILER:
        if (byte == '\r') {
            body->step = CHUNKED_TRAILER_LF;
        }
        return byte == '\n' || byte == '\0' ? 400 : 0;
    case CHUNKED_TRAILER_LF:
        *done = body->line == 2; /* an empty line */
        body->step = CHUNKED_TRAILER;
        body->line = 0;
        return byte == '\n' && (*done || body->trailers++ < MAX_TRAILERS) ? 0 : 400;
    }
    return 400;
}

enum http_result chunked_read(struct chunked *body, uint8_t *bytes, size_t len, size_t max,
                              size_t *data_len, size_t *used, int *status)
{
    size_t at = 0, data = 0;
    bool done = false;
    *status = 0;
    while (at < len && !done && *status == 0) {
        if (body->step == CHUNKED_DATA) {
            size_t some = len - at < body->left ? len - at : body->left;
            memmove(bytes + data, bytes + at, some);
            data += some;
            at += some;
            body->left -= (uint32_t)some;
            if (body->left == 0) {
                body->step = CHUNKED_DATA_CR;
                body->line = 0;
            }
        } else {
            *status = chunked_byte(body, bytes[at++], max, &done);
        }
    }
    *data_len = data;
    *used = at;
    return *status != 0 ? HTTP_BAD : done ? HTTP_DONE : HTTP_MORE;
}
