#include "serve/drain.h"

#include "serve/session.h"

static void finish_http(struct conn *conn, void *arg)
{
    (void)arg;
    if (!(conn->flags & CONN_WAITING)) { /* one whose request is at the hub ends with its answer */
        conn_finish(conn, false);
    }
}

static void close_session(struct conn *conn)
{
    session_close(conn, 4200, "Server is restarting", false);
}

static void start(struct worker *worker, uint64_t period_ms)
{
    struct drain *drain = worker->drain_state;
    if (worker->draining) {
        return;
    }
    worker->draining = true;
    for (size_t i = 0; i < drain->nlisteners; i++) {
        listener_stop(&drain->listeners[i]);
    }
    loop_each(worker->loop, KIND_HTTP, finish_http, NULL);
    pace_start(&drain->pace, NULL, 0, period_ms);
}

void drain_init(struct drain *drain, struct worker *worker, struct listener *listeners,
                size_t nlisteners)
{
    *drain = (struct drain){.worker = worker, .listeners = listeners, .nlisteners = nlisteners};
    pace_init(&drain->pace, worker, close_session);
    worker->drain = start;
    worker->drain_state = drain;
}

void drain_free(struct drain *drain)
{
    pace_free(&drain->pace);
}
