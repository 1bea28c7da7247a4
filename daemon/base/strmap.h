/*
 * A hash map from byte strings to pointers: open addressing, SipHash-1-3 with a random key of the
 * process, because channel names are chosen by attackers. Each map belongs to one thread.
 *
 * The map stores the values only. A value carries its own key, which strmap_key_fn finds, and must
 * not change it while it is in the map.
 */
#ifndef FF_BASE_STRMAP_H
#define FF_BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void strmap_key_fn(const void *value, const char **key, size_t *len);

struct strmap_slot {
    uint32_t hash;
    uint32_t used;
    void *value;
};

struct strmap {
    struct strmap_slot *slots; /* NULL until the first put */
    size_t mask;               /* slots - 1, a power of two less one */
    size_t count;
    strmap_key_fn *key;
};

void strmap_init(struct strmap *map, strmap_key_fn *key); /* allocates nothing */
void strmap_free(struct strmap *map);                     /* frees the table, never the values */

uint32_t strmap_hash(const char *key, size_t len); /* the same in every thread of the process */

uint64_t strmap_hash64(const char *key, size_t len); /* strmap_hash is its lower half */

void *strmap_get(const struct strmap *map, const char *key, size_t len); /* NULL: not there */
void *strmap_get_hashed(const struct strmap *map, uint32_t hash, const char *key, size_t len);
/* The key must not be in the map yet (checked). */
void strmap_put(struct strmap *map, void *value);
void strmap_put_hashed(struct strmap *map, uint32_t hash, void *value);
/* Takes the value with this key out and returns it; NULL: not there. Shrinks the table when it is
 * mostly empty. */
void *strmap_del(struct strmap *map, const char *key, size_t len);

/* A walk in pieces between which the map may change. Begin with zeros; each call visits some `want`
 * values and those that lie close behind. What is in the map from beginning to end is visited at
 * least once; when the table changes its size the walk begins again, with larger pieces. False: it
 * is over. `visit` must not change the map. */
struct strmap_scan {
    size_t at, slots;
    unsigned int restarts;
};
bool strmap_scan(const struct strmap *map, struct strmap_scan *scan, size_t want,
                 void (*visit)(void *arg, void *value), void *arg);

/* Walk: start with *cursor = 0; false at the end. The map must not be changed during a walk. */
bool strmap_next(const struct strmap *map, size_t *cursor, void **value);

#endif
