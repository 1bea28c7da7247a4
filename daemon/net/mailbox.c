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
    struct mail *mail = mailbox_take(box);
    while (mail != NULL) {
        struct mail *next = mail->next;
        dispose(mail);
        mail = next;
    }
    close(box->wake);
    pthread_mutex_destroy(&box->lock);
}

void mailbox_post(struct mailbox *box, struct mail *mail)
{
    mail->next = NULL;
    atomic_fetch_add_explicit(&box->bytes, mail->bytes, memory_order_relaxed);
    pthread_mutex_lock(&box->lock);
    bool wake = box->head == NULL && !(box->adopted && pthread_equal(box->owner, pthread_self()));
    if (box->head == NULL) {
        box->head = mail;
    } else {
        box->tail->next = mail;
    }
    box->tail = mail;
    pthread_mutex_unlock(&box->lock);
    if (wake) {
        uint64_t one = 1;
        /* An eventfd that is full has woken its owner already. */
        ssize_t ignored = write(box->wake, &one, sizeof(one));
        (void)ignored;
    }
}

struct mail *mailbox_take(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    struct mail *list = box->head;
    box->head = box->tail = NULL;
    pthread_mutex_unlock(&box->lock);
    return list;
}

bool mailbox_empty(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    bool empty = box->head == NULL;
    pthread_mutex_unlock(&box->lock);
    return empty;
}

size_t mailbox_bytes(struct mailbox *box)
{
    return atomic_load_explicit(&box->bytes, memory_order_relaxed);
}

void mailbox_done(struct mailbox *box, struct mail *mail)
{
    atomic_fetch_sub_explicit(&box->bytes, mail->bytes, memory_order_relaxed);
    mem_free(mail);
}
