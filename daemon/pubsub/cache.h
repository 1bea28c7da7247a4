/*
 * The history of each cache channel: its last published events, kept for a time whether anybody is
 * subscribed or not. Belongs to the hub. A history has CACHE_HISTORY events, which is Pusher's one.
 *
 * One cache an application. It holds finished frames, so that a late subscriber costs a reference.
 * Over its size the event that was stored longest ago makes room.
 */
#ifndef FF_PUBSUB_CACHE_H
#define FF_PUBSUB_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strmap.h"
#include "net/frame.h"
#include "proto/slice.h"

#define CACHE_HISTORY 1

struct cached;

struct cache {
    struct strmap events;
    struct cached *oldest, *newest; /* in order of storing */
    uint64_t bytes;
    uint64_t ttl_ms, max; /* 0: for ever, without limit */
};

void cache_init(struct cache *cache); /* for ever, without limit */
/* Events that are over the new limits go, at the latest when they are next looked for. */
void cache_limit(struct cache *cache, uint64_t ttl_seconds, uint64_t max);
void cache_clear(struct cache *cache); /* forgets all events */
void cache_free(struct cache *cache);

/* Takes a reference of its own. An event larger than the whole cache is not kept, and what was
 * there before goes. */
void cache_put(struct cache *cache, struct slice channel, uint32_t hash, struct frame *frame,
               uint64_t now);

/* The events, oldest first, without references for the caller, valid until the next cache_put or
 * cache_expire. Returns how many. *ttl_ms (may be NULL) is how much longer the last one will be
 * kept, 0 for ever. */
size_t cache_get(const struct cache *cache, struct slice channel, uint32_t hash, uint64_t now,
                 struct frame *out[CACHE_HISTORY], uint64_t *ttl_ms);

/* Walks the channels with their last event, those that are over left out. Start with *cursor = 0.
 */
bool cache_next(const struct cache *cache, uint64_t now, size_t *cursor, struct slice *channel,
                struct frame **last, uint64_t *ttl_ms);

void cache_expire(struct cache *cache,
                  uint64_t now); /* gives back what is over; call it now and then */

#endif
