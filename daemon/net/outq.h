/*
 * What a connection has still to send, and the judgement on those that take nothing. On the
 * connection's loop.
 *
 * A queued frame weighs what it occupies, not what it has on the wire: a pong of two bytes holds
 * about OUTQ_FRAME_COST bytes of memory, and a peer that asks for pongs and never reads them must
 * not be cheaper to us than one that asks for large answers.
 */
#ifndef FF_NET_OUTQ_H
#define FF_NET_OUTQ_H

#include "net/conn.h"

/* What a frame of its own occupies beside its bytes: its head, a delivery, the allocator's share
 * of both, and a place in a queue. */
#define OUTQ_FRAME_COST 88u
/* Unread answers at which a peer is read no more. It goes on at half of it. */
#define OUTQ_UNREAD     65536u

/* A delivery with one reference, the caller's; it takes over the frame's. */
struct delivery *delivery_new(struct loop *loop, struct frame *frame);
void delivery_unref(struct loop *loop, struct delivery *delivery);

/* Queue one frame; nothing is written before the end of the turn. Does nothing once the connection
 * is finishing. */
void conn_queue(struct conn *conn, struct delivery *delivery);
/* The same for a frame that goes to this connection alone; takes over the reference. A NULL frame
 * dooms the connection: memory for an answer was not to be had. */
void conn_send(struct conn *conn, struct frame *frame);
size_t conn_queued(const struct conn *conn); /* bytes that the kernel has not taken */
size_t conn_weight(const struct conn *conn); /* what those bytes occupy */

/* Asked by a handler whose messages have answers, before each: true while the peer leaves too much
 * unread. Then it is not read, and goes on by itself when it has taken some. */
bool conn_rests(struct conn *conn) MUST_CHECK;

/* For the flush, and for net/input. */
void conn_flushed(struct conn *conn, size_t tried, int64_t sent); /* the result of one write */
void conn_judge(struct conn *conn); /* a blocked one: is its backlog too large or too old? */
/* Finds what the next write shall carry: one frame as it is, or several laid end to end in `room`,
 * of which *used bytes are taken already by others of the batch. False: it does not fit any more,
 * run the batch first. */
bool conn_gather(struct conn *conn, uint8_t *room, size_t size, size_t *used, const uint8_t **bytes,
                 size_t *len);
void conn_drop_output(struct conn *conn); /* gives the queue of a doomed one back before its end */
void conn_set_blocked(struct conn *conn, bool blocked);
/* Has its event report what it wants now; called again when a local one becomes blocked. -1: no
 * memory. */
int conn_watch(struct conn *conn, event_callback_fn callback) MUST_CHECK;

#endif
