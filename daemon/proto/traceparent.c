#include "proto/traceparent.h"

#include "shared/hex.h"

/* Where the parts of "00-<trace>-<span>-<flags>" begin. */
#define AT_TRACE TRACEPARENT_AT_TRACE
#define AT_SPAN  36u
#define AT_FLAGS 53u

static int traceparent_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool traceparent_hex(const char *text, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = traceparent_digit(text[2 * i]), low = traceparent_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool traceparent_zeros(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

bool traceparent_read(struct slice text, struct traceparent *out)
{
    struct traceparent read;
    uint8_t version;
    const char *p = text.p;
    if (p == NULL || text.len < TRACEPARENT_LEN || text.len > TRACEPARENT_MAX ||
        !traceparent_hex(p, &version, 1) || version == 0xFF || p[AT_TRACE - 1] != '-' ||
        p[AT_SPAN - 1] != '-' || p[AT_FLAGS - 1] != '-') {
        return false;
    }
    if (text.len > TRACEPARENT_LEN && (version == 0 || p[TRACEPARENT_LEN] != '-')) {
        return false;
    }
    if (!traceparent_hex(p + AT_TRACE, read.trace, TRACE_ID) ||
        !traceparent_hex(p + AT_SPAN, read.span, TRACE_SPAN_ID) ||
        !traceparent_hex(p + AT_FLAGS, &read.flags, 1) || traceparent_zeros(read.trace, TRACE_ID) ||
        traceparent_zeros(read.span, TRACE_SPAN_ID)) {
        return false;
    }
    *out = read;
    return true;
}

void traceparent_write(char out[TRACEPARENT_LEN], const struct traceparent *parent)
{
    char *at = out;
    *at++ = '0';
    *at++ = '0';
    *at++ = '-';
    at = ff_hex_write(at, parent->trace, TRACE_ID);
    *at++ = '-';
    at = ff_hex_write(at, parent->span, TRACE_SPAN_ID);
    *at++ = '-';
    ff_hex_write(at, &parent->flags, 1);
}
