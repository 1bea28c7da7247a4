/*
 * TLS on one connection: what stands between its socket and its protocol. Belongs to the
 * connection's loop; net/conn.c and net/output.c read and write through it. Knows OpenSSL, which
 * nothing above does. Never waits, never closes the descriptor.
 */
#ifndef FF_NET_TLS_H
#define FF_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/counters.h"
#include "net/tls_context.h"

struct tls;

/* NULL: no memory. Keeps a reference to the context. */
struct tls *tls_new(struct tls_context *context, int fd, struct counters *counters) MUST_CHECK;
void tls_free(struct tls *tls);

/* Bytes of the peer, after the handshake, which reading drives: their number, 0 at the end (told or
 * not), -EAGAIN, or another -errno when the connection cannot go on: then its alert has been sent
 * and it is broken. */
ssize_t tls_read(struct tls *tls, uint8_t *room, size_t size) MUST_CHECK;
/* Whether a read may give more although the last one did not fill its room. */
bool tls_unread(const struct tls *tls);
/* As send(): bytes taken, -EAGAIN for none, or another -errno. After a part or -EAGAIN the next
 * call must begin with the bytes that were not taken. */
int64_t tls_write(struct tls *tls, const uint8_t *bytes, size_t len) MUST_CHECK;
/* Tells the peer that nothing follows. 0: done, or there is no way to; -EAGAIN: again when the
 * socket can be written to. */
int tls_close(struct tls *tls) MUST_CHECK;

bool tls_ready(const struct tls *tls); /* the handshake is over */
/* Each waits for the other's edge, which is rare: a handshake that is larger than the socket's
 * buffer, a write in the middle of the peer's change of keys. */
bool tls_read_wants_write(const struct tls *tls);
bool tls_write_wants_read(const struct tls *tls);

#endif
