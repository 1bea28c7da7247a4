/*
 * The files of daemon/console/, which the build turns into bytes of the program.
 */
#ifndef FF_LINKS_CONSOLE_FILES_H
#define FF_LINKS_CONSOLE_FILES_H

#include <stddef.h>
#include <stdint.h>

struct console_file {
    const char *name;
    const uint8_t *bytes;
    size_t len;
};

extern const struct console_file console_files[];
extern const size_t console_nfiles;

#endif
