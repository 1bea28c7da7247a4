#include "net/frame.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

struct frame_form {
    struct frame_form *next;
    struct frame *frame; /* NULL: the frame itself */
    unsigned int form;
};

struct frame *frame_new(size_t len)
{
    if (len > UINT32_MAX - sizeof(struct frame)) {
        return NULL;
    }
    struct frame *frame = mem_try_alloc(sizeof(*frame) + len);
    if (frame != NULL) {
        atomic_init(&frame->refs, 1);
        atomic_init(&frame->forms, NULL);
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

bool frame_shared(const struct frame *frame)
{
    return atomic_load_explicit(&frame->refs, memory_order_acquire) > 1;
}

void frame_unref(struct frame *frame)
{
    if (frame == NULL) {
        return;
    }
    uint32_t before = atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel);
    check(before > 0);
    if (before == 1) {
        struct frame_form *form = atomic_load_explicit(&frame->forms, memory_order_acquire);
        while (form != NULL) {
            struct frame_form *next = form->next;
            frame_unref(form->frame);
            mem_free(form);
            form = next;
        }
        mem_free(frame);
    }
}

static struct frame *frame_find(struct frame *frame, const struct frame_form *list,
                                unsigned int form)
{
    while (list != NULL && list->form != form) {
        list = list->next;
    }
    if (list == NULL) {
        return NULL;
    }
    return list->frame != NULL ? list->frame : frame;
}

struct frame *frame_form(struct frame *frame, unsigned int form)
{
    if (form == 0) {
        return frame;
    }
    return frame_find(frame, atomic_load_explicit(&frame->forms, memory_order_acquire), form);
}

struct frame *frame_form_add(struct frame *frame, unsigned int form, struct frame *made)
{
    check(form > 0 && form < FRAME_FORMS);
    struct frame_form *mine = mem_alloc(sizeof(*mine));
    *mine = (struct frame_form){.frame = made, .form = form};
    struct frame_form *head = atomic_load_explicit(&frame->forms, memory_order_acquire);
    do {
        struct frame *other = frame_find(frame, head, form);
        if (other != NULL) {
            frame_unref(made);
            mem_free(mine);
            return other;
        }
        mine->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&frame->forms, &head, mine,
                                                    memory_order_acq_rel, memory_order_acquire));
    return made != NULL ? made : frame;
}
