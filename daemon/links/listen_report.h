/*
 * Groups and listeners as metrics. On the hub.
 */
#ifndef FF_LINKS_LISTEN_REPORT_H
#define FF_LINKS_LISTEN_REPORT_H

#include "base/buf.h"
#include "pubsub/hub.h"

/* Appends them in the text form of Prometheus. Not 0: no memory, or full. */
int listens_metrics(const struct listens *listens, struct buf *out);

#endif
