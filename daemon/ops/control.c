#include "ops/control.h"

#include "base/log.h"
#include "ops/notify.h"

void control_stop(struct control *control)
{
    if (!control->hub->draining) {
        notify_stopping();
        shutdown_begin(control->shutdown);
    } else if (control->restart->wanted) {
        notify_stopping();
        log_info("server", "it will not start anew");
        control->restart->wanted = false;
    }
}

static void control_order(void *controller, enum control_action action, control_done_fn *done,
                          void *arg)
{
    struct control *control = controller;
    switch (action) {
    case CONTROL_STOP:
        control_stop(control); /* what is ending does what it was asked for */
        done(arg, CONTROL_ACCEPTED, NULL);
        break;
    case CONTROL_RESTART:
        restart_ask(control->restart, done, arg);
        break;
    case CONTROL_RELOAD:
        reload_ask(control->reload, done, arg);
        break;
    }
}

const struct control_ops control_ops = {.order = control_order};
