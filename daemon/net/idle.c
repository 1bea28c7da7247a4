/*
 * Time-outs without timers: connections wait in FIFOs, one for each length of patience. On the
 * connection's loop.
 */
#include "net/conn.h"
#include "net/loop.h"

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

/* ---- what has waited long enough ---- */

void idle_expire(struct loop *loop)
{
    for (int i = IDLE_HEAD; i < IDLE_MAX; i++) {
        uint64_t limit = loop->limits.idle_ms[i];
        struct idle_list *list = &loop->idle[i];
        while (limit != 0 && list->head != 0) {
            struct conn *conn = loop_conn(loop, list->head - 1);
            if ((uint32_t)loop->now - conn->stamp < limit) {
                break;
            }
            conn_idle(conn, IDLE_NONE);
            if (conn->flags & CONN_DOOMED) {
                continue;
            }
            if (i == IDLE_CLOSING || i == IDLE_HANGUP) {
                counter_add(loop->counters, COUNTER_TIMEOUT_CLOSE, 1);
                conn_doom(conn);
            } else {
                loop->handlers[conn->kind]->expired(conn, (enum idle_class)i);
            }
        }
    }
    uint32_t next = 0;
    for (uint32_t at = loop->backlog.head; at != 0; at = next) {
        struct conn *conn = loop_conn(loop, at - 1);
        next = conn->q->next;
        if (loop->now - conn->q->since < loop->limits.output_soft_ms) {
            break;
        }
        if (!(conn->flags & CONN_DOOMED)) {
            conn_judge(conn);
        }
    }
}
