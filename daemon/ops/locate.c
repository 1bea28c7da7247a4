#include "ops/locate.h"

#include <stdio.h>
#include <string.h>

#include "ops/config_load.h"
#include "ops/config_value.h"

extern char **environ;

struct locate_report {
    char *why;
    size_t size;
};

static void locate_on_problem(void *arg, bool error, const char *text)
{
    struct locate_report *report = arg;
    if (error && report->why[0] == '\0') {
        snprintf(report->why, report->size, "%s", text);
    }
}

int locate_admin_socket(const char *config_path, char *out, size_t size, char *why, size_t why_size)
{
    struct locate_report report = {why, why_size};
    why[0] = '\0';
    struct config *config = config_load(config_path, -1, environ, locate_on_problem, &report);
    if (config == NULL) {
        return -1;
    }
    int found = -1;
    if (strcmp(config->admin_socket, SOCKET_NONE) == 0) {
        snprintf(why, why_size,
                 "the configuration has no admin socket: set socket in [admin] to a path, or to "
                 "auto");
    } else {
        snprintf(out, size, "%s", config->admin_socket);
        found = 0;
    }
    config_free(config);
    return found;
}
