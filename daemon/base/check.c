#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void check_failed(const char *file, int line, const char *function, const char *condition)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "fanfared: broken invariant at %s:%d in %s(): %s\n", file,
                     line, function, condition);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;

    /* Not through the log, which may be what is broken. Nothing is left to do when it fails. */
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written;
    abort();
}
