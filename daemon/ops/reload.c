#include "ops/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "links/redis.h"
#include "links/listen.h"
#include "links/webhook.h"
#include "net/tls_context.h"
#include "ops/certificates.h"
#include "ops/config_diff.h"
#include "ops/config_load.h"
#include "ops/libraries.h"
#include "ops/notify.h"

extern char **environ;

#define RELOAD_ENDING "the daemon is shutting down and reloads nothing"

/* ---- generations ---- */

static void reload_dispose(struct apps *apps)
{
    tls_context_unref(apps->tls);
    config_free(apps->owner);
}

int generation_prepare(const struct config *config, struct tls_context *previous,
                       struct tls_context **tls, config_report_fn *report, void *arg)
{
    if (libraries_load(config, report, arg) != 0) {
        return -1;
    }
    return certificates_load(config, previous, tls, report, arg);
}

struct apps *generation_new(struct app_registry *registry, const struct config *config,
                            struct tls_context *tls, bool owned)
{
    struct apps *apps = apps_new(registry, config->apps, config->napps, &config->limits);
    apps->path_prefix = config->path_prefix;
    networks_init(&apps->proxies, config->trusted_proxies.items, config->trusted_proxies.count);
    apps->proxy_protocol = config->proxy_protocol;
    apps->permessage_deflate = config->permessage_deflate;
    apps->admin_token = config->admin_token;
    apps->tls = tls;
    apps->dispose = reload_dispose;
    apps->owner = owned ? (void *)(uintptr_t)config : NULL;
    return apps;
}

/* ---- preparing, on a thread ---- */

void reload_report(void *arg, bool error, const char *text)
{
    (void)arg;
    log_line(error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "config", "%s", text);
}

/* The first error is what whoever asked is told. On the thread. */
static void reload_note(void *arg, bool error, const char *text)
{
    struct reload *reload = arg;
    reload_report(NULL, error, text);
    if (error && reload->problem[0] == '\0') {
        snprintf(reload->problem, sizeof(reload->problem), "%s", text);
    }
}

static void reload_signal(int fd)
{
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof(one)); /* cannot fail: the count is far from its end */
    (void)ignored;
}

static void *reload_prepare(void *arg)
{
    struct reload *reload = arg;
    reload->config = config_load(reload->path, reload->stop, environ, reload_note, reload);
    if (reload->config != NULL && generation_prepare(reload->config, reload->previous, &reload->tls,
                                                     reload_note, reload) != 0) {
        config_free(reload->config);
        reload->config = NULL;
    }
    reload_signal(reload->prepared);
    return NULL;
}

static int reload_start(struct reload *reload)
{
    reload->problem[0] = '\0';
    reload->previous = reload->hub->apps->tls;
    if (reload->previous != NULL) {
        tls_context_ref(reload->previous);
    }
    int error = pthread_create(&reload->thread, NULL, reload_prepare, reload);
    if (error != 0) {
        log_error("config", "cannot start a thread that reads it: %s", strerror(error));
        tls_context_unref(reload->previous);
        return -1;
    }
    pthread_setname_np(reload->thread, "reload");
    reload->preparing = true;
    return 0;
}

/* ---- applying ---- */

static void reload_report_fixed(void *arg, const char *section, const char *key)
{
    (void)arg;
    log_warn("config", "[%s] %s changes only with a restart and is as it was", section, key);
}

/* The one step on the hub that can fail; then it has changed nothing. */
static int reload_cluster(struct reload *reload, const struct config *config)
{
    if (reload->cluster == NULL || !redis_wanted(&config->redis)) {
        return 0; /* what is to become of it needs a restart, and that is said at the end */
    }
    return cluster_reload(reload->cluster, &config->redis, &config->cluster);
}

/* Everything uses the new generation from now on; nothing in here can fail. */
static void reload_swap(struct reload *reload, struct apps *apps, const struct config *config)
{
    struct apps *old = hub_reload(reload->hub, apps, config->drain_period * 1000);
    ipc_reload(reload->ipc, old);
    webhooks_configure(reload->hub->webhooks);
    listens_configure(reload->hub->listens);
    if (reload->cluster != NULL) {
        cluster_reloaded(reload->cluster);
    }
    shutdown_set(reload->shutdown, config->drain_delay * 1000, config->drain_period * 1000,
                 config->limits.close_timeout * 1000);
    reload->current = config;
    apps_unref(old);
}

/* Those who wait for what has come to its end now. */
static void reload_tell(struct reload_asker **askers, enum control_result result, const char *why)
{
    struct reload_asker *asker = *askers;
    *askers = NULL;
    while (asker != NULL) {
        struct reload_asker *next = asker->next;
        asker->done(asker->arg, result, why);
        mem_free(asker);
        asker = next;
    }
}

static void reload_failed(struct reload *reload)
{
    char why[sizeof(reload->problem) + 64];
    counter_add(reload->counters, COUNTER_RELOADS_FAILED, 1);
    log_error("config", "reload failed, nothing changed");
    snprintf(why, sizeof(why), "the reload failed and nothing changed: %s",
             reload->problem[0] != '\0' ? reload->problem : "the daemon's log says why");
    notify_ready(); /* with what it had */
    reload_tell(&reload->askers, CONTROL_REFUSED, why);
}

