#include "net/outq.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/slots.h"
#include "net/tls.h"

#define OUTQ_FIRST 16u /* deliveries in a new queue */

static size_t outq_size(uint32_t cap)
{
    return sizeof(struct outq) + cap * sizeof(struct delivery *);
}

/* ---- deliveries ---- */

struct delivery *delivery_new(struct loop *loop, struct frame *frame)
{
    struct delivery *delivery = mem_alloc(sizeof(*delivery));
    delivery->frame = frame;
    delivery->refs = 1;
    delivery->mark = 0;
    loop->queued_bytes += frame->len + OUTQ_FRAME_COST;
    return delivery;
}

void delivery_unref(struct loop *loop, struct delivery *delivery)
{
    if (--delivery->refs == 0) {
        if (__builtin_expect(delivery->mark != 0, 0)) {
            loop->written(loop->worker, delivery->mark);
        }
        loop->queued_bytes -= delivery->frame->len + OUTQ_FRAME_COST;
        frame_unref(delivery->frame);
        mem_free(delivery);
    }
}

/* ---- the backlog ---- */

static void outq_backlog_unlink(struct loop *loop, struct outq *q)
{
    if (!q->listed) {
        return;
    }
    if (q->prev != 0) {
        slots_at(loop, q->prev - 1)->q->next = q->next;
    } else {
        loop->backlog.head = q->next;
    }
    if (q->next != 0) {
        slots_at(loop, q->next - 1)->q->prev = q->prev;
    } else {
        loop->backlog.tail = q->prev;
    }
    loop->backlog.count--;
    q->listed = false;
}

static void outq_backlog_append(struct conn *conn)
{
    struct loop *loop = conn->loop;
    struct outq *q = conn->q;
    q->prev = loop->backlog.tail;
    q->next = 0;
    if (q->prev != 0) {
        slots_at(loop, q->prev - 1)->q->next = conn->slot + 1;
    } else {
        loop->backlog.head = conn->slot + 1;
    }
    loop->backlog.tail = conn->slot + 1;
    loop->backlog.count++;
    q->listed = true;
    q->since = loop->now;
}

static bool outq_push(struct conn *conn, struct delivery *delivery)
{
    struct outq *q = conn->q;
    if (q == NULL || q->count == q->cap) {
        uint32_t cap = q == NULL ? OUTQ_FIRST : q->cap * 2;
        size_t before = q == NULL ? 0 : outq_size(q->cap);
        struct outq *grown = mem_try_alloc(outq_size(cap));
        if (grown == NULL) {
            return false;
        }
        if (q == NULL) {
            *grown = (struct outq){.cap = cap};
        } else {
            *grown = *q;
            grown->cap = cap;
            grown->head = 0;
            for (uint32_t i = 0; i < q->count; i++) {
                grown->ring[i] = q->ring[(q->head + i) & (q->cap - 1)];
            }
            mem_free(q);
        }
        conn->loop->queued_bytes += outq_size(cap) - before;
        conn->q = q = grown;
    }
    q->ring[(q->head + q->count) & (q->cap - 1)] = delivery;
    q->count++;
    q->bytes += delivery->frame->len;
    return true;
}

static void outq_drop(struct conn *conn)
{
    struct outq *q = conn->q;
    outq_backlog_unlink(conn->loop, q);
    for (uint32_t i = 0; i < q->count; i++) {
        delivery_unref(conn->loop, q->ring[(q->head + i) & (q->cap - 1)]);
    }
    conn->loop->queued_bytes -= outq_size(q->cap);
    mem_free(q);
    conn->q = NULL;
}

/* One whole frame moves from the inline place into a queue, because more is coming or only a part
 * of it was sent. */
static bool outq_need(struct conn *conn)
{
    if (conn->q != NULL) {
        return true;
    }
    struct delivery *first = conn->q0;
    conn->q0 = NULL;
    if (first == NULL || outq_push(conn, first)) {
        return true;
    }
    conn->q0 = first;
    return false;
}

void conn_queue(struct conn *conn, struct delivery *delivery)
{
    if (!conn_live(conn)) {
        return;
    }
    if (conn->q0 == NULL && conn->q == NULL) {
        conn->q0 = delivery;
    } else if (!outq_need(conn) || !outq_push(conn, delivery)) {
        conn_doom(conn);
        return;
    }
    delivery->refs++;
    slots_mark_dirty(conn);
}

