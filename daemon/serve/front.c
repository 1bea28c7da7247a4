#include "serve/front.h"

#include "serve/api.h"
#include "serve/retire.h"
#include "serve/say.h"
#include "serve/session.h"
#include "serve/sockets.h"
#include "serve/user.h"

/* How long a drain waits for deliveries from before it, at most. */
#define LATE_MS 1000u

/* ---- drain ---- */

static void front_finish_http(struct conn *conn, void *arg)
{
    (void)arg;
    if (!conn_waiting(conn)) { /* one whose request is at the hub ends with its answer */
        conn_finish(conn, false);
    }
}

static void front_close_session(struct conn *conn)
{
    session_close(conn, 4200, "Server is restarting", false);
}

static void front_drain(struct worker *worker, uint64_t period_ms)
{
    struct front *front = worker->front;
    if (worker->draining) {
        return;
    }
    worker->draining = true;
    front->drain_ms = period_ms;
    for (size_t i = 0; i < front->nlisteners; i++) {
        listener_stop(&front->listeners[i]);
    }
    conn_each(worker->loop, KIND_HTTP, front_finish_http, NULL);
    struct timeval late = {.tv_sec = LATE_MS / 1000};
    event_add(&front->late, &late);
}

/* Closing begins when nothing is on its way any more that was published before the drain, and in
 * any case soon: a flood must not hold up the end. */
static void front_drained(struct worker *worker)
{
    struct front *front = worker->front;
    event_del(&front->late);
    if (front->draining.total == 0) {
        pace_start(&front->draining, NULL, 0, front->drain_ms);
    }
}

static void front_on_late(evutil_socket_t fd, short what, void *arg)
{
    struct front *front = arg;
    (void)fd;
    (void)what;
    front->drain_ms -= front->drain_ms < LATE_MS ? front->drain_ms : LATE_MS;
    front_drained(front->worker);
}

/* ---- reload ---- */

static void front_reloaded(struct worker *worker, uint64_t period_ms)
{
    struct front *front = worker->front;
    session_setup(worker->loop, worker->limits);
    for (size_t i = 0; i < front->nlisteners; i++) {
        struct listener *listener = &front->listeners[i];
        listener->with_preamble = worker->apps->proxy_protocol ? &worker->apps->proxies : NULL;
        if (listener->tls != NULL && worker->apps->tls != NULL) {
            listener_secure(listener, worker->apps->tls);
        }
    }
    if (retire_any(worker)) {
        pace_start(&front->retiring, retire_wants, FRONT_AT_ONCE, period_ms);
    }
}

const struct worker_ops front_ops = {
    .drain = front_drain,
    .drained = front_drained,
    .terminate_user = user_terminate,
    .terminate_socket = user_terminate_socket,
    .respond = api_respond,
    .list_sockets = sockets_list,
    .reloaded = front_reloaded,
};

/* ---- from beginning to end ---- */

void front_init(struct front *front, struct worker *worker, struct listener *listeners,
                size_t nlisteners)
{
    *front = (struct front){.worker = worker, .listeners = listeners, .nlisteners = nlisteners};
    pace_init(&front->draining, worker, front_close_session);
    pace_init(&front->retiring, worker, retire_close);
    check(event_assign(&front->late, worker->loop->base, -1, 0, front_on_late, front) == 0);
    worker->front = front;
    session_setup(worker->loop, worker->limits);
}

void front_free(struct front *front)
{
    event_del(&front->late);
    pace_free(&front->draining);
    pace_free(&front->retiring);
}
