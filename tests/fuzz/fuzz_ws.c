/*
 * A stream of client frames, decoded as a connection does: frame after frame. The first two bytes
 * choose the maximum and whether compressed messages may come.
 *
 * Holds: a frame has the same meaning however its bytes arrive; what is asked for is never more
 * than the header says; unmasking twice gives the bytes back; a header of ours decodes as it was
 * meant.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *block = malloc(len + 1);
    check(block != NULL);
    if (len != 0) {
        memcpy(block, bytes, len);
    }
    return block;
}

static void check_frame(const struct ws_frame *frame, size_t max)
{
    bool control = frame->opcode >= WS_CLOSE;

    check(frame->opcode <= WS_BINARY || (control && frame->opcode <= WS_PONG));
    check(!control || (frame->fin && frame->len <= WS_MAX_CONTROL));
    check(control || max == 0 || frame->len <= max);
    check(frame->used - frame->len >= 6 && frame->used - frame->len <= WS_MAX_HEADER);
}

/* The server's header for this length, masked as a client would, decodes to the same frame. */
static void check_header(enum ws_opcode opcode, size_t len)
{
    uint8_t out[WS_MAX_OUT_HEADER + 4] = {0};
    struct ws_frame frame;
    uint16_t code;
    const char *why;
    size_t header = ws_header(out, opcode, len);

    check(header >= 2 && header <= WS_MAX_OUT_HEADER);
    out[1] |= 0x80;
    enum ws_result result = ws_decode(out, header + 4, 0, false, &frame, &code, &why);
    check(result == (len == 0 ? WS_DONE : WS_MORE));
    check(frame.used == header + 4 + len && frame.len == len);
    check(frame.opcode == opcode && frame.fin);
}

static void check_close(const uint8_t *payload, size_t len)
{
    uint16_t code = 0;
    int answer = ws_close_payload(payload, len, &code);

    check(answer == 0 || answer == 1002 || answer == 1007);
    check(answer != 0 || code >= 1000);
    check(answer != 0 || len == 0 || (payload[0] << 8 | payload[1]) == code);
}

/* Cut anywhere before its end, the frame is asked for, or refused for the same reason. */
static void check_prefixes(const uint8_t *bytes, size_t len, size_t max, bool deflate,
                           enum ws_result whole, uint16_t whole_code)
{
    size_t step = len > 64 ? len / 32 : 1;

    for (size_t cut = 0; cut < len; cut += cut < 16 ? 1 : step) {
        uint8_t *block = copy_of(bytes, cut);
        struct ws_frame frame;
        uint16_t code = 0;
        const char *why = NULL;
        enum ws_result result = ws_decode(block, cut, max, deflate, &frame, &code, &why);

        check(result == WS_MORE || (result == WS_BAD && whole == WS_BAD && code == whole_code));
        check(result != WS_MORE || frame.used == 0 || frame.used > cut);
        check(memcmp(block, bytes, cut) == 0);
        free(block);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t max = (size_t)((data[0] & 0x7f) << 8 | data[1]);
    bool deflate = data[0] & 0x80;
    data += 2;
    size -= 2;
    for (int n = 0; n < 64; n++) {
        uint8_t *block = copy_of(data, size);
        struct ws_frame frame;
        uint16_t code = 0;
        const char *why = NULL;
        enum ws_result result = ws_decode(block, size, max, deflate, &frame, &code, &why);

        check((result == WS_BAD) == (why != NULL));
        if (result == WS_BAD) {
            check(code == 1002 || code == 1009);
            check_prefixes(data, size < 32 ? size : 32, max, deflate, result, code);
        } else if (result == WS_MORE) {
            check(frame.used == 0 || frame.used > size);
            check_prefixes(data, size, max, deflate, result, code);
        }
        if (result != WS_DONE) {
            free(block);
            break;
        }
        check_frame(&frame, max);
        check(frame.used <= size && frame.payload + frame.len == block + frame.used);
        for (size_t i = 0; i < frame.len; i++) {
            size_t at = frame.used - frame.len;
            check((frame.payload[i] ^ data[at - 4 + (i & 3)]) == data[at + i]);
        }
        check(memcmp(block + frame.used, data + frame.used, size - frame.used) == 0);
        check_prefixes(data, frame.used, max, deflate, result, code);
        check_header(frame.opcode, frame.len);
        if (frame.opcode == WS_CLOSE) {
            check_close(frame.payload, frame.len);
        }
        data += frame.used;
        size -= frame.used;
        free(block);
    }
    if (size >= 8) {
        uint64_t any;
        memcpy(&any, data, sizeof(any));
        check_header(WS_TEXT, (size_t)(any >> (1 + any % 63)));
    }
    return 0;
}
