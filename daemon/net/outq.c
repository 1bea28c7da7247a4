/*
 * What a connection has still to send: the queue of deliveries behind net/conn.h, and the judgement
 * on those that take nothing. On the connection's loop.
 */
#include "net/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/loop.h"
#include "net/tls.h"

#define OUTQ_FIRST 16u /* deliveries in a new queue */

static size_t outq_size(uint32_t cap)
{
    return sizeof(struct outq) + cap * sizeof(struct delivery *);
}

static void backlog_unlink(struct loop *loop, struct outq *q)
{
    if (!q->listed) {
        return;
    }
    if (q->prev != 0) {
        loop_conn(loop, q->prev - 1)->q->next = q->next;
    } else {
        loop->backlog.head = q->next;
    }
    if (q->next != 0) {
        loop_conn(loop, q->next - 1)->q->prev = q->prev;
    } else {
        loop->backlog.tail = q->prev;
    }
    loop->backlog.count--;
    q->listed = false;
}

static void backlog_append(struct conn *conn)
{
    struct loop *loop = conn->loop;
    struct outq *q = conn->q;
    q->prev = loop->backlog.tail;
    q->next = 0;
    if (q->prev != 0) {
        loop_conn(loop, q->prev - 1)->q->next = conn->slot + 1;
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
        conn->loop->queued_bytes += (cap - (q == NULL ? 0 : cap / 2)) * sizeof(struct delivery *);
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
    backlog_unlink(conn->loop, q);
    for (uint32_t i = 0; i < q->count; i++) {
        delivery_unref(conn->loop, q->ring[(q->head + i) & (q->cap - 1)]);
    }
    conn->loop->queued_bytes -= q->cap * sizeof(struct delivery *);
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
    if (conn->flags & (CONN_FINISHING | CONN_DOOMED)) {
        return;
    }
    if (conn->q0 == NULL && conn->q == NULL) {
        conn->q0 = delivery;
    } else if (!outq_need(conn) || !outq_push(conn, delivery)) {
        conn_doom(conn);
        return;
    }
    delivery->refs++;
    loop_mark_dirty(conn->loop, conn);
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

/*
 * Finds what the next write shall carry: one frame as it is, or several laid end to end in `room`,
 * of which *used bytes are taken already by others of the batch. False: it does not fit any more,
 * run the batch first.
 */
bool conn_gather(struct conn *conn, uint8_t *room, size_t size, size_t *used, const uint8_t **bytes,
                 size_t *len)
{
    if (conn->q0 != NULL) {
        *bytes = conn->q0->frame->bytes;
        *len = conn->q0->frame->len;
        return true;
    }
    struct outq *q = conn->q;
    struct frame *first = q->ring[q->head]->frame;
    if (q->count == 1 || first->len - q->first_off >= size / 2) {
        *bytes = first->bytes + q->first_off;
        *len = first->len - q->first_off;
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
static void finish_flushed(struct conn *conn)
{
    if ((conn->flags & (CONN_TLS | CONN_SHUT)) == CONN_TLS &&
        tls_close(*loop_tls(conn->loop, conn->slot, false)) == -EAGAIN) {
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
    slots_push(&conn->loop->resume,
               conn->slot); /* what has arrived meanwhile, the end perhaps, gives no edge */
    conn->flags |= CONN_RESUME;
}

/* Whether a connection whose kernel buffer is full may go on. Judged on what the kernel refused,
 * never on what we have not tried. */
void conn_judge(struct conn *conn)
{
    struct loop *loop = conn->loop;
    const struct loop_limits *limits = &loop->limits;
    /* A local peer is bounded by its protocol: it is not read while it leaves answers unread. */
    bool bounded = loop->handlers[conn->kind]->local || loop->handlers[conn->kind]->bounded;
    if (!bounded && limits->output_hard != 0 && conn->q->bytes > limits->output_hard) {
        counter_add(loop->counters, COUNTER_DROPPED_OUTPUT_HARD, 1);
        conn_doom(conn);
    } else if (limits->output_soft != 0 && conn->q->bytes > limits->output_soft &&
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
            finish_flushed(conn);
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
            backlog_unlink(loop, q); /* it got on: the youngest backlog again, should it stay one */
        }
    }
    if (conn->q == NULL) {
        if (conn->flags & CONN_FINISHING) {
            finish_flushed(conn);
        }
        return;
    }
    if (taken == tried) {
        loop_mark_dirty(loop, conn);
        return;
    }
    conn_set_blocked(conn, true);
    if (!conn->q->listed) {
        backlog_append(conn);
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
