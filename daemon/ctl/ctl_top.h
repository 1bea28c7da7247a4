/*
 * fanfared ctl top: the daemon's figures as they change. Redraws a terminal of any size; writes a
 * line now and then where there is none.
 */
#ifndef FF_CTL_TOP_H
#define FF_CTL_TOP_H

#include "ctl/ctl_run.h"

/* Until q, Ctrl-C or SIGTERM, or the daemon's end. Returns the exit status. */
int ctl_top(struct ctl *ctl) MUST_CHECK;

#endif
