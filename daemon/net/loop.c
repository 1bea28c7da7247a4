#include "net/loop.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/flush.h"
#include "net/idle.h"
#include "net/input.h"
#include "net/latency.h"
#include "net/slots.h"
#include "net/turn.h"

/* ---- time ---- */

static void loop_on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    (void)fd;
    (void)what;
    turn_awake(loop);
    loop->spared = loop->stalled && !loop->spared;
    loop->stalled = false;
    if (!loop->spared) {
        idle_expire(loop);
    }
}

static void loop_on_pause(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* ---- mail ---- */

static void loop_on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;
    (void)what;
    (void)arg;
    ssize_t ignored = read(fd, &count, sizeof(count));
    (void)ignored;
}

void loop_mailbox(struct loop *loop, struct mailbox *box, loop_mail_fn *handle,
                  void (*before_flush)(void *), void *arg)
{
    check(loop->nmailboxes < LOOP_MAILBOXES);
    struct loop_mailbox *mine = &loop->mailboxes[loop->nmailboxes++];
    *mine = (struct loop_mailbox){
        .box = box, .handle = handle, .before_flush = before_flush, .arg = arg};
    mailbox_adopt(box);
    check(event_assign(&mine->wake, loop->base, box->wake, EV_READ | EV_PERSIST, loop_on_wake,
                       NULL) == 0);
    check(event_add(&mine->wake, NULL) == 0);
}

static void loop_handle_urgent(struct loop_mailbox *mine)
{
    struct mail_list list = {NULL, NULL};
    mailbox_take(mine->box, LANE_URGENT, &list);
    while (list.head != NULL) {
        struct mail *next = list.head->next; /* the handler frees it */
        check(mine->handle(mine->arg, list.head));
        list.head = next;
    }
}

/* What was taken already. False: there is no time for more, or the handler wants none. */
static bool loop_handle_rest(struct loop_mailbox *mine, struct budget *budget)
{
    while (mine->rest.head != NULL) {
        if (budget != NULL && budget_spent(budget)) {
            return false;
        }
        struct mail *mail = mine->rest.head;
        mine->rest.head = mail->next;
        if (!mine->handle(mine->arg, mail)) {
            if (mine->rest.head == NULL) {
                mine->rest.tail = mail;
            }
            mail->next = mine->rest.head;
            mine->rest.head = mail;
            return false;
        }
    }
    return true;
}

/* True if there was anything and all of it was handled. */
static bool loop_handle_mail(struct loop_mailbox *mine, struct budget *budget)
{
    loop_handle_urgent(mine);
    bool any = mine->rest.head != NULL;
    while (loop_handle_rest(mine, budget)) {
        if (!mailbox_take(mine->box, LANE_ORDERED, &mine->rest)) {
            return any;
        }
        any = true;
    }
    return false;
}

void loop_drain_mail(struct loop *loop, struct mailbox *box)
{
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        struct loop_mailbox *mine = &loop->mailboxes[i];
        if (mine->box == box) {
            /* Once, and not until there is none: others go on posting. */
            mailbox_take(box, LANE_ORDERED, &mine->rest);
            loop_handle_rest(mine, NULL);
        }
    }
}

const struct mail *loop_pending_mail(struct loop *loop, struct mailbox *box)
{
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        struct loop_mailbox *mine = &loop->mailboxes[i];
        if (mine->box == box) {
            mailbox_take(box, LANE_ORDERED, &mine->rest);
            return mine->rest.head;
        }
    }
    return NULL;
}

/* ---- the turn ---- */

static bool loop_has_work(struct loop *loop)
{
    if (loop->ndirty > 0 || loop->urgent.count > 0 || loop->doomed.count > 0) {
        return true;
    }
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        if (loop->mailboxes[i].rest.head != NULL || !mailbox_empty(loop->mailboxes[i].box)) {
            return true;
        }
    }
    return loop->resume.count > 0;
}

static void loop_before_flush(struct loop *loop)
{
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        if (loop->mailboxes[i].before_flush != NULL) {
            loop->mailboxes[i].before_flush(loop->mailboxes[i].arg);
        }
    }
}

static void loop_free_doomed(struct loop *loop)
{
    for (size_t i = 0; i < loop->doomed.count; i++) {
        conn_free(slots_at(loop, loop->doomed.items[i]));
    }
    loop->doomed.count = 0;
}

