/*
 * The header of the PROXY protocol, version 2, which a proxy sends in front of everything else to
 * say for whom it speaks. Pure; nothing is kept.
 *
 * TLVs are skipped. Of addresses only those of TCP are of use; a header without one (LOCAL,
 * AF_UNSPEC, AF_UNIX) is valid and says nothing.
 */
#ifndef FF_PROTO_PROXY_H
#define FF_PROTO_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

#define PROXY_HEADER     16u
#define PROXY_MAX_HEADER (PROXY_HEADER + 536u) /* a longer one is refused */

struct proxy_header {
    size_t len;            /* bytes that it takes */
    bool known;            /* it says who the client is */
    struct address client; /* when known */
};

enum proxy_result { PROXY_DONE, PROXY_MORE, PROXY_BAD };

/* Reads a header at the start of the bytes. One that can no longer become valid is refused as early
 * as its bad byte; *why then is a static sentence. */
enum proxy_result proxy_read(const uint8_t *bytes, size_t len, struct proxy_header *out,
                             const char **why);

#endif
