#include "pubsub/hub.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "pubsub/limits.h"
#include "pubsub/presence.h"
#include "pubsub/publish.h"
#include "pubsub/request.h"
#include "pubsub/watch.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

static void name_of(const void *value, const char **key, size_t *len)
{
    const struct dirent *entry = value;
    *key = entry->name;
    *len = entry->len;
}

/* Tables by application grow with the generation; caches follow their settings. */
static void adopt(struct hub *hub, struct apps *apps)
{
    hub->apps = apps;
    hub->limits = apps->limits;
    if (apps->count > hub->napps) {
        hub->channels = mem_realloc(hub->channels, apps->count * sizeof(*hub->channels));
        hub->caches = mem_realloc(hub->caches, apps->count * sizeof(*hub->caches));
        for (; hub->napps < apps->count; hub->napps++) {
            hub->channels[hub->napps].hidden = 0;
            strmap_init(&hub->channels[hub->napps].entries, name_of);
            cache_init(&hub->caches[hub->napps]);
        }
    }
    dedup_apps(&hub->dedup, apps->count);
    for (size_t i = 0; i < apps->count; i++) {
        const struct app *app = &apps->items[i];
        if (app->removed) {
            cache_clear(&hub->caches[i]);
        } else {
            cache_limit(&hub->caches[i], app->settings->cache_ttl, app->settings->cache_max);
        }
    }
}

void hub_init(struct hub *hub, struct loop *loop, struct apps *apps)
{
    hub->loop = loop;
    hub->node = (uint32_t)rnd_u64();
    hub->started_ms = clock_mono_ms();
    dedup_init(&hub->dedup);
    adopt(hub, apps_ref(apps));
    loop->hub = hub;
}

struct apps *hub_reload(struct hub *hub, struct apps *apps, uint64_t period_ms)
{
    struct apps *old = hub->apps;
    check(hub->reloading == 0);
    adopt(hub, apps);
    hub->reloading = hub->nworkers;
    hub->loop->limits = limits_of_loop(hub->limits);
    for (uint32_t i = 0; i < hub->nworkers; i++) {
        struct mail_reload *mail = mem_alloc(sizeof(*mail));
        *mail = (struct mail_reload){.mail = {.type = MAIL_RELOAD, .bytes = sizeof(*mail)},
                                     .apps = apps_ref(apps),
                                     .period_ms = period_ms};
        mailbox_post(hub->workers[i], &mail->mail);
    }
    return old;
}

void hub_free(struct hub *hub)
{
    for (size_t i = 0; i < hub->napps; i++) {
        cache_free(&hub->caches[i]);
        size_t cursor = 0;
        void *value;
        while (strmap_next(&hub->channels[i].entries, &cursor, &value)) {
            presence_free(((struct dirent *)value)->presence);
            mem_free(value);
        }
        strmap_free(&hub->channels[i].entries);
    }
    mem_free(hub->channels);
    mem_free(hub->caches);
    subscribed_free(&hub->subscribed);
    announce_free(&hub->announcer);
    dedup_free(&hub->dedup);
    apps_unref(hub->apps);
}

/* ---- the directory ---- */

struct dirent *hub_find(struct hub *hub, uint32_t app, uint32_t hash, struct slice name)
{
    return strmap_get_hashed(&hub->channels[app].entries, hash, name.p, name.len);
}

static bool is_hidden(const struct dirent *entry)
{
    return (ff_channel_type(entry->name, entry->len) & FF_CHANNEL_HIDDEN) != 0;
}

static struct dirent *entry_get(struct hub *hub, const struct mail_channel *channel,
                                const char *name)
{
    struct dirent *entry =
        hub_find(hub, channel->app, channel->hash, (struct slice){name, channel->len});
    if (entry != NULL) {
        return entry;
    }
    size_t counts = hub->nworkers * sizeof(entry->counts[0]);
    entry = mem_zalloc(sizeof(*entry) + counts + channel->len);
    char *copy = (char *)entry->counts + counts;
    memcpy(copy, name, channel->len);
    entry->name = copy;
    entry->len = channel->len;
    strmap_put_hashed(&hub->channels[channel->app].entries, channel->hash, entry);
    hub->channels[channel->app].hidden += is_hidden(entry);
    return entry;
}

static void entry_release(struct hub *hub, uint32_t app, struct dirent *entry)
{
    if (entry->total > 0 || (entry->presence != NULL && presence_count(entry->presence) > 0)) {
        return;
    }
    strmap_del(&hub->channels[app].entries, entry->name, entry->len);
    hub->channels[app].hidden -= is_hidden(entry);
    presence_free(entry->presence);
    mem_free(entry);
}

