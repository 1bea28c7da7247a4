/*
 * The lines of an INI file: checks each one, reads it with libinih, and refuses what libinih would
 * change silently (long values, comments behind a value, indented lines).
 *
 * Owns nothing, keeps nothing; runs on the thread that loads. Knows no sections and no keys.
 */
#ifndef FF_OPS_CONFIG_FILE_H
#define FF_OPS_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_MAX    (16u << 20) /* bytes */
#define CONFIG_VALUE_MAX   181u        /* bytes of a value, as libinih's default build */
#define CONFIG_SECTION_MAX 49u         /* bytes between the brackets */

/* Lines count from 1. Texts are terminated, valid UTF-8 without control characters, and live during
 * the call only. */
struct config_lines {
    void *arg;
    void (*section)(void *arg, unsigned int line, const char *name);
    void (*key)(void *arg, unsigned int line, const char *name, const char *value);
    /* The line was refused; `text` is a sentence without the place. */
    void (*problem)(void *arg, unsigned int line, const char *text);
};

void config_read_lines(const char *text, size_t len, const struct config_lines *to);

/* Valid UTF-8 without control characters. */
bool config_text_is_clean(const char *text, size_t len);

#endif
