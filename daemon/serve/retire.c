#include "serve/retire.h"

#include "pubsub/chan.h"
#include "serve/handshake.h"
#include "serve/session.h"

static const struct app *app_of(struct conn *conn)
{
    return &worker_of(conn)->apps->items[subscriber_of(conn)->app];
}

bool retire_session(struct conn *conn)
{
    const struct app *app = app_of(conn);
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

static bool must_go(struct conn *conn)
{
    return !app_serves(app_of(conn));
}

/* It may have come back while its connections waited for their turn. */
static void close_if_gone(struct conn *conn)
{
    retire_session(conn);
}

static bool any_gone(const struct worker *worker)
{
    for (size_t i = 0; i < worker->apps->count; i++) {
        const struct app *app = &worker->apps->items[i];
        if (!app_serves(app) && app_connections(app) > 0) {
            return true;
        }
    }
    return false;
}

static void reloaded(struct worker *worker, const struct apps *old, uint64_t period_ms)
{
    (void)old;
    handshake_setup(worker->loop, worker->limits);
    session_setup(worker->loop, worker->limits);
    struct retire *retire = worker->retire_state;
    for (size_t i = 0; i < retire->nlisteners; i++) {
        struct listener *listener = &retire->listeners[i];
        listener->with_preamble = worker->apps->proxy_protocol ? &worker->apps->proxies : NULL;
        if (listener->tls != NULL && worker->apps->tls != NULL) {
            listener_secure(listener, worker->apps->tls);
        }
    }
    if (any_gone(worker)) {
        pace_start(&retire->pace, must_go, RETIRE_AT_ONCE, period_ms);
    }
}

void retire_init(struct retire *retire, struct worker *worker, struct listener *listeners,
                 size_t nlisteners)
{
    retire->listeners = listeners;
    retire->nlisteners = nlisteners;
    pace_init(&retire->pace, worker, close_if_gone);
    worker->retire_state = retire;
    worker->reloaded = reloaded;
}

void retire_free(struct retire *retire)
{
    pace_free(&retire->pace);
}
