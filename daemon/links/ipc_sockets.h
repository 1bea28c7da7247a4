/*
 * Publishers that want to see the connections of their application on this node (pubsub/sockets.h).
 * On the hub.
 *
 * One page of a connection at a time; nothing behind the question is read meanwhile.
 */
#ifndef FF_LINKS_IPC_SOCKETS_H
#define FF_LINKS_IPC_SOCKETS_H

#include "links/ipc_state.h"

/* FF_IPC_SOCKETS, answered when the workers have said what they have. */
void ipc_sockets(struct conn *conn, const struct ff_ipc_frame *frame);

void ipc_sockets_leave(struct conn *conn);

#endif
