/*
 * What the process does with signals: SIGTERM and SIGINT end it, SIGHUP reloads, and what others
 * send by mistake or for habits of other programs does no harm. All are read from a descriptor by
 * the hub; no handler is ever run.
 *
 * SIGUSR2 is kept for starting another binary in place.
 */
#ifndef FF_OPS_SIGNALS_H
#define FF_OPS_SIGNALS_H

#include "base/check.h"

/* First of all, so that such signals do not end a process that has hardly started: those without a
 * meaning wait until they are read. Threads that are started later inherit that. */
void signals_hold(void);

/* From now on nothing but SIGKILL, SIGQUIT and faults ends the process by itself. A descriptor that
 * gives struct signalfd_siginfo and never waits; -1: errno says why. */
int signals_open(void) MUST_CHECK;

/* The name of a signal that means nothing to this process; NULL: it has a meaning. */
const char *signals_idle_name(unsigned int signo);

#endif
