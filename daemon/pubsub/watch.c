#include "pubsub/watch.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proto/pusher.h"
#include "pubsub/chan.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

#define USER_PREFIX SLICE(FF_USER_CHANNEL_PREFIX)
#define NAME_MAX    (sizeof(FF_USER_CHANNEL_PREFIX) + FF_MAX_USER_ID)

_Static_assert(sizeof(FF_WATCH_CHANNEL_PREFIX) <= sizeof(FF_USER_CHANNEL_PREFIX), "fits NAME_MAX");

/* The channel of a user, in `room` of NAME_MAX bytes. */
static struct slice channel_of(char *room, struct slice prefix, struct slice id)
{
    memcpy(mempcpy(room, prefix.p, prefix.len), id.p, id.len);
    return (struct slice){room, prefix.len + id.len};
}

/* ---- on the worker ---- */

static int ask(struct conn *conn, const struct slice *ids, size_t n)
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
        .mail = {.type = MAIL_WATCH, .bytes = (uint32_t)(sizeof(*mail) + len)},
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
    mailbox_post(worker->hub, &mail->mail);
    return 0;
}

int watch_begin(struct conn *conn, const struct slice *ids, size_t n, size_t *added)
{
    struct slice fresh[WATCH_MAX];
    char room[NAME_MAX];
    *added = 0;
    check(n <= WATCH_MAX);
    for (size_t i = 0; i < n; i++) {
        struct slice channel = channel_of(room, SLICE(FF_WATCH_CHANNEL_PREFIX), ids[i]);
        if (chan_find(conn, channel) != NULL) {
            continue; /* it stands twice in the list */
        }
        if (chan_subscribe(conn, channel) != 0) {
            return -1;
        }
        fresh[(*added)++] = ids[i];
    }
    return *added > 0 ? ask(conn, fresh, *added) : 0;
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

/* ---- on the hub ---- */

static struct frame *events(const struct slice *online, size_t nonline, const struct slice *offline,
                            size_t noffline)
{
    struct buf json;
    struct frame *frame = NULL;
    buf_init(&json, WIRE_MAX);
    if (pusher_watchlist_events(&json, online, nonline, offline, noffline) == 0) {
        frame = wire_text(&json);
    }
    buf_free(&json);
    return frame;
}

void watch_answer(struct hub *hub, const struct mail_watch *mail)
{
    struct slice online[WATCH_MAX], offline[WATCH_MAX];
    size_t nonline = 0, noffline = 0;
    const char *at = mail->bytes;
    for (uint32_t i = 0; i < mail->n; i++) {
        char room[NAME_MAX];
        struct slice id = {at + 1, (uint8_t)at[0]};
        struct slice channel = channel_of(room, USER_PREFIX, id);
        const struct dirent *entry =
            hub_find(hub, mail->app, strmap_hash(channel.p, channel.len), channel);
        if (entry != NULL && entry->total > 0) {
            online[nonline++] = id;
        } else {
            offline[noffline++] = id;
        }
        at += 1 + id.len;
    }
    struct frame *frame = events(online, nonline, offline, noffline);
    if (frame == NULL) {
        return; /* no memory: the client hears of changes only */
    }
    struct mail_tell *tell = mem_alloc(sizeof(*tell));
    *tell = (struct mail_tell){
        .mail = {.type = MAIL_TELL, .bytes = (uint32_t)sizeof(*tell) + frame->len},
        .slot = mail->slot,
        .gen = mail->gen,
        .frame = frame,
    };
    mailbox_post(hub->workers[mail->worker], &tell->mail);
}

void watch_changed(struct hub *hub, uint32_t app, struct slice channel, bool online)
{
    static const struct socket_ref nobody;
    char room[NAME_MAX];
    if (!(ff_channel_type(channel.p, channel.len) & FF_CHANNEL_USER)) {
        return;
    }
    struct slice id = {channel.p + USER_PREFIX.len, channel.len - USER_PREFIX.len};
    struct slice watchers = channel_of(room, SLICE(FF_WATCH_CHANNEL_PREFIX), id);
    uint32_t hash = strmap_hash(watchers.p, watchers.len);
    struct dirent *entry = hub_find(hub, app, hash, watchers);
    if (entry == NULL) {
        return;
    }
    struct frame *frame = events(&id, online ? 1 : 0, &id, online ? 0 : 1);
    if (frame != NULL) {
        hub_deliver(hub, entry, app, hash, frame, &nobody);
        frame_unref(frame);
    }
}
