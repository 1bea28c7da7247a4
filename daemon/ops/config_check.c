#include "ops/config_check.h"

#include <string.h>

#include "base/strmap.h"

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

void config_check_together(struct loader *loader)
{
    const struct config *config = loader->config;
    const struct limits *limits = &config->limits;

    config_check_addresses(loader);
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

void config_warn_later(struct loader *loader)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];

        if ((key->flags & KEY_LATER) == 0) {
            continue;
        }
        if (key->section != SECTION_APP) {
            if (!config_key_is_initial(key, loader->config)) {
                config_say(loader, false, loader->keys[i].line,
                           "[%s] %s has no effect in this version",
                           section_infos[key->section].name, key->name);
            }
            continue;
        }
        for (size_t j = 0; j < loader->ndrafts; j++) {
            struct draft *draft = &loader->drafts[j];
            if (!config_key_is_initial(key, &draft->settings)) {
                config_say(loader, false, draft->keys[i].line,
                           "[app] %s has no effect in this version", key->name);
                break; /* one warning a key, however many applications set it */
            }
        }
    }
}
