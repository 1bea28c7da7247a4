/*
 * Reading the daemon's answers. Views into the answer; an answer that has not the expected shape
 * reads as absent, never as an error of memory.
 */
#ifndef FF_CTL_READ_H
#define FF_CTL_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/slice.h"

/* The raw value of a member; .p == NULL: `object` is none, or has no such member. */
struct slice ctl_field(struct slice object, const char *name);
uint64_t ctl_number(struct slice object, const char *name); /* 0: absent */
bool ctl_true(struct slice object, const char *name);
/* The text of a string, a view into a copy at *room, which the caller frees with mem_free; .p ==
 * NULL: it is none. */
struct slice ctl_text(struct slice value, char **room);
/* All counters of this name, whatever their labels. */
uint64_t ctl_counters(struct slice counters, const char *name);

/* Appends the text with all but letters, digits and "-._~" as %XX. -1: the buffer is full. */
int ctl_escape(struct buf *out, const char *text) MUST_CHECK;

#endif
