/*
 * Applications: their settings, found by key (clients) or by id (publishers), and what is counted
 * for each of them.
 *
 * Built once from the configuration; lookups run on any thread. The number of connections is exact
 * over all workers.
 */
#ifndef FF_PUBSUB_APPS_H
#define FF_PUBSUB_APPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "base/strmap.h"
#include "proto/slice.h"

struct app {
    const struct app_settings *settings; /* outlives this */
    struct slice id, key, secret;
    uint32_t index;               /* in every table by app */
    _Atomic uint32_t connections; /* established WebSockets on this node */
};

/* Of a limit that the node and the application have, the one that holds: the smaller of those that
 * are set. 0: none. */
static inline uint64_t app_limit(uint64_t node, uint64_t app)
{
    return node == 0 || (app != 0 && app < node) ? app : node;
}

struct apps {
    struct app *items;
    size_t count;
    struct strmap by_key, by_id;
    uint64_t max_connections; /* of the node, 0 = no limit */
    _Atomic uint32_t connections;
};

void apps_init(struct apps *apps, const struct app_settings *settings, size_t count,
               uint64_t max_connections);
void apps_free(struct apps *apps);
struct app *apps_by_key(const struct apps *apps, const char *key, size_t len); /* NULL: unknown */
struct app *apps_by_id(const struct apps *apps, const char *id, size_t len);

enum app_admission { APP_ADMITTED, APP_OVER_QUOTA, APP_NODE_FULL };
/* Counts a connection in. Only APP_ADMITTED has counted and must be followed by app_release. */
enum app_admission app_admit(struct apps *apps, struct app *app);
void app_release(struct apps *apps, struct app *app);

/* Whether this Origin may connect; origin.p == NULL: the header is missing. */
bool app_allows_origin(const struct app *app, struct slice origin);

#endif
