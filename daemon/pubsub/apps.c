#include "pubsub/apps.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/mem.h"

static void app_key_of(const void *value, const char **key, size_t *len)
{
    const struct app *app = value;
    *key = app->key.p;
    *len = app->key.len;
}

static void app_id_of(const void *value, const char **key, size_t *len)
{
    const struct app *app = value;
    *key = app->id.p;
    *len = app->id.len;
}

static void app_record_id(const void *value, const char **key, size_t *len)
{
    const struct app_record *record = value;
    *key = record->id;
    *len = strlen(record->id);
}

static struct slice app_text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

/* ---- the registry ---- */

void app_registry_init(struct app_registry *registry)
{
    *registry = (struct app_registry){.count = 0};
    strmap_init(&registry->by_id, app_record_id);
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

static struct app_record *app_record_of(struct app_registry *registry, const char *id)
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

static void app_fill(struct app *app, struct app_record *record,
                     const struct app_settings *settings)
{
    *app = (struct app){.settings = settings,
                        .id = app_text(record->id),
                        .key = app_text(settings->key),
                        .secret = app_text(settings->secret),
                        .index = record->index,
                        .record = record};
}

/* Everything off, and nothing that anybody could sign with. */
static void app_fill_removed(struct apps *apps, struct app *app, struct app_record *record)
{
    struct app_settings *stub = &apps->stubs[record->index];
    static char none[] = "";
    *stub =
        (struct app_settings){.id = record->id, .key = none, .secret = none, .webhook_url = none};
    app_fill(app, record, stub);
    app->removed = true;
}

struct apps *apps_new(struct app_registry *registry, const struct app_settings *settings,
                      size_t count, const struct limits *limits)
{
    struct apps *apps = mem_zalloc(sizeof(*apps));
    struct app_record **records = mem_alloc((count + 1) * sizeof(struct app_record *));
    for (size_t i = 0; i < count; i++) {
        records[i] = app_record_of(registry, settings[i].id);
    }
    atomic_init(&apps->refs, 1);
    atomic_fetch_add_explicit(&registry->generations, 1, memory_order_relaxed);
    apps->registry = registry;
    apps->count = registry->count;
    apps->items = mem_zalloc((apps->count + 1) * sizeof(*apps->items));
    apps->stubs = mem_zalloc((apps->count + 1) * sizeof(*apps->stubs));
    apps->limits = limits;
    apps->path_prefix = "";
    strmap_init(&apps->by_key, app_key_of);
    strmap_init(&apps->by_id, app_id_of);
    for (size_t i = 0; i < count; i++) {
        struct app *app = &apps->items[records[i]->index];
        app_fill(app, records[i], &settings[i]);
        strmap_put(&apps->by_key, app);
        strmap_put(&apps->by_id, app);
    }
    mem_free(records);
    for (size_t i = 0; i < apps->count; i++) {
        if (apps->items[i].record == NULL) {
            app_fill_removed(apps, &apps->items[i], registry->records[i]);
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
static bool app_count_in(_Atomic uint32_t *count, uint64_t limit)
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
    if (!app_count_in(&apps->registry->connections, apps->limits->max_connections)) {
        return APP_NODE_FULL;
    }
    if (!app_count_in(&app->record->connections, app->settings->max_connections)) {
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

static bool app_same_text(struct slice a, struct slice b)
{
    return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* "scheme://host[:port]" in its parts. */
struct origin {
    struct slice scheme, host, port;
};

/* Splits "host[:port]"; a port that is left out is the scheme's own, of which only http and https
 * have one. False: no host, or something in front of it or behind it. */
static bool app_split_host(struct slice text, struct origin *out)
{
    const char *colon = text.len > 0 ? memrchr(text.p, ':', text.len) : NULL;
    out->host = text;
    out->port = app_same_text(out->scheme, SLICE("https"))  ? SLICE("443")
                : app_same_text(out->scheme, SLICE("http")) ? SLICE("80")
                                                            : SLICE("");
    if (colon != NULL && memchr(colon, ']', text.len - (size_t)(colon - text.p)) == NULL) {
        out->host.len = (size_t)(colon - text.p);
        out->port = (struct slice){colon + 1, text.len - out->host.len - 1};
        for (size_t i = 0; i < out->port.len; i++) {
            if (out->port.p[i] < '0' || out->port.p[i] > '9') {
                return false;
            }
        }
    }
    for (size_t i = 0; i < out->host.len; i++) {
        if (strchr("/\\@?# ", out->host.p[i]) != NULL) {
            return false;
        }
    }
    return out->host.len > 0;
}

static bool app_split_origin(struct slice text, struct origin *out)
{
    const char *mark = memmem(text.p, text.len, "://", 3);
    if (mark == NULL) {
        return false;
    }
    out->scheme = (struct slice){text.p, (size_t)(mark - text.p)};
    return app_split_host((struct slice){mark + 3, text.len - out->scheme.len - 3}, out);
}

/* A name, or *. and a name, which stands for all below it. */
static bool app_host_matches(struct slice pattern, struct slice host)
{
    if (pattern.len > 2 && pattern.p[0] == '*' && pattern.p[1] == '.') {
        struct slice suffix = {pattern.p + 1, pattern.len - 1};
        return host.len > suffix.len &&
               app_same_text((struct slice){host.p + host.len - suffix.len, suffix.len}, suffix);
    }
    return app_same_text(pattern, host);
}

/* Of a page that came from where the client connects to. Whether that was by TLS cannot be seen
 * behind a proxy, so either scheme will do. */
static bool app_origin_is_own(const struct origin *origin, struct slice request_host)
{
    struct origin own = {.scheme = origin->scheme};
    bool web = app_same_text(origin->scheme, SLICE("https")) ||
               app_same_text(origin->scheme, SLICE("http"));
    return web && request_host.p != NULL && app_split_host(request_host, &own) &&
           app_same_text(own.host, origin->host) && app_same_text(own.port, origin->port);
}

/* Entries that stand for one text as a whole: pages without an origin, and schemes without a host.
 */
static bool app_entry_is_whole(struct slice entry)
{
    return slice_is(entry, "null") ||
           (entry.len > 3 && memcmp(entry.p + entry.len - 3, "://", 3) == 0);
}

static bool app_entry_allows(struct slice entry, struct slice text, struct slice request_host)
{
    struct origin origin, exactly;
    if (app_entry_is_whole(entry)) {
        return app_same_text(entry, text);
    }
    if (!app_split_origin(text, &origin)) {
        return false;
    }
    if (slice_is(entry, "self")) {
        return app_origin_is_own(&origin, request_host);
    }
    if (app_split_origin(entry, &exactly)) {
        return app_same_text(exactly.scheme, origin.scheme) &&
               app_host_matches(exactly.host, origin.host) &&
               app_same_text(exactly.port, origin.port);
    }
    return app_host_matches(entry, origin.host);
}

bool app_allows_origin(const struct app *app, struct slice origin, struct slice host)
{
    const struct text_list *allowed = &app->settings->allowed_origins;
    if (origin.p == NULL) {
        return app->settings->allow_missing_origin;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        struct slice entry = app_text(allowed->items[i]);
        if (slice_is(entry, "*") || app_entry_allows(entry, origin, host)) {
            return true;
        }
    }
    return false;
}
