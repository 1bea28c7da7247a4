/*
 * What every command of fanfared ctl does: asks the daemon, says what is wrong, and ends with one
 * of a few statuses. Runs in a process of its own and blocks; knows no command.
 */
#ifndef FF_CTL_RUN_H
#define FF_CTL_RUN_H

#include "ctl/ctl_args.h"
#include "ctl/ctl_http.h"

enum ctl_exit {
    CTL_EXIT_DONE = 0,
    CTL_EXIT_REFUSED = 1,
    CTL_EXIT_MISTAKEN = 2,
    CTL_EXIT_UNREACHABLE = 3,
    CTL_EXIT_FORBIDDEN = 4,
    CTL_EXIT_NOT_READY = 5, /* of status */
};

struct ctl {
    struct ctl_args args;
    const char *socket; /* the admin socket's path */
};

/* Asks the daemon. Anything but CTL_EXIT_DONE was said on stderr, unless --quiet, and `out` is
 * empty. */
enum ctl_exit ctl_call(const struct ctl *ctl, const char *target, const char *json,
                       struct ctl_answer *out) MUST_CHECK;
/* A line on stderr, unless --quiet. */
void ctl_say(const struct ctl *ctl, const char *text);
/* The answer as it is, and the end of a line. */
void ctl_print_json(struct slice body);

#endif
