/*
 * One request to the admin socket of a daemon, and its answer. Blocks, with a limit of time; for
 * the command line only, never on a loop.
 */
#ifndef FF_CTL_HTTP_H
#define FF_CTL_HTTP_H

#include <stddef.h>

#include "base/check.h"
#include "proto/slice.h"

struct ctl_answer {
    int status;        /* of HTTP */
    struct slice body; /* a view into `room` */
    char *room;        /* freed by ctl_answer_free */
    size_t len;
};

/* Why there is no answer. */
enum ctl_failure {
    CTL_ANSWERED = 0,
    CTL_UNREACHABLE, /* nobody listens there, or it ends in the middle */
    CTL_FORBIDDEN,   /* the socket's file is not for this user */
};

/* `json`: the body of a POST; NULL: a GET. `seconds`: for all of it. On failure `why` has whole
 * sentences with what to do; `out` is empty. */
enum ctl_failure ctl_request(const char *socket_path, const char *target, const char *json,
                             unsigned int seconds, struct ctl_answer *out, char *why,
                             size_t size) MUST_CHECK;
/* Status and body of a whole answer, which has its Content-Length; views into it. -1: it is none.
 */
int ctl_answer_read(struct slice whole, struct ctl_answer *out) MUST_CHECK;
void ctl_answer_free(struct ctl_answer *answer);

#endif
