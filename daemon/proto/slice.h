/*
 * Bytes with a length, pointing into somebody else's buffer. Pure.
 */
#ifndef FF_PROTO_SLICE_H
#define FF_PROTO_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *p; /* NULL: absent */
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline bool slice_is(struct slice s, const char *text)
{
    size_t len = strlen(text);
    return s.p != NULL && s.len == len && memcmp(s.p, text, len) == 0;
}

static inline bool slice_starts(struct slice s, const char *text)
{
    size_t len = strlen(text);
    return s.p != NULL && s.len >= len && memcmp(s.p, text, len) == 0;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

#endif
