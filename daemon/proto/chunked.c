#include "proto/chunked.h"

#include <string.h>

#include "proto/hex.h"

#define MAX_SIZE_DIGITS 8u
#define MAX_LINE        1024u /* of a chunk's size with its extension, and of a trailer */
#define MAX_TRAILERS    16u

/* The length of the line at `at` without its CRLF. -1: not complete, -2: not a line. */
static long line_at(const uint8_t *bytes, size_t len, size_t at)
{
    for (size_t i = at; i < len && i - at <= MAX_LINE; i++) {
        if (bytes[i] == '\n') {
            return -2; /* without a CR in front */
        }
        if (bytes[i] == '\r') {
            if (i + 1 == len) {
                return -1;
            }
            return bytes[i + 1] == '\n' ? (long)(i - at) : -2;
        }
    }
    return len - at > MAX_LINE ? -2 : -1;
}

static int read_size(const uint8_t *line, size_t len, size_t *size)
{
    size_t i = 0;
    *size = 0;
    while (i < len && hex_value(line[i]) >= 0) {
        if (i == MAX_SIZE_DIGITS) {
            return -1;
        }
        *size = *size << 4 | (size_t)hex_value(line[i]);
        i++;
    }
    return i > 0 && (i == len || line[i] == ';' || line[i] == ' ' || line[i] == '\t') ? 0 : -1;
}

static enum http_result walk(uint8_t *bytes, size_t len, size_t max, bool move, size_t *body_len,
                             size_t *used, int *status)
{
    size_t at = 0, total = 0, size;
    *status = 400;
    do {
        long line = line_at(bytes, len, at);
        if (line < 0) {
            return line == -1 ? HTTP_MORE : HTTP_BAD;
        }
        if (read_size(bytes + at, (size_t)line, &size) != 0) {
            return HTTP_BAD;
        }
        if (size > max - total) {
            *status = 413;
            return HTTP_BAD;
        }
        at += (size_t)line + 2;
        if (size > 0) {
            if (len - at < size + 2) {
                return HTTP_MORE;
            }
            if (bytes[at + size] != '\r' || bytes[at + size + 1] != '\n') {
                return HTTP_BAD;
            }
            if (move) {
                memmove(bytes + total, bytes + at, size);
            }
            total += size;
            at += size + 2;
        }
    } while (size > 0);
    for (size_t trailers = 0;; trailers++) {
        long line = line_at(bytes, len, at);
        if (line < 0 || trailers > MAX_TRAILERS) {
            return line == -1 ? HTTP_MORE : HTTP_BAD;
        }
        at += (size_t)line + 2;
        if (line == 0) {
            break;
        }
    }
    *body_len = total;
    *used = at;
    return HTTP_DONE;
}

enum http_result http_dechunk(uint8_t *bytes, size_t len, size_t max, size_t *body_len,
                              size_t *used, int *status)
{
    enum http_result result = walk(bytes, len, max, false, body_len, used, status);
    return result == HTTP_DONE ? walk(bytes, len, max, true, body_len, used, status) : result;
}
