/*
 * Sockets that were passed at the start, as systemd does it: LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES in the environment, and descriptors from 3 on. Who passes them keeps them open
 * over a restart, so that whoever connects meanwhile waits instead of being refused.
 *
 * The socket for publishers can be passed, and those for clients, with and without TLS. All workers
 * accept from one that was passed.
 * Runs once, on the main thread, before the process opens anything of its own: descriptors that are
 * said to have been passed, and were not, must not be ours.
 */
#ifndef FF_OPS_ACTIVATION_H
#define FF_OPS_ACTIVATION_H

#include <stddef.h>

#include "ops/config.h"

#define ACTIVATION_FIRST 3 /* the descriptor of the first one */
#define ACTIVATION_MAX   64u

struct activation {
    int ipc; /* the one for publishers; -1: it was not passed */
    size_t count;
    int publics[ACTIVATION_MAX]; /* those for clients */
};

/* Takes what the configuration has a use for: a Unix socket that is named "ipc" or has the path of
 * [ipc] socket, TCP sockets at an address of [server] or [tls] listen. Others are closed, with a
 * warning. The variables are taken out of the environment. All descriptors are the caller's. */
void activation_take(struct activation *activation, const struct config *config);

/* The one that listens at the address; -1: none was passed. */
int activation_public(const struct activation *activation, const char *address);

#endif
