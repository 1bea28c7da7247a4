/*
 * A loop: an event base without locks, its connections, and the order of a turn. The hub and each
 * worker have one; with one worker they share it.
 *
 * A turn: poll and input, mail until there is none, a slice of the flush, free. A loop with work
 * left polls without waiting. Runs on the thread that calls loop_run, and nobody else touches it,
 * but for its mailboxes and its counters' reading.
 */
#ifndef FF_NET_LOOP_H
#define FF_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "net/conn.h"
#include "net/mailbox.h"
#include "net/output.h"

#define LOOP_KINDS     5      /* kinds of connections on one loop */
#define LOOP_MAILBOXES 2      /* the hub's and a worker's */
#define LOOP_CHUNK     256u   /* connections in a chunk */
#define LOOP_READ      65536u /* bytes read at once */
#define LOOP_SLICE     512u   /* connections flushed in a turn */
#define LOOP_TLS       32u    /* steps of TLS handshakes in a turn; they are the dearest input */
#define LOOP_BATCH     64u    /* writes handed to the output engine at once */
#define LOOP_ADMIT                                                                                 \
    262144u /* bytes of broadcasts taken in before all queues have been visited by the flush */
#define LOOP_JOIN 262144u /* bytes joined into one write at most */

struct loop_limits {
    uint64_t output_soft, output_hard, output_total; /* bytes, 0 = none */
    uint64_t output_soft_ms;
    uint64_t idle_ms[IDLE_MAX]; /* 0 = never */
    uint64_t max_heads;         /* connections in IDLE_HEAD, 0 = no limit */
};

struct conn_chunk;
struct tls;

/* Connections in the order in which they entered. head, tail: slot + 1. */
struct idle_list {
    uint32_t head, tail, count;
};

struct slots {
    uint32_t *items;
    size_t count, cap;
};

/* Handles one message and frees it with mailbox_done. False: not now; it and all behind it come
 * again after the next flush. */
typedef bool loop_mail_fn(void *arg, struct mail *mail);

struct loop_mailbox {
    struct mailbox *box;
    struct mail *rest; /* taken and not yet handled */
    loop_mail_fn *handle;
    void (*before_flush)(void *arg); /* may post mail; NULL */
    void *arg;
    struct event wake;
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
    struct slots urgent, resume, resuming, doomed;

    struct idle_list idle[IDLE_MAX];
    struct idle_list backlog;
    uint64_t queued_bytes; /* unique bytes of deliveries alive, and of queues */
    size_t admitted;       /* bytes of broadcasts taken in since the flush last came round */
    size_t delivered;      /* the same for what came by mail */
    uint32_t tls_steps;    /* of handshakes, in this turn */

    uint64_t now; /* ms, of this turn: monotonic, and stands still while the process is stopped */
    uint64_t looked; /* the monotonic clock when now was set */
    bool stalled;    /* the process was stopped since the last tick */
    bool spared;     /* so that one judged nobody */
    uint8_t *read_room, *join_room;
    struct event tick, pause;
    bool stop, throttled;

    void *worker, *hub; /* whose loop it is, for the layers above; NULL: not theirs */
};

int loop_init(struct loop *loop, struct counters *counters,
              const struct loop_limits *limits) MUST_CHECK;
/* Ends all connections at once. loop_free must follow, when nobody posts to its mailboxes any more.
 */
void loop_close(struct loop *loop);
void loop_free(struct loop *loop, void (*dispose)(struct mail *mail));
void loop_handler(struct loop *loop, uint8_t kind, const struct conn_handler *handler);
/* Raises a kind's max_input above its handler's; it never shrinks, because what came under a larger
 * limit is refused by its protocol. On the loop's thread, or before it runs. */
void loop_max_input(struct loop *loop, uint8_t kind, size_t max);
/* Called on the thread that will run the loop. */
void loop_mailbox(struct loop *loop, struct mailbox *box, loop_mail_fn *handle,
                  void (*before_flush)(void *), void *arg);

void loop_run(struct loop *loop);  /* until loop_stop */
void loop_turn(struct loop *loop); /* one turn that does not wait: for tests that drive several
                                      loops by hand */
void loop_stop(struct loop *loop);

/* Handle the mail of one of its boxes now: before outside input that must not overtake it. */
void loop_drain_mail(struct loop *loop, struct mailbox *box);

/* Whether more broadcasts may be taken in before the flush has come round. */
static inline bool loop_admits(const struct loop *loop)
{
    return loop->admitted < LOOP_ADMIT;
}

/* This turn's work is held back by somebody else's full mailbox: look again in a millisecond. */
void loop_throttle(struct loop *loop);

/* A delivery with one reference, the caller's; it takes over the frame's. */
struct delivery *delivery_new(struct loop *loop, struct frame *frame);
void delivery_unref(struct loop *loop, struct delivery *delivery);

/* Calls fn for each live connection of a kind; fn may finish or doom it. */
void loop_each(struct loop *loop, uint8_t kind, void (*fn)(struct conn *conn, void *arg),
               void *arg);

/* For conn.c. */
struct conn *loop_slot(struct loop *loop);
void loop_slot_free(struct loop *loop, struct conn *conn);
struct conn *loop_conn(const struct loop *loop,
                       uint32_t slot); /* whatever its flags; NULL when its chunk is gone */
void loop_mark_dirty(struct loop *loop, struct conn *conn);
/* Where the TLS of a connection in this slot stands: beside the connections, in a table that a
 * chunk has only once one of them speaks it. NULL: there is no table; with `make`: no memory. */
struct tls **loop_tls(const struct loop *loop, uint32_t slot, bool make);
/* net/idle.c: time-outs of idle classes, and of backlogs. */
void idle_expire(struct loop *loop);
void slots_push(struct slots *slots, uint32_t slot);

#endif
