#include "net/frame.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

struct frame *frame_new(size_t len)
{
    if (len > UINT32_MAX - sizeof(struct frame)) {
        return NULL;
    }
    struct frame *frame = mem_try_alloc(sizeof(*frame) + len);
    if (frame != NULL) {
        atomic_init(&frame->refs, 1);
        frame->len = (uint32_t)len;
    }
    return frame;
}

struct frame *frame_copy(const void *bytes, size_t len)
{
    struct frame *frame = frame_new(len);
    if (frame != NULL && len > 0) {
        memcpy(frame->bytes, bytes, len);
    }
    return frame;
}

struct frame *frame_ref(struct frame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}

void frame_unref(struct frame *frame)
{
    if (frame == NULL) {
        return;
    }
    uint32_t before = atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel);
    check(before > 0);
    if (before == 1) {
        mem_free(frame);
    }
}
