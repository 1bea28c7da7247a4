/*
 * Time-outs without timers: connections wait in FIFOs, one for each length of patience
 * (conn_idle). On the loop's thread.
 */
#ifndef FF_NET_IDLE_H
#define FF_NET_IDLE_H

#include "net/core.h"

/* Whoever has waited long enough in its idle class, or has taken nothing for too long. */
void idle_expire(struct loop *loop);

#endif
