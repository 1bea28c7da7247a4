/*
 * The server's end of the wire to PHP: publishers on the Unix socket, each greeted, checked and
 * answered. Runs on the hub.
 *
 * A publisher's broken or hostile bytes end its own connection with a reason and cost nobody else
 * anything.
 */
#ifndef FF_LINKS_IPC_H
#define FF_LINKS_IPC_H

#include "net/conn.h"
#include "pubsub/hub.h"

struct ipc;

extern const struct conn_handler ipc_handler;

/* What all publishers' connections share. Set up before the loop takes any. */
struct ipc *ipc_new(struct hub *hub);
void ipc_free(struct ipc *ipc);

/* The hub uses another generation than `old`: connections of applications that were removed or
 * disabled, or whose secret changed, are closed when what they have sent so far is answered. */
void ipc_reload(struct ipc *ipc, const struct apps *old);

/* The process ends: acknowledgements that still wait for the cluster say that it has not confirmed
 * them. One more turn of the loop sends them. */
void ipc_give_up(struct ipc *ipc);

/* No publisher sends anything from now on: each connection is closed when what it has sent so far
 * is answered. Returns how many are still to be answered; may be called again to know. After the
 * listener was stopped. */
size_t ipc_end(struct ipc *ipc) MUST_CHECK;

#endif
