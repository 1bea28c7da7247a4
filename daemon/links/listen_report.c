#include "links/listen_report.h"

#include <inttypes.h>

#include "links/listen_state.h"

static int listens_gauge(const struct listens *listens, struct buf *out, const char *name,
                         const char *help, uint64_t (*value)(const struct listen_app *app))
{
    int failed =
        buf_printf(out, "# HELP fanfare_%s %s\n# TYPE fanfare_%s gauge\n", name, help, name);
    for (uint32_t i = 0; i < listens->napps; i++) {
        const struct app *app = &listens->hub->apps->items[i];
        if (listens->apps[i] != NULL && !app->removed) {
            failed |= buf_printf(out, "fanfare_%s{app=\"%s\"} %" PRIu64 "\n", name,
                                 app->settings->id, value(listens->apps[i]));
        }
    }
    return failed;
}

static uint64_t listen_app_groups(const struct listen_app *app)
{
    return app->ngroups;
}

static uint64_t listen_app_listeners(const struct listen_app *app)
{
    uint64_t sum = 0;
    for (const struct listen_named *named = app->groups; named != NULL; named = named->next) {
        sum += listen_group_listeners(&named->group);
    }
    return sum;
}

static uint64_t listen_app_waiting(const struct listen_app *app)
{
    uint64_t sum = 0;
    for (const struct listen_named *named = app->groups; named != NULL; named = named->next) {
        sum += named->group.events;
    }
    return sum;
}

int listens_metrics(const struct listens *listens, struct buf *out)
{
    return listens_gauge(listens, out, "listen_groups", "Groups of listeners, by application",
                         listen_app_groups) |
           listens_gauge(listens, out, "listeners", "Connections that listen, by application",
                         listen_app_listeners) |
           listens_gauge(listens, out, "listen_queue",
                         "Events that are not settled, summed over the groups of an application",
                         listen_app_waiting);
}
