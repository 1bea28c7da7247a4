#include "ops/config_load.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/mem.h"
#include "ops/config_check.h"
#include "ops/config_env.h"
#include "ops/config_file.h"
#include "ops/config_loader.h"
#include "ops/config_source.h"
#include "ops/config_table.h"
#include "ops/suggest.h"

/* --- the file --- */

static void config_say_unknown_section(struct loader *loader, unsigned int line, const char *name)
{
    const char *names[SECTION_MAX];
    char hint[100] = "";
    size_t near;

    for (size_t i = 0; i < SECTION_APP; i++) {
        names[i] = section_infos[i].name;
    }
    names[SECTION_APP] = "app";
    near = suggest(name, names, SECTION_MAX);
    if (near != SUGGEST_NONE) {
        snprintf(hint, sizeof(hint), "did you mean [%s]? ", section_infos[near].name);
    }
    config_say(loader, true, line,
               "unknown section [%s]: %sAllowed are [server], [ipc], [admin], [tls], [redis], "
               "[cluster], [trace], [limits] and [app \"id\"]",
               name, hint);
}

static void config_on_section(void *arg, unsigned int line, const char *name)
{
    struct loader *loader = arg;

    loader->skipping = false;
    if (strncmp(name, "app", 3) == 0 && strchr(" \t\"", name[3]) != NULL) {
        loader->section = SECTION_APP;
        config_draft_new(loader, line, name);
    } else if (!config_section_find(name, &loader->section)) {
        loader->skipping = true;
        config_say_unknown_section(loader, line, name);
    }
}

static void config_say_unknown_key(struct loader *loader, unsigned int line, const char *name)
{
    const char *names[CONFIG_KEYS_MAX];
    char allowed[1500] = "", hint[200] = "";
    size_t count = 0, len = 0, near;

    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].section == loader->section) {
            len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s",
                                    count == 0 ? "" : ", ", config_keys[i].name);
            check(len < sizeof(allowed));
            names[count++] = config_keys[i].name;
        }
    }
    near = suggest(name, names, count);
    for (int i = 0; i < SECTION_MAX; i++) {
        if (config_key_find((enum config_section)i, name) != NULL) {
            snprintf(hint, sizeof(hint), "it is a key of [%s]. ", section_infos[i].name);
        }
    }
    if (hint[0] == '\0' && near != SUGGEST_NONE) {
        snprintf(hint, sizeof(hint), "did you mean \"%s\"? ", names[near]);
    }
    config_say(loader, true, line, "unknown key \"%s\" in this section: %s%s %s", name, hint,
               count == 1 ? "Allowed is" : "Allowed are", allowed);
}

static void config_on_key(void *arg, unsigned int line, const char *name, const char *value)
{
    struct loader *loader = arg;
    const struct config_key *key;
    void *base = loader->config;
    struct place *place = loader->keys;
    char why[1200];

    if (loader->skipping) {
        return;
    }
    if (loader->section == SECTION_APP) {
        struct draft *draft = &loader->drafts[loader->ndrafts - 1];
        base = &draft->settings;
        place = draft->keys;
    }
    key = config_key_find(loader->section, name);
    if (key == NULL) {
        config_say_unknown_key(loader, line, name);
        return;
    }
    place += config_key_index(key);
    if (place->line != 0 && key->type != KEY_LIST) {
        config_say(loader, true, line, "%s is set twice, first in line %u", name, place->line);
        return;
    }
    if (config_key_set(key, base, value, place->line != 0, why, sizeof(why)) != 0) {
        config_say(loader, true, line, "%s %s", name, why);
    }
    if (place->line == 0) {
        place->line = line;
    }
}

static void config_on_problem(void *arg, unsigned int line, const char *text)
{
    config_say(arg, true, line, "%s", text);
}

/* --- all of it --- */

static void config_add_development_app(struct loader *loader)
{
    struct config *config = loader->config;
    const struct config_key *listen = config_key_find(SECTION_SERVER, "listen");
    char why[1200];

    config->development = true;
    struct app_settings *app = &config_draft_new(loader, 0, "app \"fanfare\"")->settings;
    mem_free(app->key);
    mem_free(app->secret);
    app->key = mem_strndup("fanfare-key", 11);
    app->secret = mem_strndup("fanfare-secret", 14);
    if (loader->keys[config_key_index(listen)].variable == NULL) {
        check(config_key_set(listen, config, "127.0.0.1:8080", false, why, sizeof(why)) == 0);
    }
}

