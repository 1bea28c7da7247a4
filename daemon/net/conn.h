/*
 * A connection: one socket, one embedded event, one queue of what is still to be sent. Its protocol
 * does not see whether TLS stands between (net/tls.h).
 *
 * A conn belongs to one loop for life and is touched by nobody else. Protocols see bytes and the
 * functions below, never libevent. Only this module changes a connection's state.
 *
 * Life: conn_new -> input ... -> conn_finish (flush, shut down, wait for the peer's end) or
 * conn_doom (at once). Either may be called at any point of a turn and as often as one likes; the
 * handler's `leave` is called once, at the first of them; memory is freed at the end of the turn.
 */
#ifndef FF_NET_CONN_H
#define FF_NET_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/check.h"
#include "net/frame.h"

struct loop;
struct conn;
struct tls_context;

/* Which FIFO of its loop a connection waits in: each has one time-out, so that a list in order of
 * arrival is enough. */
enum idle_class {
    IDLE_NONE,      /* never times out */
    IDLE_HEAD,      /* its request head is awaited */
    IDLE_KEEPALIVE, /* between requests */
    IDLE_OPEN,      /* an established WebSocket, in order of last activity */
    IDLE_PINGED,    /* pinged, in order of the ping */
    IDLE_CLOSING,   /* finishing: flushing, or waiting for the peer's end */
    IDLE_HANGUP,    /* the peer has closed; only our answer is still to be flushed */
    IDLE_MAX
};

/* What a protocol is to its connections. One of these per kind; `kind` indexes the loop's table. */
struct conn_handler {
    /* Bytes have arrived, behind what earlier calls left over. Returns how many were used; the rest
     * comes again with more behind it. May stop early after conn_wait or conn_finish/conn_doom. */
    size_t (*input)(struct conn *conn, uint8_t *bytes, size_t len);
    /* The connection ends: leave channels, free what `state` holds. Called once. */
    void (*leave)(struct conn *conn);
    /* A time-out of its idle class has passed. The conn has been taken out of the class. */
    void (*expired)(struct conn *conn, enum idle_class was);
    /* What a connection with CONN_PREAMBLE begins with, in the clear before all else. Returns how
     * many bytes it takes, 0: more must come; or dooms. NULL: there is no such thing. */
    size_t (*preamble)(struct conn *conn, const uint8_t *bytes, size_t len);
    size_t max_input; /* bytes that may be left over at most, see loop_max_input; the handler
                         refuses earlier */
    bool client;      /* its bytes are counted as clients' */
    bool local;       /* Unix sockets, see watch() in conn.c */
    bool bounded;     /* it rests while its peer leaves much unread: no hard limit on output */
    bool urgent;      /* flushed before all others: publishers wait for their answers */
};

/* One frame on its way to some connections of one loop. `refs` counts them. */
struct delivery {
    struct frame *frame;
    uint32_t refs;
};

/*
 * More than one pending frame, or one that the kernel refused. head/count index a ring of `cap`
 * deliveries. `since` is when the kernel last took a byte, in ms; linked into the loop's backlog
 * list while the kernel refuses, oldest progress first.
 */
struct outq {
    uint64_t since, bytes; /* bytes: all that is queued, less what was sent of the first */
    uint32_t head, count, cap, first_off;
    uint32_t prev, next; /* slot + 1 */
    bool listed;
    struct delivery *ring[];
};

struct inbuf {
    size_t len, cap;
    uint8_t bytes[];
};

enum conn_flag {
    CONN_OPEN = 1 << 0,      /* in use */
    CONN_BLOCKED = 1 << 1,   /* the kernel refused; an edge will come */
    CONN_PEER_END = 1 << 2,  /* the kernel reported that the peer has shut down: read until 0 */
    CONN_EOF = 1 << 3,       /* read 0 */
    CONN_FINISHING = 1 << 4, /* conn_finish was called */
    CONN_SHUT = 1 << 5,      /* our side is shut down */
    CONN_DOOMED = 1 << 6,
    CONN_LEFT = 1 << 7,      /* leave() has been called */
    CONN_WAITING = 1 << 8,   /* takes no input until conn_resume */
    CONN_RESUME = 1 << 9,    /* on the resume list */
    CONN_TLS = 1 << 10,      /* see loop_tls */
    CONN_PREAMBLE = 1 << 11, /* its preamble has not been read */
    CONN_FORM = 7 << 13,     /* which form of a frame it takes, see net/frame.h */
};

