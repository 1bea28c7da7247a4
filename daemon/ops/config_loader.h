/*
 * A configuration while it is being read: what has been set so far, and where. For the parts that
 * read it, config_load.c (the file) and config_env.c, and for config_check.c, which looks at the
 * whole.
 *
 * A loader lives on the stack of one call. Runs on the thread that loads.
 */
#ifndef FF_OPS_CONFIG_LOADER_H
#define FF_OPS_CONFIG_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "ops/config.h"
#include "ops/config_table.h"

/* Where a key was set: a line of the file, or the environment, or nowhere (both are 0). */
struct place {
    unsigned int line;
    const char *variable;
};

/* An application while the file is read. Drafts move in memory until the last line was read. */
struct draft {
    struct app_settings settings;
    unsigned int line;
    bool id_refused;
    struct place keys[CONFIG_KEYS_MAX];
};

struct loader {
    config_report_fn *report;
    void *arg;
    const char *name; /* of the file, in messages; NULL: none */
    unsigned int errors;

    struct config *config;
    struct place keys[CONFIG_KEYS_MAX];
    struct draft *drafts;
    size_t ndrafts, drafts_cap;

    enum config_section section;
    bool skipping; /* an unknown section */
};

static inline size_t config_key_index(const struct config_key *key)
{
    return (size_t)(key - config_keys);
}

/* Reports a problem of a line of the file (0: of no line). Errors are counted, and cut after the
 * first fifty. */
void config_say(struct loader *loader, bool error, unsigned int line, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Begins an application, with all keys at their defaults. `name` is its section's, such as
 * app "shop"; an id that is not allowed is reported and stands as "?". Good until the next one. */
struct draft *config_draft_new(struct loader *loader, unsigned int line, const char *name);

#endif
