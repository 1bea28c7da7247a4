/*
 * Questions of publishers that concern the whole cluster: the other nodes are asked first, and
 * links/ipc_answer answers out of what they and this node know. On the hub.
 *
 * One question of a connection at a time; nothing behind it is read meanwhile.
 */
#ifndef FF_LINKS_IPC_ASK_H
#define FF_LINKS_IPC_ASK_H

#include "links/ipc_state.h"

/* A question, answered now or when the others have answered. */
void ipc_ask(struct conn *conn, const struct ff_ipc_frame *frame);

void ipc_ask_leave(struct conn *conn);

#endif
