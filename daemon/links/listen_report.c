#include "links/listen_report.h"

#include "links/listen_state.h"

static void listens_gauge(const struct listens *listens, struct metrics *out, const char *name,
                          uint64_t (*value)(const struct listen_app *app))
{
    uint64_t others = 0;
    uint32_t told = 0;
    metrics_head(out, name);
    for (uint32_t i = 0; i < listens->napps; i++) {
        const struct app *app = &listens->hub->apps->items[i];
        if (listens->apps[i] == NULL || app->removed) {
            continue;
        }
        if (told++ >= METRICS_APPS) {
            others += value(listens->apps[i]);
        } else {
            char labels[80];
            snprintf(labels, sizeof(labels), "app=\"%s\"", app->settings->id);
            metrics_line(out, name, labels, value(listens->apps[i]));
        }
    }
    if (told > METRICS_APPS) {
        metrics_line(out, name, "app=\"" METRICS_OTHERS "\"", others);
    }
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

void listens_metrics(const struct listens *listens, struct metrics *out)
{
    listens_gauge(listens, out, "fanfare_listen_groups", listen_app_groups);
    listens_gauge(listens, out, "fanfare_listeners", listen_app_listeners);
    listens_gauge(listens, out, "fanfare_listen_events_waiting", listen_app_waiting);
}
