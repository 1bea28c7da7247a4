#include "proto/proxy.h"

#include <string.h>

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX };
enum { TRANSPORT_UNSPEC, TRANSPORT_STREAM };

static enum proxy_result proxy_bad(const char **why, const char *text)
{
    *why = text;
    return PROXY_BAD;
}

enum proxy_result proxy_read(const uint8_t *bytes, size_t len, struct proxy_header *out,
                             const char **why)
{
    /* Bytes of addresses, by family. */
    static const size_t needed[] = {0, 12, 36, 216};
    size_t seen = len < sizeof(signature) ? len : sizeof(signature);
    *out = (struct proxy_header){0};
    if (memcmp(bytes, signature, seen) != 0) {
        return proxy_bad(why,
                         "it does not begin with a header of version 2 (send-proxy-v2 in haproxy)");
    }
    if (len > 12 && bytes[12] != 0x20 && bytes[12] != 0x21) {
        return proxy_bad(why, "the header's version or command is unknown");
    }
    bool local = len > 12 && bytes[12] == 0x20;
    unsigned int family = 0, transport = 0;
    if (len > 13) {
        family = bytes[13] >> 4;
        transport = bytes[13] & 15;
        if (!local && (family > FAMILY_UNIX || transport > TRANSPORT_STREAM)) {
            return proxy_bad(why, "the header's address family or protocol is not one of streams");
        }
    }
    if (len < PROXY_HEADER) {
        return PROXY_MORE;
    }
    size_t rest = (size_t)bytes[14] << 8 | bytes[15];
    if (rest > PROXY_MAX_HEADER - PROXY_HEADER) {
        return proxy_bad(why, "the header is too long");
    }
    if (!local && rest < needed[family]) {
        return proxy_bad(why, "the header is too short for its addresses");
    }
    if (len - PROXY_HEADER < rest) {
        return PROXY_MORE;
    }
    out->len = PROXY_HEADER + rest;
    if (!local && transport == TRANSPORT_STREAM) {
        const uint8_t *source = bytes + PROXY_HEADER;
        out->known = family == FAMILY_INET || family == FAMILY_INET6;
        if (family == FAMILY_INET) {
            out->client = address_of_v4(source);
        } else if (family == FAMILY_INET6) {
            out->client = address_of_v6(source);
        }
    }
    return PROXY_DONE;
}
