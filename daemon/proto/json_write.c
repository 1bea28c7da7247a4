#include "proto/json.h"

#include "proto/json_scan.h"

/* What a byte takes in a string beyond itself: 0, 1 for a short escape, 5 for \u00XX. */
/* clang-format off */
static const uint8_t extra_bytes[256] = {
    [0 ... 7] = 5, ['\b'] = 1, ['\t'] = 1, ['\n'] = 1, [11] = 5, ['\f'] = 1, ['\r'] = 1,
    [14 ... 31] = 5, ['"'] = 1, ['\\'] = 1,
};
/* clang-format on */

static size_t count_extra(const char *p, const char *end)
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

static char *write_escape(char *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_escapes[] = "btn\0fr"; /* of 8 to 13 */

    *out++ = '\\';
    if (extra_bytes[(unsigned char)c] == 1) {
        *out++ = c == '"' || c == '\\' ? c : short_escapes[c - 8];
        return out;
    }
    *out++ = 'u';
    *out++ = '0';
    *out++ = '0';
    *out++ = hex[c >> 4];
    *out++ = hex[c & 15];
    return out;
}

static int reserve_escaped(struct buf *out, const char *text, size_t len, size_t around)
{
    size_t extra = len != 0 ? count_extra(text, text + len) : 0;
    return len + around > SIZE_MAX - extra ? -1 : buf_reserve(out, len + extra + around);
}

static void write_escaped(struct buf *buf, const char *text, size_t len)
{
    const char *p = text;
    const char *end = p + len;
    char *out = (char *)buf->data + buf->len;

    while (p < end) {
        /* The room left is at least the text left, so a whole word always fits; what is wrong in it
         * is overwritten. */
        if (JSON_BY_WORDS && end - p >= 8) {
            uint64_t word = json_load(p);
            uint64_t marks = json_marks(word);
            size_t run = marks != 0 ? json_first_mark(marks) : 8;

            memcpy(out, &word, sizeof(word));
            out += run;
            p += run;
            if (marks != 0) {
                out = write_escape(out, *p++);
            }
        } else if (extra_bytes[(unsigned char)*p] != 0) {
            out = write_escape(out, *p++);
        } else {
            *out++ = *p++;
        }
    }
    buf->len = (size_t)((uint8_t *)out - buf->data);
}

int json_write_part(struct buf *out, const char *text, size_t len)
{
    if (len == 0) {
        return 0;
    }
    if (reserve_escaped(out, text, len, 0) != 0) {
        return -1;
    }
    write_escaped(out, text, len);
    return 0;
}

int json_write_string(struct buf *out, const char *text, size_t len)
{
    if (reserve_escaped(out, text, len, 2) != 0) {
        return -1;
    }
    out->data[out->len++] = '"';
    if (len != 0) {
        write_escaped(out, text, len);
    }
    out->data[out->len++] = '"';
    return 0;
}
