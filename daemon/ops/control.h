/*
 * The orders that publishers may give (pubsub/control.h), carried out as the signals are that mean
 * the same. On the hub.
 */
#ifndef FF_OPS_CONTROL_H
#define FF_OPS_CONTROL_H

#include "ops/reload.h"
#include "ops/restart.h"
#include "ops/shutdown.h"
#include "pubsub/hub.h"

struct control {
    struct hub *hub;
    struct shutdown *shutdown;
    struct reload *reload;
    struct restart *restart;
};

extern const struct control_ops control_ops; /* of struct control */

/* A signal, or an order, that the process end: drains, or gives up a restart that has begun. */
void control_stop(struct control *control);

#endif
