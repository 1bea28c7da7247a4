#include "pubsub/hub.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "pubsub/cluster.h"
#include "pubsub/limits.h"

/* Tables by application grow with the generation; caches follow their settings. */
static void hub_adopt(struct hub *hub, struct apps *apps)
{
    hub->apps = apps;
    hub->limits = apps->limits;
    if (apps->count > hub->napps) {
        hub->channels = mem_realloc(hub->channels, apps->count * sizeof(*hub->channels));
        hub->caches = mem_realloc(hub->caches, apps->count * sizeof(*hub->caches));
        for (; hub->napps < apps->count; hub->napps++) {
            directory_init(&hub->channels[hub->napps]);
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

void hub_init(struct hub *hub, struct loop *loop, struct flow *flow, struct apps *apps)
{
    hub->loop = loop;
    hub->flow = flow;
    hub->gate.flow = flow;
    flow->hub = &hub->box;
    hub->node = (uint32_t)rnd_u64();
    hub->started_ms = clock_mono_ms();
    hub->started_wall_ms = clock_wall_ms();
    dedup_init(&hub->dedup);
    hub_adopt(hub, apps_ref(apps));
    loop->hub = hub;
}

struct apps *hub_reload(struct hub *hub, struct apps *apps, uint64_t period_ms)
{
    struct apps *old = hub->apps;
    check(hub->reloading == 0);
    hub_adopt(hub, apps);
    hub->reloading = hub_workers(hub);
    hub->loop->limits = limits_of_loop(hub->limits);
    for (uint32_t i = 0; i < hub_workers(hub); i++) {
        struct mail_reload *mail = mem_alloc(sizeof(*mail));
        *mail =
            (struct mail_reload){.mail = {.type = MAIL_RELOAD, .weight = flow_mail(sizeof(*mail))},
                                 .apps = apps_ref(apps),
                                 .period_ms = period_ms};
        mailbox_post_urgent(hub->flow->workers[i], &mail->mail);
    }
    return old;
}

void hub_free(struct hub *hub)
{
    for (size_t i = 0; i < hub->napps; i++) {
        cache_free(&hub->caches[i]);
        directory_free(&hub->channels[i]);
    }
    mem_free(hub->channels);
    mem_free(hub->caches);
    subscribed_free(&hub->subscribed);
    announce_free(&hub->announcer);
    while (hub->ended.head != NULL) {
        struct mail *next = hub->ended.head->next;
        mem_free(hub->ended.head);
        hub->ended.head = next;
    }
    dedup_free(&hub->dedup);
    pending_free(&hub->pendings);
    apps_unref(hub->apps);
}

struct dirent *hub_find(const struct hub *hub, uint32_t app, uint32_t hash, struct slice name)
{
    return directory_find(&hub->channels[app], hash, name);
}

bool hub_open(struct hub *hub)
{
    return flow_open(&hub->gate, hub->limits->mailbox_high);
}

/* ---- ending connections ---- */

static void hub_post_terminate(struct hub *hub, uint32_t worker, const struct app *app,
                               struct slice user_id, const struct socket_ref *socket,
                               uint64_t question)
{
    struct mail_terminate *mail = mem_alloc(sizeof(*mail) + user_id.len);
    *mail = (struct mail_terminate){
        .mail = {.type = MAIL_TERMINATE, .weight = flow_mail(sizeof(*mail) + user_id.len)},
        .app = app->index,
        .len = (uint32_t)user_id.len,
        .socket = *socket,
        .question = question,
    };
    if (user_id.len > 0) {
        memcpy(mail->user_id, user_id.p, user_id.len);
    }
    mailbox_post_urgent(hub->flow->workers[worker], &mail->mail);
}

uint32_t hub_terminate_user_here(struct hub *hub, const struct app *app, struct slice user_id,
                                 uint64_t question)
{
    static const struct socket_ref no_socket;
    for (uint32_t i = 0; i < hub_workers(hub); i++) {
        hub_post_terminate(hub, i, app, user_id, &no_socket, question);
    }
    return hub_workers(hub);
}

static bool hub_has_worker(const struct hub *hub, const struct socket_ref *socket)
{
    return socket->random != 0 && socket->worker < hub_workers(hub);
}

uint32_t hub_terminate_socket_here(struct hub *hub, const struct app *app,
                                   const struct socket_ref *socket, uint64_t question)
{
    if (!hub_has_worker(hub, socket)) {
        return 0;
    }
    hub_post_terminate(hub, socket->worker, app, (struct slice){NULL, 0}, socket, question);
    return 1;
}

bool hub_terminate_user(struct hub *hub, const struct app *app, struct slice user_id,
                        const struct asker *asker, pending_fn *done)
{
    uint64_t question = 0;
    if (asker != NULL) {
        uint32_t others = hub->cluster_ops != NULL ? 1 : 0;
        question = pending_ask(&hub->pendings, asker, hub_workers(hub) + others, done, hub,
                               hub->loop->now);
    }
    hub_terminate_user_here(hub, app, user_id, question);
    if (hub->cluster_ops != NULL) {
        hub->cluster_ops->terminate_user(hub->cluster, app->index, user_id, question);
    }
    return asker != NULL;
}

bool hub_terminate_socket(struct hub *hub, const struct app *app, const struct socket_ref *socket,
                          const struct asker *asker, pending_fn *done)
{
    bool here = hub_has_worker(hub, socket);
    uint32_t parts = (here ? 1u : 0u) + (hub->cluster_ops != NULL ? 1u : 0u);
    if (socket->random == 0 || parts == 0) {
        return false;
    }
    uint64_t question = 0;
    if (asker != NULL) {
        question = pending_ask(&hub->pendings, asker, parts, done, hub, hub->loop->now);
    }
    if (here) {
        hub_terminate_socket_here(hub, app, socket, question);
    }
    if (hub->cluster_ops != NULL) {
        hub->cluster_ops->terminate_socket(hub->cluster, app->index, socket, question);
    }
    return asker != NULL;
}

/* ---- figures ---- */

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