void conn_send(struct conn *conn, struct frame *frame)
{
    if (frame == NULL) {
        conn_doom(conn);
        return;
    }
    struct delivery *delivery = delivery_new(conn->loop, frame);
    conn_queue(conn, delivery);
    delivery_unref(conn->loop, delivery);
}

size_t conn_queued(const struct conn *conn)
{
    if (conn->q != NULL) {
        return conn->q->bytes;
    }
    return conn->q0 != NULL ? conn->q0->frame->len : 0;
}

static size_t outq_weight(const struct outq *q)
{
    return q->bytes + (size_t)q->count * OUTQ_FRAME_COST;
}

size_t conn_weight(const struct conn *conn)
{
    if (conn->q != NULL) {
        return outq_weight(conn->q);
    }
    return conn->q0 != NULL ? conn->q0->frame->len + OUTQ_FRAME_COST : 0;
}

bool conn_rests(struct conn *conn)
{
    if (conn_weight(conn) <= OUTQ_UNREAD) {
        return false;
    }
    if (conn->flags & CONN_BLOCKED) {
        conn->flags |= CONN_RESTING; /* conn_flushed ends that */
    } else {
        conn_resume(conn); /* the flush has not tried yet */
    }
    return true;
}

/* The kernel has taken some of it. Who reads, however slowly, is alive: while it rests its own
 * messages are not looked at, so that nothing else would show it. */
static void outq_wake(struct conn *conn)
{
    if (!(conn->flags & CONN_RESTING)) {
        return;
    }
    conn_idle(conn, conn->idle_class == IDLE_PINGED ? IDLE_OPEN : conn->idle_class);
    if (conn_weight(conn) <= OUTQ_UNREAD / 2) {
        conn->flags &= (uint16_t)~CONN_RESTING;
        conn_resume(conn);
    }
}

/* ---- events ---- */

/* A Unix socket reports that it is writable whenever its peer has read something, so it is asked
 * only while it is blocked. A TCP socket does so only after it was full: its one event is added
 * once, for life. */
int conn_watch(struct conn *conn, event_callback_fn callback)
{
    short what = EV_READ | EV_CLOSED | EV_ET | EV_PERSIST;
    if (!conn->loop->handlers[conn->kind]->local || (conn->flags & CONN_BLOCKED)) {
        what |= EV_WRITE;
    }
    if (event_assign(&conn->ev, conn->loop->base, conn->fd, what, callback, conn) != 0) {
        return -1;
    }
    return event_add(&conn->ev, NULL);
}

void conn_set_blocked(struct conn *conn, bool blocked)
{
    conn->flags = (uint16_t)(blocked ? conn->flags | CONN_BLOCKED : conn->flags & ~CONN_BLOCKED);
    if (conn->loop->handlers[conn->kind]->local) {
        event_del(&conn->ev);
        if (conn_watch(conn, event_get_callback(&conn->ev)) != 0) {
            conn_doom(conn);
        }
    }
}

/* ---- the flush's part ---- */

/* One is never given more than `size` at once: a list of megabytes must not make all others wait
 * while the kernel copies it. */
static size_t outq_at_most(size_t len, size_t size)
{
    return len < size ? len : size;
}

bool conn_gather(struct conn *conn, uint8_t *room, size_t size, size_t *used, const uint8_t **bytes,
                 size_t *len)
{
    if (conn->q0 != NULL) {
        *bytes = conn->q0->frame->bytes;
        *len = outq_at_most(conn->q0->frame->len, size);
        return true;
    }
    struct outq *q = conn->q;
    struct frame *first = q->ring[q->head]->frame;
    if (q->count == 1 || first->len - q->first_off >= size / 2) {
        *bytes = first->bytes + q->first_off;
        *len = outq_at_most(first->len - q->first_off, size);
        return true;
    }
    size_t want = q->bytes < size ? q->bytes : size;
    if (*used > 0 && want > size - *used) {
        return false;
    }
    uint8_t *start = room + *used;
    size_t total = 0, off = q->first_off;
    for (uint32_t i = 0; i < q->count; i++) {
        struct frame *frame = q->ring[(q->head + i) & (q->cap - 1)]->frame;
        size_t part = frame->len - off;
        if (part > size - *used - total) {
            break;
        }
        memcpy(start + total, frame->bytes + off, part);
        total += part;
        off = 0;
    }
    *used += total;
    *bytes = start;
    *len = total;
    return true;
}

