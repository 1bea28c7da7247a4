#include "web/ws_conn.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "proto/deflate.h"
#include "proto/ws_extension.h"
#include "pubsub/wire.h"
#include "net/outq.h"
#include "shared/utf8.h"

/* Looks into a compressed message at each of its frames: so many, up to that size. */
#define LOOKS      16u
#define LOOK_CHEAP 65536u

/*
 * Either a fragmented message is open and `bytes` holds the payloads of its frames so far; or the
 * first frame in the input is not complete. Or both. Of that frame `scanned` bytes of payload are
 * known to be good text; `utf8` is the state behind them, `utf8_start` the one before the frame.
 */
struct ws_part {
    size_t len, cap, scanned;
    uint32_t fragments;
    uint8_t utf8, utf8_start;
    bool open, binary, compressed;
    size_t next_look; /* at its compressed bytes, see look */
    uint8_t bytes[];
};

void ws_conn_accept(struct conn *conn, const struct http_request *request, struct slice key,
                    bool deflate)
{
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\n"
                               "Upgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: ";
    static const char extensions[] = "Sec-WebSocket-Extensions";
    char answer[sizeof(head) + WS_ACCEPT_LEN + WS_DEFLATE_ANSWER_MAX + 4];
    char *at = mempcpy(answer, head, sizeof(head) - 1);
    ws_accept(key, at);
    at = mempcpy(at + WS_ACCEPT_LEN, "\r\n", 2);
    for (size_t i = 0; deflate && i < request->nheaders; i++) {
        const struct http_header *header = &request->headers[i];
        struct ws_deflate agreed;
        if (header->name.len == sizeof(extensions) - 1 &&
            strncasecmp(header->name.p, extensions, sizeof(extensions) - 1) == 0 &&
            ws_deflate_accept(header->value, &agreed)) {
            at += ws_deflate_answer(&agreed, at);
            conn_set_form(conn, wire_form_of(agreed.server_bits));
            break;
        }
    }
    at = mempcpy(at, "\r\n", 2);
    conn_send(conn, frame_copy(answer, (size_t)(at - answer)));
}

size_t ws_conn_max_input(size_t max)
{
    return max + WS_MAX_HEADER + WS_MAX_CONTROL;
}

void ws_part_drop(struct ws_part **part)
{
    mem_free(*part);
    *part = NULL;
}

void ws_conn_close(struct conn *conn, uint16_t code, const char *why)
{
    conn_send(conn, wire_close(code, why));
    conn_finish(conn, false);
}

/* A broken frame: the close frame says so, and whatever was valid before it has been answered. */
static void ws_conn_refuse(struct conn *conn, uint16_t code, const char *why)
{
    counter_add(conn->loop->counters, code == 1009 ? COUNTER_LIMIT_MESSAGE_SIZE : COUNTER_BAD_FRAME,
                1);
    ws_conn_close(conn, code, why);
}

/* ---- the unfinished message ---- */

/* Room for `more` bytes. False: no memory. */
static bool ws_part_room(struct ws_part **slot, size_t more)
{
    struct ws_part *old = *slot;
    size_t len = old != NULL ? old->len : 0;
    if (old != NULL && old->cap - len >= more) {
        return true;
    }
    size_t cap = more == 0 ? 0 : len + more + len / 2 + 256;
    struct ws_part *grown = mem_try_realloc(old, sizeof(*grown) + cap);
    if (grown == NULL) {
        return false;
    }
    if (old == NULL) {
        *grown = (struct ws_part){.utf8 = FF_UTF8_WHOLE, .utf8_start = FF_UTF8_WHOLE};
    }
    grown->cap = cap;
    *slot = grown;
    return true;
}

static bool ws_part_open(const struct ws_part *part)
{
    return part != NULL && part->open;
}

/* ---- data frames ---- */

/* What the header alone can be wrong in. */
static bool ws_conn_fits(struct conn *conn, const struct ws_endpoint *endpoint,
                         const struct ws_part *part, const struct ws_frame *frame, size_t max)
{
    bool continues = frame->opcode == WS_CONTINUATION;
    if (continues != ws_part_open(part)) {
        ws_conn_refuse(conn, 1002,
                       continues ? "Continuation without a message"
                                 : "Message inside a fragmented message");
    } else if (frame->opcode == WS_BINARY && !endpoint->binary) {
        ws_conn_refuse(conn, 1003, "Binary messages are not supported");
    } else if (continues && part->len + frame->len > max) {
        ws_conn_refuse(conn, 1009, "Maximum message size exceeded");
    } else if (continues && part->fragments >= WS_MAX_FRAGMENTS &&
               !(frame->fin && frame->len == 0)) {
        ws_conn_refuse(conn, 1009, "Too many fragments");
    } else {
        return true;
    }
    return false;
}

