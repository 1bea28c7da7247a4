/*
 * fanfared ctl. Runs instead of the daemon, in the foreground; owns the process.
 */
#ifndef FF_CTL_CTL_H
#define FF_CTL_CTL_H

#include <stddef.h>

#include "base/check.h"

/* Writes the path of the admin socket that a configuration (NULL: the environment alone) names.
 * -1: it cannot be read, or there is none; `why` says so. */
typedef int ctl_locate_fn(const char *config, char *out, size_t size, char *why, size_t why_size);

/* The words behind "ctl". Returns the exit status (ctl/ctl_run.h). */
int ctl_main(int argc, char *const *argv, ctl_locate_fn *locate) MUST_CHECK;

#endif
