#include "ops/shutdown.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/webhook.h"

#define LOOK_MS      20
/* Who does not answer a close frame is not waited for as long as in quiet times: the process is to
 * be gone soon. */
#define CLOSE_MAX_MS 2000
#define MARGIN_MS    500 /* for the close time-outs of those that were told last to be noticed */
/* Together they are what a node among others needs to end. A goodbye that Redis does not take in
 * time is not waited for: the others miss this node by themselves, a little later. */
#define SETTLE_MS    300
#define GOODBYE_MS   700

static void shutdown_again_in(struct shutdown *shutdown, uint64_t ms)
{
    struct timeval in = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    event_add(&shutdown->timer, &in);
}

static uint64_t shutdown_clients(const struct shutdown *shutdown)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < hub_workers(shutdown->hub); i++) {
        sum += atomic_load_explicit(&shutdown->workers[i]->clients, memory_order_relaxed);
    }
    return sum;
}

static void shutdown_drain_workers(struct shutdown *shutdown)
{
    uint64_t n = shutdown_clients(shutdown);
    uint64_t period = n < SHUTDOWN_AT_ONCE ? 0 : shutdown->period_ms;
    log_info("server", "telling %llu clients to reconnect, over %llu ms", (unsigned long long)n,
             (unsigned long long)period);
    for (uint32_t i = 0; i < hub_workers(shutdown->hub); i++) {
        struct mail_drain *mail = mem_alloc(sizeof(*mail));
        *mail = (struct mail_drain){
            .mail = {.type = MAIL_DRAIN, .weight = flow_mail(sizeof(*mail))}, .period_ms = period};
        mailbox_post_urgent(shutdown->hub->flow->workers[i], &mail->mail);
    }
    shutdown->stage = SHUTDOWN_CLIENTS;
    shutdown->deadline = clock_mono_ms() + period + shutdown->close_ms + MARGIN_MS;
}

/* All clients are gone, and what their going caused has been told. */
static bool shutdown_ended(struct shutdown *shutdown)
{
    if (shutdown_clients(shutdown) > 0) {
        return false;
    }
    if (!shutdown->alone) { /* their last counts may still be in the hub's mailbox */
        shutdown->alone = true;
        return false;
    }
    webhooks_hurry(shutdown->hub->webhooks);
    return webhooks_waiting(shutdown->hub->webhooks) == 0;
}

/* What is published from here on would not reach the other nodes: it is for whoever comes next. */
static void shutdown_end_publishers(struct shutdown *shutdown)
{
    listener_stop(shutdown->ipc_listener);
    shutdown->stage = SHUTDOWN_PUBLISHERS;
    shutdown->deadline = clock_mono_ms() + SETTLE_MS;
}

static void shutdown_say_goodbye(struct shutdown *shutdown)
{
    cluster_leave(shutdown->cluster);
    shutdown->stage = SHUTDOWN_GOODBYE;
    shutdown->deadline = clock_mono_ms() + GOODBYE_MS;
}

/* Whether the stage is over, or has had its time. */
static bool shutdown_passed(struct shutdown *shutdown)
{
    bool over = false;
    switch (shutdown->stage) {
    case SHUTDOWN_DELAYED:
        return true;
    case SHUTDOWN_CLIENTS:
        over = shutdown_ended(shutdown);
        break;
    case SHUTDOWN_PUBLISHERS:
        over = ipc_end(shutdown->ipc) == 0;
        break;
    case SHUTDOWN_GOODBYE:
        over = cluster_left(shutdown->cluster);
        break;
    }
    return over || clock_mono_ms() >= shutdown->deadline;
}

static void shutdown_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct shutdown *shutdown = arg;
    (void)fd;
    (void)what;
    if (shutdown_passed(shutdown)) {
        if (shutdown->stage == SHUTDOWN_DELAYED) {
            shutdown_drain_workers(shutdown);
        } else if (shutdown->cluster == NULL || shutdown->stage == SHUTDOWN_GOODBYE) {
            ipc_give_up(shutdown->ipc);
            loop_stop(shutdown->hub->loop);
            return;
        } else if (shutdown->stage == SHUTDOWN_CLIENTS) {
            shutdown_end_publishers(shutdown);
        } else {
            shutdown_say_goodbye(shutdown);
        }
    }
    shutdown_again_in(shutdown, LOOK_MS);
}

void shutdown_set(struct shutdown *shutdown, uint64_t delay_ms, uint64_t period_ms,
                  uint64_t close_ms)
{
    shutdown->delay_ms = delay_ms;
    shutdown->period_ms = period_ms;
    shutdown->close_ms = close_ms == 0 || close_ms > CLOSE_MAX_MS ? CLOSE_MAX_MS : close_ms;
}

void shutdown_init(struct shutdown *shutdown, struct hub *hub)
{
    *shutdown = (struct shutdown){.hub = hub};
    check(event_assign(&shutdown->timer, hub->loop->base, -1, 0, shutdown_on_timer, shutdown) == 0);
}

void shutdown_free(struct shutdown *shutdown)
{
    event_del(&shutdown->timer);
}

void shutdown_begin(struct shutdown *shutdown)
{
    shutdown->hub->draining = true;
    shutdown_again_in(shutdown, shutdown->delay_ms);
}
