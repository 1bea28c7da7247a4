/*
 * Loading the configuration: an INI file, overridden by the environment, checked whole.
 *
 * Parsing and defaults come from the one table of keys (config_table.c). Done by one thread at a
 * time, at start and for a reload. Never prints, never logs, never resolves names, and puts no
 * value of a key or secret into a message.
 */
#ifndef FF_OPS_CONFIG_LOAD_H
#define FF_OPS_CONFIG_LOAD_H

#include <stddef.h>

#include "base/check.h"
#include "ops/config.h"

/*
 * Reads `path` (NULL: no file), then the environment `envp` (as environ; NULL: none). NULL: at
 * least one error was reported. The result belongs to the caller: config_free. A pipe is waited
 * for as config_source_read says, with its `stop_fd`.
 */
struct config *config_load(const char *path, int stop_fd, char *const envp[],
                           config_report_fn *report, void *arg) MUST_CHECK;
/* The same from memory, for tests: `name` stands in the messages. */
struct config *config_parse(const char *name, const char *text, size_t len, char *const envp[],
                            config_report_fn *report, void *arg) MUST_CHECK;
void config_free(struct config *config); /* NULL is fine */

#endif
