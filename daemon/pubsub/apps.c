#include "pubsub/apps.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/mem.h"

static void key_of(const void *value, const char **key, size_t *len)
{
    const struct app *app = value;
    *key = app->key.p;
    *len = app->key.len;
}

static void id_of(const void *value, const char **key, size_t *len)
{
    const struct app *app = value;
    *key = app->id.p;
    *len = app->id.len;
}

static void record_id(const void *value, const char **key, size_t *len)
{
    const struct app_record *record = value;
    *key = record->id;
    *len = strlen(record->id);
}

static struct slice text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

/* ---- the registry ---- */

void app_registry_init(struct app_registry *registry)
{
    *registry = (struct app_registry){.count = 0};
    strmap_init(&registry->by_id, record_id);
}

void app_registry_free(struct app_registry *registry)
{
    check(atomic_load(&registry->generations) == 0);
    strmap_free(&registry->by_id);
    for (size_t i = 0; i < registry->count; i++) {
        mem_free(registry->records[i]->id);
        mem_free(registry->records[i]);
    }
    mem_free(registry->records);
}

static struct app_record *record_of(struct app_registry *registry, const char *id)
{
    struct app_record *record = strmap_get(&registry->by_id, id, strlen(id));
    if (record != NULL) {
        return record;
    }
    record = mem_zalloc(sizeof(*record));
    record->id = mem_strndup(id, strlen(id));
    record->index = (uint32_t)registry->count;
    registry->records =
        mem_realloc(registry->records, (registry->count + 1) * sizeof(struct app_record *));
    registry->records[registry->count++] = record;
    strmap_put(&registry->by_id, record);
    return record;
}

/* ---- generations ---- */

static void fill(struct app *app, struct app_record *record, const struct app_settings *settings)
{
    *app = (struct app){.settings = settings,
                        .id = text(record->id),
                        .key = text(settings->key),
                        .secret = text(settings->secret),
                        .index = record->index,
                        .record = record};
}

/* Everything off, and nothing that anybody could sign with. */
static void fill_removed(struct apps *apps, struct app *app, struct app_record *record)
{
    struct app_settings *stub = &apps->stubs[record->index];
    static char none[] = "";
    *stub =
        (struct app_settings){.id = record->id, .key = none, .secret = none, .webhook_url = none};
    fill(app, record, stub);
    app->removed = true;
}

struct apps *apps_new(struct app_registry *registry, const struct app_settings *settings,
                      size_t count, const struct limits *limits)
{
    struct apps *apps = mem_zalloc(sizeof(*apps));
    struct app_record **records = mem_alloc((count + 1) * sizeof(struct app_record *));
    for (size_t i = 0; i < count; i++) {
        records[i] = record_of(registry, settings[i].id);
    }
    atomic_init(&apps->refs, 1);
    atomic_fetch_add_explicit(&registry->generations, 1, memory_order_relaxed);
    apps->registry = registry;
    apps->count = registry->count;
    apps->items = mem_zalloc((apps->count + 1) * sizeof(*apps->items));
    apps->stubs = mem_zalloc((apps->count + 1) * sizeof(*apps->stubs));
    apps->limits = limits;
    apps->path_prefix = "";
    strmap_init(&apps->by_key, key_of);
    strmap_init(&apps->by_id, id_of);
    for (size_t i = 0; i < count; i++) {
        struct app *app = &apps->items[records[i]->index];
        fill(app, records[i], &settings[i]);
        strmap_put(&apps->by_key, app);
        strmap_put(&apps->by_id, app);
    }
    mem_free(records);
    for (size_t i = 0; i < apps->count; i++) {
        if (apps->items[i].record == NULL) {
            fill_removed(apps, &apps->items[i], registry->records[i]);
        }
    }
    return apps;
}

struct apps *apps_ref(struct apps *apps)
{
    atomic_fetch_add_explicit(&apps->refs, 1, memory_order_relaxed);
    return apps;
}

