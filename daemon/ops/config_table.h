/*
 * The one table of configuration keys: where each is written, its type, default, bounds and one
 * line of help.
 *
 * To add a key: a field in struct config, struct limits or struct app_settings, and a line in
 * config_table.c. Parsing, the environment, the reference page and the sample file follow. Constant
 * data; runs anywhere.
 */
#ifndef FF_OPS_CONFIG_TABLE_H
#define FF_OPS_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops/config_value.h"

enum config_section {
    SECTION_SERVER,
    SECTION_IPC,
    SECTION_ADMIN,
    SECTION_TLS,
    SECTION_REDIS,
    SECTION_CLUSTER,
    SECTION_TRACE,
    SECTION_LIMITS,
    SECTION_APP, /* once per application; its fields are of struct app_settings, all others' of
                    struct config */
    SECTION_MAX
};

struct section_info {
    const char *name;
    const char *env;  /* in FANFARE_<env>_<KEY>; NULL: not from the environment */
    const char *help; /* one or two sentences, for the reference and the sample */
};
extern const struct section_info section_infos[SECTION_MAX];

enum key_type {
    KEY_TEXT,   /* char *, by its kind; may be empty when its default is and KEY_REQUIRED is not set
                 */
    KEY_LIST,   /* struct text_list, each item by the kind; may be empty unless KEY_REQUIRED */
    KEY_BOOL,   /* bool */
    KEY_CHOICE, /* an enum, by the place in `choices` */
    KEY_COUNT,  /* uint64_t */
    KEY_SECONDS, /* uint64_t */
    KEY_MOMENT,  /* uint64_t of milliseconds, written in seconds with up to three decimals */
    KEY_SIZE,    /* uint64_t */
    KEY_WORKERS, /* uint32_t, 0 is auto */
    KEY_MODE,    /* uint32_t */
};

enum {
    KEY_REQUIRED = 1,  /* must not be empty */
    KEY_UNLIMITED = 2, /* 0 means no limit */
    KEY_RESTART = 4    /* a reload does not change it */
};

struct config_key {
    enum config_section section;
    const char *name;
    enum key_type type;
    unsigned int flags;
    const char *initial; /* the default, as it is written in a file */
    size_t offset;
    uint64_t min, max;            /* of the number types */
    const struct text_kind *kind; /* of KEY_TEXT and KEY_LIST */
    const char *const *choices;   /* of KEY_CHOICE, ended by NULL */
    const char *help;
};

#define CONFIG_KEYS_MAX 96
extern const struct config_key config_keys[];
extern const size_t config_keys_count;

/* NULL: no such section, no such key in it. */
const struct config_key *config_key_find(enum config_section section, const char *name);
bool config_section_find(const char *name, enum config_section *out); /* never SECTION_APP */

/* What the key takes, as it stands behind "must be". */
void config_key_allowed(const struct config_key *key, char *out, size_t size);

/* Sets the key's field in `base` (a struct config or app_settings). `append`: a list keeps what it
 * has. -1: the value is not allowed, the field is as it was, and `why` has the end of a sentence
 * whose subject is the key. */
int config_key_set(const struct config_key *key, void *base, const char *value, bool append,
                   char *why, size_t why_size) MUST_CHECK;
void config_key_reset(const struct config_key *key, void *base); /* to its default */
void config_key_free(const struct config_key *key, void *base);
bool config_key_equal(const struct config_key *key, const void *base, const void *other);

#endif
