/*
 * What was published recently, so that nothing sent twice is delivered twice. Belongs to the hub.
 *
 * By producer and seq: a window of receipts per producer, forgotten some time after its last frame.
 * By the caller's key: per application, for a time from its first use. Both are bounded; the least
 * recently used makes room.
 */
#ifndef FF_PUBSUB_DEDUP_H
#define FF_PUBSUB_DEDUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strmap.h"
#include "proto/slice.h"

#define DEDUP_WINDOW       1024u /* receipts of a producer */
#define DEDUP_PRODUCERS    65536u
#define DEDUP_KEYS         65536u /* of an application */
#define DEDUP_FORGET_MS    60000u
#define DEDUP_PRODUCER_LEN 16u

struct receipt {
    uint64_t id;
    uint32_t recipients;
    bool duplicate;
};

struct dedup_node {
    struct dedup_node *prev, *next;
};

struct dedup_list {
    struct dedup_node head; /* a ring: oldest use first */
};

struct dedup {
    struct strmap producers;
    struct dedup_list producers_list;
    struct strmap *keys; /* by application index */
    struct dedup_list *keys_lists;
    size_t napps;
};

void dedup_init(struct dedup *dedup);
void dedup_apps(struct dedup *dedup, size_t napps); /* room for so many; never fewer than before */
void dedup_free(struct dedup *dedup);

enum dedup_seen { DEDUP_NEW, DEDUP_SEEN, DEDUP_TOO_OLD };

struct producer;

/* What is remembered of a producer, made on first sight. Valid until dedup_forget or the next call.
 */
struct producer *dedup_producer(struct dedup *dedup, uint32_t app, const uint8_t *id, uint64_t now);

/* Whether its frame was answered before; then *receipts (valid until the next frame) and *n are
 * what it was told. TOO_OLD: it lies so far behind that nobody remembers. seq > 0. */
enum dedup_seen dedup_frame(const struct producer *producer, uint64_t seq,
                            const struct receipt **receipts, uint32_t *n);
void dedup_frame_done(struct producer *producer, uint64_t seq, const struct receipt *receipts,
                      uint32_t n);

/* The receipt of the key's first use, if that is less than DEDUP_FORGET_MS ago. */
bool dedup_key(struct dedup *dedup, uint32_t app, struct slice key, uint64_t now,
               struct receipt *out);
void dedup_key_done(struct dedup *dedup, uint32_t app, struct slice key, uint64_t now,
                    const struct receipt *receipt);

void dedup_forget(struct dedup *dedup, uint64_t now); /* call it now and then */

#endif
