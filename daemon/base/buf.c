#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_CAP 64u

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_free(struct buf *buf)
{
    mem_free(buf->data);
    buf_init(buf, buf->max);
}

int buf_reserve(struct buf *buf, size_t extra)
{
    if (extra > buf->max - buf->len) {
        return -1;
    }
    size_t need = buf->len + extra;
    if (need <= buf->cap) {
        return 0;
    }
    size_t cap = buf->cap > buf->max / 2 ? buf->max : buf->cap * 2;
    if (cap < FIRST_CAP) {
        cap = FIRST_CAP < buf->max ? FIRST_CAP : buf->max;
    }
    if (cap < need) {
        cap = need;
    }
    uint8_t *data = mem_try_realloc(buf->data, cap);
    if (data == NULL) {
        return -1;
    }
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (buf_reserve(buf, len) != 0) {
        return -1;
    }
    if (len != 0) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
    return 0;
}

int buf_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    char small[512];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (n < 0) {
        return -1;
    }
    size_t len = (size_t)n;
    if (len < sizeof(small)) {
        return buf_append(buf, small, len);
    }
    /* Through a text of its own: the terminator would need a byte that max may not allow. */
    if (len > buf->max - buf->len) {
        return -1;
    }
    char *text = mem_try_alloc(len + 1);
    if (text == NULL) {
        return -1;
    }
    va_start(args, format);
    n = vsnprintf(text, len + 1, format, args);
    va_end(args);
    int rc = n == (int)len ? buf_append(buf, text, len) : -1;
    mem_free(text);
    return rc;
}
