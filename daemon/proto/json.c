#include "proto/json.h"

#include "base/check.h"
#include "proto/json_scan.h"
#include "shared/hex.h"
#include "shared/utf8.h"

static bool json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *json_skip_blanks(const char *p, const char *end)
{
    while (p < end && json_is_blank(*p)) {
        p++;
    }
    return p;
}

/* ---- the validator: functions take a place and return the one behind what they accept, or NULL
 * ---- */

/* The value of four hex digits, or -1. */
static int32_t json_hex4(const char *p, const char *end)
{
    int32_t value = 0;

    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = ff_hex_value((unsigned char)p[i]);
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* Behind a backslash. */
static const char *json_check_escape(const char *p, const char *end)
{
    if (p == end) {
        return NULL;
    }
    if (*p != 'u') {
        return *p != '\0' && strchr("\"\\/bfnrt", *p) != NULL ? p + 1 : NULL;
    }
    int32_t unit = json_hex4(p + 1, end);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) {
        return NULL;
    }
    p += 5;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
            return NULL;
        }
        unit = json_hex4(p + 2, end);
        if (unit < 0xDC00 || unit > 0xDFFF) {
            return NULL;
        }
        p += 6;
    }
    return p;
}

/* Behind the opening quote. */
static const char *json_check_string(const char *p, const char *end)
{
    for (;;) {
        p = json_skip_plain(p, end, true);
        if (p == end) {
            return NULL;
        }
        if (*p == '"') {
            return p + 1;
        }
        if (*p == '\\') {
            p = json_check_escape(p + 1, end);
        } else {
            p = (unsigned char)*p < 0x20 ? NULL : ff_utf8_skip(p, end);
        }
        if (p == NULL) {
            return NULL;
        }
    }
}

static const char *json_check_digits(const char *p, const char *end)
{
    if (p == end || !json_is_digit(*p)) {
        return NULL;
    }
    while (p < end && json_is_digit(*p)) {
        p++;
    }
    return p;
}

static const char *json_check_number(const char *p, const char *end)
{
    if (*p == '-') {
        p++;
    }
    if (p < end && *p == '0') {
        p++;
    } else {
        p = json_check_digits(p, end);
    }
    if (p != NULL && p < end && *p == '.') {
        p = json_check_digits(p + 1, end);
    }
    if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        p = json_check_digits(p, end);
    }
    return p;
}

static const char *json_check_word(const char *p, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 ? p + len : NULL;
}

/* Anything but an array or an object. */
static const char *json_check_scalar(const char *p, const char *end)
{
    switch (*p) {
    case '"':
        return json_check_string(p + 1, end);
    case 't':
        return json_check_word(p, end, "true");
    case 'f':
        return json_check_word(p, end, "false");
    case 'n':
        return json_check_word(p, end, "null");
    default:
        return json_check_number(p, end);
    }
}

enum json_verdict { JSON_FINE, JSON_BAD, JSON_DEEP };

static enum json_verdict json_judge(const char *text, size_t len)
{
    const char *p = text;
    const char *end;
    uint64_t objects = 0; /* a bit for each open bracket, the innermost lowest: 1 for an object */
    unsigned int depth = 0;

    if (len == 0) {
        return JSON_BAD;
    }
    end = text + len;
value:
    p = json_skip_blanks(p, end);
    if (p == end) {
        return JSON_BAD;
    }
    if (*p == '{' || *p == '[') {
        bool object = *p == '{';

        if (depth == JSON_MAX_DEPTH) {
            return JSON_DEEP;
        }
        depth++;
        objects = objects << 1 | object;
        p = json_skip_blanks(p + 1, end);
        if (p == end) {
            return JSON_BAD;
        }
        if (*p == (object ? '}' : ']')) {
            goto close;
        }
        if (object) {
            goto key;
        }
        goto value;
    }
    p = json_check_scalar(p, end);
    if (p == NULL) {
        return JSON_BAD;
    }
behind:
    p = json_skip_blanks(p, end);
    if (depth == 0) {
        return p == end ? JSON_FINE : JSON_BAD;
    }
    if (p == end) {
        return JSON_BAD;
    }
    if (*p == ((objects & 1) != 0 ? '}' : ']')) {
        goto close;
    }
    if (*p != ',') {
        return JSON_BAD;
    }
    p++;
    if ((objects & 1) == 0) {
        goto value;
    }
key:
    p = json_skip_blanks(p, end);
    if (p == end || *p != '"') {
        return JSON_BAD;
    }
    p = json_check_string(p + 1, end);
    if (p == NULL) {
        return JSON_BAD;
    }
    p = json_skip_blanks(p, end);
    if (p == end || *p != ':') {
        return JSON_BAD;
    }
    p++;
    goto value;
close:
    p++;
    depth--;
    objects >>= 1;
    goto behind;
}

bool json_valid(const char *text, size_t len)
{
    return json_judge(text, len) == JSON_FINE;
}

bool json_too_deep(const char *text, size_t len)
{
    return json_judge(text, len) == JSON_DEEP;
}

/* ---- the reader: the text is valid, so it only looks for ends; still never beyond `end` ---- */

static const char *json_skip_string(const char *p, const char *end)
{
    for (;;) {
        p = json_skip_plain(p, end, false);
        if (p == end) {
            return end;
        }
        if (*p == '"') {
            return p + 1;
        }
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    }
}

