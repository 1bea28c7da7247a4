#include "proto/otlp.h"

#include <inttypes.h>
#include <string.h>

#include "proto/json.h"
#include "shared/hex.h"
#include "shared/utf8.h"

/* SpanKind of the protocol. */
enum { OTLP_INTERNAL = 1, OTLP_SERVER = 2, OTLP_PRODUCER = 4 };

static const struct {
    const char *name;
    int kind;
} otlp_kinds[] = {
    [OTLP_PUBLISH] = {"publish", OTLP_SERVER},
    [OTLP_ORDER] = {"order", OTLP_INTERNAL},
    [OTLP_DELIVER] = {"deliver", OTLP_PRODUCER},
};

void otlp_text(struct otlp_text *out, struct slice text)
{
    size_t len = 0;
    while (len < text.len) {
        size_t n = ff_utf8_char(text.p + len, text.len - len);
        if (n == 0 || len + n > sizeof(out->bytes)) {
            break;
        }
        len += n;
    }
    out->len = (uint8_t)len;
    if (len > 0) {
        memcpy(out->bytes, text.p, len);
    }
}

static int otlp_id(struct buf *out, const char *key, const uint8_t *bytes, size_t n)
{
    char hex[2 * TRACE_ID];
    ff_hex_write(hex, bytes, n);
    return buf_printf(out, "\"%s\":\"%.*s\",", key, (int)(2 * n), hex);
}

static int otlp_string(struct buf *out, const char *comma, const char *key, const char *text,
                       size_t len)
{
    return buf_printf(out, "%s{\"key\":\"%s\",\"value\":{\"stringValue\":", comma, key) |
           json_write_string(out, text, len) | buf_text(out, "}}");
}

static int otlp_text_of(struct buf *out, const char *key, const struct otlp_text *text)
{
    return text->len == 0 ? 0 : otlp_string(out, ",", key, text->bytes, text->len);
}

/* 64 bit integers are strings in the JSON of protobuf. */
static int otlp_number(struct buf *out, const char *key, int64_t n)
{
    return buf_printf(out, ",{\"key\":\"%s\",\"value\":{\"intValue\":\"%" PRId64 "\"}}", key, n);
}

static int otlp_span(struct buf *out, const struct otlp_span *span)
{
    int failed = buf_text(out, "{") | otlp_id(out, "traceId", span->trace, TRACE_ID) |
                 otlp_id(out, "spanId", span->span, TRACE_SPAN_ID);
    if (span->has_parent) {
        failed |= otlp_id(out, "parentSpanId", span->parent, TRACE_SPAN_ID);
    }
    failed |= buf_printf(out,
                         "\"name\":\"%s\",\"kind\":%d,\"startTimeUnixNano\":\"%" PRIu64
                         "\",\"endTimeUnixNano\":\"%" PRIu64 "\",\"attributes\":[",
                         otlp_kinds[span->kind].name, otlp_kinds[span->kind].kind, span->start_ns,
                         /* the wall clock may have been set back meanwhile */
                         span->end_ns < span->start_ns ? span->start_ns : span->end_ns);
    failed |= otlp_string(out, "", "messaging.system", "fanfare", 7);
    failed |= otlp_text_of(out, "messaging.destination.name", &span->channel);
    failed |= otlp_text_of(out, "messaging.message.id", &span->id);
    failed |= otlp_text_of(out, "fanfare.app", &span->app);
    failed |= otlp_text_of(out, "fanfare.event", &span->event);
    if (span->kind == OTLP_PUBLISH) {
        const char *door = span->http ? "http" : "ipc";
        failed |= otlp_string(out, ",", "fanfare.door", door, strlen(door));
        failed |= otlp_number(out, "fanfare.channels", span->channels);
    }
    if (span->kind == OTLP_DELIVER) {
        failed |= otlp_number(out, "fanfare.worker", span->worker);
    }
    if (span->kind != OTLP_ORDER) {
        failed |= otlp_number(out, "fanfare.recipients", span->recipients);
    }
    return failed | buf_text(out, "]}");
}

/* A member of an object; .p == NULL: it has none, or is none. */
static struct slice otlp_member(struct slice object, const char *name)
{
    struct slice key, value;
    size_t cursor = 0;
    while (object.p != NULL && json_type(object) == JSON_OBJECT &&
           json_next(object, &cursor, &key, &value)) {
        if (json_string_is(key, name)) {
            return value;
        }
    }
    return (struct slice){NULL, 0};
}

uint64_t otlp_rejected(struct slice answer, struct slice *why)
{
    *why = (struct slice){NULL, 0};
    if (!json_valid(answer.p, answer.len)) {
        return 0;
    }
    struct slice partial = otlp_member(json_trim(answer), "partialSuccess");
    struct slice message = otlp_member(partial, "errorMessage");
    struct slice number = otlp_member(partial, "rejectedSpans");
    uint64_t n = 0;
    if (message.p != NULL && json_type(message) == JSON_STRING && message.len > 2) {
        *why = (struct slice){message.p + 1, message.len - 2};
    }
    for (size_t i = 0; number.p != NULL && i < number.len; i++) {
        char c =
            number.p[i]; /* a number, or, as protobuf's 64 bit integers are written, a string */
        if (c >= '0' && c <= '9' && n <= UINT32_MAX) {
            n = n * 10 + (uint64_t)(c - '0');
        } else if (c != '"') {
            return 0;
        }
    }
    return n;
}

int otlp_write(struct buf *out, const struct otlp_resource *resource, const struct otlp_span *spans,
               size_t n)
{
    int failed = buf_text(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    failed |= otlp_string(out, "", "service.name", resource->service, strlen(resource->service));
    failed |= otlp_string(out, ",", "service.instance.id", resource->instance,
                          strlen(resource->instance));
    failed |=
        otlp_string(out, ",", "service.version", resource->version, strlen(resource->version));
    failed |= otlp_string(out, ",", "host.name", resource->host, strlen(resource->host));
    failed |= resource->node[0] != '\0'
                  ? otlp_string(out, ",", "fanfare.node", resource->node, strlen(resource->node))
                  : 0;
    failed |= otlp_number(out, "process.pid", resource->pid);
    failed |= buf_text(out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"fanfared\",\"version\":");
    failed |= json_write_string(out, resource->version, strlen(resource->version));
    failed |= buf_text(out, "},\"spans\":[");
    for (size_t i = 0; i < n; i++) {
        failed |= (i > 0 ? buf_text(out, ",") : 0) | otlp_span(out, &spans[i]);
    }
    return failed | buf_text(out, "]}]}]}");
}
