/*
 * What a QUERY asks and an ANSWER says, inside of their text: names, channels with their
 * subscribers, a number. docs/cluster-format.md describes the bytes. Pure.
 *
 * Reading takes from the front of a text and stops for good at the first thing that is not whole.
 */
#ifndef FF_PROTO_BUS_ASK_H
#define FF_PROTO_BUS_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/slice.h"

/* -1: the buffer is full, no memory, or the name has more than 65,535 bytes; then it may hold a
 * part, and is of no more use. */
int bus_ask_name(struct buf *out, struct slice name) MUST_CHECK;
int bus_ask_channel(struct buf *out, struct slice name, uint32_t subscriptions) MUST_CHECK;
int bus_ask_number(struct buf *out, uint64_t number) MUST_CHECK;

/* False: nothing whole is left. */
bool bus_ask_name_next(struct slice *text, struct slice *name);
bool bus_ask_channel_next(struct slice *text, struct slice *name, uint32_t *subscriptions);
bool bus_ask_number_next(struct slice *text, uint64_t *number);

#endif
