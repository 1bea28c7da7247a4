#include "ops/config_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ops/config_file.h"

/* Waits for a writer, or for more from him. 0: look again. -1: not any longer, and why. */
static int config_source_wait(int fd, int stop_fd, uint64_t deadline, bool begun, char *why,
                              size_t why_size)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
    uint64_t now = clock_mono_ms();
    int ready = now < deadline ? poll(fds, 2, (int)(deadline - now)) : 0;

    if (ready < 0 && errno != EINTR) {
        snprintf(why, why_size, "%s", strerror(errno));
        return -1;
    }
    if (ready == 0) {
        snprintf(why, why_size,
                 begun ? "it is a pipe that was not written to its end within %d seconds"
                       : "it is a pipe that nobody wrote to for %d seconds",
                 CONFIG_PATIENCE_MS / 1000);
        return -1;
    }
    if (ready > 0 && fds[1].revents != 0) {
        snprintf(why, why_size, "the process ends");
        return -1;
    }
    return 0;
}

/*
 * Reads to the end. Without a writer a pipe reads as empty: before the first one has come that is
 * no end, and poll() tells, which calls such a pipe ready only when a writer has come or gone. What
 * it held when it was opened is whole, too, if its writer has gone by then.
 */
static char *config_source_take(int fd, int stop_fd, size_t *len, char *why, size_t why_size)
{
    uint64_t deadline = clock_mono_ms() + CONFIG_PATIENCE_MS;
    char *text = NULL;
    size_t cap = 0;
    bool waited = false;

    *len = 0;
    for (;;) {
        if (*len == cap) {
            cap = cap == 0 ? 16384 : cap * 2;
            text = mem_realloc(text, cap);
        }
        ssize_t n = read(fd, text + *len, cap - *len);
        if (n > 0) {
            *len += (size_t)n;
            if (*len > CONFIG_FILE_MAX) {
                snprintf(why, why_size, "it is over 16M");
                break;
            }
        } else if (n == 0 && (waited || *len > 0)) {
            return text;
        } else if (n == 0 || errno == EAGAIN) {
            if (config_source_wait(fd, stop_fd, deadline, *len > 0, why, why_size) != 0) {
                break;
            }
            waited = true;
        } else if (errno != EINTR) {
            snprintf(why, why_size, "%s", strerror(errno));
            break;
        }
    }
    mem_free(text);
    return NULL;
}

char *config_source_read(const char *path, int stop_fd, size_t *len, bool *exposed, char *why,
                         size_t why_size)
{
    /* Opening a pipe that nobody writes to, or a terminal, must not wait either. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *text = NULL;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(why, why_size, "%s%s", strerror(errno),
                 errno == ENOENT   ? " (a file is given with --config FILE; without one, the "
                                     "environment alone is used)"
                 : errno == EACCES ? " (the user that runs fanfared must be able to read it)"
                                   : "");
    } else if (S_ISDIR(st.st_mode)) {
        snprintf(why, why_size, "it is a directory, not a file");
    } else {
        *exposed = S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0;
        text = config_source_take(fd, stop_fd, len, why, why_size);
    }
    if (fd >= 0) {
        close(fd);
    }
    return text;
}
