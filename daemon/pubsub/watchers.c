#include "pubsub/watchers.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proto/pusher.h"
#include "pubsub/broadcast.h"
#include "pubsub/watch_name.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

#define USER_PREFIX SLICE(FF_USER_CHANNEL_PREFIX)

static struct frame *watchers_events(const struct slice *online, size_t nonline,
                                     const struct slice *offline, size_t noffline)
{
    struct buf json = wire_json();
    return wire_message(&json, pusher_watchlist_events(&json, online, nonline, offline, noffline));
}

void watchers_answer(struct hub *hub, const struct mail_watch *mail)
{
    struct slice online[WATCH_MAX], offline[WATCH_MAX];
    size_t nonline = 0, noffline = 0;
    const char *at = mail->bytes;
    for (uint32_t i = 0; i < mail->n; i++) {
        char room[WATCH_NAME_MAX];
        struct slice id = {at + 1, (uint8_t)at[0]};
        struct slice channel = watch_channel(room, USER_PREFIX, id);
        const struct dirent *entry =
            hub_find(hub, mail->app, strmap_hash(channel.p, channel.len), channel);
        if (entry != NULL && dirent_total(entry) > 0) {
            online[nonline++] = id;
        } else {
            offline[noffline++] = id;
        }
        at += 1 + id.len;
    }
    struct frame *frame = watchers_events(online, nonline, offline, noffline);
    if (frame == NULL) {
        return; /* no memory: the client hears of changes only */
    }
    struct mail_tell *tell = mem_alloc(sizeof(*tell));
    *tell = (struct mail_tell){
        .mail = {.type = MAIL_TELL,
                 .weight = flow_weight(sizeof(*tell) + frame->len, frame->len, 1)},
        .slot = mail->slot,
        .gen = mail->gen,
        .frame = frame,
    };
    mailbox_post(hub->flow->workers[mail->worker], &tell->mail);
}

void watchers_tell(struct hub *hub, uint32_t app, struct slice channel, bool online)
{
    char room[WATCH_NAME_MAX];
    if (!(ff_channel_type(channel.p, channel.len) & FF_CHANNEL_USER)) {
        return;
    }
    struct slice id = {channel.p + USER_PREFIX.len, channel.len - USER_PREFIX.len};
    struct slice watchers = watch_channel(room, SLICE(FF_WATCH_CHANNEL_PREFIX), id);
    struct broadcast broadcast = {.kind = BROADCAST_SYSTEM, .app = app, .channel = watchers};
    broadcast_find(hub, &broadcast);
    if (broadcast.entry == NULL) {
        return;
    }
    broadcast.frame = watchers_events(&id, online ? 1 : 0, &id, online ? 0 : 1);
    if (broadcast.frame != NULL) {
        broadcast_send(hub, &broadcast);
        frame_unref(broadcast.frame);
    }
}