#define CONN_STATE_SIZE   80
#define CONN_PREAMBLE_MAX 1024u /* bytes of a preamble at most */

/* Kept small: a million of these are meant to fit. Fan-out and flush touch the first 64 bytes. */
struct conn {
    int fd;
    uint16_t flags;
    uint8_t kind;
    uint8_t idle_class;
    uint32_t slot, gen;
    struct delivery *q0; /* the one frame usually pending, whole; else q */
    struct outq *q;
    struct loop *loop;
    struct inbuf *in;                           /* a partial frame, only while there is one */
    uint32_t idle_prev, idle_next;              /* slot + 1 */
    uint32_t stamp;                             /* loop time in ms when it entered its idle class */
    uint32_t discarded;                         /* bytes read and thrown away while finishing */
    _Alignas(8) uint8_t state[CONN_STATE_SIZE]; /* the protocol's own */
    struct event ev;
};

/* Takes over the descriptor (non-blocking). NULL: no memory; then it is closed. The state is
 * zeroed. */
struct conn *conn_new(struct loop *loop, int fd, uint8_t kind,
                      enum idle_class idle_class) MUST_CHECK;

/* TLS from the next byte on, in the server's part. Before anything was queued. */
void conn_secure(struct conn *conn, struct tls_context *context);

/* Where it comes from. False: no internet address, or it is gone. */
bool conn_peer(const struct conn *conn, struct address *out) MUST_CHECK;

/* The same connection speaks another protocol from now on: an upgrade. Its state is zeroed. */
void conn_become(struct conn *conn, uint8_t kind, enum idle_class idle_class);

/* The live connection in this slot, or NULL if it is another's by now or finishing. */
struct conn *conn_find(struct loop *loop, uint32_t slot, uint32_t gen);
/* The same without a generation: who comes with a slot alone compares something else. */
struct conn *conn_at(struct loop *loop, uint32_t slot);

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

/* Queue one frame; nothing is written before the end of the turn. Does nothing once the connection
 * is finishing. */
void conn_queue(struct conn *conn, struct delivery *delivery);
/* The same for a frame that goes to this connection alone; takes over the reference. A NULL frame
 * dooms the connection: memory for an answer was not to be had. */
void conn_send(struct conn *conn, struct frame *frame);
size_t conn_queued(const struct conn *conn); /* bytes that the kernel has not taken */

/* Put into an idle class, or anew at the end of the same one. */
void conn_idle(struct conn *conn, enum idle_class idle_class);

/* Take no input until conn_resume: the answer of another thread is awaited. */
void conn_wait(struct conn *conn);
void conn_resume(struct conn *conn);

/* End in order: leave now, take no more messages, flush what is queued, shut down, read and discard
 * until the peer's end, at most the loop's close time-out and 1 MiB. `hangup`: the peer has closed
 * already, so hang up when flushed, within 1 s. */
void conn_finish(struct conn *conn, bool hangup);
/* End at once: errors, hard limits, time-outs. Queued bytes are lost. */
void conn_doom(struct conn *conn);

/* For the loop alone. */
void conn_process(struct conn *conn); /* what is left over and then what can be read */
void conn_flushed(struct conn *conn, size_t tried, int64_t sent); /* the result of one write */
void conn_judge(struct conn *conn); /* a blocked one: is its backlog too large or too old? */
bool conn_gather(struct conn *conn, uint8_t *room, size_t size, size_t *used, const uint8_t **bytes,
                 size_t *len);
void conn_drop_output(struct conn *conn); /* gives the queue of a doomed one back before its end */
void conn_free(struct conn *conn);
void conn_set_blocked(struct conn *conn, bool blocked);

#endif
