#include "net/mailbox.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

int mailbox_init(struct mailbox *box)
{
    *box = (struct mailbox){.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (box->wake < 0) {
        return -1;
    }
    check(pthread_mutex_init(&box->lock, NULL) == 0);
    return 0;
}

void mailbox_adopt(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->owner = pthread_self();
    box->adopted = true;
    pthread_mutex_unlock(&box->lock);
}

void mailbox_free(struct mailbox *box, void (*dispose)(struct mail *mail))
{
    struct mail_list list = {NULL, NULL};
    mailbox_take(box, LANE_URGENT, &list);
    mailbox_take(box, LANE_ORDERED, &list);
    while (list.head != NULL) {
        struct mail *next = list.head->next;
        dispose(list.head);
        list.head = next;
    }
    close(box->wake);
    pthread_mutex_destroy(&box->lock);
}

static bool mailbox_is_empty(const struct mailbox *box)
{
    return box->lanes[LANE_URGENT].head == NULL && box->lanes[LANE_ORDERED].head == NULL;
}

static void mailbox_put(struct mailbox *box, enum mailbox_lane lane, struct mail *mail)
{
    struct mail_list *list = &box->lanes[lane];
    mail->next = NULL;
    atomic_fetch_add_explicit(&box->weight, mail->weight, memory_order_relaxed);
    pthread_mutex_lock(&box->lock);
    bool wake =
        mailbox_is_empty(box) && !(box->adopted && pthread_equal(box->owner, pthread_self()));
    if (list->head == NULL) {
        list->head = mail;
    } else {
        list->tail->next = mail;
    }
    list->tail = mail;
    pthread_mutex_unlock(&box->lock);
    if (wake) {
        uint64_t one = 1;
        /* An eventfd that is full has woken its owner already. */
        ssize_t ignored = write(box->wake, &one, sizeof(one));
        (void)ignored;
    }
}

void mailbox_post(struct mailbox *box, struct mail *mail)
{
    mailbox_put(box, LANE_ORDERED, mail);
}

void mailbox_post_urgent(struct mailbox *box, struct mail *mail)
{
    mailbox_put(box, LANE_URGENT, mail);
}

bool mailbox_take(struct mailbox *box, enum mailbox_lane lane, struct mail_list *list)
{
    pthread_mutex_lock(&box->lock);
    struct mail_list taken = box->lanes[lane];
    box->lanes[lane] = (struct mail_list){NULL, NULL};
    pthread_mutex_unlock(&box->lock);
    if (taken.head == NULL) {
        return false;
    }
    if (list->head == NULL) {
        list->head = taken.head;
    } else {
        list->tail->next = taken.head;
    }
    list->tail = taken.tail;
    return true;
}

bool mailbox_empty(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    bool empty = mailbox_is_empty(box);
    pthread_mutex_unlock(&box->lock);
    return empty;
}

size_t mailbox_weight(const struct mailbox *box)
{
    return atomic_load_explicit(&box->weight, memory_order_relaxed);
}

void mailbox_done(struct mailbox *box, struct mail *mail)
{
    atomic_fetch_sub_explicit(&box->weight, mail->weight, memory_order_relaxed);
    mem_free(mail);
}
