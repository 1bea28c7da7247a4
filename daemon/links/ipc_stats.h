/*
 * The answer to FF_IPC_STATS: figures of the daemon, and what an application must know of its
 * configuration to find out why something does not work. docs/ipc.md names them. On the hub.
 */
#ifndef FF_LINKS_IPC_STATS_H
#define FF_LINKS_IPC_STATS_H

#include <msgpack.h>

#include "pubsub/hub.h"

/* Appends the frame. -1: no memory; nothing was added. */
int ipc_stats(struct hub *hub, const struct app *app, uint64_t seq,
              msgpack_sbuffer *out) MUST_CHECK;

#endif
