/*
 * Applications: one generation of everything that workers read of the configuration, and what is
 * counted for each application over all generations.
 *
 * A generation (struct apps) is built whole by the hub's thread, never changes afterwards and is
 * read by any thread that holds a reference; the last reference frees it. At a reload the hub
 * builds the next one and hands every worker a reference by mail, so for a moment two are in use. A
 * pointer to an application or to its settings is therefore good for the current turn of a loop
 * only: what is kept or sent elsewhere is the application's index.
 *
 * The registry lives as long as the process. An id gets its index when it is first used and keeps
 * it, so tables by application only ever grow. An application that was removed stays in later
 * generations as a stub that is found neither by key nor by id: its last connections still have its
 * index, and when its id comes back it counts on. An id that was used once costs some hundred bytes
 * for good.
 */
#ifndef FF_PUBSUB_APPS_H
#define FF_PUBSUB_APPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/settings.h"
#include "base/strmap.h"
#include "proto/slice.h"

struct tls_context;

/* What outlives generations of one application. */
struct app_record {
    char *id;
    uint32_t index;
    _Atomic uint32_t connections; /* established WebSockets on this node; exact over all workers */
    _Atomic bool sessions;        /* the hub wants to hear of each that begins and ends */
    _Atomic bool heard;           /* somebody listens: the order of changes matters */
};

/* The hub's thread adds; the counters are changed by any thread. */
struct app_registry {
    struct app_record **records; /* by index */
    size_t count;
    struct strmap by_id;
    _Atomic uint32_t connections; /* of the node */
    _Atomic uint32_t generations; /* that are not freed yet */
};

struct app {
    const struct app_settings *settings; /* of the same generation; all off when removed */
    struct slice id, key, secret;
    uint32_t index; /* in every table by application */
    bool removed;
    struct app_record *record;
};

/* Of a limit that the node and the application have, the one that holds: the smaller of those that
 * are set. 0: none. */
static inline uint64_t app_limit(uint64_t node, uint64_t app)
{
    return node == 0 || (app != 0 && app < node) ? app : node;
}

struct apps {
    _Atomic uint32_t refs;
    struct app_registry *registry;
    struct app *items; /* by index, the removed ones included */
    size_t count;
    struct strmap by_key, by_id;
    struct app_settings *stubs; /* of removed applications */

    /* The rest of the configuration that workers read. Borrowed from `owner`, like the settings. */
    const struct limits *limits;
    const char *path_prefix; /* "" or "/prefix" */
    struct networks proxies; /* trusted to speak for others */
    bool proxy_protocol, permessage_deflate;
    const char *admin_token; /* "": none */
    struct tls_context *tls; /* NULL: no certificates */

    /* Set by who builds generations from files: called before the memory goes, on the thread that
     * drops the last reference. NULL: nothing is owned. */
    void (*dispose)(struct apps *apps);
    void *owner;
};

void app_registry_init(struct app_registry *registry);
void app_registry_free(struct app_registry *registry); /* after the last generation */

/* A generation with one reference, the caller's. Settings and limits must live as long as it does.
 * The first generation's indexes are those of `settings`. */
struct apps *apps_new(struct app_registry *registry, const struct app_settings *settings,
                      size_t count, const struct limits *limits);
struct apps *apps_ref(struct apps *apps);
void apps_unref(struct apps *apps); /* NULL is fine */

/* NULL: unknown, or removed. */
struct app *apps_by_key(const struct apps *apps, const char *key, size_t len);
struct app *apps_by_id(const struct apps *apps, const char *id, size_t len);

/* Whether it may be used: neither removed nor disabled. */
static inline bool app_serves(const struct app *app)
{
    return !app->removed && app->settings->enabled;
}

static inline uint32_t app_connections(const struct app *app)
{
    return atomic_load_explicit(&app->record->connections, memory_order_relaxed);
}

static inline uint32_t apps_connections(const struct apps *apps)
{
    return atomic_load_explicit(&apps->registry->connections, memory_order_relaxed);
}

enum app_admission { APP_ADMITTED, APP_OVER_QUOTA, APP_NODE_FULL };
/* Counts a connection in. Only APP_ADMITTED has counted and must be followed by app_release, of the
 * same application in whatever generation. */
enum app_admission app_admit(const struct apps *apps, const struct app *app);
void app_release(const struct apps *apps, const struct app *app);

/* Whether the hub is to be told of connections. */
static inline bool app_is_heard(const struct app *app)
{
    return atomic_load_explicit(&app->record->heard, memory_order_relaxed);
}

static inline bool app_tells_sessions(const struct app *app)
{
    return atomic_load_explicit(&app->record->sessions, memory_order_relaxed);
}

/* Whether this Origin may connect to this Host, both as the request's headers say; .p == NULL: the
 * header is missing. */
bool app_allows_origin(const struct app *app, struct slice origin, struct slice host);

#endif
