/*
 * Spans of publishes: what is noted of one that is sampled, from its arrival to the last write.
 *
 * A publish is sampled when its traceparent says so, or, without one, once in `sample`. Then there
 * are three kinds of spans: "publish" (from its arrival to its place in every mailbox), below it
 * "order" (the hub's own part of that), and "deliver", one for each channel and worker that has
 * subscribers, at most TRACE_DELIVERS a publish (from the mailbox to the last write, or to the end
 * of the connection that did not take it). Finished spans are posted to the tracer's mailbox, which
 * is bounded: one too many is dropped and counted. Whoever exports them takes them from there
 * (links/trace_export). Another node adds its own "deliver" spans to the same trace.
 *
 * flow->tracer is NULL while nothing is traced; then a publish costs a branch here. A struct trace
 * is the hub's for the time of the publish; a struct trace_part goes with the mail to its worker.
 */
#ifndef FF_PUBSUB_TRACE_H
#define FF_PUBSUB_TRACE_H

#include <stdatomic.h>

#include "base/counters.h"
#include "net/mailbox.h"
#include "proto/otlp.h"

#define TRACE_QUEUE    4096u /* finished spans that wait to be exported */
#define TRACE_DELIVERS 16u
#define TRACE_MARKS    512u /* deliveries of a worker whose last write is awaited */

struct hub;
struct worker;

enum { MAIL_SPAN, MAIL_SPAN_STOP };

struct mail_span {
    struct mail mail;
    struct otlp_span span;
};

struct tracer {
    struct mailbox box;
    uint64_t sample;          /* one of so many without a traceparent; 0: none */
    _Atomic uint32_t waiting; /* spans in the box, and those that the exporter has in hand */
};

struct trace {
    struct tracer *tracer;
    struct counters *counters;
    struct otlp_span publish, order;
    uint32_t delivers;
};

struct trace_part {
    struct tracer *tracer;
    struct otlp_span span;
    uint32_t refs; /* deliveries that are not written yet, one a form */
};

/* What is to be known of a publish. */
struct trace_origin {
    const char *app;                  /* its id */
    struct slice channel, event;      /* the first channel */
    const struct traceparent *parent; /* NULL: none */
    uint64_t since_ns; /* latency_turn() of who took it in; 0: this turn of the hub */
    uint32_t channels;
    bool http;
};

/* Whether this publish is sampled; then *trace is filled. On the hub. */
bool trace_begin(struct trace *trace, struct hub *hub,
                 const struct trace_origin *publish) MUST_CHECK;
/* What the spans of other nodes are to be children of. */
void trace_context(const struct trace *trace, struct traceparent *out);
/* Whether what another node has published is sampled; then *trace is filled, for trace_part()
 * alone. */
bool trace_heard(struct trace *trace, struct hub *hub, const char *app,
                 const struct traceparent *context) MUST_CHECK;
/* It is in every mailbox: posts its spans. */
void trace_ordered(struct trace *trace, const char *id, size_t id_len, uint32_t recipients);
/* The part of one channel on one worker with n subscribers, which the mail takes with it. NULL:
 * there are enough. */
struct trace_part *trace_part(struct trace *trace, struct slice channel, uint32_t worker,
                              uint32_t n);
void trace_part_drop(struct trace_part *part); /* nobody is written to; NULL is fine */

/* On the worker: takes the part over. The mark goes into each delivery of the frame, which gives it
 * to trace_written() with its last reference. 0: too many are awaited already; the span is dropped
 * and counted. */
uint32_t trace_mark(struct worker *worker, struct trace_part *part);
void trace_marked(struct worker *worker, uint32_t mark); /* one more delivery has it */
void trace_written(void *worker, uint32_t mark);
void trace_forget(struct worker *worker); /* at its end */

#endif
