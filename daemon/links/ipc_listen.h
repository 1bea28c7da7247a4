/*
 * A publisher's connection that becomes a listener's: the frames LISTEN and SETTLE. On the hub.
 */
#ifndef FF_LINKS_IPC_LISTEN_H
#define FF_LINKS_IPC_LISTEN_H

#include "links/ipc_state.h"

/* LISTEN; answered. */
void ipc_listen(struct conn *conn, const struct ff_ipc_frame *frame);
/* A frame of a connection that listens. False: it may not send such a one. */
bool ipc_listener_takes(struct conn *conn, const struct ff_ipc_frame *frame) MUST_CHECK;
void ipc_listen_leave(struct conn *conn);

#endif
