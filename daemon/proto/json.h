/*
 * JSON (RFC 8259) without allocation: a validator, a reader that hands out raw slices, and a writer
 * into a buf. Pure.
 *
 * Values pass through as the very bytes that came: nothing is decoded that nobody asks for. The
 * reader works only on text that json_valid has accepted.
 */
#ifndef FF_PROTO_JSON_H
#define FF_PROTO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/slice.h"

#define JSON_MAX_DEPTH 64u /* arrays and objects inside each other; deeper is invalid here */

enum json_type {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

/* Exactly one value with blanks around it, valid UTF-8 throughout, no deeper than JSON_MAX_DEPTH.
 * Not recursive, O(len). Lone surrogates in \u escapes are refused, since they have no UTF-8. */
bool json_valid(const char *text, size_t len);
/* Whether it is refused because of its depth, and is right up to there: to say so. */
bool json_too_deep(const char *text, size_t len);

/* By the first byte of a value. */
enum json_type json_type(struct slice value);
struct slice json_trim(struct slice text); /* without blanks around it */

/* Walk over the members of an object. `object` is a valid value of type JSON_OBJECT. Start with
 * *cursor = 0. The key is raw, with its quotes; the value is raw, without blanks around it. False
 * at the end. */
bool json_next(struct slice object, size_t *cursor, struct slice *key, struct slice *value);
/* Walk over the elements of an array in the same way. */
bool json_element(struct slice array, size_t *cursor, struct slice *value);

/* Whether a raw string (with its quotes, escapes and all) equals this text of plain ASCII. */
bool json_string_is(struct slice raw, const char *text);

/* Unescapes a raw string into `out`, which needs raw.len bytes at most, and returns the view of it.
 * If there is nothing to unescape the view points into raw itself. */
struct slice json_unescape(struct slice raw, char *out);

/* Appends the text as a quoted JSON string: escapes quotes, backslashes and control bytes, leaves
 * everything else as it is. The text must be valid UTF-8. -1: the buffer is full. */
int json_write_string(struct buf *out, const char *text, size_t len) MUST_CHECK;

/* The same without the quotes, for a string that is put together from parts. */
int json_write_part(struct buf *out, const char *text, size_t len) MUST_CHECK;

#endif
