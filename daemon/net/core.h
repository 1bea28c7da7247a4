/*
 * What a loop and its connections are made of. Data alone, so that each module beside it (slots,
 * conn, outq, idle, input, flush, loop) includes this and only those below itself.
 *
 * Everything here belongs to one loop and is touched by its thread alone. Protocols reach it
 * through the functions of the modules, and read flags through the predicates of net/conn.h.
 */
#ifndef FF_NET_CORE_H
#define FF_NET_CORE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counters.h"
#include "net/frame.h"
#include "net/mailbox.h"

#define LOOP_KINDS     7       /* kinds of connections on one loop */
#define LOOP_MAILBOXES 2       /* the hub's and a worker's */
#define LOOP_CHUNK     256u    /* connections in a chunk */
#define LOOP_READ      65536u  /* bytes read at once */
#define LOOP_JOIN      262144u /* bytes joined into one write at most, and written to one at once */

/* What one turn may take before everybody else has theirs; pubsub/flow.h says how it fits
 * together. */
#define LOOP_INPUT_US    4000u /* reading what the poll reported, and again for what was left */
#define LOOP_MAIL_US     4000u /* handling mail */
#define LOOP_FRAMES      32u   /* messages of one connection, unless its handler says otherwise */
#define LOOP_SLICE       512u  /* connections flushed */
#define LOOP_SLICE_BYTES 8388608u /* bytes flushed */
#define LOOP_TLS         32u      /* steps of TLS handshakes; they are the dearest input */
#define LOOP_BATCH       64u      /* writes handed to the output engine at once */

/* Taken in before all queues have been visited by the flush: bytes of broadcasts, and places in
 * the queues of their receivers. */
#define LOOP_ADMIT        262144u
#define LOOP_ADMIT_PLACES 1048576u

#define LOOP_LATENCIES 256u /* messages in the making that are timed apart */

struct loop;
struct conn;
struct conn_chunk;
struct tls;

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
     * comes again with more behind it. May stop early after conn_wait, conn_resume, conn_rests or
     * conn_finish/conn_doom. Takes conn_turn() before each message. */
    size_t (*input)(struct conn *conn, uint8_t *bytes, size_t len);
    /* The connection ends: leave channels, free what `state` holds. Called once. */
    void (*leave)(struct conn *conn);
    /* A time-out of its idle class has passed. The conn has been taken out of the class. */
    void (*expired)(struct conn *conn, enum idle_class was);
    /* What a connection with CONN_PREAMBLE begins with, in the clear before all else. Returns how
     * many bytes it takes, 0: more must come; or dooms. NULL: there is no such thing. */
    size_t (*preamble)(struct conn *conn, const uint8_t *bytes, size_t len);
    size_t max_input;  /* bytes that may be left over at most, see loop_max_input; the handler
                          refuses earlier */
    size_t first_read; /* bytes asked for when nothing is left over; 0: LOOP_READ */
    uint32_t frames;   /* messages of one connection in a turn; 0: LOOP_FRAMES */
    bool client;       /* its bytes are counted as clients' */
    bool local;        /* Unix sockets, see input_watch() in input.c */
    bool bounded;      /* it rests while its peer leaves much unread: no hard limit on output */
    bool urgent;       /* flushed before all others: publishers wait for their answers */
};

/* One frame on its way to some connections of one loop. `refs` counts them. */
struct delivery {
    struct frame *frame;
    uint32_t refs;
    uint32_t mark; /* not 0: loop->written is told when the last reference goes */
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
    CONN_TLS = 1 << 10,      /* see slots_tls */
    CONN_PREAMBLE = 1 << 11, /* its preamble has not been read */
    CONN_RESTING = 1 << 12,  /* takes no input until its peer has taken output, see conn_rests */
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
    struct inbuf *in;              /* a partial frame, only while there is one */
    uint32_t idle_prev, idle_next; /* slot + 1 */
    uint32_t stamp;                /* loop time in ms when it entered its idle class */
    union {
        uint32_t opened;    /* while it is live: seconds since 1970, set by its protocol */
        uint32_t discarded; /* while finishing: bytes read and thrown away */
    };
    _Alignas(8) uint8_t state[CONN_STATE_SIZE]; /* the protocol's own */
    struct event ev;
};

