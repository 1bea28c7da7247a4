#include "serve/retire.h"

#include "serve/say.h"

bool session_retired(struct conn *conn)
{
    const struct app *app = session_app(conn);
    if (app_serves(app)) {
        return false;
    }
    counter_add(conn->loop->counters,
                app->removed ? COUNTER_CLOSED_REMOVED : COUNTER_CLOSED_DISABLED, 1);
    if (app->removed) {
        session_close(conn, 4001, "Application does not exist", true);
    } else {
        session_close(conn, 4003, "Application disabled", true);
    }
    return true;
}

bool retire_wants(struct conn *conn)
{
    return !app_serves(session_app(conn));
}

void retire_close(struct conn *conn)
{
    session_retired(conn);
}

bool retire_any(const struct worker *worker)
{
    for (size_t i = 0; i < worker->apps->count; i++) {
        const struct app *app = &worker->apps->items[i];
        if (!app_serves(app) && app_connections(app) > 0) {
            return true;
        }
    }
    return false;
}
