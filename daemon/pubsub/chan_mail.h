/*
 * What hub and worker say to each other about channels: deliveries, answers to joins, counts. On
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
/* Tells the hub of all channels whose subscribers have changed, and forgets empty ones. Before the
 * confirmations of this turn are flushed. */
void chan_count_changed(struct worker *worker);

#endif
