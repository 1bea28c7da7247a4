#include "pubsub/wire.h"

#include <string.h>

struct frame *wire_frame(enum ws_opcode opcode, struct slice first, struct slice second)
{
    uint8_t header[WS_MAX_OUT_HEADER];
    size_t len = first.len + second.len;
    size_t head = ws_header(header, opcode, len);
    struct frame *frame = frame_new(head + len);
    if (frame == NULL) {
        return NULL;
    }
    memcpy(frame->bytes, header, head);
    if (first.len > 0) {
        memcpy(frame->bytes + head, first.p, first.len);
    }
    if (second.len > 0) {
        memcpy(frame->bytes + head + first.len, second.p, second.len);
    }
    return frame;
}

struct frame *wire_text(const struct buf *json)
{
    return wire_frame(WS_TEXT, (struct slice){(const char *)json->data, json->len},
                      (struct slice){NULL, 0});
}

struct buf wire_json(void)
{
    return (struct buf){.max = WIRE_MAX};
}

struct frame *wire_message(struct buf *json, int written)
{
    struct frame *frame = written == 0 ? wire_text(json) : NULL;
    buf_free(json);
    return frame;
}

struct frame *wire_close(uint16_t code, const char *text)
{
    char payload[WS_MAX_CONTROL];
    size_t len = 0;
    if (code != 0) {
        payload[len++] = (char)(code >> 8);
        payload[len++] = (char)(code & 0xff);
        size_t rest = strlen(text);
        if (rest > sizeof(payload) - len) {
            rest = sizeof(payload) - len;
        }
        memcpy(payload + len, text, rest);
        len += rest;
    }
    return wire_frame(WS_CLOSE, (struct slice){payload, len}, (struct slice){NULL, 0});
}

struct slice wire_payload(const struct frame *frame)
{
    const uint8_t *bytes = frame->bytes;
    size_t head = (bytes[1] & 127) == 126 ? 4 : (bytes[1] & 127) == 127 ? 10 : 2;
    return (struct slice){(const char *)bytes + head, frame->len - head};
}

_Static_assert(DEFLATE_MAX_BITS - DEFLATE_MIN_BITS + 2 == FRAME_FORMS, "a form for each window");

struct frame *wire_form(struct frame *frame, unsigned int form, struct deflater *deflater,
                        struct counters *counters)
{
    struct frame *there = frame_form(frame, form);
    if (there != NULL) {
        return there;
    }
    struct slice plain = wire_payload(frame);
    enum ws_opcode opcode = (enum ws_opcode)(frame->bytes[0] & 15);
    if ((opcode != WS_TEXT && opcode != WS_BINARY) || plain.len < WIRE_PACK_MIN) {
        return frame;
    }
    struct frame *made = NULL;
    struct slice packed = deflate_pack(deflater, form + DEFLATE_MIN_BITS - 1, plain);
    if (packed.p != NULL) {
        made = wire_frame(opcode, packed, (struct slice){NULL, 0});
    }
    if (made != NULL) {
        made->bytes[0] |= WS_COMPRESSED;
        counter_add(counters, COUNTER_PACKED, 1);
        counter_add(counters, COUNTER_PACKED_BEFORE, plain.len);
        counter_add(counters, COUNTER_PACKED_AFTER, packed.len);
    }
    deflate_trim(deflater);
    return frame_form_add(frame, form, made);
}
