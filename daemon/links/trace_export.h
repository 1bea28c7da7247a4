/*
 * The export of spans (pubsub/trace.h) to a collector, by OTLP/HTTP with a JSON body: libcurl on a
 * thread of its own.
 *
 * Owns that thread, the tracer, and whatever libcurl holds. A batch goes out when TRACE_BATCH spans
 * are there, or TRACE_BATCH_MS after the first of them. A collector that is away is tried again
 * with the same batch, less and less often, TRACE_ATTEMPTS times; meanwhile the tracer's queue
 * fills, and what does not fit is dropped and counted by whoever posts. Nobody ever waits for a
 * collector but this thread.
 */
#ifndef FF_LINKS_TRACE_EXPORT_H
#define FF_LINKS_TRACE_EXPORT_H

#include "base/check.h"
#include "base/counters.h"
#include "base/settings.h"
#include "pubsub/trace.h"

#define TRACE_BATCH        256u
#define TRACE_BATCH_MS     1000u
#define TRACE_TIMEOUT_MS   5000L
#define TRACE_ATTEMPTS     5u
#define TRACE_PAUSE_MIN_MS 1000u
#define TRACE_PAUSE_MAX_MS 30000u
#define TRACE_AFTER_MAX_MS 120000u /* that a collector's Retry-After is obeyed for */
#define TRACE_ANSWER_MAX   4096u   /* bytes of an answer that are looked at */
#define TRACE_LAST_MS      500L    /* for what is left at the end */

struct trace_export;

/* node: this node's name in a cluster, "" without one; must outlive it. With libcurl loaded
 * (links/curl_library.h). Posts to its tracer may begin at once. NULL: it cannot be started, errno
 * says why. `settings` must outlive it. */
struct trace_export *trace_export_new(const struct trace_settings *settings,
                                      const char *node) MUST_CHECK;
struct tracer *trace_export_tracer(struct trace_export *export);
/* What the thread counts. */
const struct counters *trace_export_counters(const struct trace_export *export);
/* Gives the collector TRACE_LAST_MS for what is left. Nobody may post any more. NULL is fine. */
void trace_export_free(struct trace_export *export);

#endif
