/*
 * A configuration while it is being read, and the checks that concern more than one key. Shared by
 * config.c, which reads, and config_check.c, which looks at the whole; for nobody else.
 *
 * A loader lives on the stack of one call. Runs on the main thread.
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

void config_check_apps(struct loader *loader); /* all have what they need, and it is their own */
void config_check_together(struct loader *loader); /* keys that must fit each other */
void config_warn_later(struct loader *loader);     /* keys that this version has no use for */

#endif
