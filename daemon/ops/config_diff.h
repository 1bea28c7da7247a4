/*
 * What is different between two configurations, in words for the log. Pure; names keys and ids and
 * never a value.
 */
#ifndef FF_OPS_CONFIG_DIFF_H
#define FF_OPS_CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "ops/config.h"

/* "application b added; application a changed: secret; [limits] max_batch", or "nothing has
 * changed". Keys that change only with a restart are left out, and those of Redis and the cluster
 * where the process, as it was started, does not use them. What does not fit is counted. */
void config_diff(const struct config *started, const struct config *old, const struct config *now,
                 char *out, size_t size);

/* Whether Redis was added or taken away, which only a restart does. */
bool config_diff_joins(const struct config *started, const struct config *now);

/* Calls fn for every other key that differs and changes only with a restart. */
void config_diff_fixed(const struct config *started, const struct config *now,
                       void (*fn)(void *arg, const char *section, const char *key), void *arg);

#endif
