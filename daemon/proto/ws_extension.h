/*
 * The handshake of permessage-deflate (RFC 7692 section 7.1) on the server's side. Pure.
 *
 * The server never lets a context live on from one message to the next, in either direction: what
 * it compresses is shared by many connections, and no connection keeps a window. So its answer
 * always names both *_no_context_takeover, which the RFC allows whatever the client offered.
 */
#ifndef FF_PROTO_WS_EXTENSION_H
#define FF_PROTO_WS_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/slice.h"

struct ws_deflate {
    uint8_t server_bits; /* the window of what we send: 8 to 15 */
    bool limited;        /* the client has asked for it, so it must be said in the answer */
};

/*
 * Looks through one Sec-WebSocket-Extensions header for the first offer that can be taken. An offer
 * with a parameter that is unknown, doubled or out of range is declined, and the next one is
 * looked at; a header that breaks the grammar counts up to where it does. False: none.
 */
bool ws_deflate_accept(struct slice header, struct ws_deflate *out);

/* Our own header for it, with its line end. Returns the length. */
#define WS_DEFLATE_ANSWER_MAX 160u
size_t ws_deflate_answer(const struct ws_deflate *deflate, char out[WS_DEFLATE_ANSWER_MAX]);

#endif
