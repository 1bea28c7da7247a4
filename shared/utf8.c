#include "utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u

static inline bool utf8_is_tail(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The length of the character at `p`, which is not ASCII; 0: there is none. */
static inline size_t utf8_length(const unsigned char *p, size_t left)
{
    unsigned char lead = *p;

    if (lead < 0xC2) { /* a tail byte, or an overlong form of ASCII */
        return 0;
    }
    if (lead < 0xE0) {
        return left >= 2 && utf8_is_tail(p[1]) ? 2 : 0;
    }
    if (lead < 0xF0) {
        if (left < 3 || !utf8_is_tail(p[1]) || !utf8_is_tail(p[2])) {
            return 0;
        }
        /* overlong, or a surrogate */
        return (lead == 0xE0 && p[1] < 0xA0) || (lead == 0xED && p[1] > 0x9F) ? 0 : 3;
    }
    if (lead > 0xF4 || left < 4 || !utf8_is_tail(p[1]) || !utf8_is_tail(p[2]) ||
        !utf8_is_tail(p[3])) {
        return 0;
    }
    /* overlong, or above U+10FFFF */
    return (lead == 0xF0 && p[1] < 0x90) || (lead == 0xF4 && p[1] > 0x8F) ? 0 : 4;
}

/* Most text is mostly ASCII: eight bytes a step as long as it lasts. */
static inline const unsigned char *utf8_skip_words(const unsigned char *p, const unsigned char *end)
{
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        if (word & HIGH_BITS) {
            break;
        }
        p += 8;
    }
    return p;
}

size_t ff_utf8_char(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    return len == 0 ? 0 : *p < 0x80 ? 1 : utf8_length(p, len);
}

const char *ff_utf8_skip(const char *text, const char *end)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *stop = (const unsigned char *)end;

    while (p < stop && *p >= 0x80) {
        size_t n = utf8_length(p, (size_t)(stop - p));
        if (n == 0) {
            return NULL;
        }
        p += n;
    }
    return (const char *)p;
}

bool ff_utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + len;

    while ((p = utf8_skip_words(p, end)) < end) {
        size_t n = *p < 0x80 ? 1 : utf8_length(p, (size_t)(end - p));
        if (n == 0) {
            return false;
        }
        p += n;
    }
    return true;
}

/* What the next byte may be inside of a character, and the state behind it. 1 to 3: so many tail
 * bytes are missing; 4 to 7: the first of them is restricted, behind E0, ED, F0 and F4. */
static const struct {
    unsigned char low, high;
    uint8_t next;
} utf8_inside[] = {
    [1] = {0x80, 0xBF, FF_UTF8_WHOLE},
    [2] = {0x80, 0xBF, 1},
    [3] = {0x80, 0xBF, 2},
    [4] = {0xA0, 0xBF, 1},
    [5] = {0x80, 0x9F, 1},
    [6] = {0x90, 0xBF, 2},
    [7] = {0x80, 0x8F, 2},
};

static uint8_t utf8_after_lead(unsigned char lead)
{
    if (lead < 0x80) {
        return FF_UTF8_WHOLE;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return FF_UTF8_BAD;
    }
    if (lead < 0xE0) {
        return 1;
    }
    switch (lead) {
    case 0xE0:
        return 4;
    case 0xED:
        return 5;
    case 0xF0:
        return 6;
    case 0xF4:
        return 7;
    default:
        return lead < 0xF0 ? 2 : 3;
    }
}

uint8_t ff_utf8_next(uint8_t state, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + len;

    while (p < end && state != FF_UTF8_BAD) {
        if (state != FF_UTF8_WHOLE) {
            bool fits = *p >= utf8_inside[state].low && *p <= utf8_inside[state].high;
            state = fits ? utf8_inside[state].next : FF_UTF8_BAD;
            p++;
            continue;
        }
        p = utf8_skip_words(p, end);
        if (p < end) {
            state = utf8_after_lead(*p++);
        }
    }
    return state;
}
