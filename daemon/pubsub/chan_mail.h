/*
 * What hub and worker say to each other about channels: deliveries and answers to joins. On
 * the worker's thread.
 */
#ifndef FF_PUBSUB_CHAN_MAIL_H
#define FF_PUBSUB_CHAN_MAIL_H

#include "pubsub/worker.h"

/* Queues a frame to all subscribers of its channel but the one who is left out. */
void chan_deliver(struct worker *worker, struct mail_deliver *mail);
/* Queues to a connection that is about to end what this worker has still to deliver to it. */
void chan_deliver_pending(struct conn *conn);
/* A join is answered: the connection is on the channel, or was refused, and goes on. */
void chan_joined(struct worker *worker, const struct mail_joined *mail);

#endif
