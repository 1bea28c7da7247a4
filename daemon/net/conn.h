/*
 * A connection's life: one socket, one embedded event, one queue of what is still to be sent. Its
 * protocol does not see whether TLS stands between (net/tls.h).
 *
 * A conn belongs to one loop for life and is touched by nobody else. Protocols see bytes and
 * functions, never libevent. Here are its state and its end; net/input.h has its beginning and its
 * bytes, net/outq.h what it has to send.
 *
 * Life: conn_new -> input ... -> conn_finish (flush, shut down, wait for the peer's end) or
 * conn_doom (at once). Either may be called at any point of a turn and as often as one likes; the
 * handler's `leave` is called once, at the first of them; memory is freed at the end of the turn.
 */
#ifndef FF_NET_CONN_H
#define FF_NET_CONN_H

#include "net/core.h"

/* Neither finishing nor doomed: it takes messages and says things. */
static inline bool conn_live(const struct conn *conn)
{
    return !(conn->flags & (CONN_FINISHING | CONN_DOOMED));
}

static inline bool conn_doomed(const struct conn *conn)
{
    return (conn->flags & CONN_DOOMED) != 0;
}

/* Its leave() was called: what is added to its state now is taken out by nobody. */
static inline bool conn_left(const struct conn *conn)
{
    return (conn->flags & CONN_LEFT) != 0;
}

/* The answer of another thread is awaited. */
static inline bool conn_waiting(const struct conn *conn)
{
    return (conn->flags & CONN_WAITING) != 0;
}

/* Whether more of its input may be handled now. */
static inline bool conn_takes_input(const struct conn *conn)
{
    return !(conn->flags & (CONN_WAITING | CONN_RESTING | CONN_DOOMED | CONN_FINISHING));
}

/* The live connection in this slot, or NULL if it is another's by now or finishing. */
struct conn *conn_find(struct loop *loop, uint32_t slot, uint32_t gen);
/* The same without a generation: who comes with a slot alone compares something else. */
struct conn *conn_at(struct loop *loop, uint32_t slot);
/* Calls fn for each live connection of a kind; fn may finish or doom it. */
void conn_each(struct loop *loop, uint8_t kind, void (*fn)(struct conn *conn, void *arg),
               void *arg);

/* The form of frames that it takes; set once, when its protocol is agreed upon. */
#define CONN_FORM_SHIFT 13
static inline unsigned int conn_form(const struct conn *conn)
{
    return (unsigned int)(conn->flags >> CONN_FORM_SHIFT);
}
static inline void conn_set_form(struct conn *conn, unsigned int form)
{
    conn->flags = (uint16_t)((conn->flags & ~(unsigned int)CONN_FORM) | form << CONN_FORM_SHIFT);
}

/* The same connection speaks another protocol from now on: an upgrade. Its state is zeroed. */
void conn_become(struct conn *conn, uint8_t kind, enum idle_class idle_class);

/* Put into an idle class, or anew at the end of the same one. */
void conn_idle(struct conn *conn, enum idle_class idle_class);

/* Asked by a handler before each message: whether this connection has one left in this turn. False:
 * the others are first, and it goes on in the next one. */
bool conn_turn(struct conn *conn) MUST_CHECK;

/* Take no input until conn_resume: the answer of another thread is awaited. */
void conn_wait(struct conn *conn);
void conn_resume(struct conn *conn);
/* Look at its input in the next turn; one that waits goes on waiting. */
void conn_postpone(struct conn *conn);
/* Take no input until loop_unhold: there is too much to do elsewhere. */
void conn_hold(struct conn *conn);

/* End in order: leave now, take no more messages, flush what is queued, shut down, read and discard
 * until the peer's end, at most the loop's close time-out and 1 MiB. `hangup`: the peer has closed
 * already, so hang up when flushed, within 1 s. */
void conn_finish(struct conn *conn, bool hangup);
/* End at once: errors, hard limits, time-outs. Queued bytes are lost. */
void conn_doom(struct conn *conn);

#endif
