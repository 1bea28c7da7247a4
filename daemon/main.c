/*
 * fanfared: from the command line to a running server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ops/config_load.h"
#include "ops/locate.h"
#include "ops/options.h"
#include "ops/reload.h"
#include "ops/restart.h"
#include "ops/server.h"
#include "ops/signals.h"

extern char **environ;

/* Started without one of the standard descriptors: a socket would take its number, and what is
 * logged would be sent to a client. */
static int main_hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        /* The lowest free number is taken, and those below are in use. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            return -1;
        }
    }
    return 0;
}

/* What the file gives cause to say is held until it has said how to log. */
static void main_hold_report(void *arg, bool error, const char *text)
{
    struct buf *held = arg;
    size_t before = held->len;
    char kind = error ? 'e' : 'w';

    if (buf_append(held, &kind, 1) != 0 || buf_append(held, text, strlen(text) + 1) != 0) {
        held->len = before;
        reload_report(NULL, error, text);
    }
}

static void main_log_held(struct buf *held)
{
    for (size_t at = 0; at < held->len; at += strlen((char *)held->data + at) + 1) {
        reload_report(NULL, held->data[at] == 'e', (char *)held->data + at + 1);
    }
    buf_free(held);
}

int main(int argc, char **argv)
{
    if (main_hold_standard_descriptors() != 0) {
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "ctl") == 0) {
        return ctl_main(argc - 2, argv + 2, locate_admin_socket);
    }
    signals_hold();
    struct options options;
    enum options_next next = options_run(argc, argv, environ, &options);
    if (next != OPTIONS_SERVE) {
        return (int)next;
    }
    struct buf held;
    buf_init(&held, 1u << 20);
    struct config *config = config_load(options.config_path, -1, environ, main_hold_report, &held);
    if (config != NULL) {
        log_setup(config->log_level, config->log_format);
        log_messages_wanted = config->log_messages;
    }
    main_log_held(&held);
    if (config == NULL) {
        return 1;
    }
    if (config->development) {
        log_info(
            "config",
            "no configuration: a development server on loopback, app id fanfare, key fanfare-key, "
            "secret fanfare-secret");
    }
    struct restart restart;
    restart_find(&restart, argv);
    int status = server_run(config, options.config_path, &restart);
    config_free(config);
    if (status == 0 && restart.wanted) {
        restart_now(&restart);
        status = 1;
    }
    mem_free(restart.program);
    return status;
}
