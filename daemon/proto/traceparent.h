/*
 * The `traceparent` of W3C Trace Context: which trace a publish belongs to, and whether it is
 * sampled.
 *
 * Pure; runs anywhere and owns nothing. What is no valid traceparent is as good as none: a trace is
 * never the reason that a publish fails.
 */
#ifndef FF_PROTO_TRACEPARENT_H
#define FF_PROTO_TRACEPARENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/slice.h"

#define TRACEPARENT_LEN      55u  /* of version 00, and what is read of later versions */
#define TRACEPARENT_AT_TRACE 3u   /* where the digits of the trace's id begin */
#define TRACEPARENT_MAX      255u /* bytes of one of a later version that is looked at */
#define TRACE_ID             16u  /* bytes */
#define TRACE_SPAN_ID        8u
#define TRACE_SAMPLED        1u /* of the flags */

struct traceparent {
    uint8_t trace[TRACE_ID], span[TRACE_SPAN_ID];
    uint8_t flags;
};

/*
 * True: `text` is one, and *out has what it says. False, with *out untouched: .p == NULL, another
 * length or form, letters that are no lower-case hex digits, version ff, or an id of zeros only. Of
 * later versions (anything but 00) what version 00 knows is read, and what follows must be set off
 * with a dash.
 */
bool traceparent_read(struct slice text, struct traceparent *out) MUST_CHECK;

/* As version 00, TRACEPARENT_LEN bytes without a terminator. */
void traceparent_write(char out[TRACEPARENT_LEN], const struct traceparent *parent);

#endif
