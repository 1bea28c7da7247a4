/*
 * fanfared: from the command line to a running server.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/config.h"
#include "ops/options.h"
#include "ops/server.h"

extern char **environ;

static void report(void *arg, bool error, const char *text)
{
    (void)arg;
    log_line(error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "config", "%s", text);
}

int main(int argc, char **argv)
{
    struct options options;
    enum options_next next = options_run(argc, argv, environ, &options);
    if (next != OPTIONS_SERVE) {
        return (int)next;
    }
    struct config *config = config_load(options.config_path, environ, report, NULL);
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
    int status = server_run(config);
    config_free(config);
    return status;
}
