/*
 * Messages in and out of raw DEFLATE, as permessage-deflate wants them (RFC 7692 section 7.2): each
 * on its own, without the last four bytes of a sync flush. zlib.
 *
 * A struct deflater belongs to one thread, not to a connection: one compressor for each size of
 * window, made when it is first needed, and one decompressor for all. Results stay in its buffers.
 */
#ifndef FF_PROTO_DEFLATE_H
#define FF_PROTO_DEFLATE_H

#include <stdbool.h>

#include "base/check.h"
#include "proto/slice.h"

/* Windows that zlib can compress for. What is made for 9 never looks back further than 250 bytes,
 * so it serves a client that asked for 8, too. */
#define DEFLATE_MIN_BITS 9u
#define DEFLATE_MAX_BITS 15u

struct deflater;

struct deflater *deflate_new(void);
void deflate_free(struct deflater *deflater); /* NULL is fine */

/* The message compressed for a window of 2^bits bytes, good until the next call or deflate_trim.
 * .p == NULL: it would not become smaller, or there is no memory; then it is sent as it is. */
struct slice deflate_pack(struct deflater *deflater, unsigned int bits, struct slice message);

enum deflate_result {
    DEFLATE_DONE,
    DEFLATE_BAD,       /* no DEFLATE, or it does not end where the message does */
    DEFLATE_TOO_LARGE, /* more than `max` bytes come out; no more than that were made */
    DEFLATE_NO_MEMORY,
};

/* A message as the peer meant it, good until the next call or deflate_trim. `whole` false: these
 * are the first bytes of one that has not ended; gives what can be known of it. */
enum deflate_result deflate_unpack(struct deflater *deflater, struct slice packed, bool whole,
                                   size_t max, struct slice *message) MUST_CHECK;

/* Gives buffers back that one large message has left. */
void deflate_trim(struct deflater *deflater);

#endif
