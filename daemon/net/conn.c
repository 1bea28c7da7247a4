#include "net/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop.h"

#define OUTQ_FIRST   16u        /* deliveries in a new queue */
#define READS_A_TURN 4          /* then the others have their turn */
#define DISCARD_MAX  (1u << 20) /* bytes read and thrown away while finishing */
#define INBUF_FIRST  512u

_Static_assert(sizeof(struct conn) <= 272, "a connection must stay small");

static void conn_event(evutil_socket_t fd, short what, void *arg);
static void set_blocked(struct conn *conn, bool blocked);

/* ---- the queue ---- */

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
    if (limits->output_hard != 0 && conn->q->bytes > limits->output_hard) {
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
    set_blocked(conn, true);
    if (!conn->q->listed) {
        backlog_append(conn);
    }
    conn_judge(conn);
}

/* ---- idle classes ---- */

void conn_idle(struct conn *conn, enum idle_class idle_class)
{
    struct loop *loop = conn->loop;
    uint32_t now = (uint32_t)loop->now;
    /* Most input comes from who is at the end of its list anyway, or was put there this very
     * moment. */
    if (conn->idle_class == idle_class && (conn->stamp == now || idle_class == IDLE_NONE)) {
        return;
    }
    if (conn->idle_class != IDLE_NONE) {
        struct idle_list *list = &loop->idle[conn->idle_class];
        if (conn->idle_prev != 0) {
            loop_conn(loop, conn->idle_prev - 1)->idle_next = conn->idle_next;
        } else {
            list->head = conn->idle_next;
        }
        if (conn->idle_next != 0) {
            loop_conn(loop, conn->idle_next - 1)->idle_prev = conn->idle_prev;
        } else {
            list->tail = conn->idle_prev;
        }
        list->count--;
    }
    conn->idle_class = (uint8_t)idle_class;
    conn->stamp = now;
    conn->idle_prev = conn->idle_next = 0;
    if (idle_class != IDLE_NONE) {
        struct idle_list *list = &loop->idle[idle_class];
        conn->idle_prev = list->tail;
        if (list->tail != 0) {
            loop_conn(loop, list->tail - 1)->idle_next = conn->slot + 1;
        } else {
            list->head = conn->slot + 1;
        }
        list->tail = conn->slot + 1;
        list->count++;
    }
}

/* ---- life ---- */

/* A Unix socket reports that it is writable whenever its peer has read something, so it is asked
 * only while it is blocked. A TCP socket does so only after it was full: its one event is added
 * once, for life. */
static int watch(struct conn *conn, bool writes)
{
    short what = EV_READ | EV_CLOSED | EV_ET | EV_PERSIST;
    if (writes) {
        what |= EV_WRITE;
    }
    if (event_assign(&conn->ev, conn->loop->base, conn->fd, what, conn_event, conn) != 0) {
        return -1;
    }
    return event_add(&conn->ev, NULL);
}

static void set_blocked(struct conn *conn, bool blocked)
{
    conn->flags = (uint16_t)(blocked ? conn->flags | CONN_BLOCKED : conn->flags & ~CONN_BLOCKED);
    if (conn->loop->handlers[conn->kind]->local) {
        event_del(&conn->ev);
        if (watch(conn, blocked) != 0) {
            conn_doom(conn);
        }
    }
}

struct conn *conn_new(struct loop *loop, int fd, uint8_t kind, enum idle_class idle_class)
{
    check(kind < LOOP_KINDS && loop->handlers[kind] != NULL);
    struct conn *conn = loop_slot(loop);
    if (conn == NULL) {
        close(fd);
        return NULL;
    }
    conn->fd = fd;
    conn->kind = kind;
    conn->flags = CONN_OPEN;
    loop->by_kind[kind]++;
    if (watch(conn, !loop->handlers[kind]->local) != 0) {
        conn->flags = 0;
        close(fd);
        loop->by_kind[kind]--;
        loop_slot_free(loop, conn);
        return NULL;
    }
    conn_idle(conn, idle_class);
    return conn;
}