static void entry_count(struct hub *hub, uint32_t app, struct dirent *entry, uint32_t worker,
                        uint32_t n)
{
    uint32_t before = entry->total;
    entry->total = before - entry->counts[worker] + n;
    entry->counts[worker] = n;
    if (entry->total == before || app >= hub->announcer.napps || hub->announcer.wanted[app] == 0) {
        return;
    }
    unsigned int type = ff_channel_type(entry->name, entry->len);
    if (type & FF_CHANNEL_HIDDEN) {
        return;
    }
    struct announcement announcement = {
        .app = app, .channel = {entry->name, entry->len}, .before = before, .count = entry->total};
    if (before == 0 || entry->total == 0) {
        announcement.kind = before == 0 ? ANNOUNCE_OCCUPIED : ANNOUNCE_VACATED;
        announce(&hub->announcer, &announcement);
    }
    if (!(type & FF_CHANNEL_PRESENCE)) {
        announcement.kind = ANNOUNCE_COUNT;
        announce(&hub->announcer, &announcement);
    }
}

static void announce_member(struct hub *hub, enum announce_kind kind, uint32_t app,
                            const struct dirent *entry, struct slice user_id)
{
    struct announcement announcement = {
        .kind = kind, .app = app, .channel = {entry->name, entry->len}, .user_id = user_id};
    announce(&hub->announcer, &announcement);
}

uint32_t hub_deliver(struct hub *hub, struct dirent *entry, uint32_t app, uint32_t hash,
                     struct frame *frame, const struct socket_ref *except)
{
    for (uint32_t i = 0; i < hub->nworkers; i++) {
        if (entry->counts[i] == 0) {
            continue;
        }
        struct mail_deliver *mail = mem_alloc(sizeof(*mail) + entry->len);
        *mail = (struct mail_deliver){
            .mail = {.type = MAIL_DELIVER,
                     .bytes = (uint32_t)(sizeof(*mail) + entry->len) + frame->len},
            .frame = frame_ref(frame),
            .except = *except,
            .channel = {.app = app, .hash = hash, .len = entry->len},
        };
        memcpy(mail->name, entry->name, entry->len);
        mailbox_post(hub->workers[i], &mail->mail);
    }
    bool one_less = except->random != 0 &&
                    subscribed_has(&hub->subscribed, subscribed_print(except->random, app, hash));
    return entry->total - (one_less ? 1 : 0);
}

/* ---- presence ---- */

static const struct socket_ref nobody;

/* Tells everybody on the channel; a message that cannot be made for lack of memory is left out. */
static void tell_all(struct hub *hub, uint32_t app, uint32_t hash, struct dirent *entry,
                     const struct buf *json)
{
    struct frame *frame = wire_text(json);
    if (frame != NULL) {
        hub_deliver(hub, entry, app, hash, frame, &nobody);
        frame_unref(frame);
    }
}

static struct frame *roster(const struct dirent *entry)
{
    struct buf json;
    struct presence_walk walk;
    struct pusher_members members = presence_members(&walk, entry->presence);
    buf_init(&json, WIRE_MAX);
    struct frame *frame = NULL;
    if (pusher_presence_subscribed(&json, (struct slice){entry->name, entry->len}, &members) == 0) {
        frame = wire_text(&json);
    }
    buf_free(&json);
    return frame;
}

static bool join_member(struct hub *hub, const struct mail_join *mail, struct dirent *entry)
{
    const char *at = mail->bytes + mail->channel.len;
    struct pusher_member member = {
        .user_id = {at, mail->user_len},
        .id_json = {at + mail->user_len, mail->id_len},
        .info_json = {mail->info_len > 0 ? at + mail->user_len + mail->id_len : NULL,
                      mail->info_len},
    };
    /* The others hear of the member before the joiner is answered. The joiner is no subscriber yet
     * and hears nothing. */
    bool added = presence_join(entry->presence, &member);
    if (added && entry->total > 0) {
        struct buf json;
        buf_init(&json, WIRE_MAX);
        if (pusher_member_added(&json, (struct slice){entry->name, entry->len}, &member) == 0) {
            tell_all(hub, mail->channel.app, mail->channel.hash, entry, &json);
        }
        buf_free(&json);
    }
    return added;
}

static struct frame *confirmation(const struct dirent *entry)
{
    struct buf json;
    buf_init(&json, WIRE_MAX);
    int written = pusher_subscribed(&json, (struct slice){entry->name, entry->len});
    struct frame *frame = written == 0 ? wire_text(&json) : NULL;
    buf_free(&json);
    return frame;
}

