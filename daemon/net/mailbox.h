/*
 * The only way from one thread to another: a queue with one receiver.
 *
 * A mailbox belongs to one loop, which alone takes from it; anybody posts. Its mutex is held for a
 * pointer swap. Posting never blocks and never fails; who reads from outside looks at
 * mailbox_weight() first and rests while it is high (pubsub/flow.h). The receiver is woken through
 * an eventfd, and only when the box was empty and the poster is another thread.
 *
 * There are two lanes, each in order of posting. What is urgent is taken before anything of the
 * other lane, so that an order to stop does not wait behind a flood of deliveries. Nothing may be
 * urgent whose order with deliveries matters.
 */
#ifndef FF_NET_MAILBOX_H
#define FF_NET_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* The head of every message. The message is allocated with mem_alloc by the poster and freed by the
 * receiver. */
struct mail {
    struct mail *next;
    uint32_t type;
    uint32_t weight; /* the memory that it holds, and what handling it will cost */
};

struct mail_list {
    struct mail *head, *tail;
};

enum mailbox_lane { LANE_URGENT, LANE_ORDERED, LANES };

struct mailbox {
    pthread_mutex_t lock;
    struct mail_list lanes[LANES]; /* under the lock */
    _Atomic size_t weight;         /* of what was posted and is not handled yet */
    int wake;                      /* eventfd */
    pthread_t owner;               /* set by mailbox_adopt */
    bool adopted;
};

int mailbox_init(struct mailbox *box) MUST_CHECK; /* -1: no eventfd, errno says why */
void mailbox_adopt(struct mailbox *box); /* called on the receiving thread before others post */
/* Gives what is left in it to `dispose`, which frees it. */
void mailbox_free(struct mailbox *box, void (*dispose)(struct mail *mail));

void mailbox_post(struct mailbox *box, struct mail *mail);
void mailbox_post_urgent(struct mailbox *box, struct mail *mail);
/* Appends all that is in a lane to *list, in order of posting. False: there was nothing. Each
 * message must be given to mailbox_done once it is handled. */
bool mailbox_take(struct mailbox *box, enum mailbox_lane lane, struct mail_list *list);
bool mailbox_empty(struct mailbox *box);
size_t mailbox_weight(const struct mailbox *box);
/* Takes the weight off and frees the message. */
void mailbox_done(struct mailbox *box, struct mail *mail);

#endif