void apps_unref(struct apps *apps)
{
    if (apps == NULL || atomic_fetch_sub_explicit(&apps->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (apps->dispose != NULL) {
        apps->dispose(apps);
    }
    struct app_registry *registry = apps->registry;
    networks_free(&apps->proxies);
    strmap_free(&apps->by_key);
    strmap_free(&apps->by_id);
    mem_free(apps->items);
    mem_free(apps->stubs);
    mem_free(apps);
    atomic_fetch_sub_explicit(&registry->generations, 1, memory_order_release);
}

struct app *apps_by_key(const struct apps *apps, const char *key, size_t len)
{
    return strmap_get(&apps->by_key, key, len);
}

struct app *apps_by_id(const struct apps *apps, const char *id, size_t len)
{
    return strmap_get(&apps->by_id, id, len);
}

/* ---- quotas ---- */

/* Counts up unless that goes over the limit. It is never over it, not even for a moment, in which
 * somebody else would be refused for nothing. */
static bool count_in(_Atomic uint32_t *count, uint64_t limit)
{
    uint32_t now = atomic_load_explicit(count, memory_order_relaxed);
    do {
        if (limit != 0 && now >= limit) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(count, &now, now + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

enum app_admission app_admit(const struct apps *apps, const struct app *app)
{
    if (!count_in(&apps->registry->connections, apps->limits->max_connections)) {
        return APP_NODE_FULL;
    }
    if (!count_in(&app->record->connections, app->settings->max_connections)) {
        atomic_fetch_sub_explicit(&apps->registry->connections, 1, memory_order_relaxed);
        return APP_OVER_QUOTA;
    }
    return APP_ADMITTED;
}

void app_release(const struct apps *apps, const struct app *app)
{
    atomic_fetch_sub_explicit(&apps->registry->connections, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&app->record->connections, 1, memory_order_relaxed);
}

/* ---- origins ---- */

static bool same_text(struct slice a, struct slice b)
{
    return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* Splits "scheme://host[:port]"; the port may be left out on either side and then is the scheme's
 * own. */
static bool split_origin(struct slice origin, struct slice *scheme, struct slice *host,
                         struct slice *port)
{
    const char *mark = memmem(origin.p, origin.len, "://", 3);
    if (mark == NULL) {
        return false;
    }
    *scheme = (struct slice){origin.p, (size_t)(mark - origin.p)};
    *host = (struct slice){mark + 3, origin.len - scheme->len - 3};
    *port = same_text(*scheme, SLICE("https")) ? SLICE("443") : SLICE("80");
    const char *colon = memrchr(host->p, ':', host->len);
    if (colon != NULL && memchr(colon, ']', host->len - (size_t)(colon - host->p)) == NULL) {
        *port = (struct slice){colon + 1, host->len - (size_t)(colon - host->p) - 1};
        host->len = (size_t)(colon - host->p);
    }
    for (size_t i = 0; i < host->len; i++) {
        if (strchr("/\\@?# ", host->p[i]) != NULL) {
            return false; /* no origin: something behind the host, or in front of it */
        }
    }
    return host->len > 0;
}

/* A name, or *. and a name, which stands for all below it. */
static bool host_matches(struct slice pattern, struct slice host)
{
    if (pattern.len > 2 && pattern.p[0] == '*' && pattern.p[1] == '.') {
        struct slice suffix = {pattern.p + 1, pattern.len - 1};
        return host.len > suffix.len &&
               same_text((struct slice){host.p + host.len - suffix.len, suffix.len}, suffix);
    }
    return same_text(pattern, host);
}

static bool entry_allows(struct slice entry, struct slice scheme, struct slice host,
                         struct slice port)
{
    struct slice own_scheme, own_host, own_port;
    if (slice_is(entry, "*")) {
        return true;
    }
    if (split_origin(entry, &own_scheme, &own_host, &own_port)) {
        return same_text(own_scheme, scheme) && host_matches(own_host, host) &&
               same_text(own_port, port);
    }
    return host_matches(entry, host);
}

bool app_allows_origin(const struct app *app, struct slice origin)
{
    const struct text_list *allowed = &app->settings->allowed_origins;
    for (size_t i = 0; i < allowed->count; i++) {
        if (strcmp(allowed->items[i], "*") == 0 &&
            (origin.p != NULL || app->settings->allow_missing_origin)) {
            return true;
        }
    }
    if (origin.p == NULL) {
        return app->settings->allow_missing_origin;
    }
    struct slice scheme, host, port;
    if (!split_origin(origin, &scheme, &host, &port)) {
        return false;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        if (entry_allows(text(allowed->items[i]), scheme, host, port)) {
            return true;
        }
    }
    return false;
}
