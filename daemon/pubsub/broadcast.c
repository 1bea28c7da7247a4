#include "pubsub/broadcast.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/latency.h"
#include "pubsub/cluster.h"
#include "pubsub/show.h"
#include "pubsub/trace.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

void broadcast_find(const struct hub *hub, struct broadcast *broadcast)
{
    broadcast->hash = strmap_hash(broadcast->channel.p, broadcast->channel.len);
    broadcast->entry = hub_find(hub, broadcast->app, broadcast->hash, broadcast->channel);
}

static bool broadcast_is_kept(const struct broadcast *broadcast)
{
    return broadcast->kind == BROADCAST_EVENT &&
           (ff_channel_type(broadcast->channel.p, broadcast->channel.len) & FF_CHANNEL_CACHE);
}

bool broadcast_wanted_here(const struct broadcast *broadcast)
{
    return (broadcast->entry != NULL && broadcast->entry->here > 0) || broadcast_is_kept(broadcast);
}

bool broadcast_wanted(const struct hub *hub, const struct broadcast *broadcast)
{
    return hub->cluster_ops != NULL || broadcast_wanted_here(broadcast);
}

/* To every worker that has subscribers. */
static uint32_t broadcast_deliver(struct hub *hub, const struct broadcast *broadcast)
{
    const struct dirent *entry = broadcast->entry;
    struct frame *frame = broadcast->frame;
    uint64_t since_ns = broadcast->kind == BROADCAST_SYSTEM ? 0
                        : broadcast->since_ns != 0          ? broadcast->since_ns
                                                            : latency_turn(hub->loop);
    for (uint32_t i = 0; i < hub_workers(hub); i++) {
        if (entry->counts[i] == 0) {
            continue;
        }
        struct mail_deliver *mail = mem_alloc(sizeof(*mail) + entry->len);
        *mail = (struct mail_deliver){
            .mail = {.type = MAIL_DELIVER,
                     .weight = flow_weight(sizeof(*mail) + entry->len + frame->len, frame->len,
                                           entry->counts[i])},
            .frame = frame_ref(frame),
            .except = broadcast->except,
            .since_ns = since_ns,
            .channel = {.app = broadcast->app, .hash = broadcast->hash, .len = entry->len},
        };
        if (__builtin_expect(broadcast->trace != NULL, 0)) {
            mail->trace = trace_part(broadcast->trace, broadcast->channel, i, entry->counts[i]);
        }
        memcpy(mail->name, entry->name, entry->len);
        mailbox_post(hub->flow->workers[i], &mail->mail);
    }
    uint64_t random = broadcast->except.random;
    bool one_less =
        random != 0 &&
        subscribed_has(&hub->subscribed, subscribed_print(random, broadcast->app, broadcast->hash));
    return entry->here - (one_less ? 1 : 0);
}

static void broadcast_announce(struct hub *hub, const struct broadcast *broadcast)
{
    if (broadcast->kind != BROADCAST_CLIENT ||
        !announce_wanted(&hub->announcer, broadcast->app, ANNOUNCE_CLIENT_EVENT)) {
        return;
    }
    struct announcement announcement = {.kind = ANNOUNCE_CLIENT_EVENT,
                                        .app = broadcast->app,
                                        .channel = broadcast->channel,
                                        .message = wire_payload(broadcast->frame),
                                        .sender = &broadcast->except};
    announce(&hub->announcer, &announcement);
}

static uint32_t broadcast_here(struct hub *hub, const struct broadcast *broadcast)
{
    if (broadcast_is_kept(broadcast)) {
        cache_put(&hub->caches[broadcast->app], broadcast->channel, broadcast->hash,
                  broadcast->frame, hub->loop->now);
    }
    if (log_messages() && broadcast->entry != NULL && broadcast->entry->here > 0) {
        show_broadcast(broadcast->channel, broadcast->entry->here, broadcast->frame);
    }
    uint32_t here = broadcast->entry != NULL ? broadcast_deliver(hub, broadcast) : 0;
    if (hub->looked != NULL) {
        hub->looked(hub, broadcast, here);
    }
    return here;
}

void broadcast_receive(struct hub *hub, const struct broadcast *broadcast)
{
    broadcast_here(hub, broadcast);
}

uint32_t broadcast_send(struct hub *hub, const struct broadcast *broadcast)
{
    uint32_t recipients = broadcast_here(hub, broadcast);
    broadcast_announce(hub, broadcast);
    if (hub->cluster_ops != NULL && broadcast->kind != BROADCAST_SYSTEM) {
        hub->cluster_ops->deliver(hub->cluster, broadcast);
    }
    return recipients;
}