static bool ws_conn_text(const struct ws_part *part, const struct ws_frame *frame)
{
    return ws_part_open(part) ? !part->binary : frame->opcode == WS_TEXT;
}

static bool ws_conn_compressed(const struct ws_part *part, const struct ws_frame *frame)
{
    return ws_part_open(part) ? part->compressed : frame->compressed;
}

/* Looks at the text of a frame that is not complete: `have` bytes of it, still masked. */
static void ws_conn_scan(struct conn *conn, struct ws_part **slot, const uint8_t *payload,
                         size_t have)
{
    if (have == 0) {
        return;
    }
    if (!ws_part_room(slot, 0)) {
        conn_doom(conn);
        return;
    }
    struct ws_part *part = *slot;
    while (part->scanned < have) {
        uint8_t room[1024], key[4];
        size_t n = have - part->scanned < sizeof(room) ? have - part->scanned : sizeof(room);
        for (size_t i = 0; i < sizeof(key); i++) {
            key[i] = payload[(ptrdiff_t)((part->scanned + i) & 3) - 4];
        }
        memcpy(room, payload + part->scanned, n);
        ws_mask(room, n, key);
        part->utf8 = ff_utf8_next(part->utf8, (const char *)room, n);
        part->scanned += n;
        if (part->utf8 == FF_UTF8_BAD) {
            ws_conn_refuse(conn, 1007, "Text is not valid UTF-8");
            return;
        }
    }
}

/* The state of the text behind a complete frame. */
static uint8_t ws_conn_utf8(const struct ws_part *part, const struct ws_frame *frame)
{
    const char *text = (const char *)frame->payload;
    if (part == NULL && frame->fin) {
        return ff_utf8_valid(text, frame->len) ? FF_UTF8_WHOLE : FF_UTF8_BAD; /* the usual case */
    }
    if (part == NULL) {
        return ff_utf8_next(FF_UTF8_WHOLE, text, frame->len);
    }
    return ff_utf8_next(part->utf8, text + part->scanned, frame->len - part->scanned);
}

/* A fragment is added to the open message, or opens one. False: no memory. */
static bool ws_part_add(struct ws_part **slot, const struct ws_frame *frame, uint8_t utf8)
{
    if (!ws_part_room(slot, frame->len)) {
        return false;
    }
    struct ws_part *part = *slot;
    if (!part->open) {
        part->open = true;
        part->binary = frame->opcode == WS_BINARY;
        part->compressed = frame->compressed;
    }
    if (frame->len > 0) {
        memcpy(part->bytes + part->len, frame->payload, frame->len);
    }
    part->len += frame->len;
    part->fragments++;
    part->utf8 = part->utf8_start = utf8;
    part->scanned = 0;
    return true;
}

/* What a compressed message says, or its first bytes. False: refused. */
static bool ws_conn_unpack(struct conn *conn, const struct ws_endpoint *endpoint,
                           struct slice packed, bool whole, bool text, size_t max,
                           struct slice *message)
{
    switch (deflate_unpack(endpoint->deflater(conn), packed, whole, max, message)) {
    case DEFLATE_BAD:
        ws_conn_refuse(conn, 1007, "Compressed data is not valid");
        return false;
    case DEFLATE_TOO_LARGE:
        ws_conn_refuse(conn, 1009, "Maximum message size exceeded");
        return false;
    case DEFLATE_NO_MEMORY:
        conn_doom(conn);
        return false;
    case DEFLATE_DONE:
        break;
    }
    uint8_t utf8 = text ? ff_utf8_next(FF_UTF8_WHOLE, message->p, message->len) : FF_UTF8_WHOLE;
    if (utf8 == FF_UTF8_BAD || (whole && utf8 != FF_UTF8_WHOLE)) {
        ws_conn_refuse(conn, 1007, "Text is not valid UTF-8");
        return false;
    }
    return true;
}

/* Into a compressed message that has not ended. No window is kept, so it is inflated from its
 * start: for each of its first frames while that is cheap, and then whenever it has doubled. */
static void ws_conn_look(struct conn *conn, const struct ws_endpoint *endpoint,
                         struct ws_part *part, size_t max)
{
    struct slice packed = {(const char *)part->bytes, part->len}, message;
    if (part->len < part->next_look) {
        return;
    }
    if (ws_conn_unpack(conn, endpoint, packed, false, !part->binary, max, &message)) {
        bool cheap = part->fragments < LOOKS && message.len <= LOOK_CHEAP;
        part->next_look = cheap ? 0 : part->len * 2;
    }
    deflate_trim(endpoint->deflater(conn));
}

