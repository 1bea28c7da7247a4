#include "proto/json.h"

#include "proto/json_scan.h"
#include "shared/hex.h"

/* What a byte takes in a string beyond itself: 0, 1 for a short escape, 5 for \u00XX. */
/* clang-format off */
static const uint8_t extra_bytes[256] = {
    [0 ... 7] = 5, ['\b'] = 1, ['\t'] = 1, ['\n'] = 1, [11] = 5, ['\f'] = 1, ['\r'] = 1,
    [14 ... 31] = 5, ['"'] = 1, ['\\'] = 1,
};
/* clang-format on */

static size_t json_count_extra(const char *p, const char *end)
{
    size_t extra = 0;

    while (p < end) {
        p = json_skip_plain(p, end, false);
        if (p < end) {
            extra += extra_bytes[(unsigned char)*p++];
        }
    }
    return extra;
}

static char *json_write_escape(char *out, char c)
{
    static const char short_escapes[] = "btn\0fr"; /* of 8 to 13 */

    *out++ = '\\';
    if (extra_bytes[(unsigned char)c] == 1) {
        *out++ = c == '"' || c == '\\' ? c : short_escapes[c - 8];
        return out;
    }
    *out++ = 'u';
    *out++ = '0';
    *out++ = '0';
    *out++ = ff_hex_digit((unsigned char)c >> 4);
    *out++ = ff_hex_digit((unsigned char)c);
    return out;
}

/*
 * Appends the text, escaped, and leaves room for `behind` more bytes. Escapes are few in most
 * texts, so room for a quarter more is taken without counting; only a text that needs more, or a
 * buffer that cannot have that much, is counted.
 *
 * Invariant: from `out` on there is room for the text left, `behind` and `spare` bytes more.
 */
static int json_write_escaped(struct buf *buf, const char *text, size_t len, size_t behind)
{
    const char *p = text;
    const char *end = p + len;
    size_t mark = buf->len;

    if (len > SIZE_MAX / 16) {
        return -1;
    }
    if (buf_reserve(buf, len + len / 4 + 16 + behind) != 0 &&
        buf_reserve(buf, len + json_count_extra(p, end) + behind) != 0) {
        return -1;
    }
    char *out = (char *)buf->data + buf->len;
    size_t spare = buf->cap - buf->len - len - behind;

    while (p < end) {
        /* A whole word always fits, as there is room for the text left; what is wrong in it is
         * overwritten. */
        if (JSON_BY_WORDS && end - p >= 8) {
            uint64_t word = json_load(p);
            uint64_t marks = json_marks(word);
            size_t run = marks != 0 ? json_first_mark(marks) : 8;

            memcpy(out, &word, sizeof(word));
            out += run;
            p += run;
            if (marks == 0) {
                continue;
            }
        }
        size_t extra = extra_bytes[(unsigned char)*p];
        if (extra == 0) {
            *out++ = *p++;
            continue;
        }
        if (extra > spare) {
            size_t left = (size_t)(end - p) + behind;

            buf->len = (size_t)((uint8_t *)out - buf->data);
            if (buf_reserve(buf, left + json_count_extra(p, end)) != 0) {
                buf->len = mark;
                return -1;
            }
            out = (char *)buf->data + buf->len;
            spare = buf->cap - buf->len - left;
        }
        spare -= extra;
        out = json_write_escape(out, *p++);
    }
    buf->len = (size_t)((uint8_t *)out - buf->data);
    return 0;
}

int json_write_part(struct buf *out, const char *text, size_t len)
{
    return len == 0 ? 0 : json_write_escaped(out, text, len, 0);
}

int json_write_string(struct buf *out, const char *text, size_t len)
{
    if (buf_reserve(out, 2) != 0) {
        return -1;
    }
    out->data[out->len++] = '"';
    if (len != 0 && json_write_escaped(out, text, len, 1) != 0) {
        out->len--;
        return -1;
    }
    out->data[out->len++] = '"';
    return 0;
}
