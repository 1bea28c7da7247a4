#include "net/idle.h"

#include "net/outq.h"
#include "net/slots.h"

void idle_expire(struct loop *loop)
{
    for (int i = IDLE_HEAD; i < IDLE_MAX; i++) {
        uint64_t limit = loop->limits.idle_ms[i];
        struct idle_list *list = &loop->idle[i];
        while (limit != 0 && list->head != 0) {
            struct conn *conn = slots_at(loop, list->head - 1);
            if ((uint32_t)loop->now - conn->stamp < limit) {
                break;
            }
            conn_idle(conn, IDLE_NONE);
            if (conn_doomed(conn)) {
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
        struct conn *conn = slots_at(loop, at - 1);
        next = conn->q->next;
        if (loop->now - conn->q->since < loop->limits.output_soft_ms) {
            break;
        }
        if (!(conn_doomed(conn))) {
            conn_judge(conn);
        }
    }
}