/* False: hold this frame back. */
static bool ws_conn_data(struct conn *conn, const struct ws_endpoint *endpoint,
                         struct ws_part **slot, struct ws_frame *frame, size_t max)
{
    bool text = ws_conn_text(*slot, frame), compressed = ws_conn_compressed(*slot, frame);
    uint8_t utf8 = text && !compressed ? ws_conn_utf8(*slot, frame) : FF_UTF8_WHOLE;
    if (utf8 == FF_UTF8_BAD || (frame->fin && utf8 != FF_UTF8_WHOLE)) {
        ws_conn_refuse(conn, 1007, "Text is not valid UTF-8");
        return true;
    }
    struct ws_part before = *slot != NULL ? **slot : (struct ws_part){.utf8 = FF_UTF8_WHOLE};
    const uint8_t *bytes = frame->payload;
    size_t len = frame->len;
    if (before.open || !frame->fin) {
        if (!ws_part_add(slot, frame, utf8)) {
            conn_doom(conn);
            return true;
        }
        bytes = (*slot)->bytes;
        len = (*slot)->len;
    }
    if (!frame->fin) {
        if (compressed) {
            ws_conn_look(conn, endpoint, *slot, max);
        }
        return true;
    }
    if (compressed) {
        struct slice message;
        if (!ws_conn_unpack(conn, endpoint, (struct slice){(const char *)bytes, len}, true, text,
                            max, &message)) {
            deflate_trim(endpoint->deflater(conn));
            return true;
        }
        bytes = (const uint8_t *)message.p;
        len = message.len;
    }
    /* The endpoint may end the connection, and with it would go what it reads. */
    struct ws_part *part = *slot;
    *slot = NULL;
    bool taken = endpoint->message(conn, !text, bytes, len);
    if (compressed) {
        deflate_trim(endpoint->deflater(conn));
    }
    if (taken) {
        counter_add(conn->loop->counters, COUNTER_UNPACKED, compressed);
        ws_part_drop(&part);
        return true;
    }
    if (part != NULL) {
        part->len = before.len;
        part->fragments = before.fragments;
        part->utf8 = part->utf8_start = before.utf8_start;
        part->scanned = 0;
        *slot = part;
    }
    /* Back to how it came, to be read once more. */
    ws_mask(frame->payload, frame->len, frame->payload - 4);
    return false;
}

/* ---- control frames ---- */

static void ws_conn_control(struct conn *conn, const struct ws_endpoint *endpoint,
                            const struct ws_frame *frame)
{
    struct slice payload = {(const char *)frame->payload, frame->len};
    if (frame->opcode == WS_CLOSE) {
        uint16_t code = 0;
        int wrong = ws_close_payload(frame->payload, frame->len, &code);
        if (wrong != 0) {
            counter_add(conn->loop->counters, COUNTER_BAD_FRAME, 1);
        }
        conn_send(conn, wire_close(wrong != 0 ? (uint16_t)wrong : code == 1005 ? 0 : code, ""));
        conn_finish(conn, true);
        return;
    }
    if (endpoint->control != NULL) {
        endpoint->control(conn, frame->opcode, payload);
    }
    if (frame->opcode == WS_PING) {
        conn_send(conn, wire_frame(WS_PONG, payload, (struct slice){NULL, 0}));
    }
}

/* ---- input ---- */

size_t ws_conn_input(struct conn *conn, const struct ws_endpoint *endpoint, uint8_t *bytes,
                     size_t len)
{
    struct ws_part **slot = endpoint->part(conn);
    size_t used = 0;
    while (used < len && conn_takes_input(conn)) {
        struct ws_frame frame;
        uint16_t code = 0;
        const char *why = NULL;
        if (conn_rests(conn)) {
            counter_add(conn->loop->counters, COUNTER_HELD_UNREAD, 1);
            break;
        }
        if (!conn_turn(conn)) {
            break;
        }
        size_t max = endpoint->max_message(conn);
        enum ws_result result =
            ws_decode(bytes + used, len - used, max, conn_form(conn) != 0, &frame, &code, &why);
        if (result == WS_BAD) {
            ws_conn_refuse(conn, code, why);
            break;
        }
        if (frame.used == 0) {
            break; /* not even the header is complete */
        }
        bool data = frame.opcode < WS_CLOSE;
        if (data && !ws_conn_fits(conn, endpoint, *slot, &frame, max)) {
            break;
        }
        if (result == WS_MORE) {
            size_t head = frame.used - frame.len;
            if (data && ws_conn_text(*slot, &frame) && !ws_conn_compressed(*slot, &frame)) {
                ws_conn_scan(conn, slot, bytes + used + head, len - used - head);
            }
            break;
        }
        if (!data) {
            ws_conn_control(conn, endpoint, &frame);
        } else if (!ws_conn_data(conn, endpoint, slot, &frame, max)) {
            conn_wait(conn);
            break;
        }
        used += frame.used;
    }
    return used;
}
