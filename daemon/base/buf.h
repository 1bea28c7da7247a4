/*
 * A growable byte buffer that cannot be made without a maximum. Runs anywhere; each buf belongs to
 * who holds it.
 */
#ifndef FF_BASE_BUF_H
#define FF_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* Invariant: len <= cap <= max, data == NULL exactly when cap == 0. */
struct buf {
    uint8_t *data;
    size_t len, cap, max;
};

void buf_init(struct buf *buf, size_t max); /* allocates nothing */
void buf_free(struct buf *buf);             /* usable again afterwards, with the same max */
static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
}

/* Make room for `extra` bytes behind len. -1: over max, or no memory; the content is untouched. */
int buf_reserve(struct buf *buf, size_t extra) MUST_CHECK;
/* -1: as buf_reserve; then nothing was appended. */
int buf_append(struct buf *buf, const void *bytes, size_t len) MUST_CHECK;
int buf_text(struct buf *buf,
             const char *text) MUST_CHECK; /* a terminated string, without its terminator */
int buf_printf(struct buf *buf, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);

#endif
