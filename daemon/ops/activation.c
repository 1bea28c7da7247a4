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

/* How many were passed to this process; variables may also be left from a parent's start. */
static unsigned int activation_count(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t number, count;
    if (pid == NULL || fds == NULL || !value_number(pid, &number) || number != (uint64_t)getpid()) {
        return 0;
    }
    if (!value_number(fds, &count) || count > ACTIVATION_MAX) {
        log_warn("server", "LISTEN_FDS must be a number from 0 to %u: no socket is taken over",
                 ACTIVATION_MAX);
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

/* The configured address that the socket listens at; NULL: none. */
static const char *activation_address(int fd, const struct config *config)
{
    const struct text_list *lists[] = {&config->listen, &config->tls_listen};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (size_t k = 0; k < lists[i]->count; k++) {
            if (listener_is_at(fd, lists[i]->items[k])) {
                return lists[i]->items[k];
            }
        }
    }
    return NULL;
}

int activation_public(const struct activation *activation, const char *address)
{
    for (size_t i = 0; i < activation->count; i++) {
        if (listener_is_at(activation->publics[i], address)) {
            return activation->publics[i];
        }
    }
    return -1;
}

/* False: it is of no use. */
static bool activation_keep(struct activation *activation, int fd, const char *name,
                            const struct config *config)
{
    if (activation->ipc < 0 && activation_is_ipc(fd, name, config->socket)) {
        activation->ipc = fd;
        return true;
    }
    const char *address = activation_address(fd, config);
    if (address == NULL || activation_public(activation, address) >= 0) {
        return false;
    }
    activation->publics[activation->count++] = fd;
    return true;
}

void activation_take(struct activation *activation, const struct config *config)
{
    unsigned int count = activation_count();
    const char *names = getenv("LISTEN_FDNAMES");
    *activation = (struct activation){.ipc = -1};
    names = names != NULL ? names : "";
    for (unsigned int i = 0; i < count; i++) {
        int fd = ACTIVATION_FIRST + (int)i;
        char name[64], at[80];
        activation_name(&names, name, sizeof(name));
        if (activation_keep(activation, fd, name, config)) {
            continue;
        }
        listener_place(fd, at, sizeof(at));
        log_warn(
            "server",
            "descriptor %d (%s, %s) is not used, and whoever connects there waits in vain: one "
            "socket can be passed for [ipc], by the name ipc or with its path, and one for "
            "each address in [server] and [tls] listen; make ListenStream= in the socket unit "
            "the same as the configuration",
            fd, name[0] != '\0' ? name : "without a name", at);
        close(fd);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}
