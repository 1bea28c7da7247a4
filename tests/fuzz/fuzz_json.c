/*
 * The bytes as a JSON text, and as the content of a string that we write.
 *
 * Holds: the members and elements of a valid text are valid themselves, lie inside it and in order,
 * and what lies between them is punctuation; unescaping gives valid UTF-8 and agrees with
 * comparing; writing valid UTF-8 gives a valid string that unescapes to the very same bytes; depth
 * is what a recursive walk finds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/json.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(struct slice raw)
{
    char *out = malloc(raw.len);
    check(out != NULL && raw.len >= 2);
    struct slice text = json_unescape(raw, out);
    check(text.len <= raw.len - 2);
    check(ff_utf8_valid(text.p, text.len));

    /* json_string_is takes plain ASCII only */
    char name[64];
    bool ascii = text.len < sizeof(name);
    for (size_t i = 0; ascii && i < text.len; i++) {
        ascii = text.p[i] > 0;
    }
    if (ascii) {
        memcpy(name, text.p, text.len);
        name[text.len] = '\0';
        check(json_string_is(raw, name));
        memcpy(name + text.len, "x", text.len + 1 < sizeof(name) ? 2 : 1);
        check(text.len + 1 >= sizeof(name) || !json_string_is(raw, name));
        if (text.len != 0) {
            name[text.len] = '\0';
            name[text.len - 1] ^= 1;
            check(!json_string_is(raw, name) || name[text.len - 1] == '\0');
        }
    }
    free(out);
}

static bool only(const char *from, const char *to, const char *allowed)
{
    for (; from < to; from++) {
        if (*from == '\0' || strchr(allowed, *from) == NULL) {
            return false;
        }
    }
    return true;
}

/* The walk covers the container: between its parts there is punctuation and nothing else. */
static void check_value(struct slice value, unsigned int depth)
{
    struct slice key, part;
    size_t cursor = 0;
    const char *at = value.p;
    const char *end = value.p + value.len;

    check(depth <= JSON_MAX_DEPTH);
    check(json_valid(value.p, value.len));
    check(json_trim(value).len == value.len);
    switch (json_type(value)) {
    case JSON_OBJECT:
        while (json_next(value, &cursor, &key, &part)) {
            check(at < key.p && only(at, key.p, "{, \t\r\n"));
            check(key.p + key.len < part.p && part.p + part.len < end);
            check(only(key.p + key.len, part.p, ": \t\r\n"));
            check(json_valid(key.p, key.len) && json_type(key) == JSON_STRING);
            check_string(key);
            check_value(part, depth + 1);
            at = part.p + part.len;
        }
        check(only(at, end, "{} \t\r\n"));
        break;
    case JSON_ARRAY:
        while (json_element(value, &cursor, &part)) {
            check(at < part.p && part.p + part.len < end && only(at, part.p, "[, \t\r\n"));
            check_value(part, depth + 1);
            at = part.p + part.len;
        }
        check(only(at, end, "[] \t\r\n"));
        break;
    case JSON_STRING:
        check_string(value);
        break;
    case JSON_NUMBER:
        check(only(value.p, end, "0123456789+-.eE"));
        break;
    case JSON_TRUE:
        check(slice_is(value, "true"));
        break;
    case JSON_FALSE:
        check(slice_is(value, "false"));
        break;
    case JSON_NULL:
        check(slice_is(value, "null"));
        break;
    }
}

static void check_writer(const char *text, size_t len)
{
    struct buf out;
    buf_init(&out, 6 * len + 2);
    check(json_write_string(&out, text, len) == 0);
    size_t whole = out.len;
    struct slice raw = {(const char *)out.data, whole};
    check(json_valid(raw.p, raw.len));
    char *back = malloc(raw.len);
    check(back != NULL);
    struct slice plain = json_unescape(raw, back);
    check(plain.len == len && (len == 0 || memcmp(plain.p, text, len) == 0));
    free(back);

    /* in two parts it is the same text */
    buf_clear(&out);
    check(json_write_part(&out, text, len / 3) == 0);
    check(json_write_part(&out, text + len / 3, len - len / 3) == 0);
    check(out.len == whole - 2);
    buf_free(&out);

    /* a byte less than it takes is refused, without a trace */
    buf_init(&out, whole - 1);
    check(json_write_string(&out, text, len) == -1 && out.len == 0);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    check(text != NULL);
    if (size != 0) {
        memcpy(text + 1, data, size); /* ends with its block */
    }
    if (json_valid(text + 1, size)) {
        check(ff_utf8_valid(text + 1, size));
        check_value(json_trim((struct slice){text + 1, size}), 0);
    }
    if (ff_utf8_valid(text + 1, size)) {
        check_writer(text + 1, size);
    }
    free(text);
    return 0;
}
