/*
 * What is different between two configurations, in words for the log. Pure; names keys and ids and
 * never a value.
 */
#ifndef FF_OPS_CONFIG_DIFF_H
#define FF_OPS_CONFIG_DIFF_H

#include <stddef.h>

#include "ops/config.h"

/* "application b added; application a changed: secret; [limits] max_batch", or "nothing has
 * changed". Keys that change only with a restart are left out. What does not fit is counted. */
void config_diff(const struct config *old, const struct config *now, char *out, size_t size);

/* Calls fn for every key that differs and changes only with a restart. */
void config_diff_fixed(const struct config *started, const struct config *now,
                       void (*fn)(void *arg, const char *section, const char *key), void *arg);

#endif
