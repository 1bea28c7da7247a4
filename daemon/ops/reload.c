#include "ops/reload.h"

#include <string.h>

#include "base/log.h"
#include "links/webhook.h"
#include "net/tls_context.h"
#include "ops/certificates.h"
#include "ops/config_diff.h"
#include "ops/libraries.h"

extern char **environ;

/* ---- generations ---- */

static void dispose(struct apps *apps)
{
    tls_context_unref(apps->tls);
    config_free(apps->owner);
}

struct apps *generation_new(struct app_registry *registry, const struct config *config,
                            const struct apps *previous, bool owned)
{
    struct tls_context *tls;
    if (libraries_load(config, reload_report, NULL) != 0) {
        return NULL;
    }
    if (certificates_load(config, previous != NULL ? previous->tls : NULL, &tls, reload_report,
                          NULL) != 0) {
        return NULL;
    }
    struct apps *apps = apps_new(registry, config->apps, config->napps, &config->limits);
    apps->path_prefix = config->path_prefix;
    networks_init(&apps->proxies, config->trusted_proxies.items, config->trusted_proxies.count);
    apps->proxy_protocol = config->proxy_protocol;
    apps->permessage_deflate = config->permessage_deflate;
    apps->tls = tls;
    apps->dispose = dispose;
    apps->owner = owned ? (void *)(uintptr_t)config : NULL;
    return apps;
}

/* ---- reloading ---- */

void reload_report(void *arg, bool error, const char *text)
{
    (void)arg;
    log_line(error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "config", "%s", text);
}

static void report_fixed(void *arg, const char *section, const char *key)
{
    (void)arg;
    log_warn("config", "[%s] %s changes only with a restart and is as it was", section, key);
}

/* Everything uses the new generation from now on; nothing in here can fail. */
static void swap(struct reload *reload, struct apps *apps, const struct config *config)
{
    struct apps *old = hub_reload(reload->hub, apps, config->drain_period * 1000);
    ipc_reload(reload->ipc, old);
    webhooks_configure(reload->hub->webhooks);
    shutdown_set(reload->shutdown, config->drain_delay * 1000, config->drain_period * 1000,
                 config->limits.close_timeout * 1000);
    reload->current = config;
    apps_unref(old);
}

/* -1: nothing has changed, and why has been logged. */
static int apply(struct reload *reload, struct config *config)
{
    struct apps *apps =
        generation_new(reload->hub->apps->registry, config, reload->hub->apps, true);
    if (apps == NULL) {
        return -1;
    }
    config_diff(reload->current, config, reload->changes, sizeof(reload->changes));
    swap(reload, apps, config);
    return 0;
}

/* Every worker uses the new generation. */
static void reloaded(struct hub *hub)
{
    struct reload *reload = hub->reload;
    const struct config *config = reload->current;
    /* Both who had asked for such lines and who does now get these. */
    if (!log_enabled(config->log_level)) {
        log_setup(config->log_level, config->log_format);
    }
    config_diff_fixed(reload->started, config, report_fixed, NULL);
    log_info("config", "reloaded: %s", reload->changes);
    log_setup(config->log_level, config->log_format);
    counter_add(reload->counters, COUNTER_RELOADS, 1);
    if (reload->again) {
        reload->again = false;
        reload_run(reload);
    }
}

void reload_init(struct reload *reload)
{
    reload->hub->reload = reload;
    reload->hub->reloaded = reloaded;
}

void reload_run(struct reload *reload)
{
    if (reload->hub->draining) {
        log_warn("config", "SIGHUP: shutting down, nothing is reloaded");
        return;
    }
    if (reload->started->development) {
        log_warn("config", "SIGHUP: a development server has no configuration to reload");
        return;
    }
    if (reload->hub->reloading > 0) {
        reload->again = true;
        return;
    }
    log_info("config", "SIGHUP: reading %s",
             reload->path != NULL ? reload->path : "the environment");
    struct config *config = config_load(reload->path, environ, reload_report, NULL);
    if (config == NULL || apply(reload, config) != 0) {
        config_free(config);
        counter_add(reload->counters, COUNTER_RELOADS_FAILED, 1);
        log_error("config", "reload failed, nothing changed");
    }
}
