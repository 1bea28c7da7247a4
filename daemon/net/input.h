/*
 * A connection's beginning, its bytes, and where its memory goes. On the connection's loop.
 *
 * Reading is fair: in one turn a connection is read a few times, has so many messages handled
 * (conn_turn), and all of them together have LOOP_INPUT_US. Whoever stops early stands on the
 * loop's resume list, because an edge that was reported does not come again.
 */
#ifndef FF_NET_INPUT_H
#define FF_NET_INPUT_H

#include "base/address.h"
#include "net/conn.h"

struct tls_context;

/* Takes over the descriptor (non-blocking). NULL: no memory; then it is closed. The state is
 * zeroed. */
struct conn *conn_new(struct loop *loop, int fd, uint8_t kind,
                      enum idle_class idle_class) MUST_CHECK;

/* TLS from the next byte on, in the server's part. Before anything was queued. */
void conn_secure(struct conn *conn, struct tls_context *context);

/* Where it comes from. False: no internet address, or it is gone. */
bool conn_peer(const struct conn *conn, struct address *out) MUST_CHECK;

/* For the loop: those on the resume list go on, as far as there is time. */
void input_resume(struct loop *loop);
/* For the loop: the memory of one that is doomed. */
void conn_free(struct conn *conn);

#endif
