#include "pubsub/hub_mail.h"

#include <string.h>

#include "pubsub/cluster.h"
#include "pubsub/joins.h"
#include "pubsub/occupancy.h"
#include "pubsub/publish.h"
#include "pubsub/request.h"
#include "pubsub/sockets.h"
#include "pubsub/watchers.h"

static void hub_on_count(struct hub *hub, const struct mail_count *mail)
{
    const struct mail_channel *channel = &mail->channel;
    const char *name = mail->bytes + mail->nchanges * sizeof(struct mail_change);
    for (uint32_t i = 0; i < mail->nchanges; i++) {
        struct mail_change change;
        memcpy(&change, mail->bytes + i * sizeof(change), sizeof(change));
        uint64_t print = subscribed_print(change.random, channel->app, channel->hash);
        if (change.joined) {
            subscribed_add(&hub->subscribed, print);
        } else {
            subscribed_remove(&hub->subscribed, print);
        }
    }
    struct dirent *entry;
    if (mail->n > 0) {
        entry = directory_get(&hub->channels[channel->app], hub_workers(hub), channel, name);
    } else {
        entry = hub_find(hub, channel->app, channel->hash, (struct slice){name, channel->len});
    }
    if (entry != NULL) {
        if (entry->here == entry->counts[mail->worker] && mail->n == 0) {
            joins_settle(hub, entry);
        }
        occupancy_set(hub, channel, entry, mail->worker, mail->n);
        joins_release(hub, channel->app, entry);
    }
}

static void hub_on_join(struct hub *hub, struct mail_join *mail)
{
    const struct mail_channel *channel = &mail->channel;
    struct dirent *entry =
        directory_get(&hub->channels[channel->app], hub_workers(hub), channel, mail->bytes);
    /* Now and not when it is let in: the count that the worker posts next is newer. */
    occupancy_set(hub, channel, entry, mail->worker, mail->n);
    joins_ask(hub, entry, mail);
}

static void hub_on_leave(struct hub *hub, struct mail_leave *mail)
{
    const struct mail_channel *channel = &mail->channel;
    joins_leave(
        hub, hub_find(hub, channel->app, channel->hash, (struct slice){mail->bytes, channel->len}),
        mail);
}

static void hub_announce_session(struct hub *hub, const struct mail_session *session)
{
    struct announcement announcement = {
        .kind = session->opened ? ANNOUNCE_OPENED : ANNOUNCE_CLOSED,
        .app = session->app,
        .sender = &session->socket,
        .user_id = {session->user_len > 0 ? session->user_id : NULL, session->user_len}};
    announce(&hub->announcer, &announcement);
}

/* Its members may still stand in the line of a large room: it is told when they have left. */
static void hub_on_ended(struct hub *hub, struct mail_session *session)
{
    session->behind = hub->rooms.lined;
    session->mail.next = NULL;
    *(hub->ended.head != NULL ? &hub->ended.tail->next : &hub->ended.head) = &session->mail;
    hub->ended.tail = &session->mail;
}

static void hub_tell_ended(struct hub *hub)
{
    uint64_t waiting = hub->ended.head != NULL ? joins_waiting(hub) : 0;
    while (hub->ended.head != NULL) {
        struct mail_session *session = (struct mail_session *)hub->ended.head;
        if (session->behind >= waiting) {
            break;
        }
        hub->ended.head = session->mail.next;
        hub_announce_session(hub, session);
        mailbox_done(&hub->box, &session->mail);
    }
}

static bool hub_on_mail(void *arg, struct mail *mail)
{
    struct hub *hub = arg;
    switch ((enum mail_type)mail->type) {
    case MAIL_COUNT:
        hub_on_count(hub, (struct mail_count *)mail);
        break;
    case MAIL_JOIN:
        hub_on_join(hub, (struct mail_join *)mail);
        return true; /* it may wait, and weighs until it is answered */
    case MAIL_LEAVE:
        hub_on_leave(hub, (struct mail_leave *)mail);
        return true;
    case MAIL_PUBLISH: {
        struct mail_publish *publish = (struct mail_publish *)mail;
        publish_client_event(hub, publish);
        frame_unref(publish->frame);
        break;
    }
    case MAIL_REQUEST:
        request_handle(hub, ((struct mail_request *)mail)->request);
        break;
    case MAIL_WATCH:
        watchers_answer(hub, (struct mail_watch *)mail);
        break;
    case MAIL_SESSION: {
        struct mail_session *session = (struct mail_session *)mail;
        if (!session->opened) {
            hub_on_ended(hub, session);
            return true;
        }
        hub_announce_session(hub, session);
        break;
    }
    case MAIL_TERMINATED: {
        const struct mail_terminated *terminated = (struct mail_terminated *)mail;
        pending_answer(&hub->pendings, terminated->question, terminated->n);
        break;
    }
    case MAIL_SOCKETS:
        sockets_heard(hub, (const struct mail_sockets *)mail);
        break;
    case MAIL_RELOADED:
        if (--hub->reloading == 0 && hub->reloaded != NULL) {
            hub->reloaded(hub);
        }
        break;
    case MAIL_RESPONSE:
    case MAIL_DELIVER:
    case MAIL_JOINED:
    case MAIL_DRAIN:
    case MAIL_DRAINED:
    case MAIL_TERMINATE:
    case MAIL_TELL:
    case MAIL_RELOAD:
    case MAIL_STOP:
    case MAIL_LIST_SOCKETS:
        check(false); /* mail for a worker */
    }
    mailbox_done(&hub->box, mail);
    return true;
}

static void hub_before_flush(void *arg)
{
    struct hub *hub = arg;
    joins_run(hub);
    hub_tell_ended(hub);
    occupancy_tell_due(hub);
    if (hub->cluster_ops != NULL) {
        hub->cluster_ops->turn(hub->cluster);
    }
    if (hub->turned != NULL) {
        hub->turned(hub);
    }
    /* With one worker the loop is his as well, and he has held his clients by the same rule. */
    if (hub->loop->held.count > 0 && hub_open(hub)) {
        loop_unhold(hub->loop);
    }
}

void hub_attach(struct hub *hub)
{
    loop_mailbox(hub->loop, &hub->box, hub_on_mail, hub_before_flush, hub);
}

void hub_housekeep(struct hub *hub)
{
    dedup_forget(&hub->dedup, hub->loop->now);
    for (size_t i = 0; i < hub->napps; i++) {
        cache_expire(&hub->caches[i], hub->loop->now);
    }
    joins_expire(hub);
    pending_expire(&hub->pendings, hub->loop->now);
    sockets_expire(hub);
}