/* What follows the confirmation on a cache channel. */
static struct frame *last_event(struct hub *hub, const struct mail_channel *channel,
                                const struct dirent *entry)
{
    struct slice name = {entry->name, entry->len};
    struct frame *cached =
        cache_get(&hub->caches[channel->app], name, channel->hash, hub->loop->now, NULL);
    if (cached != NULL) {
        return frame_ref(cached);
    }
    struct announcement miss = {.kind = ANNOUNCE_CACHE_MISS, .app = channel->app, .channel = name};
    announce(&hub->announcer, &miss);
    struct buf json;
    buf_init(&json, WIRE_MAX);
    struct frame *frame = pusher_cache_miss(&json, name) == 0 ? wire_text(&json) : NULL;
    buf_free(&json);
    return frame;
}

static bool is_full(const struct hub *hub, const struct mail_join *mail, const struct dirent *entry)
{
    uint64_t max = hub->apps->items[mail->channel.app].settings->max_presence_members;
    struct slice user = {mail->bytes + mail->channel.len, mail->user_len};
    return max != 0 && presence_count(entry->presence) >= max &&
           !presence_has(entry->presence, user);
}

static struct frame *refusal(const struct dirent *entry)
{
    struct buf json;
    buf_init(&json, WIRE_MAX);
    int written =
        pusher_subscription_error(&json, (struct slice){entry->name, entry->len}, "LimitReached",
                                  "Too many members on this channel", 403);
    struct frame *frame = written == 0 ? wire_text(&json) : NULL;
    buf_free(&json);
    return frame;
}

static void on_join(struct hub *hub, const struct mail_join *mail)
{
    struct dirent *entry = entry_get(hub, &mail->channel, mail->bytes);
    unsigned int type = ff_channel_type(entry->name, entry->len);
    bool presence = type & FF_CHANNEL_PRESENCE, joins = presence && mail->number != 0;
    if (presence && entry->presence == NULL) {
        entry->presence = presence_new();
    }
    bool refused = joins && is_full(hub, mail, entry);
    struct frame *frame, *second = NULL;
    if (refused) {
        frame = refusal(entry);
    } else {
        bool added = joins && join_member(hub, mail, entry);
        entry_count(hub, mail->channel.app, entry, mail->worker, mail->n);
        if (added) {
            announce_member(hub, ANNOUNCE_MEMBER_ADDED, mail->channel.app, entry,
                            (struct slice){mail->bytes + mail->channel.len, mail->user_len});
        }
        frame = presence ? roster(entry) : confirmation(entry);
        second = type & FF_CHANNEL_CACHE ? last_event(hub, &mail->channel, entry) : NULL;
    }
    size_t extra = mail->channel.len + mail->user_len;
    struct mail_joined *answer = mem_alloc(sizeof(*answer) + extra);
    *answer = (struct mail_joined){
        .mail = {.type = MAIL_JOINED,
                 .bytes = (uint32_t)(sizeof(*answer) + extra) + (frame != NULL ? frame->len : 0)},
        .slot = mail->slot,
        .gen = mail->gen,
        .number = mail->number,
        .refused = refused,
        .frame = frame,
        .second = second,
        .channel = mail->channel,
        .user_len = mail->user_len,
    };
    memcpy(answer->bytes, mail->bytes, extra);
    mailbox_post(hub->workers[mail->worker], &answer->mail);
}

static void on_leave(struct hub *hub, const struct mail_leave *mail)
{
    struct slice name = {mail->bytes, mail->channel.len};
    struct dirent *entry = hub_find(hub, mail->channel.app, mail->channel.hash, name);
    struct slice user_id = {mail->bytes + mail->channel.len, mail->user_len}, id_json;
    if (entry == NULL || entry->presence == NULL ||
        !presence_leave(entry->presence, user_id, &id_json)) {
        return;
    }
    if (presence_count(entry->presence) > 0) {
        struct buf json;
        buf_init(&json, WIRE_MAX);
        if (pusher_member_removed(&json, name, id_json) == 0) {
            tell_all(hub, mail->channel.app, mail->channel.hash, entry, &json);
        }
        buf_free(&json);
    }
    announce_member(hub, ANNOUNCE_MEMBER_REMOVED, mail->channel.app, entry, user_id);
    entry_release(hub, mail->channel.app, entry);
}

/* pusher_internal:subscription_count, where the application wants it. Presence channels have their
 * members instead. */
static void tell_count(struct hub *hub, const struct mail_channel *channel, struct dirent *entry)
{
    unsigned int type = ff_channel_type(entry->name, entry->len);
    if (entry->total == 0 || (type & (FF_CHANNEL_PRESENCE | FF_CHANNEL_HIDDEN)) ||
        !hub->apps->items[channel->app].settings->subscription_count) {
        return;
    }
    struct buf json;
    buf_init(&json, WIRE_MAX);
    if (pusher_subscription_count(&json, (struct slice){entry->name, entry->len}, entry->total) ==
        0) {
        tell_all(hub, channel->app, channel->hash, entry, &json);
    }
    buf_free(&json);
}

