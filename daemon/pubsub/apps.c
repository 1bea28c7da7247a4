#include "pubsub/apps.h"

#include <stdatomic.h>
#include <string.h>
#include <strings.h>

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

static struct slice text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

void apps_init(struct apps *apps, const struct app_settings *settings, size_t count,
               uint64_t max_connections)
{
    apps->items = mem_zalloc((count + 1) * sizeof(*apps->items));
    apps->count = count;
    apps->max_connections = max_connections;
    atomic_init(&apps->connections, 0);
    strmap_init(&apps->by_key, key_of);
    strmap_init(&apps->by_id, id_of);
    for (size_t i = 0; i < count; i++) {
        struct app *app = &apps->items[i];
        app->settings = &settings[i];
        app->id = text(settings[i].id);
        app->key = text(settings[i].key);
        app->secret = text(settings[i].secret);
        app->index = (uint32_t)i;
        strmap_put(&apps->by_key, app);
        strmap_put(&apps->by_id, app);
    }
}

void apps_free(struct apps *apps)
{
    strmap_free(&apps->by_key);
    strmap_free(&apps->by_id);
    mem_free(apps->items);
}

struct app *apps_by_key(const struct apps *apps, const char *key, size_t len)
{
    return strmap_get(&apps->by_key, key, len);
}

struct app *apps_by_id(const struct apps *apps, const char *id, size_t len)
{
    return strmap_get(&apps->by_id, id, len);
}

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

enum app_admission app_admit(struct apps *apps, struct app *app)
{
    if (!count_in(&apps->connections, apps->max_connections)) {
        return APP_NODE_FULL;
    }
    if (!count_in(&app->connections, app->settings->max_connections)) {
        atomic_fetch_sub_explicit(&apps->connections, 1, memory_order_relaxed);
        return APP_OVER_QUOTA;
    }
    return APP_ADMITTED;
}

void app_release(struct apps *apps, struct app *app)
{
    atomic_fetch_sub_explicit(&apps->connections, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&app->connections, 1, memory_order_relaxed);
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
