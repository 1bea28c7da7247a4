/*
 * Flow control: the rules by which the daemon takes no more than it can give away, on one page.
 *
 * 1. Posting never blocks or fails. What is posted has a weight: the memory that it holds and, for
 *    a delivery, a part of what writing it to its receivers will cost (flow_weight). The weight
 *    of a mailbox is what its owner has not handled yet.
 * 2. Only sources are paused, and every source asks here before it posts what may be refused:
 *      publishers (IPC)   are not read                       flow_open
 *      HTTP publishes     503 with Retry-After               flow_open
 *      client events      their connection is not read       flow_open
 *      subscriptions and sign-ins, the same                  flow_hub_open
 *      presence joins     wait at the hub (pubsub/rooms)     flow_joins_open
 *      subscription_count keeps its latest value             flow_open
 *    What ends or answers something always passes: counts, leaves, replies, and what is urgent.
 * 3. A gate shuts when the fullest mailbox is over mailbox_high, and opens again at half of it, so
 *    that nobody is paused and woken for single messages. Each thread has a gate of its own.
 * 4. Orders (drain, stop, reload, terminate) pass everything else (net/mailbox.h). A termination
 *    hands out what was on its way to those whom it ends first.
 * 5. A turn of a loop is a few milliseconds: input, mail and flush each have a share, and one
 *    connection has a few messages of it (net/core.h, net/input.h).
 * 6. Queues to clients weigh what they occupy (net/outq.h). Whoever leaves his own answers unread
 *    is read no more; whoever takes nothing is judged by output_soft, output_hard, output_total.
 *
 * A broadcast to n connections of a worker weighs there as much memory as its frame, once, and a
 * quarter of the bytes to be written: with the default of 64 MiB some tenths of a second of
 * deliveries are on their way at most, whatever their size.
 */
#ifndef FF_PUBSUB_FLOW_H
#define FF_PUBSUB_FLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/mailbox.h"

#define FLOW_WORKERS   64
#define FLOW_WRITE     256u        /* what one write costs, in bytes */
#define FLOW_PART      4u          /* of the bytes to be written */
#define FLOW_MAIL      32u         /* the allocator's share of a message and its frame */
#define FLOW_JOIN_ROOM (64u << 20) /* bytes queued on a worker at which joins wait */
#define FLOW_JOIN_MS   1000u       /* they wait for slow readers at most so long */

struct tracer;

/* What all threads read. Set up before they run; only the atomics change. */
struct flow {
    struct tracer *tracer; /* pubsub/trace.h; NULL: nothing is traced */
    struct mailbox *hub;
    struct mailbox *workers[FLOW_WORKERS];
    uint32_t nworkers;
    _Atomic uint64_t queued[FLOW_WORKERS]; /* in the queues of a worker's clients, see below */
};

/* One thread's view. */
struct flow_gate {
    const struct flow *flow;
    bool shut;
};

/* The weight of a message that holds `memory` bytes and will be written, `len` bytes each, to n
 * connections. */
uint32_t flow_weight(size_t memory, size_t len, uint64_t n);
/* Of one that is not. */
static inline uint32_t flow_mail(size_t memory)
{
    return flow_weight(memory, 0, 0);
}

/* Whether more may be posted that ends in the workers' mailboxes. high: mailbox_high, 0 = always.
 */
bool flow_open(struct flow_gate *gate, uint64_t high) MUST_CHECK;
/* The same for what only the hub has work with. */
bool flow_hub_open(const struct flow *flow, uint64_t high) MUST_CHECK;
/* Whether lists of members may be sent: flow_open, and no worker has much in its clients' queues.
 * total: output_total. */
bool flow_joins_open(struct flow_gate *gate, uint64_t high, uint64_t total) MUST_CHECK;

/* A worker tells what its clients have still to take. */
static inline void flow_tell_queued(struct flow *flow, uint32_t worker, uint64_t bytes)
{
    atomic_store_explicit(&flow->queued[worker], bytes, memory_order_relaxed);
}

#endif
