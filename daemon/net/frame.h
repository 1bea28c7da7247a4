/*
 * An immutable run of bytes, ready for send(), shared by all threads.
 *
 * A frame is written once by who makes it and never changes afterwards. Its count holds one
 * reference for each thread's delivery, not one for each connection, so the atomic is touched once
 * per publish and worker.
 */
#ifndef FF_NET_FRAME_H
#define FF_NET_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct frame {
    _Atomic uint32_t refs;
    uint32_t len;
    uint8_t bytes[];
};

/* Room for `len` bytes, with one reference, to be filled by the caller before anybody else sees it.
 * NULL: no memory. */
struct frame *frame_new(size_t len) MUST_CHECK;
struct frame *frame_copy(const void *bytes, size_t len) MUST_CHECK;
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame); /* frees it with the last reference; NULL is fine */

#endif
