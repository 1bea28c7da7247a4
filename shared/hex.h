/*
 * Hex digits: what is written is in lower case. Pure; runs anywhere.
 */
#ifndef FF_HEX_H
#define FF_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The digit for a value; only its low four bits count. */
static inline char ff_hex_digit(unsigned int value)
{
    return "0123456789abcdef"[value & 15];
}

/* The value of a digit of either case, -1 for anything else. */
static inline int ff_hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes two digits for each of `len` bytes, not terminated, and returns the place behind them. */
static inline char *ff_hex_write(char *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *out++ = ff_hex_digit(bytes[i] >> 4);
        *out++ = ff_hex_digit(bytes[i]);
    }
    return out;
}

/* Reads `len` bytes out of two digits each, of either case. False: something else is among them;
 * then what `out` holds means nothing. */
static inline bool ff_hex_read(uint8_t *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = ff_hex_value((unsigned char)text[2 * i]);
        int low = ff_hex_value((unsigned char)text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

#endif