void conn_become(struct conn *conn, uint8_t kind, enum idle_class idle_class)
{
    check(kind < LOOP_KINDS && conn->loop->handlers[kind] != NULL);
    conn->loop->by_kind[conn->kind]--;
    conn->loop->by_kind[kind]++;
    conn->kind = kind;
    memset(conn->state, 0, sizeof(conn->state));
    conn_idle(conn, idle_class);
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

void conn_free(struct conn *conn)
{
    check(conn->flags & CONN_DOOMED);
    conn_idle(conn, IDLE_NONE);
    event_del(&conn->ev);
    close(conn->fd);
    conn_drop_output(conn);
    mem_free(conn->in);
    conn->loop->by_kind[conn->kind]--;
    loop_slot_free(conn->loop, conn);
}

struct conn *conn_at(struct loop *loop, uint32_t slot)
{
    struct conn *conn = loop_conn(loop, slot);
    if (conn == NULL || !(conn->flags & CONN_OPEN) ||
        (conn->flags & (CONN_FINISHING | CONN_DOOMED))) {
        return NULL;
    }
    return conn;
}

struct conn *conn_find(struct loop *loop, uint32_t slot, uint32_t gen)
{
    struct conn *conn = conn_at(loop, slot);
    return conn != NULL && conn->gen == gen ? conn : NULL;
}

static void leave_once(struct conn *conn)
{
    if (!(conn->flags & CONN_LEFT)) {
        conn->flags |= CONN_LEFT;
        conn->loop->handlers[conn->kind]->leave(conn);
    }
}

void conn_finish(struct conn *conn, bool hangup)
{
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    if (!(conn->flags & CONN_FINISHING)) {
        conn->flags |= CONN_FINISHING;
        conn->flags &= (uint16_t)~CONN_WAITING;
        leave_once(conn);
        loop_mark_dirty(conn->loop, conn);
        conn_idle(conn, IDLE_CLOSING);
    }
    if (hangup) {
        conn_idle(conn, IDLE_HANGUP);
    }
}

void conn_doom(struct conn *conn)
{
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    conn->flags |= CONN_DOOMED;
    leave_once(conn);
    slots_push(&conn->loop->doomed, conn->slot);
}

void conn_wait(struct conn *conn)
{
    conn->flags |= CONN_WAITING;
}

void conn_resume(struct conn *conn)
{
    conn->flags &= (uint16_t)~CONN_WAITING;
    if (!(conn->flags & (CONN_RESUME | CONN_DOOMED))) {
        conn->flags |= CONN_RESUME;
        slots_push(&conn->loop->resume, conn->slot);
    }
}

/* ---- input ---- */

static bool takes_input(const struct conn *conn)
{
    return !(conn->flags & (CONN_WAITING | CONN_DOOMED | CONN_FINISHING));
}

/* Keeps bytes that the handler did not use. */
static bool stash(struct conn *conn, const uint8_t *bytes, size_t len)
{
    size_t max = conn->loop->handlers[conn->kind]->max_input;
    size_t cap = INBUF_FIRST;
    while (cap < len) {
        cap *= 2;
    }
    if (len > max && len > LOOP_READ) {
        return false;
    }
    struct inbuf *in = mem_try_alloc(sizeof(*in) + cap);
    if (in == NULL) {
        return false;
    }
    memcpy(in->bytes, bytes, len);
    in->len = len;
    in->cap = cap;
    conn->in = in;
    return true;
}

static bool inbuf_grow(struct conn *conn)
{
    struct inbuf *in = conn->in;
    if (in->len < in->cap) {
        return true;
    }
    size_t max = conn->loop->handlers[conn->kind]->max_input;
    if (in->cap >= max + LOOP_READ) {
        return false; /* the handler should have refused long ago */
    }
    struct inbuf *grown = mem_try_realloc(in, sizeof(*in) + in->cap * 2);
    if (grown == NULL) {
        return false;
    }
    grown->cap *= 2;
    conn->in = grown;
    return true;
}

/* Hands over what lies in `in`. The handler may have ended the connection, but the bytes are there
 * until it returns. */
static void input_kept(struct conn *conn)
{
    struct inbuf *in = conn->in;
    size_t used = conn->loop->handlers[conn->kind]->input(conn, in->bytes, in->len);
    if (used == in->len || (conn->flags & CONN_FINISHING)) {
        mem_free(in);
        conn->in = NULL;
    } else if (used > 0) {
        in->len -= used;
        memmove(in->bytes, in->bytes + used, in->len);
    }
}

static void input_end(struct conn *conn)
{
    conn->flags |= CONN_EOF;
    if (conn->flags & CONN_FINISHING) {
        if (conn_queued(conn) == 0) {
            conn_doom(conn);
        } else {
            conn_idle(conn, IDLE_HANGUP);
        }
    } else {
        conn_finish(conn, true); /* answers to what came before the end are still flushed */
    }
}

static void discard(struct conn *conn)
{
    for (int i = 0; i < READS_A_TURN * 4; i++) {
        ssize_t got = recv(conn->fd, conn->loop->read_room, LOOP_READ, MSG_DONTWAIT);
        if (got == 0) {
            input_end(conn);
            return;
        }
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                conn_doom(conn);
            }
            return;
        }
        conn->discarded += (uint32_t)got;
        if (conn->discarded > DISCARD_MAX) {
            conn_doom(conn);
            return;
        }
    }
    conn_resume(conn);
}

