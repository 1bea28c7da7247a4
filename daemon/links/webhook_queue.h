/*
 * The webhooks of one application that wait: what is held back for a moment, what is ready, and the
 * batch that is being delivered. Pure logic, with the time handed in.
 *
 * Held back: channel_vacated and member_removed, for HOOK_DELAY_MS, so that whoever returns in that
 * time causes nothing; and subscription_count, which comes at most once in HOOK_COUNT_MS a channel.
 * The rest is ready at once, and goes in the order in which it happened. One batch is under way at
 * a time, and is repeated until it is delivered or HOOK_GIVE_UP_MS have passed: unchanged while its
 * time_ms is fresh, so that receivers know a repetition by its bytes, then with a time_ms of its
 * own, because libraries take a request that is over five minutes old for a replayed one.
 *
 * In a cluster each node has such a queue, and each announcement is one node's to tell. What is
 * theirs is held back silently, so that whoever goes on one node and returns on another in that
 * time causes nothing anywhere; close to the end of the time, when two nodes may see it
 * differently, the return is told for safety: what a receiver heard last is right then. It is kept
 * beyond its time until it is certain that its teller has outlived that: whoever finds a teller
 * dead tells what that may have left untold, unless it is so no more.
 *
 * Belongs to the hub. It sends nothing and waits for nothing; links/webhook does.
 */
#ifndef FF_LINKS_WEBHOOK_QUEUE_H
#define FF_LINKS_WEBHOOK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strmap.h"
#include "pubsub/announce.h"

#define HOOK_DELAY_MS   3000u
#define HOOK_CLOSE_MS   500u  /* to the end of the delay: two nodes may see it differently */
#define HOOK_TOLD_MS    1000u /* after which an event that is due has been sent */
#define HOOK_COUNT_MS   5000u
#define HOOK_GATHER_MS  50u /* from the first event that is ready to its request */
#define HOOK_RETRY_MS   1000u
#define HOOK_GIVE_UP_MS 300000u
#define HOOK_FRESH_MS   240000u /* less than 5 minutes by what clocks and networks may differ */
#define HOOK_BATCH      100u    /* events in one request */
#define HOOK_BODY       (256u << 10) /* bytes in it, unless one event alone has more */
#define HOOK_BYTES      (64u << 20)  /* bytes of all that wait */
#define HOOK_NEVER      UINT64_MAX

struct hook_item;

struct hook_list {
    struct hook_item *first, *last;
    uint64_t count;
};

/*
 * Invariants: an item is on one list. `delayed`, `past` and `counts` are in the order of their
 * time, and in `held` by what they are about; `ready` is not. body holds the batch exactly while
 * batch > 0.
 */
struct hook_queue {
    unsigned int sends; /* ANNOUNCE_BITs that are sent; of the rest only what is needed is kept */
    uint64_t max;       /* events, all lists and the batch */
    struct hook_list delayed, counts, ready;
    struct hook_list past; /* theirs, which may have been told or not */
    uint64_t keep_ms;      /* how long that is not known; 0: this node is alone */
    struct strmap held;
    uint64_t silent;    /* of `delayed`, those that will not be sent */
    uint64_t bytes;     /* of all items */
    uint64_t gather_at; /* when what is ready may go */
    struct buf body;
    uint32_t batch, attempts;
    uint64_t first_at, retry_at; /* of the batch */
    uint64_t time_ms;            /* what the batch says, Unix ms */
    bool under_way, hurry;
};

void hook_queue_init(struct hook_queue *queue, uint64_t max, unsigned int sends);
void hook_queue_free(struct hook_queue *queue);

/* The bits to ask the announcer for: who wants to know that a channel is occupied must also hear
 * that it was vacated. */
unsigned int hook_queue_needs(unsigned int sends);

/* Both return how many events were dropped because too many wait. `now`, here and below, is
 * monotonic ms. */
uint64_t hook_queue_add(struct hook_queue *queue, const struct announcement *announcement,
                        uint64_t now);
/* Whatever was held back until now becomes ready. */
uint64_t hook_queue_tick(struct hook_queue *queue, uint64_t now);

/* This node has found that one dead, of which it had heard last at `heard`, and tells what that one
 * was to tell and may not have told. */
void hook_queue_take_over(struct hook_queue *queue, uint32_t teller, uint64_t heard, uint64_t now);

/* From now on nothing is held back: nobody can return. */
void hook_queue_hurry(struct hook_queue *queue);

/* When to call tick and take next; HOOK_NEVER: when something was added, or the batch is done. */
uint64_t hook_queue_due(const struct hook_queue *queue);

/* True: queue->body is to be sent now, and hook_queue_done called when it is known how that ended.
 * `wall` is Unix ms. A repetition may differ in its time_ms, so it is signed anew. */
bool hook_queue_take(struct hook_queue *queue, uint64_t now, uint64_t wall);

/* Returns how many events were given up. */
uint64_t hook_queue_done(struct hook_queue *queue, bool delivered, uint64_t now);

/* Events that are still to be delivered. */
uint64_t hook_queue_waiting(const struct hook_queue *queue);

#endif
