/*
 * Orders of publishers to the process itself: stop, restart, reload (pubsub/control.h). Taken of
 * the daemon's own user and of root, and of applications that are trusted with it. On the hub.
 *
 * One order of a connection at a time; nothing behind it is read until it is answered.
 */
#ifndef FF_LINKS_IPC_CONTROL_H
#define FF_LINKS_IPC_CONTROL_H

#include "links/ipc_state.h"

/* FF_IPC_CONTROL, answered now or when it is known what came of it. */
void ipc_control(struct conn *conn, const struct ff_ipc_frame *frame);

void ipc_control_leave(struct conn *conn);

#endif
