#include "pubsub/worker_mail.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "proto/deflate.h"
#include "pubsub/chan.h"
#include "pubsub/chan_mail.h"
#include "pubsub/trace.h"
#include "pubsub/limits.h"
#include "pubsub/watch.h"

/* Takes over the reference. */
static void worker_adopt(struct worker *worker, struct apps *apps)
{
    worker->apps = apps;
    worker->limits = apps->limits;
    worker->path_prefix = apps->path_prefix;
    worker->proxies = &apps->proxies;
    worker->permessage_deflate = apps->permessage_deflate;
    chan_tables(worker, apps->count);
}

void worker_init(struct worker *worker, uint32_t id, struct loop *loop, struct flow *flow,
                 struct apps *apps, const struct worker_ops *ops)
{
    worker->id = id;
    worker->loop = loop;
    worker->flow = flow;
    worker->gate.flow = flow;
    worker->ops = ops;
    worker->deflater = deflate_new();
    flow->workers[id] = &worker->box;
    loop->worker = worker;
    loop->written = trace_written;
    worker_adopt(worker, apps_ref(apps));
}

static void worker_on_terminate(struct worker *worker, const struct mail_terminate *mail)
{
    struct slice user_id = {mail->user_id, mail->len};
    uint32_t n = mail->socket.random != 0
                     ? worker->ops->terminate_socket(worker, mail->app, &mail->socket)
                     : worker->ops->terminate_user(worker, mail->app, user_id);
    if (mail->question != 0) {
        struct mail_terminated *answer = mem_alloc(sizeof(*answer));
        *answer = (struct mail_terminated){
            .mail = {.type = MAIL_TERMINATED, .weight = flow_mail(sizeof(*answer))},
            .question = mail->question,
            .n = n,
        };
        mailbox_post_urgent(worker->flow->hub, &answer->mail);
    }
}

static void worker_reload(struct worker *worker, const struct mail_reload *mail)
{
    struct apps *old = worker->apps;
    worker_adopt(worker, mail->apps);
    worker->loop->limits = limits_of_loop(worker->limits);
    worker->ops->reloaded(worker, mail->period_ms);
    apps_unref(old);
    struct mail *answer = mem_zalloc(sizeof(*answer));
    answer->type = MAIL_RELOADED;
    answer->weight = flow_mail(sizeof(*answer));
    mailbox_post_urgent(worker->flow->hub, answer);
}

/* Accepting stops now. Clients are told once they have been given what was published before. */
static void worker_drain(struct worker *worker, const struct mail_drain *mail)
{
    worker->ops->drain(worker, mail->period_ms);
    struct mail *behind = mem_zalloc(sizeof(*behind));
    behind->type = MAIL_DRAINED;
    behind->weight = flow_mail(sizeof(*behind));
    mailbox_post(&worker->box, behind);
}

static bool worker_on_mail(void *arg, struct mail *mail)
{
    struct worker *worker = arg;
    switch ((enum mail_type)mail->type) {
    case MAIL_DELIVER: {
        struct mail_deliver *deliver = (struct mail_deliver *)mail;
        /* What is queued already shall leave first; the box fills up meanwhile, and the sources see
         * that. */
        if (!loop_delivers(worker->loop)) {
            return false;
        }
        chan_deliver(worker, deliver);
        trace_part_drop(deliver->trace);
        frame_unref(deliver->frame);
        break;
    }
    case MAIL_JOINED:
        chan_joined(worker, (struct mail_joined *)mail);
        mail_joined_free((struct mail_joined *)mail);
        break;
    case MAIL_DRAIN:
        worker_drain(worker, (struct mail_drain *)mail);
        break;
    case MAIL_DRAINED:
        worker->ops->drained(worker);
        break;
    case MAIL_RESPONSE: {
        const struct mail_response *response = (struct mail_response *)mail;
        worker->ops->respond(worker, response);
        frame_unref(response->body);
        break;
    }
    case MAIL_TERMINATE:
        worker_on_terminate(worker, (struct mail_terminate *)mail);
        break;
    case MAIL_TELL:
        watch_tell((struct mail_tell *)mail, worker);
        frame_unref(((struct mail_tell *)mail)->frame);
        break;
    case MAIL_RELOAD:
        worker_reload(worker, (struct mail_reload *)mail);
        break;
    case MAIL_LIST_SOCKETS:
        worker->ops->list_sockets(worker, (const struct mail_list_sockets *)mail);
        break;
    case MAIL_STOP:
        loop_stop(worker->loop);
        break;
    case MAIL_COUNT:
    case MAIL_RELOADED:
    case MAIL_JOIN:
    case MAIL_LEAVE:
    case MAIL_PUBLISH:
    case MAIL_REQUEST:
    case MAIL_WATCH:
    case MAIL_SESSION:
    case MAIL_TERMINATED:
    case MAIL_SOCKETS:
        check(false); /* mail for the hub */
    }
    mailbox_done(&worker->box, mail);
    return true;
}

static void worker_before_flush(void *arg)
{
    struct worker *worker = arg;
    struct loop *loop = worker->loop;
    worker_list_done(worker);
    chan_count_changed(worker);
    worker_tell_ended(worker);
    atomic_store_explicit(&worker->clients, loop->by_kind[KIND_HTTP] + loop->by_kind[KIND_SESSION],
                          memory_order_relaxed);
    flow_tell_queued(worker->flow, worker->id, loop->queued_bytes);
    if (loop->held.count > 0 && flow_open(&worker->gate, worker->limits->mailbox_high)) {
        loop_unhold(loop);
    }
}

void worker_attach(struct worker *worker)
{
    loop_mailbox(worker->loop, &worker->box, worker_on_mail, worker_before_flush, worker);
}

void worker_free(struct worker *worker)
{
    worker_list_done(worker);
    while (worker->ended.head != NULL) {
        struct mail *next = worker->ended.head->next;
        mem_free(worker->ended.head);
        worker->ended.head = next;
    }
    chan_free_all(worker);
    deflate_free(worker->deflater);
    apps_unref(worker->apps);
    mem_free(worker->scratch);
    trace_forget(worker);
}
