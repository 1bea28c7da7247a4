/*
 * What the service manager is told (sd_notify(3)): that the process is ready, reads its
 * configuration or starts anew, ends, and is alive. A datagram each, to the socket that
 * NOTIFY_SOCKET names; nothing where there is none. Never waits, and whatever becomes of it changes
 * nothing. On the hub.
 */
#ifndef FF_OPS_NOTIFY_H
#define FF_OPS_NOTIFY_H

/* Serves, for the first time or again. */
void notify_ready(void);
/* A reload or a restart is under way: notify_ready follows. */
void notify_reloading(void);
void notify_stopping(void);
/* Each second: the hub's loop turns. Nothing unless a watchdog waits for it (WATCHDOG_USEC). */
void notify_alive(void);

#endif
