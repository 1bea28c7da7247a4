/*
 * From JSON text to a frame: the text of a message with the WebSocket header in front, in one
 * allocation; and from a frame to its compressed form. Runs anywhere.
 */
#ifndef FF_PUBSUB_WIRE_H
#define FF_PUBSUB_WIRE_H

#include "base/buf.h"
#include "base/counters.h"
#include "net/frame.h"
#include "proto/deflate.h"
#include "proto/slice.h"
#include "proto/ws.h"

/* One final frame with the bytes of `first` and then of `second`. NULL: no memory. */
struct frame *wire_frame(enum ws_opcode opcode, struct slice first, struct slice second) MUST_CHECK;
struct frame *wire_text(const struct buf *json) MUST_CHECK;

/*
 * A text message of ours, from nothing to a frame, in two lines whatever its writer is:
 *
 *     struct buf json = wire_json();
 *     struct frame *frame = wire_message(&json, pusher_pong(&json));
 *
 * `written` is what the writer returned. Frees what is in `json` in any case, so that no caller can
 * forget it. NULL: no memory; conn_send and worker_send end the connection then.
 */
struct buf wire_json(void) MUST_CHECK;
struct frame *wire_message(struct buf *json, int written) MUST_CHECK;

/* A close frame with this code (0: without one) and a short text. */
struct frame *wire_close(uint16_t code, const char *text) MUST_CHECK;
/* The text of a frame made here. */
struct slice wire_payload(const struct frame *frame);

/*
 * The same frame as a connection of this form takes it (net/conn.h), without a reference for the
 * caller. Form n is permessage-deflate for a window of n + 8 bits. Messages that do not become
 * smaller, and those under WIRE_PACK_MIN bytes, are in every form as they are.
 */
struct frame *wire_form(struct frame *frame, unsigned int form, struct deflater *deflater,
                        struct counters *counters);
#define WIRE_PACK_MIN 128u
static inline unsigned int wire_form_of(unsigned int window_bits)
{
    return window_bits <= DEFLATE_MIN_BITS ? 1 : window_bits - DEFLATE_MIN_BITS + 1;
}

/* The most a message of ours takes; only a publish of that size in escapes could be larger, and is
 * refused. */
#define WIRE_MAX (128u << 20)

#endif
