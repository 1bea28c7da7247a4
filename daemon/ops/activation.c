#include "ops/activation.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/listener.h"
#include "ops/config_value.h"

#define FIRST_FD 3
#define FDS_MAX  64u

/* How many were passed to this process; variables may also be left from a parent's start. */
static unsigned int activation_count(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t number, count;
    if (pid == NULL || fds == NULL || !value_number(pid, &number) || number != (uint64_t)getpid()) {
        return 0;
    }
    if (!value_number(fds, &count) || count > FDS_MAX) {
        log_warn("ipc", "LISTEN_FDS must be a number from 0 to %u: no socket is taken over",
                 FDS_MAX);
        return 0;
    }
    return (unsigned int)count;
}

/* Cuts the next name off a list with colons. */
static void activation_name(const char **names, char *out, size_t size)
{
    size_t len = strcspn(*names, ":");
    snprintf(out, size, "%.*s", (int)len, *names);
    *names += len + ((*names)[len] == ':' ? 1 : 0);
}

static bool activation_is_ipc(int fd, const char *name, const char *socket)
{
    char bound[128];
    if (!listener_unix_name(fd, bound, sizeof(bound))) {
        return false;
    }
    if (strcmp(bound, socket) == 0) {
        return true;
    }
    if (strcmp(name, "ipc") != 0) {
        return false;
    }
    log_warn("ipc", "the socket that was passed is %s, and [ipc] socket is %s: PHP needs the first",
             bound, socket);
    return true;
}

int activation_ipc(const char *socket)
{
    unsigned int count = activation_count();
    const char *names = getenv("LISTEN_FDNAMES");
    int found = -1;
    names = names != NULL ? names : "";
    for (unsigned int i = 0; i < count; i++) {
        int fd = FIRST_FD + (int)i;
        char name[64];
        activation_name(&names, name, sizeof(name));
        if (found < 0 && activation_is_ipc(fd, name, socket)) {
            found = fd;
            continue;
        }
        log_warn("ipc",
                 "descriptor %d (%s) is not used: only the socket of [ipc] can be passed, by the "
                 "name ipc or with its path",
                 fd, name[0] != '\0' ? name : "without a name");
        close(fd);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return found;
}
