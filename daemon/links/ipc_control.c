#include "links/ipc_control.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "links/ipc_say.h"
#include "pubsub/control.h"
#include "shared/ipc_pack.h"

/* An order that was given and whose outcome is not known. */
struct ipc_order {
    struct conn *conn; /* NULL: it is gone */
    uint64_t seq;
    bool later; /* its connection waits for the answer */
};

static const struct {
    const char *word;
    enum control_action action;
} ipc_actions[] = {
    {FF_IPC_ACTION_STOP, CONTROL_STOP},
    {FF_IPC_ACTION_RESTART, CONTROL_RESTART},
    {FF_IPC_ACTION_RELOAD, CONTROL_RELOAD},
};

static const char *ipc_control_find(struct ff_slice word, enum control_action *action)
{
    for (size_t i = 0; i < sizeof(ipc_actions) / sizeof(ipc_actions[0]); i++) {
        const char *known = ipc_actions[i].word;
        if (word.len == strlen(known) && memcmp(word.p, known, word.len) == 0) {
            *action = ipc_actions[i].action;
            return known;
        }
    }
    return NULL;
}

static bool ipc_control_allowed(struct conn *conn, const struct ucred *peer)
{
    return peer->uid == 0 || peer->uid == geteuid() || ipc_app(conn)->settings->control;
}

static void ipc_control_forbid(struct conn *conn, uint64_t seq, const char *word,
                               const struct ucred *peer)
{
    char why[300];
    const char *id = ipc_app(conn)->settings->id;
    snprintf(why, sizeof(why),
             "%s is for root and for the daemon's own user (uid %ld), not for uid %ld; run it as "
             "one of them, or set control = yes in [app \"%s\"] of the daemon's configuration",
             word, (long)geteuid(), (long)peer->uid, id);
    log_limited_with(LOG_LEVEL_WARN, "ipc", LOG_FIELDS(.app = id),
                     "refused to %s for application %s (pid %ld, uid %ld)", word, id,
                     (long)peer->pid, (long)peer->uid);
    ipc_reject(conn, seq, FF_IPC_REASON_FORBIDDEN, why, -1);
}

static void ipc_control_on_done(void *arg, enum control_result result, const char *why)
{
    struct ipc_order *order = arg;
    struct conn *conn = order->conn;
    if (conn != NULL) {
        ipc_peer(conn)->order = NULL;
        ipc_peer(conn)->asking = false;
        switch (result) {
        case CONTROL_ACCEPTED:
            ipc_packed(conn, ff_ipc_pack_bare(&ipc_of(conn)->out, FF_IPC_CONTROLLED, order->seq));
            break;
        case CONTROL_DRAINING:
            ipc_reject(conn, order->seq, FF_IPC_REASON_DRAINING, why, -1);
            break;
        case CONTROL_REFUSED:
            ipc_reject(conn, order->seq, FF_IPC_REASON_OTHER, why, -1);
            break;
        }
        if (order->later) {
            ipc_send_answers(conn);
            ipc_of(conn)->answered(conn);
        }
    }
    mem_free(order);
}

void ipc_control(struct conn *conn, const struct ff_ipc_frame *frame)
{
    struct hub *hub = ipc_of(conn)->hub;
    enum control_action action;
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t len = sizeof(peer);
    const char *word = ipc_control_find(frame->name, &action);
    if (word == NULL || hub->control_ops == NULL) {
        ipc_reject(conn, frame->seq, FF_IPC_REASON_OTHER,
                   "the daemon can be told to stop, restart or reload, and nothing else", -1);
        return;
    }
    if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        peer = (struct ucred){.uid = (uid_t)-1}; /* nobody, and not root */
    }
    if (!ipc_control_allowed(conn, &peer)) {
        ipc_control_forbid(conn, frame->seq, word, &peer);
        return;
    }
    log_with(LOG_LEVEL_INFO, "server", LOG_FIELDS(.app = ipc_app(conn)->settings->id),
             "%s: asked for by application %s (pid %ld, uid %ld)", word,
             ipc_app(conn)->settings->id, (long)peer.pid, (long)peer.uid);
    struct ipc_order *order = mem_alloc(sizeof(*order));
    *order = (struct ipc_order){.conn = conn, .seq = frame->seq};
    ipc_peer(conn)->order = order;
    ipc_peer(conn)->asking = true;
    hub->control_ops->order(hub->controller, action, ipc_control_on_done, order);
    if (ipc_peer(conn)->order != NULL) {
        order->later = true;
        conn_wait(conn);
    }
}

void ipc_control_leave(struct conn *conn)
{
    if (ipc_peer(conn)->order != NULL) {
        ipc_peer(conn)->order->conn = NULL;
        ipc_peer(conn)->order = NULL;
    }
}