/* Shut down our side once everything has left, or hang up if the peer is gone. */
static void outq_finish(struct conn *conn)
{
    if ((conn->flags & (CONN_TLS | CONN_SHUT)) == CONN_TLS &&
        tls_close(*slots_tls(conn->loop, conn->slot, false)) == -EAGAIN) {
        conn_set_blocked(conn, true); /* again with the edge, unless the close time-out is first */
        return;
    }
    if (conn->flags & (CONN_EOF | CONN_SHUT)) {
        if (conn->flags & CONN_EOF) {
            conn_doom(conn);
        }
        return;
    }
    conn->flags |= CONN_SHUT;
    if (shutdown(conn->fd, SHUT_WR) != 0) {
        conn_doom(conn);
        return;
    }
    conn_resume(conn); /* what has arrived meanwhile, the end perhaps, gives no edge */
}

/* Whether a connection whose kernel buffer is full may go on. Judged on what the kernel refused,
 * never on what we have not tried. */
void conn_judge(struct conn *conn)
{
    struct loop *loop = conn->loop;
    const struct loop_limits *limits = &loop->limits;
    /* A local peer is bounded by its protocol: it is not read while it leaves answers unread. */
    bool bounded = loop->handlers[conn->kind]->local || loop->handlers[conn->kind]->bounded;
    size_t weight = outq_weight(conn->q);
    if (!bounded && limits->output_hard != 0 && weight > limits->output_hard) {
        counter_add(loop->counters, COUNTER_DROPPED_OUTPUT_HARD, 1);
        conn_doom(conn);
    } else if (limits->output_soft != 0 && limits->output_soft_ms != 0 &&
               weight > limits->output_soft &&
               loop->now - conn->q->since >= limits->output_soft_ms) {
        counter_add(loop->counters, COUNTER_DROPPED_OUTPUT_SOFT, 1);
        conn_doom(conn);
    }
}

void conn_flushed(struct conn *conn, size_t tried, int64_t sent)
{
    struct loop *loop = conn->loop;
    if (conn->q0 == NULL && conn->q == NULL) {
        if (conn->flags & CONN_FINISHING) {
            outq_finish(conn);
        }
        return;
    }
    if (sent < 0 && sent != -EAGAIN && sent != -EWOULDBLOCK && sent != -ENOBUFS &&
        sent != -ENOMEM) {
        conn_doom(conn);
        return;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    if (loop->handlers[conn->kind]->client) {
        counter_add(loop->counters, COUNTER_BYTES_OUT, taken);
    }
    if (conn->q0 != NULL && taken == conn->q0->frame->len) {
        struct delivery *done = conn->q0;
        conn->q0 = NULL;
        delivery_unref(loop, done);
    } else {
        if (!outq_need(conn)) {
            conn_doom(conn);
            return;
        }
        struct outq *q = conn->q;
        q->bytes -= taken;
        size_t off = q->first_off + taken;
        while (q->count > 0 && off >= q->ring[q->head]->frame->len) {
            struct delivery *done = q->ring[q->head];
            off -= done->frame->len;
            q->head = (q->head + 1) & (q->cap - 1);
            q->count--;
            delivery_unref(loop, done);
        }
        q->first_off = (uint32_t)off;
        if (q->count == 0) {
            outq_drop(conn);
        } else if (taken > 0) {
            outq_backlog_unlink(loop,
                                q); /* it got on: the youngest backlog again, should it stay one */
        }
    }
    if (taken > 0) {
        outq_wake(conn);
    }
    if (conn->q == NULL) {
        if (conn->flags & CONN_FINISHING) {
            outq_finish(conn);
        }
        return;
    }
    if (taken == tried) {
        slots_mark_dirty(conn);
        return;
    }
    conn_set_blocked(conn, true);
    if (!conn->q->listed) {
        outq_backlog_append(conn);
    }
    conn_judge(conn);
}

void conn_drop_output(struct conn *conn)
{
    if (conn->q != NULL) {
        outq_drop(conn);
    }
    if (conn->q0 != NULL) {
        delivery_unref(conn->loop, conn->q0);
        conn->q0 = NULL;
    }
}
