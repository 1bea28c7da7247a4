#include "ops/config_env.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ops/config_file.h"

/* NULL: not set. */
static const char *config_env_get(char *const envp[], const char *name)
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
static char *config_env_clean(struct loader *loader, const char *variable, const char *value)
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

static void config_env_set(struct loader *loader, const struct config_key *key, void *base,
                           const char *variable, const char *value)
{
    char *clean = config_env_clean(loader, variable, value);
    char why[1200];

    if (clean != NULL && config_key_set(key, base, clean, false, why, sizeof(why)) != 0) {
        config_say(loader, true, 0, "%s %s", variable, why);
    }
    mem_free(clean);
}

/* The variable that overrides the key. */
static void config_env_name(const struct config_key *key, char *out, size_t size)
{
    int len = snprintf(out, size, "FANFARE_%s_%s", section_infos[key->section].env, key->name);

    check(len > 0 && (size_t)len < size);
    for (char *c = out; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
}

void config_env_read(struct loader *loader, char *const envp[])
{
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        char variable[80];
        const char *value;

        if (section_infos[key->section].env == NULL) {
            continue;
        }
        config_env_name(key, variable, sizeof(variable));
        value = config_env_get(envp, variable);
        if (value == NULL && key->kind == &kind_socket) {
            /* The name that PHP's side reads; a line without a value, as .env files have it, sets
             * nothing. */
            value = config_env_get(envp, "FANFARE_SOCKET");
            snprintf(variable, sizeof(variable), "FANFARE_SOCKET");
            value = value != NULL && *value == '\0' ? NULL : value;
        }
        if (value != NULL) {
            loader->keys[i] = (struct place){0, "environment"};
            config_env_set(loader, key, loader->config, variable, value);
        }
    }
}

bool config_env_read_app(struct loader *loader, char *const envp[])
{
    static const char *const variables[] = {"FANFARE_APP_ID", "FANFARE_APP_KEY",
                                            "FANFARE_APP_SECRET"};
    const char *values[3];
    size_t set = 0;

    for (size_t i = 0; i < 3; i++) {
        values[i] = config_env_get(envp, variables[i]);
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
    struct draft *draft = config_draft_new(loader, 0, "app \"environment\"");
    char *id = config_env_clean(loader, variables[0], values[0]);
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
    config_env_set(loader, key, &draft->settings, variables[1], values[1]);
    config_env_set(loader, secret, &draft->settings, variables[2], values[2]);
    return true;
}
