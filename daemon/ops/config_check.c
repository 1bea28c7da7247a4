#include "ops/config_check.h"

#include <string.h>

#include "base/strmap.h"
#include "links/admin_auth.h"
#include "links/redis.h"
#include "links/redis_tls.h"
#include "proto/redis_text.h"

static void config_draft_key(const void *value, const char **key, size_t *len)
{
    *key = ((const struct draft *)value)->settings.key;
    *len = strlen(*key);
}

static void config_draft_id(const void *value, const char **key, size_t *len)
{
    *key = ((const struct draft *)value)->settings.id;
    *len = strlen(*key);
}

void config_check_apps(struct loader *loader)
{
    static const char *const needed[] = {"key", "secret"};
    struct strmap by_id, by_key;

    strmap_init(&by_id, config_draft_id);
    strmap_init(&by_key, config_draft_key);
    for (size_t i = 0; i < loader->ndrafts; i++) {
        struct draft *draft = &loader->drafts[i], *other;
        struct app_settings *app = &draft->settings;

        for (size_t j = 0; j < 2; j++) {
            const struct config_key *key = config_key_find(SECTION_APP, needed[j]);
            if (draft->line != 0 && draft->keys[config_key_index(key)].line == 0) {
                config_say(loader, true, draft->line,
                           "the application has no %s: add \"%s = ...\" to its section", needed[j],
                           needed[j]);
            }
        }
        if (*app->secret != '\0' && strlen(app->secret) < 8) {
            config_say(
                loader, false, draft->line,
                "the secret of application \"%s\" is shorter than 8 bytes and can be guessed",
                app->id);
        }
        other = strmap_get(&by_id, app->id, strlen(app->id));
        if (draft->id_refused) {
            /* was reported */
        } else if (other != NULL) {
            config_say(loader, true, draft->line,
                       "application \"%s\" is defined twice, first in line %u", app->id,
                       other->line);
        } else {
            strmap_put(&by_id, draft);
        }
        if (*app->key == '\0') {
            continue;
        }
        other = strmap_get(&by_key, app->key, strlen(app->key));
        if (other != NULL) {
            config_say(
                loader, true, draft->line,
                "application \"%s\" has the key of application \"%s\" (line %u); every key must be "
                "its own",
                app->id, other->settings.id, other->line);
        } else {
            strmap_put(&by_key, draft);
        }
    }
    strmap_free(&by_id);
    strmap_free(&by_key);
}

static unsigned int config_line_of(const struct loader *loader, enum config_section section,
                                   const char *name)
{
    return loader->keys[config_key_index(config_key_find(section, name))].line;
}

static void config_check_addresses(struct loader *loader)
{
    const struct config *config = loader->config;
    const struct text_list *lists[] = {&config->listen, &config->admin_listen, &config->tls_listen};
    static const enum config_section sections[] = {SECTION_SERVER, SECTION_ADMIN, SECTION_TLS};

    for (size_t a = 0; a < 3; a++) {
        for (size_t i = 0; i < lists[a]->count; i++) {
            for (size_t b = 0; b <= a; b++) {
                for (size_t j = 0; j < (a == b ? i : lists[b]->count); j++) {
                    if (strcmp(lists[a]->items[i], lists[b]->items[j]) == 0) {
                        config_say(
                            loader, true, config_line_of(loader, sections[a], "listen"),
                            "%s is listed in [%s] listen and again in [%s] listen; every address "
                            "can be used once",
                            lists[a]->items[i], section_infos[sections[b]].name,
                            section_infos[sections[a]].name);
                    }
                }
            }
        }
    }
}

/* Whoever reaches the listener from another machine could find out who is online, and end them. */
static void config_check_admin(struct loader *loader)
{
    const struct config *config = loader->config;

    if (config->admin_token[0] != '\0') {
        return;
    }
    for (size_t i = 0; i < config->admin_listen.count; i++) {
        if (!admin_auth_is_loopback(config->admin_listen.items[i])) {
            config_say(loader, true, config_line_of(loader, SECTION_ADMIN, "listen"),
                       "[admin] listen: %s is reached from other machines, so [admin] token "
                       "(FANFARE_ADMIN_TOKEN) must be set, for example to what `openssl rand -hex "
                       "32` prints; or to none, where /metrics and /health are all that is wanted",
                       config->admin_listen.items[i]);
            return;
        }
    }
}

/* Sentinels and cluster nodes have hosts of their own, and a database is chosen only where there
 * are several. */
