/*
 * Where the admin socket of a daemon with a given configuration is, for fanfared ctl.
 */
#ifndef FF_OPS_LOCATE_H
#define FF_OPS_LOCATE_H

#include <stddef.h>

#include "base/check.h"

/* As of ctl_locate_fn (ctl/ctl.h). */
int locate_admin_socket(const char *config, char *out, size_t size, char *why,
                        size_t why_size) MUST_CHECK;

#endif
