/*
 * Frames by which a client looks at a daemon's connections, beside those of ipc_pack.h and with the
 * same promises: each function appends one whole frame, and returns 0, or -1 when memory ran out;
 * then the buffer is as long as it was before.
 *
 * Owns nothing and runs anywhere. FF_IPC_CONTROL is a frame of ff_ipc_pack_named(), its answer one
 * of ff_ipc_pack_bare().
 */
#ifndef FF_IPC_CONTROL_H
#define FF_IPC_CONTROL_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc_proto.h"

/* A client's WebSocket. */
struct ff_ipc_socket {
    struct ff_slice socket_id;
    struct ff_slice user_id; /* p == NULL: nobody has said who it is */
    struct ff_slice address; /* "192.0.2.1"; empty: it is not known */
    uint64_t opened_ms;      /* since 1970 */
    uint32_t subscriptions;
};

/* `after`: the socket id behind which to go on, p == NULL: from the beginning. */
int ff_ipc_pack_sockets(msgpack_sbuffer *out, uint64_t seq, struct ff_slice after, uint64_t limit);
/* n is at most FF_IPC_MAX_SOCKETS, and texts are short: the frame has room for them. `next`: to be
 * asked for with, p == NULL: there are no more. */
int ff_ipc_pack_sockets_reply(msgpack_sbuffer *out, uint64_t seq,
                              const struct ff_ipc_socket *sockets, uint32_t n, struct ff_slice next,
                              bool partial);

#endif
