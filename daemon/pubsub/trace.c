#include "pubsub/trace.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "net/latency.h"
#include "pubsub/hub.h"
#include "pubsub/worker.h"

/* ns since 1970 */
static uint64_t trace_now(void)
{
    struct timespec ts;
    check(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* An id of zeros is none. */
static void trace_new_id(uint8_t *out, size_t n)
{
    rnd_bytes(out, n);
    out[n - 1] |= 1;
}

/* Counted at once: who posts is paused by nobody, so the box must not grow with a collector that is
 * away. */
static void trace_post(struct tracer *tracer, struct counters *counters,
                       const struct otlp_span *span)
{
    if (atomic_fetch_add_explicit(&tracer->waiting, 1, memory_order_relaxed) >= TRACE_QUEUE) {
        atomic_fetch_sub_explicit(&tracer->waiting, 1, memory_order_relaxed);
        counter_add(counters, COUNTER_SPANS_DROPPED_QUEUE, 1);
        return;
    }
    struct mail_span *mail = mem_alloc(sizeof(*mail));
    *mail = (struct mail_span){.mail = {.type = MAIL_SPAN, .weight = sizeof(*mail)}, .span = *span};
    mailbox_post(&tracer->box, &mail->mail);
}

/* When it was read, by the clock of the wall: turns are measured by the other one. */
static uint64_t trace_began(struct hub *hub, uint64_t since_ns, uint64_t now)
{
    uint64_t since = since_ns != 0 ? since_ns : latency_turn(hub->loop), mono = clock_mono_ns();
    return mono > since ? now - (mono - since) : now;
}

static bool trace_sampled(const struct tracer *tracer, const struct traceparent *parent)
{
    if (parent != NULL) {
        return (parent->flags & TRACE_SAMPLED) != 0;
    }
    return tracer->sample > 0 && (tracer->sample == 1 || rnd_below((uint32_t)tracer->sample) == 0);
}

bool trace_begin(struct trace *trace, struct hub *hub, const struct trace_origin *publish)
{
    struct tracer *tracer = hub->flow->tracer;
    const struct traceparent *parent = publish->parent;
    if (tracer == NULL || !trace_sampled(tracer, parent)) {
        return false;
    }
    uint64_t now = trace_now();
    struct otlp_span *span = &trace->publish;
    trace->tracer = tracer;
    trace->counters = hub->loop->counters;
    trace->delivers = 0;
    *span = (struct otlp_span){.kind = OTLP_PUBLISH,
                               .has_parent = parent != NULL,
                               .http = publish->http,
                               .start_ns = trace_began(hub, publish->since_ns, now),
                               .channels = publish->channels};
    if (parent != NULL) {
        memcpy(span->trace, parent->trace, TRACE_ID);
        memcpy(span->parent, parent->span, TRACE_SPAN_ID);
    } else {
        trace_new_id(span->trace, TRACE_ID);
    }
    trace_new_id(span->span, TRACE_SPAN_ID);
    otlp_text(&span->app, (struct slice){publish->app, strlen(publish->app)});
    otlp_text(&span->channel, publish->channel);
    otlp_text(&span->event, publish->event);
    trace->order = *span;
    trace->order.kind = OTLP_ORDER;
    trace->order.start_ns = now;
    trace->order.has_parent = true;
    memcpy(trace->order.parent, span->span, TRACE_SPAN_ID);
    trace_new_id(trace->order.span, TRACE_SPAN_ID);
    return true;
}

void trace_context(const struct trace *trace, struct traceparent *out)
{
    memcpy(out->trace, trace->publish.trace, TRACE_ID);
    memcpy(out->span, trace->publish.span, TRACE_SPAN_ID);
    out->flags = TRACE_SAMPLED;
}

bool trace_heard(struct trace *trace, struct hub *hub, const char *app,
                 const struct traceparent *context)
{
    struct tracer *tracer = hub->flow->tracer;
    if (tracer == NULL || (context->flags & TRACE_SAMPLED) == 0) {
        return false;
    }
    *trace = (struct trace){.tracer = tracer, .counters = hub->loop->counters};
    trace->order.has_parent = true;
    memcpy(trace->order.trace, context->trace, TRACE_ID);
    memcpy(trace->order.parent, context->span, TRACE_SPAN_ID);
    otlp_text(&trace->order.app, (struct slice){app, strlen(app)});
    return true;
}

void trace_ordered(struct trace *trace, const char *id, size_t id_len, uint32_t recipients)
{
    uint64_t now = trace_now();
    trace->publish.end_ns = trace->order.end_ns = now;
    trace->publish.recipients = recipients;
    otlp_text(&trace->publish.id, (struct slice){id, id_len});
    trace_post(trace->tracer, trace->counters, &trace->publish);
    trace_post(trace->tracer, trace->counters, &trace->order);
}

struct trace_part *trace_part(struct trace *trace, struct slice channel, uint32_t worker,
                              uint32_t n)
{
    if (trace->delivers == TRACE_DELIVERS) {
        return NULL;
    }
    trace->delivers++;
    struct trace_part *part = mem_alloc(sizeof(*part));
    *part = (struct trace_part){.tracer = trace->tracer, .span = trace->order};
    part->span.kind = OTLP_DELIVER;
    part->span.start_ns = trace_now();
    part->span.worker = worker;
    part->span.recipients = n;
    otlp_text(&part->span.channel, channel);
    trace_new_id(part->span.span, TRACE_SPAN_ID);
    return part;
}

void trace_part_drop(struct trace_part *part)
{
    mem_free(part);
}

uint32_t trace_mark(struct worker *worker, struct trace_part *part)
{
    if (worker->traces == NULL) {
        worker->traces = mem_zalloc(TRACE_MARKS * sizeof(*worker->traces));
    }
    for (uint32_t i = 0; i < TRACE_MARKS; i++) {
        uint32_t at = (worker->next_trace + i) % TRACE_MARKS;
        if (worker->traces[at] == NULL) {
            worker->traces[at] = part;
            worker->next_trace = at + 1;
            return at + 1;
        }
        if (i == 8) {
            break; /* as good as full: those who take nothing hold the places */
        }
    }
    counter_add(worker->loop->counters, COUNTER_SPANS_DROPPED_QUEUE, 1);
    trace_part_drop(part);
    return 0;
}

void trace_marked(struct worker *worker, uint32_t mark)
{
    worker->traces[mark - 1]->refs++;
}

void trace_written(void *arg, uint32_t mark)
{
    struct worker *worker = arg;
    struct trace_part *part = worker->traces[mark - 1];
    if (--part->refs == 0) {
        part->span.end_ns = trace_now();
        trace_post(part->tracer, worker->loop->counters, &part->span);
        worker->traces[mark - 1] = NULL;
        trace_part_drop(part);
    }
}

void trace_forget(struct worker *worker)
{
    for (uint32_t i = 0; worker->traces != NULL && i < TRACE_MARKS; i++) {
        trace_part_drop(worker->traces[i]);
    }
    mem_free(worker->traces);
    worker->traces = NULL;
}
