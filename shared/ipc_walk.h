/*
 * The bounds of an IPC frame, looked at before anything is decoded: its length, and a walk over its
 * values that finds every count backed by bytes.
 *
 * Pure; runs anywhere; allocates nothing.
 */
#ifndef FF_IPC_WALK_H
#define FF_IPC_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FF_IPC_MAX_DEPTH 8u /* arrays and maps inside each other */
#define FF_IPC_MAX_VALUES                                                                          \
    (1u << 20) /* values of one frame, arrays and maps included: each costs 24 bytes */

/* The length of the first frame's msgpack array if its prefix is complete, else 0 when more bytes
 * are needed. A length of 0 or over FF_IPC_MAX_FRAME returns -1: the peer speaks something else. */
int64_t ff_ipc_frame_len(const uint8_t *bytes, size_t len);

/* Whether `bytes` hold exactly one msgpack value, complete, with every count backed by bytes, no
 * deeper than FF_IPC_MAX_DEPTH and of no more than FF_IPC_MAX_VALUES values. */
bool ff_ipc_walk(const uint8_t *bytes, size_t len);

#endif
