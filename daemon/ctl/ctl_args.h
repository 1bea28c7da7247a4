/*
 * The command line behind "fanfared ctl". Owns nothing: what it gives points into argv.
 */
#ifndef FF_CTL_ARGS_H
#define FF_CTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

enum ctl_command {
    CTL_STATUS,
    CTL_APPS,
    CTL_CHANNELS,
    CTL_CHANNEL,
    CTL_CONNECTIONS,
    CTL_USERS,
    CTL_KICK,
    CTL_TERMINATE,
    CTL_PUBLISH,
    CTL_RELOAD,
    CTL_DRAIN,
    CTL_LOG_LEVEL,
    CTL_NODES,
    CTL_TOP,
    CTL_COMMANDS
};

struct ctl_args {
    enum ctl_command command;
    const char *words[3]; /* behind the command; NULL: not given */
    size_t nwords;
    const char *config, *socket, *app, *prefix, *except; /* NULL: not given */
    bool json, quiet, once, restart, help;
    uint64_t limit;       /* of lists; 0: all */
    uint64_t interval_ms; /* of top */
};

/* 0, or -1 with a sentence in `why`. */
int ctl_args_read(int argc, char *const *argv, struct ctl_args *out, char *why,
                  size_t size) MUST_CHECK;
extern const char ctl_args_help[];

#endif
