#include "base/strmap.h"

#include <pthread.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/rnd.h"

#define MIN_SLOTS 8u

/* WHY: a mutable global: the hash has to be the same in every thread, so its key is drawn once and
 * only read after. */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static uint64_t key0, key1;

static void strmap_draw_key(void)
{
    key0 = rnd_u64();
    key1 = rnd_u64();
}

static inline uint64_t strmap_rotl(uint64_t x, unsigned int n)
{
    return x << n | x >> (64 - n);
}

/* One round of SipHash over v0..v3. */
#define SIP_ROUND(v)                                                                               \
    do {                                                                                           \
        (v)[0] += (v)[1];                                                                          \
        (v)[2] += (v)[3];                                                                          \
        (v)[1] = strmap_rotl((v)[1], 13) ^ (v)[0];                                                 \
        (v)[3] = strmap_rotl((v)[3], 16) ^ (v)[2];                                                 \
        (v)[0] = strmap_rotl((v)[0], 32);                                                          \
        (v)[2] += (v)[1];                                                                          \
        (v)[0] += (v)[3];                                                                          \
        (v)[1] = strmap_rotl((v)[1], 17) ^ (v)[2];                                                 \
        (v)[3] = strmap_rotl((v)[3], 21) ^ (v)[0];                                                 \
        (v)[2] = strmap_rotl((v)[2], 32);                                                          \
    } while (0)