static void on_count(struct hub *hub, const struct mail_count *mail)
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
        entry = entry_get(hub, channel, name);
    } else {
        entry = hub_find(hub, channel->app, channel->hash, (struct slice){name, channel->len});
    }
    if (entry != NULL) {
        uint32_t before = entry->total;
        entry_count(hub, channel->app, entry, mail->worker, mail->n);
        if (entry->total != before) {
            tell_count(hub, channel, entry);
        }
        if ((entry->total == 0) != (before == 0)) {
            watch_changed(hub, channel->app, (struct slice){entry->name, entry->len}, before == 0);
        }
        entry_release(hub, channel->app, entry);
    }
}

/* ---- ending connections ---- */

static void post_terminate(struct hub *hub, uint32_t worker, const struct app *app,
                           struct slice user_id, const struct socket_ref *socket,
                           const struct asker *asker)
{
    struct mail_terminate *mail = mem_alloc(sizeof(*mail) + user_id.len);
    *mail = (struct mail_terminate){
        .mail = {.type = MAIL_TERMINATE, .bytes = (uint32_t)(sizeof(*mail) + user_id.len)},
        .app = app->index,
        .len = (uint32_t)user_id.len,
        .socket = *socket,
        .asked = asker != NULL,
    };
    if (asker != NULL) {
        mail->asker = *asker;
    }
    if (user_id.len > 0) {
        memcpy(mail->user_id, user_id.p, user_id.len);
    }
    mailbox_post(hub->workers[worker], &mail->mail);
}

uint32_t hub_terminate_user(struct hub *hub, const struct app *app, struct slice user_id,
                            const struct asker *asker)
{
    for (uint32_t i = 0; i < hub->nworkers; i++) {
        post_terminate(hub, i, app, user_id, &nobody, asker);
    }
    return hub->nworkers;
}

uint32_t hub_disconnect(struct hub *hub, const struct app *app, const struct socket_ref *socket,
                        const struct asker *asker)
{
    if (socket->random == 0 || socket->worker >= hub->nworkers) {
        return 0;
    }
    post_terminate(hub, socket->worker, app, (struct slice){NULL, 0}, socket, asker);
    return 1;
}

/* ---- mail ---- */

static bool on_mail(void *arg, struct mail *mail)
{
    struct hub *hub = arg;
    switch ((enum mail_type)mail->type) {
    case MAIL_COUNT:
        on_count(hub, (struct mail_count *)mail);
        break;
    case MAIL_JOIN:
        on_join(hub, (struct mail_join *)mail);
        break;
    case MAIL_LEAVE:
        on_leave(hub, (struct mail_leave *)mail);
        break;
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
        watch_answer(hub, (struct mail_watch *)mail);
        break;
    case MAIL_TERMINATED: {
        const struct mail_terminated *terminated = (struct mail_terminated *)mail;
        hub->terminated(hub, &terminated->asker, terminated->n);
        break;
    }
    case MAIL_RELOADED:
        if (--hub->reloading == 0 && hub->reloaded != NULL) {
            hub->reloaded(hub);
        }
        break;
    case MAIL_RESPONSE:
    case MAIL_DELIVER:
    case MAIL_JOINED:
    case MAIL_DRAIN:
    case MAIL_TERMINATE:
    case MAIL_TELL:
    case MAIL_RELOAD:
    case MAIL_STOP:
        check(false); /* mail for a worker */
    }
    mailbox_done(&hub->box, mail);
    return true;
}

void hub_attach(struct hub *hub)
{
    loop_mailbox(hub->loop, &hub->box, on_mail, NULL, hub);
}

bool hub_held(const struct hub *hub)
{
    uint64_t high = hub->limits->mailbox_high;
    for (uint32_t i = 0; high != 0 && i < hub->nworkers; i++) {
        if (mailbox_bytes(hub->workers[i]) > high) {
            return true;
        }
    }
    return false;
}

uint64_t hub_counter(const struct hub *hub, enum counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < hub->ncounters; i++) {
        sum += counter_get(hub->counters[i], counter);
    }
    return sum;
}

size_t hub_app_channels(const struct hub *hub, uint32_t app)
{
    return hub->channels[app].entries.count - hub->channels[app].hidden;
}

size_t hub_channels(const struct hub *hub)
{
    size_t sum = 0;
    for (size_t i = 0; i < hub->napps; i++) {
        sum += hub_app_channels(hub, (uint32_t)i);
    }
    return sum;
}
