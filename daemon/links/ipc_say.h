/*
 * Answers to a publisher: packed one behind the other, then sent together. On the hub.
 *
 * An answer that cannot be packed ends its connection: the publisher then knows that it knows
 * nothing.
 */
#ifndef FF_LINKS_IPC_SAY_H
#define FF_LINKS_IPC_SAY_H

#include "links/ipc_state.h"

/* What a function of shared/ipc_pack has returned. */
void ipc_packed(struct conn *conn, int result);

/* An error; index < 0: of no message in particular. */
void ipc_reject(struct conn *conn, uint64_t seq, const char *reason, const char *why,
                int64_t index);

/* The receipts of a publish or a batch, of whichever of their types. */
void ipc_acknowledge(struct conn *conn, msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                     const struct receipt *receipts, uint32_t n, bool duplicate);

/* Whether the connection's application is served; it was answered if not. */
bool ipc_serves(struct conn *conn, uint64_t seq) MUST_CHECK;

/* Puts what was packed into the connection's queue. */
void ipc_send(struct conn *conn, msgpack_sbuffer *out);
/* The same for the answers of the frames that are being read. */
void ipc_send_answers(struct conn *conn);

#endif
