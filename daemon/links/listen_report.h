/*
 * Groups and listeners as metrics. On the hub.
 */
#ifndef FF_LINKS_LISTEN_REPORT_H
#define FF_LINKS_LISTEN_REPORT_H

#include "base/metrics.h"
#include "pubsub/hub.h"

/* Writes them as /metrics has them. */
void listens_metrics(const struct listens *listens, struct metrics *out);

#endif