void conn_process(struct conn *conn)
{
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    if (conn->in != NULL && takes_input(conn)) {
        input_kept(conn);
    }
    for (int i = 0; i < READS_A_TURN; i++) {
        if (conn->flags & (CONN_DOOMED | CONN_EOF)) {
            return;
        }
        if (conn->flags & CONN_FINISHING) {
            discard(conn);
            return;
        }
        if (!takes_input(conn) || (conn->flags & CONN_RESUME)) {
            return; /* it goes on when it is resumed, with what is left over and then with what can
                       be read */
        }
        uint8_t *room = conn->loop->read_room;
        size_t size = LOOP_READ;
        if (conn->in != NULL) {
            if (!inbuf_grow(conn)) {
                conn_doom(conn);
                return;
            }
            room = conn->in->bytes + conn->in->len;
            size = conn->in->cap - conn->in->len;
        }
        ssize_t got = recv(conn->fd, room, size, MSG_DONTWAIT);
        if (got == 0) {
            input_end(conn);
            return;
        }
        if (got < 0) {
            if (errno == EAGAIN) {
                return;
            }
            if (errno != EINTR) {
                conn_doom(conn);
                return;
            }
            continue;
        }
        if (conn->loop->handlers[conn->kind]->client) {
            counter_add(conn->loop->counters, COUNTER_BYTES_IN, (uint64_t)got);
        }
        if (conn->in != NULL) {
            conn->in->len += (size_t)got;
            input_kept(conn);
        } else {
            size_t used = conn->loop->handlers[conn->kind]->input(conn, room, (size_t)got);
            if (used < (size_t)got && !(conn->flags & (CONN_FINISHING | CONN_DOOMED)) &&
                !stash(conn, room + used, (size_t)got - used)) {
                conn_doom(conn);
                return;
            }
        }
        /* A short read has emptied the socket; but data and the peer's end arriving together give
         * one edge. */
        if ((size_t)got < size && !(conn->flags & (CONN_PEER_END | CONN_FINISHING))) {
            return;
        }
    }
    conn_resume(conn);
}

static void conn_event(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    (void)fd;
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    if (what & EV_CLOSED) {
        conn->flags |= CONN_PEER_END;
    }
    if ((what & EV_WRITE) && (conn->flags & CONN_BLOCKED)) {
        set_blocked(conn, false);
        loop_mark_dirty(conn->loop, conn);
    }
    if (what & (EV_READ | EV_CLOSED)) {
        conn_process(conn);
    }
}