struct loop_limits {
    uint64_t output_soft, output_hard, output_total; /* bytes, 0 = none */
    uint64_t output_soft_ms;                         /* 0 = output_soft does not hold */
    uint64_t idle_ms[IDLE_MAX];                      /* 0 = never */
    uint64_t max_heads; /* connections that wait for a request's head, 0 = no limit */
};

/* Connections in the order in which they entered. head, tail: slot + 1. */
struct idle_list {
    uint32_t head, tail, count;
};

struct slot_list {
    uint32_t *items;
    size_t count, cap;
};

/* Handles one message and frees it with mailbox_done. False: not now; it and all behind it come
 * again after the next flush. */
typedef bool loop_mail_fn(void *arg, struct mail *mail);

struct loop_mailbox {
    struct mailbox *box;
    struct mail_list rest; /* taken from the ordered lane and not yet handled */
    loop_mail_fn *handle;
    void (*before_flush)(void *arg); /* may post mail; NULL */
    void *arg;
    struct event wake;
};

/* Messages whose time ends with a flush, see net/latency.h. */
struct latency {
    uint64_t since_ns;
    uint32_t n, round; /* round: of the flush, when the last of them was queued */
    uint8_t kind, place;
};

/* Time for something. Looks at the clock only now and then. */
struct budget {
    uint64_t until_ns;
    uint32_t unlooked;
};

struct loop {
    struct event_base *base;
    struct loop_limits limits;
    struct counters *counters;
    const struct conn_handler *handlers[LOOP_KINDS];
    size_t max_input[LOOP_KINDS]; /* bytes of a connection that may be left over */
    struct loop_mailbox mailboxes[LOOP_MAILBOXES];
    size_t nmailboxes;

    struct conn_chunk **chunks;
    size_t nchunks;
    uint32_t next_gen, connections, by_kind[LOOP_KINDS];
    size_t first_free; /* no chunk below it has a free slot */

    uint64_t *dirty;   /* a bit per slot */
    uint32_t flush_at; /* the word where the next slice goes on */
    uint32_t ndirty;
    struct slot_list urgent, resume, resuming, doomed;
    struct slot_list held; /* slot and generation in pairs: until loop_unhold */

    struct idle_list idle[IDLE_MAX];
    struct idle_list backlog;
    uint64_t queued_bytes; /* what deliveries alive and queues occupy, each frame once */
    size_t admitted;       /* bytes of broadcasts taken in since the flush last came round */
    size_t delivered;      /* the same for what came by mail */
    size_t places;         /* in queues, that the latter have taken */
    uint32_t tls_steps;    /* of handshakes, in this turn */
    uint32_t frames_left;  /* of the connection whose input is looked at */
    struct budget input;   /* for what the poll reports, or for what is resumed */
    bool awake;            /* something has happened since the poll */

    uint64_t now;     /* ms: monotonic, and stands still while the process is stopped */
    uint64_t looked;  /* the monotonic clock when now was set */
    uint64_t turn_ns; /* when this turn began to handle what it found, monotonic */
    uint32_t rounds;  /* of the flush: every queue has been visited once more */
    struct latency latencies[LOOP_LATENCIES];
    size_t nlatencies;
    bool stalled; /* the process was stopped since the last tick */
    bool spared;  /* so that one judged nobody */
    uint8_t *read_room, *join_room;
    struct event tick, pause;
    bool stop, again;

    void (*written)(void *worker, uint32_t mark);
    void *worker, *hub;              /* whose loop it is, for the layers above; NULL: not theirs */
    struct descriptors *descriptors; /* of the process; NULL: nobody counts. Outlives the loop */
};

#endif
