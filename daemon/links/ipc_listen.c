#include "links/ipc_listen.h"

#include "base/log.h"
#include "links/ipc_say.h"
#include "links/listen.h"
#include "shared/ipc_listen.h"

void ipc_listen(struct conn *conn, const struct ff_ipc_frame *frame)
{
    struct ipc *ipc = ipc_of(conn);
    const struct ff_ipc_listen *asked = &frame->listening.listen;
    struct listening answer;
    char why[200];
    struct listener *listener = listen_begin(ipc->hub->listens, conn, ipc_peer(conn)->app,
                                             frame->seq, asked, &answer, why, sizeof(why));
    if (listener == NULL) {
        counter_add(conn->loop->counters, COUNTER_IPC_QUERY_REFUSED, 1);
        ipc_reject(conn, frame->seq, FF_IPC_REASON_OTHER, why, -1);
        return;
    }
    ipc_peer(conn)->listener = listener;
    log_limited_with(LOG_LEVEL_INFO, "listen", LOG_FIELDS(.app = ipc_app(conn)->settings->id),
                     "a listener of application %s began%s%.*s", ipc_app(conn)->settings->id,
                     asked->group.p != NULL ? ", group " : "", (int)asked->group.len,
                     asked->group.p != NULL ? asked->group.p : "");
    ipc_packed(conn, ff_ipc_pack_listening(&ipc->out, frame->seq, answer.created, answer.waiting,
                                           answer.order));
}

bool ipc_listener_takes(struct conn *conn, const struct ff_ipc_frame *frame)
{
    struct listener *listener = ipc_peer(conn)->listener;
    if (frame->type == FF_IPC_SETTLE) {
        listen_settle(listener, frame->listening.numbers, frame->listening.nnumbers,
                      frame->listening.done);
        return true;
    }
    if (frame->type == FF_IPC_PING) {
        listen_alive(listener);
        ipc_packed(conn, ff_ipc_pack_bare(&ipc_of(conn)->out, FF_IPC_PONG, frame->seq));
        return true;
    }
    return false;
}

void ipc_listen_leave(struct conn *conn)
{
    if (ipc_peer(conn)->listener != NULL) {
        listen_end(ipc_peer(conn)->listener);
        ipc_peer(conn)->listener = NULL;
    }
}
