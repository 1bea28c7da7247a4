#include "pubsub/cache.h"

#include <string.h>

#include "base/mem.h"

struct cached {
    struct cached *prev, *next;
    struct frame *frames[CACHE_HISTORY]; /* oldest first */
    size_t count;
    uint64_t stored_ms; /* the last one */
    uint32_t hash, len;
    char channel[];
};

static void cache_channel_of(const void *value, const char **key, size_t *len)
{
    const struct cached *cached = value;
    *key = cached->channel;
    *len = cached->len;
}

void cache_init(struct cache *cache)
{
    *cache = (struct cache){.bytes = 0};
    strmap_init(&cache->events, cache_channel_of);
}

static uint64_t cache_weight(const struct cached *cached)
{
    uint64_t weight = sizeof(*cached) + cached->len;
    for (size_t i = 0; i < cached->count; i++) {
        weight += cached->frames[i]->len;
    }
    return weight;
}

static void cache_forget(struct cache *cache, struct cached *cached)
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
    cache->bytes -= cache_weight(cached);
    strmap_del(&cache->events, cached->channel, cached->len);
    for (size_t i = 0; i < cached->count; i++) {
        frame_unref(cached->frames[i]);
    }
    mem_free(cached);
}

/* The events that stay when one more comes, with references of the caller's. */
static size_t cache_younger(const struct cached *cached, struct frame *out[CACHE_HISTORY])
{
    size_t n = 0;
    for (size_t i = cached->count < CACHE_HISTORY ? 0 : 1; i < cached->count; i++) {
        out[n++] = frame_ref(cached->frames[i]);
    }
    return n;
}

static void cache_make_room(struct cache *cache)
{
    while (cache->max != 0 && cache->bytes > cache->max) {
        cache_forget(cache, cache->oldest);
    }
}

void cache_limit(struct cache *cache, uint64_t ttl_seconds, uint64_t max)
{
    cache->ttl_ms = ttl_seconds * 1000;
    cache->max = max;
    cache_make_room(cache);
}

void cache_clear(struct cache *cache)
{
    while (cache->oldest != NULL) {
        cache_forget(cache, cache->oldest);
    }
}

void cache_free(struct cache *cache)
{
    cache_clear(cache);
    strmap_free(&cache->events);
}

static bool cache_over(const struct cache *cache, const struct cached *cached, uint64_t now)
{
    return cache->ttl_ms != 0 && now - cached->stored_ms >= cache->ttl_ms;
}

void cache_put(struct cache *cache, struct slice channel, uint32_t hash, struct frame *frame,
               uint64_t now)
{
    struct frame *frames[CACHE_HISTORY];
    size_t count = 0;
    struct cached *cached = strmap_get_hashed(&cache->events, hash, channel.p, channel.len);
    if (cached != NULL) {
        count = cache_over(cache, cached, now) ? 0 : cache_younger(cached, frames);
        cache_forget(cache, cached);
    }
    cached = mem_try_alloc(sizeof(*cached) + channel.len);
    if (cached == NULL) {
        while (count > 0) {
            frame_unref(frames[--count]);
        }
        return;
    }
    frames[count++] = frame_ref(frame);
    *cached = (struct cached){.prev = cache->newest,
                              .count = count,
                              .stored_ms = now,
                              .hash = hash,
                              .len = (uint32_t)channel.len};
    memcpy(cached->frames, frames, count * sizeof(frames[0]));
    memcpy(cached->channel, channel.p, channel.len);
    if (cache->newest != NULL) {
        cache->newest->next = cached;
    } else {
        cache->oldest = cached;
    }
    cache->newest = cached;
    cache->bytes += cache_weight(cached);
    strmap_put_hashed(&cache->events, hash, cached);
    cache_make_room(cache);
}

size_t cache_get(const struct cache *cache, struct slice channel, uint32_t hash, uint64_t now,
                 struct frame *out[CACHE_HISTORY], uint64_t *ttl_ms)
{
    const struct cached *cached = strmap_get_hashed(&cache->events, hash, channel.p, channel.len);
    if (cached == NULL || cache_over(cache, cached, now)) {
        return 0;
    }
    if (ttl_ms != NULL) {
        *ttl_ms = cache->ttl_ms != 0 ? cache->ttl_ms - (now - cached->stored_ms) : 0;
    }
    memcpy(out, cached->frames, cached->count * sizeof(out[0]));
    return cached->count;
}

bool cache_next(const struct cache *cache, uint64_t now, size_t *cursor, struct slice *channel,
                struct frame **last, uint64_t *ttl_ms)
{
    void *value;
    while (strmap_next(&cache->events, cursor, &value)) {
        const struct cached *cached = value;
        if (!cache_over(cache, cached, now)) {
            *channel = (struct slice){cached->channel, cached->len};
            *last = cached->frames[cached->count - 1];
            *ttl_ms = cache->ttl_ms != 0 ? cache->ttl_ms - (now - cached->stored_ms) : 0;
            return true;
        }
    }
    return false;
}

void cache_expire(struct cache *cache, uint64_t now)
{
    while (cache->oldest != NULL && cache_over(cache, cache->oldest, now)) {
        cache_forget(cache, cache->oldest);
    }
}
