#include "utf8.h"

#include <stdint.h>
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
