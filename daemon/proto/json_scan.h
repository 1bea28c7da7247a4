/*
 * What json.c and json_write.c share: finding the next byte of a string that is not plain, eight
 * bytes a step. Pure.
 */
#ifndef FF_PROTO_JSON_SCAN_H
#define FF_PROTO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSON_ONES  0x0101010101010101u
#define JSON_HIGHS 0x8080808080808080u

/* The high bit of each byte below n (n <= 128) is set. Only the lowest mark is sure: a subtraction
 * may have borrowed from the bytes above it. */
#define JSON_BELOW(word, n)    (((word)-JSON_ONES * (n)) & ~(word)&JSON_HIGHS)
#define JSON_EQUAL(word, byte) JSON_BELOW((word) ^ (JSON_ONES * (byte)), 1)

/* The lowest mark is the first byte in memory on little-endian machines. Elsewhere the byte loops
 * alone do the work. */
#define JSON_BY_WORDS (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static inline uint64_t json_load(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

/* Marks what a string cannot hold as it is: quotes, backslashes, control bytes. */
static inline uint64_t json_marks(uint64_t word)
{
    return JSON_BELOW(word, 0x20) | JSON_EQUAL(word, '"') | JSON_EQUAL(word, '\\');
}

static inline size_t json_first_mark(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

/* To the next such byte or, if `high`, to the next that is not ASCII. */
static inline const char *json_skip_plain(const char *p, const char *end, bool high)
{
    while (JSON_BY_WORDS && end - p >= 8) {
        uint64_t word = json_load(p);
        uint64_t marks = json_marks(word) | (high ? word & JSON_HIGHS : 0);

        if (marks != 0) {
            return p + json_first_mark(marks);
        }
        p += 8;
    }
    while (p < end) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == '"' || c == '\\' || (high && c >= 0x80)) {
            break;
        }
        p++;
    }
    return p;
}

#endif
