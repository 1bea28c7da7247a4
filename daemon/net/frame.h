/*
 * An immutable run of bytes, ready for send(), shared by all threads.
 *
 * A frame is written once by who makes it and never changes afterwards. Its count holds one
 * reference for each thread's delivery, not one for each connection, so the atomic is touched once
 * per publish and worker.
 */
#ifndef FF_NET_FRAME_H
#define FF_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct frame_form;

struct frame {
    _Atomic uint32_t refs;
    uint32_t len;
    _Atomic(struct frame_form *) forms; /* see frame_form */
    uint8_t bytes[];
};

/* Room for `len` bytes, with one reference, to be filled by the caller before anybody else sees it.
 * NULL: no memory. */
struct frame *frame_new(size_t len) MUST_CHECK;
struct frame *frame_copy(const void *bytes, size_t len) MUST_CHECK;
struct frame *frame_ref(struct frame *frame);
/* Whether anybody but the caller has a reference. True may be out of date when it is returned,
 * false is not, as long as the caller gives none away. */
bool frame_shared(const struct frame *frame);
void frame_unref(struct frame *frame); /* frees it with the last reference; NULL is fine */

/*
 * A frame may have other forms of itself: the same message, compressed for one kind of connection.
 * Each is made once, by whoever needs it first, and lives as long as the frame. Form 0 is the frame
 * itself, 1 to FRAME_FORMS - 1 mean what the layers above agree upon.
 */
#define FRAME_FORMS 8u

/* The frame in this form, without a reference for the caller; NULL: nobody has made it. */
struct frame *frame_form(struct frame *frame, unsigned int form);
/* Takes over `made` (NULL: the frame itself serves as well). When another thread was first, its
 * form is kept instead. Returns as frame_form. */
struct frame *frame_form_add(struct frame *frame, unsigned int form, struct frame *made);

#endif
