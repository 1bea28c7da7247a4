/*
 * Hex digits by a shorter name; shared/hex.h has all there is. Pure.
 */
#ifndef FF_PROTO_HEX_H
#define FF_PROTO_HEX_H

#include "shared/hex.h"

/* See ff_hex_value. */
static inline int hex_value(unsigned char c)
{
    return ff_hex_value(c);
}

#endif
