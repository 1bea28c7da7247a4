#include "serve/drain.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "serve/session.h"

#define TICK_MS 50

static void collect(struct conn *conn, void *arg)
{
    struct drain *drain = arg;
    drain->slots[drain->total * 2] = conn->slot;
    drain->slots[drain->total * 2 + 1] = conn->gen;
    drain->total++;
}

static void shuffle(struct drain *drain)
{
    for (size_t i = drain->total; i > 1; i--) {
        size_t j = rnd_below((uint32_t)i);
        for (size_t k = 0; k < 2; k++) {
            uint32_t swap = drain->slots[(i - 1) * 2 + k];
            drain->slots[(i - 1) * 2 + k] = drain->slots[j * 2 + k];
            drain->slots[j * 2 + k] = swap;
        }
    }
}

/* Closes as many as are due by now. */
static void close_due(struct drain *drain)
{
    uint64_t passed = clock_mono_ms() - drain->started_ms;
    size_t due = drain->total;
    if (passed < drain->period_ms) {
        due = (size_t)((uint64_t)drain->total * passed / drain->period_ms) + 1;
        due = due > drain->total ? drain->total : due;
    }
    while (drain->total - drain->left < due) {
        size_t i = drain->total - drain->left--;
        struct conn *conn =
            conn_find(drain->worker->loop, drain->slots[i * 2], drain->slots[i * 2 + 1]);
        if (conn != NULL) {
            session_close(conn, 4200, "Server is restarting", false);
        }
    }
    if (drain->left > 0) {
        struct timeval tick = {.tv_usec = TICK_MS * 1000};
        event_add(&drain->tick, &tick);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    close_due(arg);
}

static void finish_http(struct conn *conn, void *arg)
{
    (void)arg;
    if (!(conn->flags & CONN_WAITING)) { /* one whose request is at the hub ends with its answer */
        conn_finish(conn, false);
    }
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
    drain->slots = mem_alloc((worker->loop->by_kind[KIND_SESSION] + 1) * 2 * sizeof(*drain->slots));
    loop_each(worker->loop, KIND_SESSION, collect, drain);
    shuffle(drain);
    drain->left = drain->total;
    drain->started_ms = clock_mono_ms();
    drain->period_ms = period_ms;
    close_due(drain);
}

void drain_init(struct drain *drain, struct worker *worker, struct listener *listeners,
                size_t nlisteners)
{
    *drain = (struct drain){.worker = worker, .listeners = listeners, .nlisteners = nlisteners};
    check(event_assign(&drain->tick, worker->loop->base, -1, 0, on_tick, drain) == 0);
    worker->drain = start;
    worker->drain_state = drain;
}

void drain_free(struct drain *drain)
{
    event_del(&drain->tick);
    mem_free(drain->slots);
}
