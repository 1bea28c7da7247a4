#include "pubsub/worker.h"

#include "base/mem.h"
#include "pubsub/wire.h"

#define SCRATCH_KEPT 65536u

char *worker_scratch(struct worker *worker, size_t len)
{
    if (worker->scratch_size < len ||
        (worker->scratch_size > SCRATCH_KEPT && len <= SCRATCH_KEPT)) {
        size_t size = len < SCRATCH_KEPT ? SCRATCH_KEPT : len;
        mem_free(worker->scratch);
        worker->scratch = mem_try_alloc(size);
        worker->scratch_size = worker->scratch != NULL ? size : 0;
    }
    return worker->scratch;
}

void worker_send(struct conn *conn, struct frame *frame)
{
    unsigned int form = conn_form(conn);
    if (form != 0 && frame != NULL) {
        struct frame *other =
            wire_form(frame, form, worker_of(conn)->deflater, conn->loop->counters);
        if (other != frame) {
            counter_add(conn->loop->counters, COUNTER_PACKED_OUT, 1);
            frame_ref(other);
            frame_unref(frame);
            frame = other;
        }
    }
    conn_send(conn, frame);
}

struct delivery *worker_delivery(struct worker *worker, struct delivery *plain, unsigned int form)
{
    struct frame *frame = wire_form(plain->frame, form, worker->deflater, worker->loop->counters);
    return frame != plain->frame ? delivery_new(worker->loop, frame_ref(frame)) : plain;
}

void worker_send_list(struct conn *conn, struct frame *frame)
{
    struct worker *worker = worker_of(conn);
    struct worker_list *list = &worker->list;
    if (list->frame != frame) {
        worker_list_done(worker);
        list->frame = frame;
        list->deliveries[0] = delivery_new(worker->loop, frame_ref(frame));
    }
    unsigned int form = conn_form(conn);
    if (list->deliveries[form] == NULL) {
        list->deliveries[form] = worker_delivery(worker, list->deliveries[0], form);
    }
    counter_add(conn->loop->counters, COUNTER_PACKED_OUT,
                list->deliveries[form] != list->deliveries[0]);
    conn_queue(conn, list->deliveries[form]);
}

void worker_list_done(struct worker *worker)
{
    struct worker_list *list = &worker->list;
    for (unsigned int form = FRAME_FORMS; list->frame != NULL && form-- > 0;) {
        struct delivery *delivery = list->deliveries[form];
        if (delivery != NULL && (form == 0 || delivery != list->deliveries[0])) {
            delivery_unref(worker->loop, delivery);
        }
        list->deliveries[form] = NULL;
    }
    list->frame = NULL;
}

void worker_ended(struct worker *worker, struct mail *mail)
{
    mail->next = NULL;
    *(worker->ended.head != NULL ? &worker->ended.tail->next : &worker->ended.head) = mail;
    worker->ended.tail = mail;
}

void worker_tell_ended(struct worker *worker)
{
    struct mail *mail;
    while ((mail = worker->ended.head) != NULL) {
        worker->ended.head = mail->next;
        mailbox_post(worker->flow->hub, mail);
    }
}

static bool worker_hold(struct conn *conn, bool open)
{
    if (!open) {
        counter_add(conn->loop->counters, COUNTER_HELD_CLIENT, 1);
        conn_hold(conn);
    }
    return open;
}

bool worker_admits(struct conn *conn)
{
    struct worker *worker = worker_of(conn);
    return worker_hold(conn, flow_open(&worker->gate, worker->limits->mailbox_high));
}

bool worker_hub_admits(struct conn *conn)
{
    const struct worker *worker = worker_of(conn);
    return worker_hold(conn, flow_hub_open(worker->flow, worker->limits->mailbox_high));
}
