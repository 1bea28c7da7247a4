/*
 * The process as the hub's guests see it: what it was started with, and what it can be told to do.
 * Set by who starts it (ops/); on the hub.
 */
#ifndef FF_PUBSUB_CONTROL_H
#define FF_PUBSUB_CONTROL_H

#include <stdbool.h>

#include "base/settings.h"

/* Of the configuration, what only a restart changes. Lives as long as the process. */
struct process_facts {
    const struct text_list *listen, *tls_listen;
    const char *socket;      /* as [ipc] names it */
    const char *config_path; /* NULL: there is no file */
};

enum control_action {
    CONTROL_STOP,    /* drain, then end */
    CONTROL_RESTART, /* drain, then begin anew with the same arguments */
    CONTROL_RELOAD,  /* read the configuration again */
};

enum control_result {
    CONTROL_ACCEPTED, /* a reload: done */
    CONTROL_DRAINING, /* the process is ending already */
    CONTROL_REFUSED,  /* nothing has changed; `why` says what is wrong */
};

/* Called once for each order, maybe from within it. `why` is one line, NULL when accepted. */
typedef void control_done_fn(void *arg, enum control_result result, const char *why);

struct control_ops {
    void (*order)(void *controller, enum control_action action, control_done_fn *done, void *arg);
};

#endif
