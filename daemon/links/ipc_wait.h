/*
 * Publishes that the cluster acknowledges: their answers wait until Redis has confirmed what was
 * said to the other nodes and these have told how many subscribers they have, or until their time
 * is over. On the hub.
 *
 * Answers keep the order of the frames of a connection, so one waits for all before it; frames of
 * other types behind them are not read meanwhile. A connection that goes away takes its waits with
 * it. A node that stands alone never comes here.
 */
#ifndef FF_LINKS_IPC_WAIT_H
#define FF_LINKS_IPC_WAIT_H

#include "links/ipc_state.h"

void ipc_wait_init(struct ipc *ipc);
void ipc_wait_free(struct ipc *ipc); /* when no connection is left */

/* A frame of one of these types was published, or was known, with these receipts: answers it now or
 * later, behind what was answered so far. */
void ipc_wait_begin(struct conn *conn, const struct ff_ipc_frame *frame,
                    const struct receipt *receipts, uint32_t n, bool duplicate);
/* An answer in ipc->out takes its place behind those that wait, if any do. */
void ipc_wait_queue(struct conn *conn);

/* Answers of the connection wait; as many as may. */
bool ipc_waits(struct conn *conn);
bool ipc_waits_full(struct conn *conn);

void ipc_wait_leave(struct conn *conn);
/* Nothing is waited for any longer: the process ends. */
void ipc_wait_give_up(struct ipc *ipc);

#endif