static void reload_end_askers(struct reload *reload)
{
    reload_tell(&reload->askers, CONTROL_DRAINING, RELOAD_ENDING);
    reload_tell(&reload->later, CONTROL_DRAINING, RELOAD_ENDING);
}

static void reload_next(struct reload *reload)
{
    if (reload->again) {
        reload->again = false;
        reload->askers = reload->later;
        reload->later = NULL;
        reload_run(reload);
    }
}

/* What the thread has left here, NULL: nothing. */
static struct config *reload_collect(struct reload *reload)
{
    pthread_join(reload->thread, NULL);
    struct config *config = reload->config;
    tls_context_unref(reload->previous);
    reload->config = NULL;
    reload->previous = NULL;
    reload->preparing = false;
    return config;
}

static void reload_discard(struct reload *reload, struct config *config)
{
    if (config != NULL) {
        tls_context_unref(reload->tls);
        config_free(config);
    }
}

static void reload_on_prepared(evutil_socket_t fd, short what, void *arg)
{
    struct reload *reload = arg;
    uint64_t count;
    (void)what;
    ssize_t ignored = read(fd, &count, sizeof(count));
    (void)ignored;
    struct config *config = reload_collect(reload);
    if (reload->hub->draining) {
        log_warn("config", "SIGHUP: shutting down, nothing is reloaded");
        reload_discard(reload, config);
        reload_end_askers(reload);
        return;
    }
    if (config == NULL) {
        reload_failed(reload);
        reload_next(reload);
        return;
    }
    if (reload_cluster(reload, config) != 0) {
        reload_discard(reload, config);
        reload_failed(reload);
        reload_next(reload);
        return;
    }
    config_diff(reload->started, reload->current, config, reload->changes, sizeof(reload->changes));
    reload_swap(reload, generation_new(reload->hub->apps->registry, config, reload->tls, true),
                config);
}

/* Every worker uses the new generation. */
static void reload_on_reloaded(struct hub *hub)
{
    struct reload *reload = hub->reload;
    const struct config *config = reload->current;
    /* Both who had asked for such lines and who does now get these. */
    if (!log_enabled(config->log_level)) {
        log_setup(config->log_level, config->log_format);
    }
    config_diff_fixed(reload->started, config, reload_report_fixed, NULL);
    if (config_diff_joins(reload->started, config)) {
        log_warn("config", "[redis] is %s only with a restart; this node %s",
                 reload->cluster != NULL ? "taken away" : "added",
                 reload->cluster != NULL ? "stays joined to the others" : "still stands alone");
    }
    log_info("config", "reloaded: %s", reload->changes);
    log_setup(config->log_level, config->log_format);
    log_messages_wanted = config->log_messages;
    counter_add(reload->counters, COUNTER_RELOADS, 1);
    if (!hub->draining) {
        notify_ready();
    }
    reload_tell(&reload->askers, CONTROL_ACCEPTED, NULL);
    reload_next(reload);
}

int reload_init(struct reload *reload)
{
    struct hub *hub = reload->hub;
    reload->prepared = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    reload->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (reload->prepared < 0 || reload->stop < 0) {
        log_with(LOG_LEVEL_ERROR, "server", LOG_FIELDS(.error = errno),
                 "cannot make an eventfd: %s", strerror(errno));
        return -1;
    }
    check(event_assign(&reload->event, hub->loop->base, reload->prepared, EV_READ | EV_PERSIST,
                       reload_on_prepared, reload) == 0);
    check(event_add(&reload->event, NULL) == 0);
    hub->reload = reload;
    hub->reloaded = reload_on_reloaded;
    return 0;
}

void reload_free(struct reload *reload)
{
    if (reload->preparing) {
        reload_signal(reload->stop);
        reload_discard(reload, reload_collect(reload));
    }
    reload_end_askers(reload);
    event_del(&reload->event);
    close(reload->prepared);
    close(reload->stop);
}

void reload_run(struct reload *reload)
{
    if (reload->hub->draining) {
        log_warn("config", "SIGHUP: shutting down, nothing is reloaded");
        reload_end_askers(reload);
        return;
    }
    if (reload->started->development) {
        log_warn("config", "SIGHUP: a development server has no configuration to reload");
        reload_tell(&reload->askers, CONTROL_REFUSED,
                    "a development server has no configuration to reload; start it with --config "
                    "FILE, or with FANFARE_APP_ID, FANFARE_APP_KEY and FANFARE_APP_SECRET");
        return;
    }
    if (reload->preparing || reload->hub->reloading > 0) {
        reload->again = true;
        return;
    }
    log_info("config", "SIGHUP: reading %s",
             reload->path != NULL ? reload->path : "the environment");
    notify_reloading();
    if (reload_start(reload) != 0) {
        reload_failed(reload);
    }
}

void reload_ask(struct reload *reload, control_done_fn *done, void *arg)
{
    struct reload_asker *asker = mem_alloc(sizeof(*asker));
    bool busy = reload->preparing || reload->hub->reloading > 0;
    struct reload_asker **last = busy ? &reload->later : &reload->askers;
    *asker = (struct reload_asker){.done = done, .arg = arg};
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = asker;
    reload_run(reload);
}
