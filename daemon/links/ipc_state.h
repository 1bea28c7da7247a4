/*
 * What the server's end of the wire to PHP is made of: data alone, so that the modules beside it
 * (ipc_say, ipc_wait, ipc_ask, ipc) include this and only those below themselves. On the hub.
 */
#ifndef FF_LINKS_IPC_STATE_H
#define FF_LINKS_IPC_STATE_H

#include "links/ipc_recent.h"
#include "net/conn.h"
#include "pubsub/hub.h"
#include "shared/ipc_unpack.h"

struct ipc_line;
struct ipc_order;
struct ipc_page;
struct ipc_question;
struct listener;

/* Acknowledgements that wait for the cluster, see links/ipc_wait.h. */
struct ipc_waits {
    struct ipc_line *first, *last; /* of each connection that has any */
    struct event timer;
    uint64_t due;   /* what the timer is set to, monotonic ms; 0: it is not */
    bool beginning; /* one is being made: what is confirmed meanwhile is looked at behind it */
    bool look_again;
    struct ipc_recent recent;
    msgpack_sbuffer out; /* answers that come due */
};

struct ipc {
    struct hub *hub;
    struct ff_ipc_unpacker unpacker;
    msgpack_sbuffer out;      /* answers of the frames read in one go */
    struct receipt *receipts; /* of one frame */
    size_t nreceipts;
    struct ipc_waits waits;
    /* Something that a connection has waited for was answered: what lies behind it may be read. */
    void (*answered)(struct conn *conn);
};

/* conn->state of a publisher's connection. */
struct peer {
    uint32_t app;       /* its index */
    bool greeted;       /* its hello was accepted */
    bool asking;        /* others are at its question: nothing behind it is read */
    bool ending;        /* what it had sent by the reload is still answered, then it is closed */
    uint32_t unsettled; /* of that, bytes that were not answered yet */
    uint8_t producer[FF_IPC_PRODUCER];
    struct ipc_line *line;         /* its acknowledgements that wait; NULL: none */
    struct listener *listener;     /* links/listen.h; NULL: a publisher */
    struct ipc_question *question; /* that other nodes are asked; NULL: none */
    struct ipc_order *order;       /* to the process, under way; NULL: none */
    struct ipc_page *page;         /* of connections, being gathered; NULL: none */
    uint64_t asked_ns;             /* when the question was read that others are at; 0: none */
};

_Static_assert(sizeof(struct peer) <= CONN_STATE_SIZE, "a peer must fit into its connection");

/* One loop has one hub and one hub has one of these. */
static inline struct ipc *ipc_of(const struct conn *conn)
{
    return ((struct hub *)conn->loop->hub)->ipc;
}

static inline struct peer *ipc_peer(struct conn *conn)
{
    return (struct peer *)conn->state;
}

/* Of a peer that has said hello; for the current turn. */
static inline const struct app *ipc_app(struct conn *conn)
{
    return &ipc_of(conn)->hub->apps->items[ipc_peer(conn)->app];
}

#endif
