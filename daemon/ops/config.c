#include "ops/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ops/config_file.h"
#include "ops/config_loader.h"
#include "ops/config_table.h"
#include "ops/suggest.h"

#define ERRORS_SHOWN 50

void config_say(struct loader *loader, bool error, unsigned int line, const char *format, ...)
{
    char text[3000];
    size_t len = 0;
    va_list args;

    if (error && ++loader->errors > ERRORS_SHOWN) {
        if (loader->errors == ERRORS_SHOWN + 1) {
            loader->report(loader->arg, true, "too many errors; the rest of them is not shown");
        }
        return;
    }
    if (line > 0) {
        len = (size_t)snprintf(text, sizeof(text), "%.1000s:%u: ", loader->name, line);
    }
    va_start(args, format);
    vsnprintf(text + len, sizeof(text) - len, format, args);
    va_end(args);
    loader->report(loader->arg, error, text);
}

/* --- the file --- */

static void say_unknown_section(struct loader *loader, unsigned int line, const char *name)
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
    config_say(
        loader, true, line,
        "unknown section [%s]: %sAllowed are [server], [ipc], [admin], [tls], [redis], [limits] "
        "and [app \"id\"]",
        name, hint);
}

static void start_app(struct loader *loader, unsigned int line, const char *name)
{
    const char *id = name + 3; /* behind "app" */
    size_t len;
    struct draft *draft;

    if (loader->ndrafts == loader->drafts_cap) {
        loader->drafts_cap = loader->drafts_cap == 0 ? 4 : loader->drafts_cap * 2;
        loader->drafts = mem_realloc(loader->drafts, loader->drafts_cap * sizeof(*draft));
    }
    draft = &loader->drafts[loader->ndrafts++];
    memset(draft, 0, sizeof(*draft));
    draft->line = line;
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].section == SECTION_APP) {
            config_key_reset(&config_keys[i], &draft->settings);
        }
    }
    id += strspn(id, " \t");
    len = strlen(id);
    if (len < 2 || id[0] != '"' || id[len - 1] != '"' || !value_is_app_id(id + 1, len - 2)) {
        config_say(
            loader, true, line,
            "an application's section is written [app \"my-id\"], with an id of 1 to 40 letters, "
            "digits, dots, underscores and dashes");
        draft->id_refused = true;
        draft->settings.id = mem_strndup("?", 1);
        return;
    }
    draft->settings.id = mem_strndup(id + 1, len - 2);
}

static void on_section(void *arg, unsigned int line, const char *name)
{
    struct loader *loader = arg;

    loader->skipping = false;
    if (strncmp(name, "app", 3) == 0 && strchr(" \t\"", name[3]) != NULL) {
        loader->section = SECTION_APP;
        start_app(loader, line, name);
    } else if (!config_section_find(name, &loader->section)) {
        loader->skipping = true;
        say_unknown_section(loader, line, name);
    }
}

static void say_unknown_key(struct loader *loader, unsigned int line, const char *name)
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

static void on_key(void *arg, unsigned int line, const char *name, const char *value)
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
        say_unknown_key(loader, line, name);
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

static void on_problem(void *arg, unsigned int line, const char *text)
{
    config_say(arg, true, line, "%s", text);
}

/* --- the environment --- */

/* NULL: not set. */
static const char *env_get(char *const envp[], const char *name)
{
    size_t len = strlen(name);

    for (; envp != NULL && *envp != NULL; envp++) {
        if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=') {
            return *envp + len + 1;
        }
    }
    return NULL;
}

/* The value without space at its ends, freed with mem_free; NULL: reported as not being a text. */
static char *env_clean(struct loader *loader, const char *variable, const char *value)
{
    size_t len = strlen(value);

    if (!config_text_is_clean(value, len)) {
        config_say(loader, true, 0, "%s must be valid UTF-8 without control characters", variable);
        return NULL;
    }
    while (len > 0 && isspace((unsigned char)value[len - 1])) {
        len--;
    }
    while (len > 0 && isspace((unsigned char)*value)) {
        value++;
        len--;
    }
    return mem_strndup(value, len);
}

static void env_set(struct loader *loader, const struct config_key *key, void *base,
                    const char *variable, const char *value)
{
    char *clean = env_clean(loader, variable, value);
    char why[1200];

    if (clean != NULL && config_key_set(key, base, clean, false, why, sizeof(why)) != 0) {
        config_say(loader, true, 0, "%s %s", variable, why);
    }
    mem_free(clean);
}

/* The variable that overrides the key. */
static void env_name(const struct config_key *key, char *out, size_t size)
{
    int len = snprintf(out, size, "FANFARE_%s_%s", section_infos[key->section].env, key->name);

    check(len > 0 && (size_t)len < size);
    for (char *c = out; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
}

static void read_env(struct loader *loader, char *const envp[])
{
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        char variable[80];
        const char *value;

        if (section_infos[key->section].env == NULL) {
            continue;
        }
        env_name(key, variable, sizeof(variable));
        value = env_get(envp, variable);
        if (value == NULL && key->kind == &kind_socket) {
            /* The name that PHP's side reads; a line without a value, as .env files have it, sets
             * nothing. */
            value = env_get(envp, "FANFARE_SOCKET");
            snprintf(variable, sizeof(variable), "FANFARE_SOCKET");
            value = value != NULL && *value == '\0' ? NULL : value;
        }
        if (value != NULL) {
            loader->keys[i] = (struct place){0, "environment"};
            env_set(loader, key, loader->config, variable, value);
        }
    }
}

/* True when any of FANFARE_APP_ID, _KEY, _SECRET has a value; makes an application of the three, or
 * reports. */
