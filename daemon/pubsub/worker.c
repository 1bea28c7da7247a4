#include "pubsub/worker.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "pubsub/chan.h"
#include "pubsub/watch.h"
#include "pubsub/wire.h"
#include "pubsub/limits.h"

#define SCRATCH_KEPT 65536u

static void on_terminate(struct worker *worker, const struct mail_terminate *mail)
{
    struct slice user_id = {mail->user_id, mail->len};
    uint32_t n = mail->socket.random != 0 ? worker->disconnect(worker, mail->app, &mail->socket)
                                          : worker->terminate(worker, mail->app, user_id);
    if (mail->asked) {
        struct mail_terminated *answer = mem_alloc(sizeof(*answer));
        *answer = (struct mail_terminated){
            .mail = {.type = MAIL_TERMINATED, .bytes = (uint32_t)sizeof(*answer)},
            .asker = mail->asker,
            .n = n,
        };
        mailbox_post(worker->hub, &answer->mail);
    }
}

/* Takes over the reference. */
static void adopt(struct worker *worker, struct apps *apps)
{
    worker->apps = apps;
    worker->limits = apps->limits;
    worker->path_prefix = apps->path_prefix;
    worker->proxies = &apps->proxies;
    worker->permessage_deflate = apps->permessage_deflate;
    chan_tables(worker, apps->count);
}

void worker_init(struct worker *worker, uint32_t id, struct loop *loop, struct mailbox *hub,
                 struct apps *apps)
{
    worker->id = id;
    worker->loop = loop;
    worker->hub = hub;
    worker->deflater = deflate_new();
    loop->worker = worker;
    adopt(worker, apps_ref(apps));
}

static void reload(struct worker *worker, const struct mail_reload *mail)
{
    struct apps *old = worker->apps;
    adopt(worker, mail->apps);
    worker->loop->limits = limits_of_loop(worker->limits);
    worker->reloaded(worker, old, mail->period_ms);
    apps_unref(old);
    struct mail *answer = mem_zalloc(sizeof(*answer));
    answer->type = MAIL_RELOADED;
    answer->bytes = (uint32_t)sizeof(*answer);
    mailbox_post(worker->hub, answer);
}

static bool on_mail(void *arg, struct mail *mail)
{
    struct worker *worker = arg;
    switch ((enum mail_type)mail->type) {
    case MAIL_DELIVER: {
        struct mail_deliver *deliver = (struct mail_deliver *)mail;
        /* What is queued already shall leave first; the box fills up meanwhile, and the hub sees
         * that. */
        if (worker->loop->delivered >= LOOP_ADMIT && worker->loop->ndirty > 0) {
            return false;
        }
        chan_deliver(worker, deliver);
        frame_unref(deliver->frame);
        break;
    }
    case MAIL_JOINED:
        chan_joined(worker, (struct mail_joined *)mail);
        frame_unref(((struct mail_joined *)mail)->frame);
        frame_unref(((struct mail_joined *)mail)->second);
        break;
    case MAIL_DRAIN:
        worker->drain(worker, ((struct mail_drain *)mail)->period_ms);
        break;
    case MAIL_RESPONSE: {
        const struct mail_response *response = (struct mail_response *)mail;
        worker->respond(worker, response);
        frame_unref(response->body);
        break;
    }
    case MAIL_TERMINATE:
        on_terminate(worker, (struct mail_terminate *)mail);
        break;
    case MAIL_TELL:
        watch_tell((struct mail_tell *)mail, worker);
        frame_unref(((struct mail_tell *)mail)->frame);
        break;
    case MAIL_RELOAD:
        reload(worker, (struct mail_reload *)mail);
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
    case MAIL_TERMINATED:
        check(false); /* mail for the hub */
    }
    mailbox_done(&worker->box, mail);
    return true;
}

static void before_flush(void *arg)
{
    struct worker *worker = arg;
    chan_count_changed(worker);
    atomic_store_explicit(&worker->clients,
                          worker->loop->by_kind[KIND_HTTP] + worker->loop->by_kind[KIND_SESSION],
                          memory_order_relaxed);
}

void worker_attach(struct worker *worker)
{
    loop_mailbox(worker->loop, &worker->box, on_mail, before_flush, worker);
}

void worker_free(struct worker *worker)
{
    chan_free_all(worker);
    deflate_free(worker->deflater);
    apps_unref(worker->apps);
    mem_free(worker->scratch);
}

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

bool worker_held(const struct worker *worker)
{
    uint64_t high = worker->limits->mailbox_high;
    return high != 0 && mailbox_bytes(worker->hub) > high;
}