uint64_t strmap_hash64(const char *key, size_t len)
{
    pthread_once(&key_once, strmap_draw_key);

    uint64_t v[4] = {
        key0 ^ 0x736f6d6570736575u,
        key1 ^ 0x646f72616e646f6du,
        key0 ^ 0x6c7967656e657261u,
        key1 ^ 0x7465646279746573u,
    };
    size_t left = len;

    /* Words in the machine's byte order: the value never leaves the process. */
    for (; left >= 8; left -= 8, key += 8) {
        uint64_t word;
        memcpy(&word, key, sizeof(word));
        v[3] ^= word;
        SIP_ROUND(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)len << 56;
    for (size_t i = 0; i < left; i++) {
        last |= (uint64_t)(unsigned char)key[i] << (8 * i);
    }
    v[3] ^= last;
    SIP_ROUND(v);
    v[0] ^= last;
    v[2] ^= 0xFF;
    SIP_ROUND(v);
    SIP_ROUND(v);
    SIP_ROUND(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t strmap_hash(const char *key, size_t len)
{
    return (uint32_t)strmap_hash64(key, len);
}

void strmap_init(struct strmap *map, strmap_key_fn *key)
{
    *map = (struct strmap){.key = key};
}

void strmap_free(struct strmap *map)
{
    mem_free(map->slots);
    strmap_init(map, map->key);
}

static bool strmap_has_key(const struct strmap *map, const struct strmap_slot *slot, uint32_t hash,
                           const char *key, size_t len)
{
    const char *own;
    size_t own_len;

    if (slot->hash != hash) {
        return false;
    }
    map->key(slot->value, &own, &own_len);
    return own_len == len && (len == 0 || memcmp(own, key, len) == 0);
}

/* The slot of this key, or the empty one where a search for it ends. There always is an empty one:
 * load <= 3/4. */
static size_t strmap_find(const struct strmap *map, uint32_t hash, const char *key, size_t len)
{
    size_t at = hash & map->mask;
    while (map->slots[at].used && !strmap_has_key(map, &map->slots[at], hash, key, len)) {
        at = (at + 1) & map->mask;
    }
    return at;
}

/* Moves everything into a fresh table of zeros with `slots` slots. */
static void strmap_move_into(struct strmap *map, struct strmap_slot *fresh, size_t slots)
{
    struct strmap_slot *old = map->slots;
    size_t n = old == NULL ? 0 : map->mask + 1;
    size_t mask = slots - 1;

    for (size_t i = 0; i < n; i++) {
        if (!old[i].used) {
            continue;
        }
        size_t at = old[i].hash & mask;
        while (fresh[at].used) {
            at = (at + 1) & mask;
        }
        fresh[at] = old[i];
    }
    mem_free(old);
    map->slots = fresh;
    map->mask = mask;
}

static void strmap_grow_for_one(struct strmap *map)
{
    size_t slots = map->slots == NULL ? 0 : map->mask + 1;

    if (slots != 0 && map->count + 1 <= slots / 4 * 3) {
        return;
    }
    size_t more = slots == 0 ? MIN_SLOTS : slots * 2;
    strmap_move_into(map, mem_zalloc(more * sizeof(struct strmap_slot)), more);
}

/* From under an eighth to a quarter, so that a map at the edge does not move to and fro. */
static void strmap_shrink(struct strmap *map)
{
    size_t slots = map->mask + 1;

    if (slots <= MIN_SLOTS || map->count >= slots / 8) {
        return;
    }
    size_t fewer = slots / 2;
    while (fewer > MIN_SLOTS && map->count < fewer / 4) {
        fewer /= 2;
    }
    struct strmap_slot *fresh = mem_try_alloc(fewer * sizeof(*fresh));
    if (fresh == NULL) {
        return; /* a smaller table is a wish, not a need */
    }
    memset(fresh, 0, fewer * sizeof(*fresh));
    strmap_move_into(map, fresh, fewer);
}

void *strmap_get_hashed(const struct strmap *map, uint32_t hash, const char *key, size_t len)
{
    if (map->count == 0) {
        return NULL;
    }
    return map->slots[strmap_find(map, hash, key, len)].value;
}

void *strmap_get(const struct strmap *map, const char *key, size_t len)
{
    if (map->count == 0) {
        return NULL;
    }
    return strmap_get_hashed(map, strmap_hash(key, len), key, len);
}

void strmap_put_hashed(struct strmap *map, uint32_t hash, void *value)
{
    const char *key;
    size_t len;

    check(value != NULL);
    map->key(value, &key, &len);
    strmap_grow_for_one(map);
    struct strmap_slot *slot = &map->slots[strmap_find(map, hash, key, len)];
    check(!slot->used);
    *slot = (struct strmap_slot){.hash = hash, .used = 1, .value = value};
    map->count++;
}

void strmap_put(struct strmap *map, void *value)
{
    const char *key;
    size_t len;

    map->key(value, &key, &len);
    strmap_put_hashed(map, strmap_hash(key, len), value);
}

void *strmap_del(struct strmap *map, const char *key, size_t len)
{
    if (map->count == 0) {
        return NULL;
    }
    size_t hole = strmap_find(map, strmap_hash(key, len), key, len);
    void *value = map->slots[hole].value;
    if (value == NULL) {
        return NULL;
    }
    /* Backward shift: what stands behind the hole moves into it unless its own search starts behind
     * the hole. So no tombstones, and searches stay short however often keys come and go. */
    for (size_t at = (hole + 1) & map->mask; map->slots[at].used; at = (at + 1) & map->mask) {
        size_t home = map->slots[at].hash & map->mask;
        if (((at - home) & map->mask) >= ((at - hole) & map->mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct strmap_slot){0};
    map->count--;
    strmap_shrink(map);
    return value;
}

bool strmap_next(const struct strmap *map, size_t *cursor, void **value)
{
    size_t slots = map->slots == NULL ? 0 : map->mask + 1;

    while (*cursor < slots) {
        const struct strmap_slot *slot = &map->slots[(*cursor)++];
        if (slot->used) {
            *value = slot->value;
            return true;
        }
    }
    return false;
}

bool strmap_scan(const struct strmap *map, struct strmap_scan *scan, size_t want,
                 void (*visit)(void *arg, void *value), void *arg)
{
    size_t slots = map->slots == NULL ? 0 : map->mask + 1;
    if (scan->slots != slots) {
        scan->restarts += scan->slots != 0 && scan->restarts < 16 ? 1 : 0;
        scan->slots = slots;
        scan->at = 0;
    }
    want <<= scan->restarts;
    /* A piece ends at an empty slot only: what a removal moves up stays in front of it, or behind
     * it, so that nothing slips from one side to the other unseen. */
    for (size_t seen = 0; scan->at < slots;) {
        const struct strmap_slot *slot = &map->slots[scan->at++];
        if (slot->used) {
            visit(arg, slot->value);
            seen++;
        } else if (seen >= want) {
            return true;
        }
    }
    return false;
}
