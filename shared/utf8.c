#include "utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u

static inline bool is_tail(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

bool ff_utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + len;

    while (p < end) {
        /* Most text is mostly ASCII: eight bytes a step as long as it lasts. */
        while (end - p >= 8) {
            uint64_t word;
            memcpy(&word, p, sizeof(word));
            if (word & HIGH_BITS) {
                break;
            }
            p += 8;
        }
        if (p == end) {
            break;
        }
        unsigned char lead = *p;
        size_t left = (size_t)(end - p);

        if (lead < 0x80) {
            p++;
        } else if (lead < 0xC2) { /* a tail byte, or an overlong form of ASCII */
            return false;
        } else if (lead < 0xE0) {
            if (left < 2 || !is_tail(p[1])) {
                return false;
            }
            p += 2;
        } else if (lead < 0xF0) {
            if (left < 3 || !is_tail(p[1]) || !is_tail(p[2])) {
                return false;
            }
            if ((lead == 0xE0 && p[1] < 0xA0) || (lead == 0xED && p[1] > 0x9F)) {
                return false; /* overlong, or a surrogate */
            }
            p += 3;
        } else {
            if (lead > 0xF4 || left < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3])) {
                return false;
            }
            if ((lead == 0xF0 && p[1] < 0x90) || (lead == 0xF4 && p[1] > 0x8F)) {
                return false; /* overlong, or above U+10FFFF */
            }
            p += 4;
        }
    }
    return true;
}

/* What the next byte may be inside of a character, and the state behind it. 1 to 3: so many tail
 * bytes are missing; 4 to 7: the first of them is restricted, behind E0, ED, F0 and F4. */
static const struct {
    unsigned char low, high;
    uint8_t next;
} inside[] = {
    [1] = {0x80, 0xBF, FF_UTF8_WHOLE},
    [2] = {0x80, 0xBF, 1},
    [3] = {0x80, 0xBF, 2},
    [4] = {0xA0, 0xBF, 1},
    [5] = {0x80, 0x9F, 1},
    [6] = {0x90, 0xBF, 2},
    [7] = {0x80, 0x8F, 2},
};

static uint8_t after_lead(unsigned char lead)
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
            bool fits = *p >= inside[state].low && *p <= inside[state].high;
            state = fits ? inside[state].next : FF_UTF8_BAD;
            p++;
            continue;
        }
        while (end - p >= 8) {
            uint64_t word;
            memcpy(&word, p, sizeof(word));
            if (word & HIGH_BITS) {
                break;
            }
            p += 8;
        }
        if (p < end) {
            state = after_lead(*p++);
        }
    }
    return state;
}
