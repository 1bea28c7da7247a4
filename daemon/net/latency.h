/*
 * How long things took that began in this turn or before and end with the flush of a turn. On the
 * loop's thread.
 *
 * A turn reads the clock once more, when it is over; nothing reads it for a message. What began at
 * the same time for the same application is one entry, however many messages it was.
 */
#ifndef FF_NET_LATENCY_H
#define FF_NET_LATENCY_H

#include "net/core.h"

/* When what this turn has read began to be read, monotonic ns. */
uint64_t latency_turn(struct loop *loop);

/* One message of an application that began then, and ends when the flush has tried to write all
 * that is in the queues now (HISTOGRAM_DELIVERY), or with the flush of this turn
 * (HISTOGRAM_ANSWER). since_ns 0: it is not counted. */
void latency_note(struct loop *loop, enum histogram_kind kind, uint32_t app, uint64_t since_ns);

/* The turn is over. */
void latency_settle(struct loop *loop);

#endif