static void config_free_app(struct app_settings *app)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].section == SECTION_APP) {
            config_key_free(&config_keys[i], app);
        }
    }
    mem_free(app->id);
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].section != SECTION_APP) {
            config_key_free(&config_keys[i], config);
        }
    }
    for (size_t i = 0; i < config->napps; i++) {
        config_free_app(&config->apps[i]);
    }
    mem_free(config->apps);
    mem_free(config);
}

/* "none" was for the checks. */
static void config_take_listen(struct config *config)
{
    if (config->listen.count == 1 && strcmp(config->listen.items[0], LISTEN_NONE) == 0) {
        list_clear(&config->listen);
    }
}

/* auto: beside the publishers' socket, by whose name daemons are told apart. */
static void config_take_admin_socket(struct config *config)
{
    static const char behind[] = "-admin.sock";
    const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    size_t len = strlen(config->socket);

    if (strcmp(config->admin_socket, SOCKET_AUTO) != 0) {
        return;
    }
    if (len > 5 && strcmp(config->socket + len - 5, ".sock") == 0) {
        len -= 5;
    }
    config->admin_socket_derived = true;
    mem_free(config->admin_socket);
    if (len + sizeof(behind) - 1 > max) {
        config->admin_socket = mem_strndup(SOCKET_NONE, strlen(SOCKET_NONE));
        return;
    }
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    snprintf(path, sizeof(path), "%.*s%s", (int)len, config->socket, behind);
    config->admin_socket = mem_strndup(path, strlen(path));
}

static void config_take_apps(struct loader *loader)
{
    struct config *config = loader->config;

    config->apps = mem_zalloc((loader->ndrafts + 1) * sizeof(*config->apps));
    config->napps = loader->ndrafts;
    for (size_t i = 0; i < loader->ndrafts; i++) {
        config->apps[i] = loader->drafts[i].settings;
    }
    mem_free(loader->drafts);
}

/* text NULL: no file. `exposed`: everybody on the machine may read the file. */
static struct config *config_load_text(const char *name, const char *text, size_t len, bool exposed,
                                       char *const envp[], config_report_fn *report, void *arg)
{
    struct loader loader = {.report = report, .arg = arg, .name = name};
    struct config *config = mem_zalloc(sizeof(*config));

    loader.config = config;
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].section != SECTION_APP) {
            config_key_reset(&config_keys[i], config);
        }
    }
    if (text != NULL) {
        struct config_lines to = {&loader, config_on_section, config_on_key, config_on_problem};
        config_read_lines(text, len, &to);
        if (loader.ndrafts > 0 && exposed) {
            config_say(&loader, false, 0,
                       "%s holds secrets and everybody on this machine can read it: chmod 640 %s",
                       name, name);
        }
    }
    config_env_read(&loader, envp);
    if (loader.ndrafts == 0 && !config_env_read_app(&loader, envp)) {
        if (text == NULL) {
            config_add_development_app(&loader);
        } else {
            config_say(
                &loader, true, 0,
                "%s defines no application: add a section [app \"my-id\"] with \"key = ...\" and "
                "\"secret = ...\", or set FANFARE_APP_ID, FANFARE_APP_KEY and FANFARE_APP_SECRET",
                name);
        }
    }
    config_check_apps(&loader);
    config_check_together(&loader);
    config_take_listen(config);
    config_take_admin_socket(config);
    config_take_apps(&loader);
    if (loader.errors > 0) {
        config_free(config);
        return NULL;
    }
    return config;
}

struct config *config_parse(const char *name, const char *text, size_t len, char *const envp[],
                            config_report_fn *report, void *arg)
{
    return config_load_text(name, text, len, false, envp, report, arg);
}

struct config *config_load(const char *path, int stop_fd, char *const envp[],
                           config_report_fn *report, void *arg)
{
    char why[300], text[1600];
    struct config *config;
    bool exposed = false;
    size_t len;
    char *content;

    if (path == NULL) {
        return config_load_text(NULL, NULL, 0, false, envp, report, arg);
    }
    content = config_source_read(path, stop_fd, &len, &exposed, why, sizeof(why));
    if (content == NULL) {
        snprintf(text, sizeof(text), "cannot read the configuration file %.1000s: %s", path, why);
        report(arg, true, text);
        return NULL;
    }
    config = config_load_text(path, content, len, exposed, envp, report, arg);
    mem_free(content);
    return config;
}