static const char *json_skip_value(const char *p, const char *end)
{
    size_t depth = 0;

    while (p < end) {
        switch (*p) {
        case '"':
            p = json_skip_string(p + 1, end);
            break;
        case '{':
        case '[':
            depth++;
            p++;
            continue;
        case '}':
        case ']':
            depth -= depth != 0;
            p++;
            break;
        default:
            if (depth != 0) {
                p++;
                continue;
            }
            while (p < end && *p != ',' && *p != '}' && *p != ']' && !json_is_blank(*p)) {
                p++;
            }
            return p;
        }
        if (depth == 0) {
            return p;
        }
    }
    return end;
}

enum json_type json_type(struct slice value)
{
    check(value.len != 0);
    switch (value.p[0]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

struct slice json_trim(struct slice text)
{
    while (text.len != 0 && json_is_blank(text.p[0])) {
        text.p++;
        text.len--;
    }
    while (text.len != 0 && json_is_blank(text.p[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Behind the opening bracket or the comma in front of the next value. NULL: there is none. */
static const char *json_next_place(struct slice container, size_t cursor)
{
    const char *end = container.p + container.len;
    const char *p = container.p + cursor;

    if (cursor == 0) {
        p = json_skip_blanks(p, end);
        p = p < end ? json_skip_blanks(p + 1, end) : end;
    } else {
        p = json_skip_blanks(p, end);
        if (p < end && *p == ',') {
            p = json_skip_blanks(p + 1, end);
        }
    }
    return p < end && *p != '}' && *p != ']' ? p : NULL;
}

bool json_next(struct slice object, size_t *cursor, struct slice *key, struct slice *value)
{
    const char *end = object.p + object.len;
    const char *start = json_next_place(object, *cursor);
    const char *p;

    if (start == NULL) {
        return false;
    }
    p = json_skip_string(start + 1, end);
    *key = (struct slice){start, (size_t)(p - start)};
    p = json_skip_blanks(p, end);
    if (p < end) {
        p = json_skip_blanks(p + 1, end); /* the colon */
    }
    start = p;
    p = json_skip_value(p, end);
    *value = (struct slice){start, (size_t)(p - start)};
    *cursor = (size_t)(p - object.p);
    return true;
}

bool json_element(struct slice array, size_t *cursor, struct slice *value)
{
    const char *start = json_next_place(array, *cursor);
    const char *p;

    if (start == NULL) {
        return false;
    }
    p = json_skip_value(start, array.p + array.len);
    *value = (struct slice){start, (size_t)(p - start)};
    *cursor = (size_t)(p - array.p);
    return true;
}

static size_t json_write_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* Reads one escape at *p, behind its backslash, and writes its one to four bytes of UTF-8. */
static size_t json_read_escape(const char **p, const char *end, char out[4])
{
    char c = *(*p)++;

    switch (c) {
    case 'b':
        out[0] = '\b';
        return 1;
    case 'f':
        out[0] = '\f';
        return 1;
    case 'n':
        out[0] = '\n';
        return 1;
    case 'r':
        out[0] = '\r';
        return 1;
    case 't':
        out[0] = '\t';
        return 1;
    case 'u':
        break;
    default:
        out[0] = c;
        return 1;
    }
    int32_t high = json_hex4(*p, end);
    if (high < 0) {
        return 0;
    }
    *p += 4;
    if (high >= 0xD800 && high <= 0xDBFF && end - *p >= 6) {
        int32_t low = json_hex4(*p + 2, end);
        *p += 6;
        return json_write_utf8(out, 0x10000 +
                                        (((uint32_t)high & 0x3FF) << 10 | ((uint32_t)low & 0x3FF)));
    }
    return json_write_utf8(out, (uint32_t)high);
}

static struct slice json_without_quotes(struct slice raw)
{
    check(raw.len >= 2);
    return (struct slice){raw.p + 1, raw.len - 2};
}

bool json_string_is(struct slice raw, const char *text)
{
    struct slice inner = json_without_quotes(raw);
    size_t len = strlen(text);
    const char *p = inner.p;
    const char *end = p + inner.len;

    /* Nobody escapes these names, but JSON allows it. */
    if (inner.len == len && memcmp(p, text, len) == 0) {
        return memchr(text, '\\', len) == NULL;
    }
    if (inner.len <= len || memchr(p, '\\', inner.len) == NULL) {
        return false;
    }
    while (p < end && *text != '\0') {
        char byte[4] = {*p};
        size_t n = 1;

        if (*p++ == '\\' && p < end) {
            n = json_read_escape(&p, end, byte);
        }
        if (n != 1 || byte[0] != *text) {
            return false;
        }
        text++;
    }
    return p == end && *text == '\0';
}

struct slice json_unescape(struct slice raw, char *out)
{
    struct slice inner = json_without_quotes(raw);
    const char *p = inner.p;
    const char *end = p + inner.len;
    size_t len = 0;

    const char *escape = memchr(p, '\\', inner.len);
    if (escape == NULL) {
        return inner;
    }
    while (escape != NULL && end - escape > 1) {
        size_t run = (size_t)(escape - p);
        memcpy(out + len, p, run);
        len += run;
        p = escape + 1;
        len += json_read_escape(&p, end, out + len);
        escape = memchr(p, '\\', (size_t)(end - p));
    }
    memcpy(out + len, p, (size_t)(end - p));
    len += (size_t)(end - p);
    return (struct slice){out, len};
}
