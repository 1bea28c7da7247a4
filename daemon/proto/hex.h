/*
 * Hex digits. Pure.
 */
#ifndef FF_PROTO_HEX_H
#define FF_PROTO_HEX_H

/* The value of a hex digit of either case, -1 for anything else. */
static inline int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
