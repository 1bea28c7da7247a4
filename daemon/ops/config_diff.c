#include "ops/config_diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strmap.h"
#include "links/redis.h"
#include "ops/config_table.h"

/* Room that is kept for saying that there is more. */
#define MORE 32

struct list {
    char *out;
    size_t len, size, left_out;
};

static void config_diff_item(struct list *list, const char *format, ...) PRINTF_LIKE(2, 3);

static void config_diff_item(struct list *list, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t need = strlen(text) + 2;
    if (list->left_out > 0 || list->len + need + MORE > list->size) {
        list->left_out++;
        return;
    }
    list->len += (size_t)snprintf(list->out + list->len, list->size - list->len, "%s%s",
                                  list->len > 0 ? "; " : "", text);
}

static void config_diff_id_of(const void *value, const char **key, size_t *len)
{
    *key = ((const struct app_settings *)value)->id;
    *len = strlen(*key);
}

static void config_diff_by_id(struct strmap *map, const struct config *config)
{
    strmap_init(map, config_diff_id_of);
    for (size_t i = 0; i < config->napps; i++) {
        strmap_put(map, &config->apps[i]);
    }
}

static const struct app_settings *config_diff_app_of(const struct strmap *map, const char *id)
{
    return strmap_get(map, id, strlen(id));
}

static void config_diff_one(struct list *list, const struct app_settings *old,
                            const struct app_settings *now)
{
    char keys[1024];
    size_t len = 0;
    if (old->enabled != now->enabled) {
        config_diff_item(list, "application %s %s", now->id, now->enabled ? "enabled" : "disabled");
    }
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section == SECTION_APP && key->offset != offsetof(struct app_settings, enabled) &&
            !config_key_equal(key, old, now) && len < sizeof(keys)) {
            len += (size_t)snprintf(keys + len, sizeof(keys) - len, "%s%s", len > 0 ? ", " : "",
                                    key->name);
        }
    }
    if (len > 0) {
        config_diff_item(list, "application %s changed: %s", now->id, keys);
    }
}

static void config_diff_apps(struct list *list, const struct config *old, const struct config *now)
{
    struct strmap before, after;
    config_diff_by_id(&before, old);
    config_diff_by_id(&after, now);
    for (size_t i = 0; i < now->napps; i++) {
        if (config_diff_app_of(&before, now->apps[i].id) == NULL) {
            config_diff_item(list, "application %s added%s", now->apps[i].id,
                             now->apps[i].enabled ? "" : ", disabled");
        }
    }
    for (size_t i = 0; i < old->napps; i++) {
        const struct app_settings *other = config_diff_app_of(&after, old->apps[i].id);
        if (other == NULL) {
            config_diff_item(list, "application %s removed", old->apps[i].id);
        } else {
            config_diff_one(list, &old->apps[i], other);
        }
    }
    strmap_free(&before);
    strmap_free(&after);
}

bool config_diff_joins(const struct config *started, const struct config *now)
{
    return redis_wanted(&started->redis) != redis_wanted(&now->redis);
}

/* A node that stands alone has no use for how nodes are joined, and one that is joined goes on with
 * what it has when Redis is taken out of the file. */
static bool config_diff_concerns(const struct config_key *key, const struct config *started,
                                 const struct config *now)
{
    if (key->section == SECTION_APP) {
        return false; /* is told by application */
    }
    return (key->section != SECTION_REDIS && key->section != SECTION_CLUSTER) ||
           (redis_wanted(&started->redis) && redis_wanted(&now->redis));
}

void config_diff(const struct config *started, const struct config *old, const struct config *now,
                 char *out, size_t size)
{
    struct list list = {.out = out, .size = size};
    out[0] = '\0';
    config_diff_apps(&list, old, now);
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (config_diff_concerns(key, started, now) && (key->flags & KEY_RESTART) == 0 &&
            !config_key_equal(key, old, now)) {
            config_diff_item(&list, "[%s] %s", section_infos[key->section].name, key->name);
        }
    }
    if (list.left_out > 0) {
        snprintf(out + list.len, size - list.len, "; and %zu more", list.left_out);
    } else if (list.len == 0) {
        snprintf(out, size, "nothing has changed");
    }
}

void config_diff_fixed(const struct config *started, const struct config *now,
                       void (*fn)(void *arg, const char *section, const char *key), void *arg)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (config_diff_concerns(key, started, now) && (key->flags & KEY_RESTART) != 0 &&
            !config_key_equal(key, started, now)) {
            fn(arg, section_infos[key->section].name, key->name);
        }
    }
}
