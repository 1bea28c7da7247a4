/*
 * Sockets that were passed at the start, as systemd does it: LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES in the environment, and descriptors from 3 on. Who passes them keeps them open
 * over a restart, so that whoever connects meanwhile waits instead of being refused.
 *
 * Only the socket for publishers can be passed: each worker has public listeners of its own.
 * Runs once, on the main thread, before the process opens anything of its own: descriptors that are
 * said to have been passed, and were not, must not be ours.
 */
#ifndef FF_OPS_ACTIVATION_H
#define FF_OPS_ACTIVATION_H

/* The descriptor that is named "ipc" or whose path is `socket`; -1: there is none. It is the
 * caller's. Others are closed, with a warning. The variables are taken out of the environment. */
int activation_ipc(const char *socket);

#endif
