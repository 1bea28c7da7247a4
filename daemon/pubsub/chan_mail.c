#include "pubsub/chan_mail.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/latency.h"
#include "net/slots.h"
#include "pubsub/chan.h"
#include "pubsub/chan_data.h"
#include "pubsub/show.h"
#include "pubsub/trace.h"

static void chan_tell_joined(struct conn *conn, const struct mail_joined *mail)
{
    for (uint8_t i = 0; i < mail->count; i++) {
        counter_add(conn->loop->counters, COUNTER_MESSAGES_OUT, 1);
        if (log_messages()) {
            struct socket_ref to = {subscriber_of(conn)->random, worker_of(conn)->id, conn->slot};
            show_frame(&to, mail->frames[i]);
        }
        if (i == 0 && mail->shared) {
            worker_send_list(conn, mail->frames[i]);
        } else {
            worker_send(conn, frame_ref(mail->frames[i]));
        }
    }
    conn_resume(conn);
}

void chan_joined(struct worker *worker, const struct mail_joined *mail)
{
    struct conn *conn = conn_find(worker->loop, mail->slot, mail->gen);
    struct subscriber *subscriber = conn != NULL ? subscriber_of(conn) : NULL;
    if (conn != NULL && mail->number == 0) {
        chan_tell_joined(conn, mail);
        return;
    }
    for (uint16_t i = 0; conn != NULL && i < subscriber->n; i++) {
        struct sub_ref *ref = &subscriber->refs[i];
        if (ref->joining != mail->number) {
            continue;
        }
        struct chan *chan = ref->chan;
        if (mail->refused) {
            counter_add(worker->loop->counters, COUNTER_SUBSCRIBE_REFUSED, 1);
            counter_add(worker->loop->counters, COUNTER_LIMIT_MEMBERS, 1);
            chan_unsubscribe(conn, ref);
            chan_tell_joined(conn, mail);
            return;
        }
        if (mail->count == 0 || !chan_subs_room(chan)) {
            conn_doom(conn);
            break;
        }
        struct who *who = chan_joiners_remove(worker, ref);
        chan_subs_add(chan, conn, ref, who);
        chan_changed(worker, chan);
        counter_add(worker->loop->counters, COUNTER_SUBSCRIBED, 1);
        chan_tell_joined(conn, mail);
        return;
    }
    /* It left before the answer came. */
    if (mail->number != 0 && mail->user_len > 0 && !mail->refused) {
        chan_post_leave(worker, &mail->channel, mail->bytes,
                        (struct slice){mail->bytes + mail->channel.len, mail->user_len});
    }
}

/* The slot of the connection that is left out; UINT32_MAX: none of this worker's. */
static uint32_t chan_left_out(struct worker *worker, const struct socket_ref *except)
{
    if (except->random == 0 || except->worker != worker->id) {
        return UINT32_MAX;
    }
    struct conn *conn = conn_at(worker->loop, except->slot);
    return conn != NULL && subscriber_of(conn)->random == except->random ? except->slot
                                                                         : UINT32_MAX;
}

static void chan_mark(struct worker *worker, struct delivery *delivery, uint32_t mark)
{
    if (mark != 0) {
        delivery->mark = mark;
        trace_marked(worker, mark);
    }
}

void chan_deliver(struct worker *worker, struct mail_deliver *mail)
{
    struct loop *loop = worker->loop;
    struct chan *chan = strmap_get_hashed(&worker->channels[mail->channel.app], mail->channel.hash,
                                          mail->name, mail->channel.len);
    if (chan == NULL || chan->n == 0) {
        return;
    }
    latency_note(loop, HISTOGRAM_DELIVERY, mail->channel.app, mail->since_ns);
    uint32_t skip = chan_left_out(worker, &mail->except);
    /* One delivery a form, made when the first connection that takes it is met. */
    struct delivery *deliveries[FRAME_FORMS] = {delivery_new(loop, frame_ref(mail->frame))};
    uint32_t mark = 0;
    if (__builtin_expect(mail->trace != NULL, 0)) {
        mark = trace_mark(worker, mail->trace);
        mail->trace = NULL;
        chan_mark(worker, deliveries[0], mark);
    }
    loop->delivered += mail->frame->len;
    loop->places += chan->n;
    /* From the last to the first: one that ends for lack of memory is replaced by the last, which
     * has been served, and not by one that would be skipped. */
    for (uint32_t i = chan->n; i-- > 0;) {
        if (chan->subs[i].slot != skip) {
            struct conn *conn = slots_at(loop, chan->subs[i].slot);
            unsigned int form = conn_form(conn);
            if (form != 0 && deliveries[form] == NULL) {
                deliveries[form] = worker_delivery(worker, deliveries[0], form);
                if (deliveries[form] != deliveries[0]) {
                    chan_mark(worker, deliveries[form], mark);
                }
            }
            conn_queue(conn, deliveries[form]);
        }
    }
    for (unsigned int form = FRAME_FORMS; form-- > 0;) {
        struct delivery *delivery = deliveries[form];
        if (delivery != NULL && (form == 0 || delivery != deliveries[0])) {
            counter_add(loop->counters, COUNTER_MESSAGES_OUT, delivery->refs - 1);
            counter_add(loop->counters, COUNTER_PACKED_OUT, form != 0 ? delivery->refs - 1 : 0);
            delivery_unref(loop, delivery);
        }
    }
}

static bool chan_receives(struct conn *conn, const struct mail_deliver *mail)
{
    struct subscriber *subscriber = subscriber_of(conn);
    if (subscriber->app != mail->channel.app ||
        chan_left_out(worker_of(conn), &mail->except) == conn->slot) {
        return false;
    }
    for (uint16_t i = 0; i < subscriber->n; i++) {
        const struct chan *chan = subscriber->refs[i].chan;
        if (subscriber->refs[i].joining == 0 && chan->hash == mail->channel.hash &&
            chan->len == mail->channel.len && memcmp(chan->name, mail->name, chan->len) == 0) {
            return true;
        }
    }
    return false;
}

void chan_deliver_pending(struct conn *conn)
{
    struct worker *worker = worker_of(conn);
    const struct mail *mail = loop_pending_mail(worker->loop, &worker->box);
    for (; mail != NULL; mail = mail->next) {
        const struct mail_deliver *deliver = (const struct mail_deliver *)mail;
        if (mail->type == MAIL_DELIVER && chan_receives(conn, deliver)) {
            counter_add(conn->loop->counters, COUNTER_MESSAGES_OUT, 1);
            worker_send(conn, frame_ref(deliver->frame));
        }
    }
}
