#include "pubsub/watch.h"

#include <string.h>

#include "base/mem.h"
#include "pubsub/chan.h"
#include "shared/channel.h"

static int watch_ask(struct conn *conn, const struct slice *ids, size_t n)
{
    struct worker *worker = worker_of(conn);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        len += 1 + ids[i].len;
    }
    struct mail_watch *mail = mem_try_alloc(sizeof(*mail) + len);
    if (mail == NULL) {
        return -1;
    }
    *mail = (struct mail_watch){
        .mail = {.type = MAIL_WATCH, .weight = flow_mail(sizeof(*mail) + len)},
        .worker = worker->id,
        .slot = conn->slot,
        .gen = conn->gen,
        .app = subscriber_of(conn)->app,
        .n = (uint32_t)n,
        .len = (uint32_t)len,
    };
    char *at = mail->bytes;
    for (size_t i = 0; i < n; i++) {
        *at++ = (char)(uint8_t)ids[i].len;
        at = mempcpy(at, ids[i].p, ids[i].len);
    }
    /* The subscriptions first: what changes behind the answer must reach them. */
    chan_count_changed(worker);
    mailbox_post(worker->flow->hub, &mail->mail);
    return 0;
}

int watch_begin(struct conn *conn, const struct slice *ids, size_t n, size_t *added)
{
    struct slice fresh[WATCH_MAX];
    char room[WATCH_NAME_MAX];
    *added = 0;
    check(n <= WATCH_MAX);
    for (size_t i = 0; i < n; i++) {
        struct slice channel = watch_channel(room, SLICE(FF_WATCH_CHANNEL_PREFIX), ids[i]);
        if (chan_find(conn, channel) != NULL) {
            continue; /* it stands twice in the list */
        }
        if (chan_subscribe(conn, channel) != 0) {
            return -1;
        }
        fresh[(*added)++] = ids[i];
    }
    return *added > 0 ? watch_ask(conn, fresh, *added) : 0;
}

void watch_end(struct conn *conn)
{
    struct subscriber *subscriber = subscriber_of(conn);
    for (uint16_t i = subscriber->n; i > 0; i--) {
        struct slice name = chan_name(&subscriber->refs[i - 1]);
        if (ff_channel_type(name.p, name.len) & FF_CHANNEL_WATCH) {
            chan_unsubscribe(conn, &subscriber->refs[i - 1]);
        }
    }
}

void watch_tell(const struct mail_tell *mail, struct worker *worker)
{
    struct conn *conn = conn_find(worker->loop, mail->slot, mail->gen);
    if (conn != NULL) {
        counter_add(worker->loop->counters, COUNTER_MESSAGES_OUT, 1);
        worker_send(conn, frame_ref(mail->frame));
    }
}