static bool read_env_app(struct loader *loader, char *const envp[])
{
    static const char *const variables[] = {"FANFARE_APP_ID", "FANFARE_APP_KEY",
                                            "FANFARE_APP_SECRET"};
    const char *values[3];
    size_t set = 0;

    for (size_t i = 0; i < 3; i++) {
        values[i] = env_get(envp, variables[i]);
        values[i] = values[i] != NULL && *values[i] == '\0' ? NULL : values[i];
        set += values[i] != NULL;
    }
    if (set == 0) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (values[i] == NULL) {
            config_say(loader, true, 0,
                       "%s is not set: an application in the environment needs FANFARE_APP_ID, "
                       "FANFARE_APP_KEY and FANFARE_APP_SECRET",
                       variables[i]);
        }
    }
    if (set < 3) {
        return true;
    }
    start_app(loader, 0, "app \"environment\"");
    struct draft *draft = &loader->drafts[loader->ndrafts - 1];
    char *id = env_clean(loader, variables[0], values[0]);
    if (id != NULL && value_is_app_id(id, strlen(id))) {
        mem_free(draft->settings.id);
        draft->settings.id = id;
    } else if (id != NULL) {
        config_say(loader, true, 0,
                   "FANFARE_APP_ID must be 1 to 40 letters, digits, dots, underscores and dashes");
        mem_free(id);
    }
    const struct config_key *key = config_key_find(SECTION_APP, "key");
    const struct config_key *secret = config_key_find(SECTION_APP, "secret");
    draft->keys[config_key_index(key)].variable = variables[1];
    draft->keys[config_key_index(secret)].variable = variables[2];
    env_set(loader, key, &draft->settings, variables[1], values[1]);
    env_set(loader, secret, &draft->settings, variables[2], values[2]);
    return true;
}

static void add_development_app(struct loader *loader)
{
    struct config *config = loader->config;
    const struct config_key *listen = config_key_find(SECTION_SERVER, "listen");
    char why[1200];

    config->development = true;
    start_app(loader, 0, "app \"fanfare\"");
    struct app_settings *app = &loader->drafts[loader->ndrafts - 1].settings;
    mem_free(app->key);
    mem_free(app->secret);
    app->key = mem_strndup("fanfare-key", 11);
    app->secret = mem_strndup("fanfare-secret", 14);
    if (loader->keys[config_key_index(listen)].variable == NULL) {
        check(config_key_set(listen, config, "127.0.0.1:8080", false, why, sizeof(why)) == 0);
    }
}

/* --- all of it --- */

static void free_app(struct app_settings *app)
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
        free_app(&config->apps[i]);
    }
    mem_free(config->apps);
    mem_free(config);
}

static void take_apps(struct loader *loader)
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
static struct config *load(const char *name, const char *text, size_t len, bool exposed,
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
        struct config_lines to = {&loader, on_section, on_key, on_problem};
        config_read_lines(text, len, &to);
        if (loader.ndrafts > 0 && exposed) {
            config_say(&loader, false, 0,
                       "%s holds secrets and everybody on this machine can read it: chmod 640 %s",
                       name, name);
        }
    }
    read_env(&loader, envp);
    if (loader.ndrafts == 0 && !read_env_app(&loader, envp)) {
        if (text == NULL) {
            add_development_app(&loader);
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
    config_warn_later(&loader);
    take_apps(&loader);
    if (loader.errors > 0) {
        config_free(config);
        return NULL;
    }
    return config;
}

struct config *config_parse(const char *name, const char *text, size_t len, char *const envp[],
                            config_report_fn *report, void *arg)
{
    return load(name, text, len, false, envp, report, arg);
}

/* The content, freed with mem_free; NULL with `why`. */
static char *read_file(const char *path, size_t *len, bool *exposed, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t cap = 0;
    struct stat st;
    ssize_t n;

    *len = 0;
    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(why, why_size, "%s%s", strerror(errno),
                 errno == ENOENT   ? " (a file is given with --config FILE; without one, the "
                                     "environment alone is used)"
                 : errno == EACCES ? " (the user that runs fanfared must be able to read it)"
                                   : "");
        goto failed;
    }
    if (S_ISDIR(st.st_mode)) {
        snprintf(why, why_size, "it is a directory, not a file");
        goto failed;
    }
    *exposed = S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0;
    for (;;) {
        if (*len == cap) {
            cap = cap == 0 ? 16384 : cap * 2;
            text = mem_realloc(text, cap);
        }
        n = read(fd, text + *len, cap - *len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            snprintf(why, why_size, "%s", strerror(errno));
            goto failed;
        }
        if (n == 0) {
            close(fd);
            return text;
        }
        *len += (size_t)n;
        if (*len > CONFIG_FILE_MAX) {
            snprintf(why, why_size, "it is over 16M");
            goto failed;
        }
    }

failed:
    if (fd >= 0) {
        close(fd);
    }
    mem_free(text);
    return NULL;
}

struct config *config_load(const char *path, char *const envp[], config_report_fn *report,
                           void *arg)
{
    char why[300], text[1600];
    struct config *config;
    bool exposed = false;
    size_t len;
    char *content;

    if (path == NULL) {
        return load(NULL, NULL, 0, false, envp, report, arg);
    }
    content = read_file(path, &len, &exposed, why, sizeof(why));
    if (content == NULL) {
        snprintf(text, sizeof(text), "cannot read the configuration file %.1000s: %s", path, why);
        report(arg, true, text);
        return NULL;
    }
    config = load(path, content, len, exposed, envp, report, arg);
    mem_free(content);
    return config;
}
