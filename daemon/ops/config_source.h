/*
 * The bytes of the configuration: a file, or a pipe such as a shell makes for --config <(...).
 *
 * A pipe may have a writer that is slow, or none at all, so it is waited for only so long. Blocks
 * the thread that calls it, and never a loop.
 */
#ifndef FF_OPS_CONFIG_SOURCE_H
#define FF_OPS_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

#define CONFIG_PATIENCE_MS 5000 /* for all of a pipe */

/*
 * The content, freed with mem_free, of at most CONFIG_FILE_MAX bytes; NULL with the reason in
 * `why`. *exposed: it is a file that everybody on the machine may read. Gives up when there is
 * something to read on `stop_fd` (-1: only when the time is over).
 */
char *config_source_read(const char *path, int stop_fd, size_t *len, bool *exposed, char *why,
                         size_t why_size) MUST_CHECK;

#endif
