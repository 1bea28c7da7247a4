/*
 * Lists of the daemon, fetched page by page: of one application or of all of them.
 */
#ifndef FF_CTL_LIST_H
#define FF_CTL_LIST_H

#include "ctl/ctl_args.h"
#include "ctl/ctl_run.h"

/* channels, connections or users. Returns the exit status; what went wrong was said. */
int ctl_list(struct ctl *ctl) MUST_CHECK;

#endif
