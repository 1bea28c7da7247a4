#include "pubsub/cache.h"

#include <string.h>

#include "base/mem.h"

struct cached {
    struct cached *prev, *next;
    struct frame *frame;
    uint64_t stored_ms;
    uint32_t hash, len;
    char channel[];
};

static void channel_of(const void *value, const char **key, size_t *len)
{
    const struct cached *cached = value;
    *key = cached->channel;
    *len = cached->len;
}

void cache_init(struct cache *cache)
{
    *cache = (struct cache){.bytes = 0};
    strmap_init(&cache->events, channel_of);
}

static uint64_t weight(const struct cached *cached)
{
    return sizeof(*cached) + cached->len + cached->frame->len;
}

static void forget(struct cache *cache, struct cached *cached)
{
    if (cached->prev != NULL) {
        cached->prev->next = cached->next;
    } else {
        cache->oldest = cached->next;
    }
    if (cached->next != NULL) {
        cached->next->prev = cached->prev;
    } else {
        cache->newest = cached->prev;
    }
    cache->bytes -= weight(cached);
    strmap_del(&cache->events, cached->channel, cached->len);
    frame_unref(cached->frame);
    mem_free(cached);
}

static void make_room(struct cache *cache)
{
    while (cache->max != 0 && cache->bytes > cache->max) {
        forget(cache, cache->oldest);
    }
}

void cache_limit(struct cache *cache, uint64_t ttl_seconds, uint64_t max)
{
    cache->ttl_ms = ttl_seconds * 1000;
    cache->max = max;
    make_room(cache);
}

void cache_clear(struct cache *cache)
{
    while (cache->oldest != NULL) {
        forget(cache, cache->oldest);
    }
}

void cache_free(struct cache *cache)
{
    cache_clear(cache);
    strmap_free(&cache->events);
}

void cache_put(struct cache *cache, struct slice channel, uint32_t hash, struct frame *frame,
               uint64_t now)
{
    struct cached *cached = strmap_get_hashed(&cache->events, hash, channel.p, channel.len);
    if (cached != NULL) {
        forget(cache, cached);
    }
    cached = mem_try_alloc(sizeof(*cached) + channel.len);
    if (cached == NULL) {
        return;
    }
    *cached = (struct cached){.prev = cache->newest,
                              .frame = frame_ref(frame),
                              .stored_ms = now,
                              .hash = hash,
                              .len = (uint32_t)channel.len};
    memcpy(cached->channel, channel.p, channel.len);
    if (cache->newest != NULL) {
        cache->newest->next = cached;
    } else {
        cache->oldest = cached;
    }
    cache->newest = cached;
    cache->bytes += weight(cached);
    strmap_put_hashed(&cache->events, hash, cached);
    make_room(cache);
}

static bool over(const struct cache *cache, const struct cached *cached, uint64_t now)
{
    return cache->ttl_ms != 0 && now - cached->stored_ms >= cache->ttl_ms;
}

struct frame *cache_get(const struct cache *cache, struct slice channel, uint32_t hash,
                        uint64_t now, uint64_t *ttl_ms)
{
    const struct cached *cached = strmap_get_hashed(&cache->events, hash, channel.p, channel.len);
    if (cached == NULL || over(cache, cached, now)) {
        return NULL;
    }
    if (ttl_ms != NULL) {
        *ttl_ms = cache->ttl_ms != 0 ? cache->ttl_ms - (now - cached->stored_ms) : 0;
    }
    return cached->frame;
}

void cache_expire(struct cache *cache, uint64_t now)
{
    while (cache->oldest != NULL && over(cache, cache->oldest, now)) {
        forget(cache, cache->oldest);
    }
}
