/*
 * A batch of spans as the JSON body of an OTLP/HTTP request (opentelemetry-proto,
 * ExportTraceServiceRequest). Pure; runs anywhere.
 */
#ifndef FF_PROTO_OTLP_H
#define FF_PROTO_OTLP_H

#include <stdint.h>

#include "base/buf.h"
#include "proto/traceparent.h"

#define OTLP_TEXT 128u /* bytes that are kept of a text; the rest is cut */

/* A text of UTF-8, cut between characters. */
struct otlp_text {
    uint8_t len;
    char bytes[OTLP_TEXT];
};
void otlp_text(struct otlp_text *out, struct slice text);

enum otlp_kind { OTLP_PUBLISH, OTLP_ORDER, OTLP_DELIVER };

struct otlp_span {
    enum otlp_kind kind;
    uint8_t trace[TRACE_ID], span[TRACE_SPAN_ID], parent[TRACE_SPAN_ID];
    bool has_parent;
    bool http;                 /* of a publish: the HTTP API, else IPC */
    uint64_t start_ns, end_ns; /* since 1970 */
    uint32_t channels, recipients, worker;
    struct otlp_text app, channel, event, id; /* .len 0: not said */
};

/* Who tells of them. Texts are valid UTF-8. */
struct otlp_resource {
    const char *service, *instance, *version, *host;
    const char *node; /* "": none */
    int64_t pid;
};

/* How many of its spans a collector that has taken the request says that it has not kept, out of
 * its answer (ExportTraceServiceResponse). 0 if it says nothing, or nothing that can be read. *why
 * gets its sentence as it stands there, .p == NULL: none. */
uint64_t otlp_rejected(struct slice answer, struct slice *why);

/* -1: the buffer is full. */
int otlp_write(struct buf *out, const struct otlp_resource *resource, const struct otlp_span *spans,
               size_t n) MUST_CHECK;

#endif
