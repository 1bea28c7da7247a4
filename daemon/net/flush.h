/*
 * How what is queued leaves: dirty connections in slices, in the order of their slots, whole
 * batches at once to the output engine. On the loop's thread, at the end of a turn.
 */
#ifndef FF_NET_FLUSH_H
#define FF_NET_FLUSH_H

#include "net/core.h"

/* All that is urgent and then one slice, from where the last one stopped. */
void flush_slice(struct loop *loop);
/* Over output_total, those that have gone longest without taking a byte make room. */
void flush_enforce_total(struct loop *loop);

#endif