static void config_check_redis(struct loader *loader)
{
    const struct redis_settings *redis = &loader->config->redis;
    bool sentinels = redis->sentinels.count > 0, cluster = redis->cluster.count > 0;
    unsigned int url_line = config_line_of(loader, SECTION_REDIS, "url");
    struct redis_url url;

    if (sentinels && cluster) {
        config_say(loader, true, config_line_of(loader, SECTION_REDIS, "cluster"),
                   "[redis] sentinels and cluster exclude each other: a Redis Cluster needs no "
                   "Sentinel");
    }
    if (sentinels != (redis->master[0] != '\0')) {
        config_say(loader, true,
                   config_line_of(loader, SECTION_REDIS, sentinels ? "sentinels" : "master"),
                   sentinels ? "[redis] sentinels needs master = NAME, as in \"sentinel monitor "
                               "NAME\" of their configuration"
                             : "[redis] master is the name of one that sentinels know: it needs "
                               "sentinels = HOST, ...");
    }
    if (redis->url[0] == '\0' || !redis_url_read(redis->url, strlen(redis->url), &url)) {
        return;
    }
    bool host = url.place.host[0] != '\0';
    if (host && (sentinels || cluster)) {
        config_say(
            loader, true, url_line,
            "[redis] url must have no host where %s is set: leave it empty, or give what all "
            "servers have in common, as in redis://user:password@",
            sentinels ? "sentinels" : "cluster");
    } else if (!host && !sentinels && !cluster) {
        config_say(loader, true, url_line, "[redis] url has no host");
    }
    if (cluster && url.db != 0) {
        config_say(loader, true, url_line, "a Redis Cluster has no database but 0");
    }
    if (url.tls && !redis_tls_available()) {
        config_say(
            loader, true, url_line,
            "[redis] url: rediss:// needs hiredis 1.0 or newer with TLS, which this build does "
            "not have (Debian has it from release 13 on); use redis:// through a tunnel such "
            "as stunnel");
    }
    explicit_bzero(&url, sizeof(url));
}

/* A relay has no clients. */
static void config_check_relay(struct loader *loader)
{
    const struct config *config = loader->config;
    unsigned int line = config_line_of(loader, SECTION_SERVER, "listen");
    bool none = false;

    for (size_t i = 0; i < config->listen.count; i++) {
        none = none || strcmp(config->listen.items[i], LISTEN_NONE) == 0;
    }
    if (!none) {
        return;
    }
    if (config->listen.count > 1) {
        config_say(loader, true, line,
                   "[server] listen = none stands alone: a node has addresses for clients, or it "
                   "has none");
    }
    if (config->tls_listen.count > 0) {
        config_say(loader, true, config_line_of(loader, SECTION_TLS, "listen"),
                   "[tls] listen must be empty where [server] listen = none: a relay has no "
                   "clients");
    }
    if (!redis_wanted(&config->redis)) {
        config_say(loader, false, line,
                   "[server] listen = none, and no Redis: what is published here reaches nobody. "
                   "Add \"url = redis://HOST:6379\" to a section [redis], or set "
                   "FANFARE_REDIS_URL");
    }
}

void config_check_together(struct loader *loader)
{
    const struct config *config = loader->config;
    const struct limits *limits = &config->limits;

    config_check_addresses(loader);
    config_check_admin(loader);
    config_check_relay(loader);
    config_check_redis(loader);
    if (config->proxy_protocol && config->trusted_proxies.count == 0) {
        config_say(loader, true, config_line_of(loader, SECTION_SERVER, "proxy_protocol"),
                   "[server] proxy_protocol = yes needs trusted_proxies: the addresses of the "
                   "proxies that send the header");
    }
    if (config->tls_certificate.count != config->tls_key.count) {
        config_say(
            loader, true, config_line_of(loader, SECTION_TLS, "certificate"),
            "[tls] certificate and key must list as many files as each other, not %zu and %zu",
            config->tls_certificate.count, config->tls_key.count);
    } else if (config->tls_listen.count > 0 && config->tls_certificate.count == 0) {
        config_say(loader, true, config_line_of(loader, SECTION_TLS, "listen"),
                   "[tls] listen needs a certificate and a key");
    }
    if (limits->output_hard != 0 && limits->output_soft > limits->output_hard) {
        config_say(loader, true, config_line_of(loader, SECTION_LIMITS, "output_soft"),
                   "output_soft must not be over output_hard");
    }
    if (limits->output_hard != 0 && limits->max_event_size > limits->output_hard) {
        config_say(
            loader, false, config_line_of(loader, SECTION_LIMITS, "max_event_size"),
            "max_event_size is over output_hard: such an event disconnects clients that are slow "
            "to take it");
    }
}
