/*
 * WebSocket framing of the server's side (RFC 6455): handshake key, decoding of one frame, headers
 * of what we send. Pure.
 */
#ifndef FF_PROTO_WS_H
#define FF_PROTO_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/slice.h"

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};

#define WS_MAX_CONTROL    125u
#define WS_MAX_HEADER     14u /* of a client's frame */
#define WS_MAX_OUT_HEADER 10u /* of a server's frame */
#define WS_ACCEPT_LEN     28u
#define WS_COMPRESSED     0x40u /* RSV1 in the first byte of a frame */

struct ws_frame {
    enum ws_opcode opcode;
    bool fin;
    bool compressed;  /* RSV1: the message that it begins is compressed */
    uint8_t *payload; /* unmasked in place */
    size_t len;
    size_t used; /* bytes of the whole frame, header included */
};

enum ws_result {
    WS_DONE,
    /* out->used says how many bytes the whole frame takes, 0 while its header is incomplete. */
    WS_MORE,
    /* *code is the close code: 1002, or 1009 for a payload over the maximum; *why a static
       sentence. */
    WS_BAD,
};

/*
 * Decodes the first frame in `bytes` and unmasks its payload in place, once it is complete.
 * Refuses: no mask, reserved bits (but RSV1 on the first frame of a message with
 * permessage-deflate, `deflate`), unknown opcodes, control frames that are fragmented or over 125
 * bytes, lengths in a longer form than needed, lengths over 2^63, data payloads over `max` (as soon
 * as the header says so; 0 = no limit). Knows nothing of fragments: the order of opcodes is the
 * session's.
 */
enum ws_result ws_decode(uint8_t *bytes, size_t len, size_t max, bool deflate, struct ws_frame *out,
                         uint16_t *code, const char **why);

/* XORs with a masking key of four bytes: masks, or takes the mask off. */
void ws_mask(uint8_t *payload, size_t len, const uint8_t *key);

/* Writes the header of an unmasked, final frame to `out` (room for WS_MAX_OUT_HEADER) and returns
 * its length. */
size_t ws_header(uint8_t *out, enum ws_opcode opcode, size_t len);

/* Whether a close frame's payload is well formed: empty, or a code that may be sent, with UTF-8
 * behind it. Sets *code, 1005 when empty. Returns 0, or the code to answer with: 1002 or 1007. */
int ws_close_payload(const uint8_t *payload, size_t len, uint16_t *code);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key, WS_ACCEPT_LEN bytes, not terminated. */
void ws_accept(struct slice key, char *out);

#endif
