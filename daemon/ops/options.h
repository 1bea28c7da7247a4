/*
 * The command line. Runs once, at the start of main, before anything else; owns nothing.
 */
#ifndef FF_OPS_OPTIONS_H
#define FF_OPS_OPTIONS_H

#include "base/check.h"

struct options {
    const char *config_path; /* NULL: no file; points into argv */
};

/* What main does next. */
enum options_next {
    OPTIONS_SERVE = -1,   /* go on: load out->config_path and serve */
    OPTIONS_DONE = 0,     /* answered (--help, --version, --check-config fine): exit with 0 */
    OPTIONS_FAILED = 1,   /* --check-config found problems and printed them: exit with 1 */
    OPTIONS_MISTAKEN = 2, /* the command line is wrong and the user was told: exit with 2 */
};

/* Answers go to stdout, problems to stderr. Every value but OPTIONS_SERVE is the exit status. */
enum options_next options_run(int argc, char **argv, char *const envp[],
                              struct options *out) MUST_CHECK;

#endif