static void loop_one_turn(struct loop *loop)
{
    struct budget budget;
    turn_look_at_clock(loop);
    loop->tls_steps = 0;
    input_resume(loop);
    turn_look_at_clock(loop);
    budget_begin(&budget, LOOP_MAIL_US);
    bool again;
    do {
        again = false;
        for (size_t i = 0; i < loop->nmailboxes; i++) {
            again |= loop_handle_mail(&loop->mailboxes[i], &budget);
        }
        loop_before_flush(loop);
    } while (again);
    turn_look_at_clock(loop);
    flush_slice(loop);
    flush_enforce_total(loop);
    loop_free_doomed(loop);
    /* Those that left in the flush have something to say, too. */
    loop_before_flush(loop);
    loop->awake = false;
    latency_settle(loop);
    loop->turn_ns = 0; /* the next look at the clock begins the next one */
}

void loop_run(struct loop *loop)
{
    while (!loop->stop) {
        int flags = EVLOOP_ONCE;
        if (loop_has_work(loop)) {
            flags |= EVLOOP_NONBLOCK;
        } else if (loop->again || loop->held.count > 0) {
            struct timeval again = {.tv_usec = LOOP_AGAIN_MS * 1000};
            event_add(&loop->pause, &again);
        }
        loop->again = false;
        event_base_loop(loop->base, flags);
        loop_one_turn(loop);
    }
}

void loop_turn(struct loop *loop)
{
    event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    loop_one_turn(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}

void loop_look_again(struct loop *loop)
{
    loop->again = true;
}

void loop_unhold(struct loop *loop)
{
    for (size_t i = 0; i < loop->held.count; i += 2) {
        struct conn *conn = conn_find(loop, loop->held.items[i], loop->held.items[i + 1]);
        if (conn != NULL) {
            conn_resume(conn);
        }
    }
    loop->held.count = 0;
}

/* ---- from beginning to end ---- */

int loop_init(struct loop *loop, struct counters *counters, const struct loop_limits *limits)
{
    *loop = (struct loop){.counters = counters, .limits = *limits, .looked = clock_mono_ms()};
    loop->now = loop->looked;
    struct event_config *config = event_config_new();
    check(config != NULL);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (loop->base == NULL) {
        return -1;
    }
    loop->read_room = mem_alloc(LOOP_READ);
    loop->join_room = mem_alloc(LOOP_JOIN);
    struct timeval tick = {.tv_usec = TURN_TICK_MS * 1000};
    check(event_assign(&loop->tick, loop->base, -1, EV_PERSIST, loop_on_tick, loop) == 0);
    check(event_add(&loop->tick, &tick) == 0);
    check(event_assign(&loop->pause, loop->base, -1, 0, loop_on_pause, loop) == 0);
    return 0;
}

void loop_handler(struct loop *loop, uint8_t kind, const struct conn_handler *handler)
{
    check(kind < LOOP_KINDS);
    loop->handlers[kind] = handler;
    loop_max_input(loop, kind, handler->max_input);
}

void loop_max_input(struct loop *loop, uint8_t kind, size_t max)
{
    if (loop->max_input[kind] < max) {
        loop->max_input[kind] = max;
    }
}

void loop_close(struct loop *loop)
{
    for (uint32_t slot = 0; slot < loop->nchunks * LOOP_CHUNK; slot++) {
        struct conn *conn = slots_at(loop, slot);
        if (conn != NULL && (conn->flags & CONN_OPEN)) {
            conn_doom(conn);
        }
    }
    loop_free_doomed(loop);
}

void loop_free(struct loop *loop, void (*dispose)(struct mail *mail))
{
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        struct loop_mailbox *mine = &loop->mailboxes[i];
        event_del(&mine->wake);
        while (mine->rest.head != NULL) {
            struct mail *next = mine->rest.head->next;
            dispose(mine->rest.head);
            mine->rest.head = next;
        }
        mailbox_free(mine->box, dispose);
    }
    event_del(&loop->tick);
    event_del(&loop->pause);
    event_base_free(loop->base);
    slots_free(loop);
    mem_free(loop->read_room);
    mem_free(loop->join_room);
}
