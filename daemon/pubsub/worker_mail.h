/*
 * A worker from its beginning to its end, and its mail in between. On the worker's thread.
 */
#ifndef FF_PUBSUB_WORKER_MAIL_H
#define FF_PUBSUB_WORKER_MAIL_H

#include "pubsub/worker.h"

/* The box must be initialised; the loop is started by the caller. Takes a reference of its own to
 * the applications, and gives `flow` its mailbox. */
void worker_init(struct worker *worker, uint32_t id, struct loop *loop, struct flow *flow,
                 struct apps *apps, const struct worker_ops *ops);
/* Called on the worker's thread before its loop runs. */
void worker_attach(struct worker *worker);
void worker_free(struct worker *worker);

#endif
