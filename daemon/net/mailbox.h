/*
 * The only way from one thread to another: a queue with one receiver.
 *
 * A mailbox belongs to one loop, which alone takes from it; anybody posts. Its mutex is held for a
 * pointer swap. Posting never blocks and never fails; who reads from outside looks at
 * mailbox_bytes() first and rests while it is high. The receiver is woken through an eventfd, and
 * only when the box was empty and the poster is another thread.
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
    uint32_t bytes; /* what it weighs, frames included */
};

struct mailbox {
    pthread_mutex_t lock;
    struct mail *head, *tail; /* under the lock */
    _Atomic size_t bytes;     /* posted and not yet handled */
    int wake;                 /* eventfd */
    pthread_t owner;          /* set by mailbox_adopt */
    bool adopted;
};

int mailbox_init(struct mailbox *box) MUST_CHECK; /* -1: no eventfd, errno says why */
void mailbox_adopt(struct mailbox *box); /* called on the receiving thread before others post */
/* Gives what is left in it to `dispose`, which frees it. */
void mailbox_free(struct mailbox *box, void (*dispose)(struct mail *mail));

void mailbox_post(struct mailbox *box, struct mail *mail);
/* The whole list in order of posting, or NULL. Each message must be given to mailbox_done once it
 * is handled. */
struct mail *mailbox_take(struct mailbox *box);
bool mailbox_empty(struct mailbox *box);
size_t mailbox_bytes(struct mailbox *box);
/* Takes the weight off and frees the message. */
void mailbox_done(struct mailbox *box, struct mail *mail);

#endif
