#include "serve/pace.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"

#define TICK_MS 50

struct collecting {
    struct pace *pace;
    pace_wants_fn *wants;
};

static void pace_collect(struct conn *conn, void *arg)
{
    const struct collecting *collecting = arg;
    struct pace *pace = collecting->pace;
    if (collecting->wants == NULL || collecting->wants(conn)) {
        pace->slots[pace->total * 2] = conn->slot;
        pace->slots[pace->total * 2 + 1] = conn->gen;
        pace->total++;
    }
}

static void pace_shuffle(struct pace *pace)
{
    for (size_t i = pace->total; i > 1; i--) {
        size_t j = rnd_below((uint32_t)i);
        for (size_t k = 0; k < 2; k++) {
            uint32_t swap = pace->slots[(i - 1) * 2 + k];
            pace->slots[(i - 1) * 2 + k] = pace->slots[j * 2 + k];
            pace->slots[j * 2 + k] = swap;
        }
    }
}

static void pace_forget(struct pace *pace)
{
    mem_free(pace->slots);
    pace->slots = NULL;
    pace->left = pace->total = 0;
}

/* Closes as many as are due by now. */
static void pace_close_due(struct pace *pace)
{
    uint64_t passed = clock_mono_ms() - pace->started_ms;
    size_t due = pace->total;
    if (passed < pace->period_ms) {
        due = (size_t)((uint64_t)pace->total * passed / pace->period_ms) + 1;
        due = due > pace->total ? pace->total : due;
    }
    while (pace->total - pace->left < due) {
        size_t i = pace->total - pace->left--;
        struct conn *conn =
            conn_find(pace->worker->loop, pace->slots[i * 2], pace->slots[i * 2 + 1]);
        if (conn != NULL) {
            pace->close(conn);
        }
    }
    if (pace->left > 0) {
        struct timeval tick = {.tv_usec = TICK_MS * 1000};
        event_add(&pace->tick, &tick);
    } else {
        pace_forget(pace);
    }
}

static void pace_on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pace_close_due(arg);
}

void pace_init(struct pace *pace, struct worker *worker, pace_close_fn *close)
{
    *pace = (struct pace){.worker = worker, .close = close};
    check(event_assign(&pace->tick, worker->loop->base, -1, 0, pace_on_tick, pace) == 0);
}

void pace_start(struct pace *pace, pace_wants_fn *wants, size_t at_once, uint64_t period_ms)
{
    struct loop *loop = pace->worker->loop;
    struct collecting collecting = {.pace = pace, .wants = wants};
    if (pace->left == 0) {
        pace->started_ms = clock_mono_ms();
    }
    pace_forget(pace);
    pace->slots = mem_alloc((loop->by_kind[KIND_SESSION] + 1) * 2 * sizeof(*pace->slots));
    conn_each(loop, KIND_SESSION, pace_collect, &collecting);
    pace_shuffle(pace);
    pace->left = pace->total;
    pace->period_ms = pace->total < at_once ? 0 : period_ms;
    pace_close_due(pace);
}

void pace_free(struct pace *pace)
{
    event_del(&pace->tick);
    pace_forget(pace);
}
