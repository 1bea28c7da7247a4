/*
 * A loop: an event base without locks, its connections, and the order of a turn. The hub and each
 * worker have one; with one worker they share it.
 *
 * A turn: poll and input, what input was left over, mail, a slice of the flush, free. Each has a
 * bound (net/core.h), so that no flood at one door keeps the others, or a timer, waiting; a loop
 * with work left polls without waiting. Runs on the thread that calls loop_run, and nobody else
 * touches it, but for its mailboxes and its counters' reading.
 */
#ifndef FF_NET_LOOP_H
#define FF_NET_LOOP_H

#include "net/conn.h"
#include "net/outq.h"

#define LOOP_AGAIN_MS 2

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

/* Handle now what has been posted to one of its boxes: before outside input that must not overtake
 * it. */
void loop_drain_mail(struct loop *loop, struct mailbox *box);
/* The first of what was posted to the ordered lane of one of its boxes and is not handled yet, in
 * order; the list stays where it is. NULL: nothing. */
const struct mail *loop_pending_mail(struct loop *loop, struct mailbox *box);

/* Whether more broadcasts may be taken in before the flush has come round. */
static inline bool loop_admits(const struct loop *loop)
{
    return loop->admitted < LOOP_ADMIT;
}

/* Whether more deliveries may be put into queues before that. */
static inline bool loop_delivers(const struct loop *loop)
{
    return loop->ndirty == 0 || (loop->delivered < LOOP_ADMIT && loop->places < LOOP_ADMIT_PLACES);
}

/* Something waits for what others do: there is a turn in LOOP_AGAIN_MS at the latest. */
void loop_look_again(struct loop *loop);
/* All that conn_hold holds goes on. While something is held there is a turn every LOOP_AGAIN_MS. */
void loop_unhold(struct loop *loop);

#endif
