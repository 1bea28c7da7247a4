#include "net/conn.h"

#include <string.h>

#include "net/slots.h"

_Static_assert(sizeof(struct conn) <= 272, "a connection must stay small");

/* ---- finding ---- */

struct conn *conn_at(struct loop *loop, uint32_t slot)
{
    struct conn *conn = slots_at(loop, slot);
    if (conn == NULL || !(conn->flags & CONN_OPEN) || !conn_live(conn)) {
        return NULL;
    }
    return conn;
}

struct conn *conn_find(struct loop *loop, uint32_t slot, uint32_t gen)
{
    struct conn *conn = conn_at(loop, slot);
    return conn != NULL && conn->gen == gen ? conn : NULL;
}

void conn_each(struct loop *loop, uint8_t kind, void (*fn)(struct conn *, void *), void *arg)
{
    for (size_t i = 0; i < loop->nchunks; i++) {
        for (uint32_t j = 0; loop->chunks[i] != NULL && j < LOOP_CHUNK; j++) {
            struct conn *conn = conn_at(loop, (uint32_t)(i * LOOP_CHUNK) + j);
            if (conn != NULL && conn->kind == kind) {
                fn(conn, arg);
            }
        }
    }
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
            slots_at(loop, conn->idle_prev - 1)->idle_next = conn->idle_next;
        } else {
            list->head = conn->idle_next;
        }
        if (conn->idle_next != 0) {
            slots_at(loop, conn->idle_next - 1)->idle_prev = conn->idle_prev;
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
            slots_at(loop, list->tail - 1)->idle_next = conn->slot + 1;
        } else {
            list->head = conn->slot + 1;
        }
        list->tail = conn->slot + 1;
        list->count++;
    }
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

/* ---- waiting ---- */

bool conn_turn(struct conn *conn)
{
    if (conn->loop->frames_left > 0) {
        conn->loop->frames_left--;
        return true;
    }
    conn_postpone(conn);
    return false;
}

void conn_wait(struct conn *conn)
{
    conn->flags |= CONN_WAITING;
}

void conn_resume(struct conn *conn)
{
    conn->flags &= (uint16_t)~CONN_WAITING;
    conn_postpone(conn);
}

void conn_postpone(struct conn *conn)
{
    if (!(conn->flags & (CONN_RESUME | CONN_DOOMED))) {
        conn->flags |= CONN_RESUME;
        slot_list_push(&conn->loop->resume, conn->slot);
    }
}

void conn_hold(struct conn *conn)
{
    conn_wait(conn);
    slot_list_push(&conn->loop->held, conn->slot);
    slot_list_push(&conn->loop->held, conn->gen);
}

/* ---- the end ---- */

static void conn_leave_once(struct conn *conn)
{
    if (!conn_left(conn)) {
        conn->flags |= CONN_LEFT;
        conn->loop->handlers[conn->kind]->leave(conn);
    }
}

void conn_finish(struct conn *conn, bool hangup)
{
    if (conn_doomed(conn)) {
        return;
    }
    if (!(conn->flags & CONN_FINISHING)) {
        conn->flags |= CONN_FINISHING;
        conn->flags &= (uint16_t) ~(CONN_WAITING | CONN_RESTING);
        conn_leave_once(conn);
        conn->discarded = 0;
        slots_mark_dirty(conn);
        conn_idle(conn, IDLE_CLOSING);
    }
    if (hangup) {
        conn_idle(conn, IDLE_HANGUP);
    }
}

void conn_doom(struct conn *conn)
{
    if (conn_doomed(conn)) {
        return;
    }
    conn->flags |= CONN_DOOMED;
    conn_leave_once(conn);
    slot_list_push(&conn->loop->doomed, conn->slot);
}
