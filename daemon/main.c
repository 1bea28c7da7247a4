/*
 * fanfared: from the command line to a running server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/config.h"
#include "ops/options.h"
#include "ops/reload.h"
#include "ops/server.h"

extern char **environ;

/* Started without one of the standard descriptors: a socket would take its number, and what is
 * logged would be sent to a client. */
static int hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        /* The lowest free number is taken, and those below are in use. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (hold_standard_descriptors() != 0) {
        return 1;
    }
    struct options options;
    enum options_next next = options_run(argc, argv, environ, &options);
    if (next != OPTIONS_SERVE) {
        return (int)next;
    }
    struct config *config = config_load(options.config_path, environ, reload_report, NULL);
    if (config == NULL) {
        return 1;
    }
    log_setup(config->log_level, config->log_format);
    if (config->development) {
        log_info(
            "config",
            "no configuration: a development server on loopback, app id fanfare, key fanfare-key, "
            "secret fanfare-secret");
    }
    int status = server_run(config, options.config_path);
    config_free(config);
    return status;
}
