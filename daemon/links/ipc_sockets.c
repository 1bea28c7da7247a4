#include "links/ipc_sockets.h"

#include "base/mem.h"
#include "links/ipc_say.h"
#include "pubsub/sockets.h"
#include "shared/channel.h"
#include "shared/ipc_control.h"

struct ipc_page {
    struct conn *conn;
    struct sockets_query *query;
    uint64_t seq;
};

static void ipc_sockets_refuse(struct conn *conn, uint64_t seq, const char *why)
{
    counter_add(conn->loop->counters, COUNTER_IPC_QUERY_REFUSED, 1);
    ipc_reject(conn, seq, FF_IPC_REASON_OTHER, why, -1);
}

/* Other nodes list their own, for who asks them. */
static bool ipc_sockets_partial(const struct hub *hub, const struct sockets_page *page)
{
    return !page->whole || hub->cluster_ops != NULL;
}

static void ipc_sockets_on_page(void *arg, const struct sockets_page *page)
{
    struct ipc_page *asked = arg;
    struct conn *conn = asked->conn;
    struct ipc *ipc = ipc_of(conn);
    struct ff_ipc_socket *sockets = mem_alloc((page->n + 1) * (sizeof(*sockets) + SOCKET_ID_MAX));
    char *ids = (char *)(sockets + page->n + 1);
    struct ff_slice next = {NULL, 0};
    for (uint32_t i = 0; i < page->n; i++) {
        const struct sockets_item *item = &page->items[i];
        char *id = ids + (size_t)i * SOCKET_ID_MAX;
        sockets[i] =
            (struct ff_ipc_socket){.socket_id = {id, (unsigned int)socket_id_write(id, &item->ref)},
                                   .user_id = {item->user_id.p, (unsigned int)item->user_id.len},
                                   .address = {item->address.p, (unsigned int)item->address.len},
                                   .opened_ms = item->opened_ms,
                                   .subscriptions = item->subscriptions};
        next = sockets[i].socket_id;
    }
    ipc_peer(conn)->page = NULL;
    ipc_peer(conn)->asking = false;
    if (ipc_serves(conn, asked->seq)) {
        ipc_packed(conn, ff_ipc_pack_sockets_reply(&ipc->out, asked->seq, sockets, page->n,
                                                   page->more ? next : (struct ff_slice){NULL, 0},
                                                   ipc_sockets_partial(ipc->hub, page)));
    }
    mem_free(sockets);
    mem_free(asked);
    ipc_send_answers(conn);
    ipc->answered(conn);
}

void ipc_sockets(struct conn *conn, const struct ff_ipc_frame *frame)
{
    struct slice name = {frame->name.p, frame->name.len};
    struct socket_ref after = {.random = 0};
    if (frame->count == 0 || frame->count > FF_IPC_MAX_SOCKETS) {
        ipc_sockets_refuse(conn, frame->seq, "a page has 1 to 10000 connections");
        return;
    }
    if (name.p != NULL &&
        (!ff_socket_id_valid(name.p, name.len) || !socket_id_read(name, &after))) {
        ipc_sockets_refuse(conn, frame->seq,
                           "the socket id must be one of this daemon: digits, a dot and digits");
        return;
    }
    if (after.worker >= hub_workers(ipc_of(conn)->hub)) { /* of a daemon with more of them */
        ipc_packed(conn, ff_ipc_pack_sockets_reply(&ipc_of(conn)->out, frame->seq, NULL, 0,
                                                   (struct ff_slice){NULL, 0},
                                                   ipc_of(conn)->hub->cluster_ops != NULL));
        return;
    }
    struct ipc_page *page = mem_alloc(sizeof(*page));
    *page = (struct ipc_page){.conn = conn, .seq = frame->seq};
    ipc_peer(conn)->page = page;
    ipc_peer(conn)->asking = true;
    page->query = sockets_ask(ipc_of(conn)->hub, ipc_peer(conn)->app, &after,
                              (uint32_t)frame->count, ipc_sockets_on_page, page);
    conn_wait(conn);
}

void ipc_sockets_leave(struct conn *conn)
{
    struct ipc_page *page = ipc_peer(conn)->page;
    if (page != NULL) {
        ipc_peer(conn)->page = NULL;
        sockets_cancel(ipc_of(conn)->hub, page->query);
        mem_free(page);
    }
}
