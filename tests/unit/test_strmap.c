/* base/strmap: against a plain array as the model, under random puts and removals, with and without
 * colliding hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/strmap.h"

#define ITEMS 3000

struct item {
    char key[24];
    size_t len;
    bool in, seen;
};

static struct item items[ITEMS];

static void item_key(const void *value, const char **key, size_t *len)
{
    const struct item *item = value;
    *key = item->key;
    *len = item->len;
}

static void make_items(void)
{
    for (int i = 0; i < ITEMS; i++) {
        items[i].len = (size_t)snprintf(items[i].key, sizeof(items[i].key), "private-%d", i);
        items[i].in = false;
    }
    items[0].len = 0; /* the empty key is a key */
}

/* A fixed sequence: a failure comes again. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void compare(const struct strmap *map, size_t count)
{
    size_t cursor = 0, walked = 0;
    void *value;

    assert_int_equal(map->count, count);
    for (int i = 0; i < ITEMS; i++) {
        items[i].seen = false;
        void *found = strmap_get(map, items[i].key, items[i].len);
        assert_ptr_equal(found, items[i].in ? &items[i] : NULL);
    }
    while (strmap_next(map, &cursor, &value)) {
        struct item *item = value;
        assert_true(item->in);
        assert_false(item->seen);
        item->seen = true;
        walked++;
    }
    assert_int_equal(walked, count);
    if (map->slots != NULL) {
        assert_true(map->count * 4 <= (map->mask + 1) * 3);
        assert_int_equal((map->mask + 1) & map->mask, 0);
    }
}

static void test_random_puts_and_removals(void **state)
{
    struct strmap map;
    uint32_t seed = 7;
    size_t count = 0;
    (void)state;

    make_items();
    strmap_init(&map, item_key);
    assert_null(map.slots);
    compare(&map, 0);
    for (int step = 0; step < 60000; step++) {
        struct item *item = &items[next_random(&seed) % ITEMS];
        /* mostly growing, then mostly shrinking, and again */
        bool put = next_random(&seed) % 10 < (step / 10000 % 2 == 0 ? 8 : 2);
        if (put && !item->in) {
            strmap_put(&map, item);
            item->in = true;
            count++;
        } else if (!put) {
            void *was = strmap_del(&map, item->key, item->len);
            assert_ptr_equal(was, item->in ? item : NULL);
            count -= item->in ? 1 : 0;
            item->in = false;
        }
        if (step % 5000 == 0) {
            compare(&map, count);
        }
    }
    compare(&map, count);
    strmap_free(&map);
    assert_null(strmap_get(&map, "x", 1));
    assert_null(strmap_del(&map, "x", 1));
}

/* All in one chain, which also wraps around the table's end: only the backward shift keeps it
 * whole. */
static void test_colliding_hashes(void **state)
{
    struct strmap map;
    (void)state;

    make_items();
    for (uint32_t base = 0; base < 2; base++) {
        uint32_t hash = base == 0 ? 0 : UINT32_MAX;
        strmap_init(&map, item_key);
        for (int i = 0; i < 200; i++) {
            strmap_put_hashed(&map, hash, &items[i]);
        }
        for (int i = 0; i < 200; i++) {
            assert_ptr_equal(strmap_get_hashed(&map, hash, items[i].key, items[i].len), &items[i]);
        }
        assert_null(strmap_get_hashed(&map, hash, "nobody", 6));
        assert_null(strmap_get_hashed(&map, hash + 1, items[3].key, items[3].len));
        strmap_free(&map);
    }
}

static void test_shrinks(void **state)
{
    struct strmap map;
    (void)state;

    make_items();
    strmap_init(&map, item_key);
    for (int i = 0; i < ITEMS; i++) {
        strmap_put(&map, &items[i]);
        items[i].in = true;
    }
    size_t big = map.mask + 1;
    for (int i = 0; i < ITEMS - 5; i++) {
        assert_non_null(strmap_del(&map, items[i].key, items[i].len));
        items[i].in = false;
    }
    assert_true(map.mask + 1 <= 64);
    assert_true(big >= 4096);
    compare(&map, 5);
    strmap_free(&map);
}

static void *hash_elsewhere(void *arg)
{
    *(uint32_t *)arg = strmap_hash("orders", 6);
    return NULL;
}

static void test_hash_is_one_for_all_threads(void **state)
{
    pthread_t threads[4];
    uint32_t hashes[4];
    (void)state;

    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hash_elsewhere, &hashes[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(hashes[i], strmap_hash("orders", 6));
    }
}

static void test_hash_spreads(void **state)
{
    unsigned int hits[64] = {0};
    char key[24];
    (void)state;

    for (int i = 0; i < 64000; i++) {
        int len = snprintf(key, sizeof(key), "c%d", i);
        hits[strmap_hash(key, (size_t)len) & 63]++;
    }
    for (int i = 0; i < 64; i++) {
        assert_in_range(hits[i], 750, 1250); /* 1000 expected; 8 standard deviations */
    }
    /* every length around the eight-byte words is its own key */
    const char *zeros = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for (size_t a = 0; a < 17; a++) {
        for (size_t b = 0; b < a; b++) {
            assert_int_not_equal(strmap_hash(zeros, a), strmap_hash(zeros, b));
        }
    }
}

static void see(void *arg, void *value)
{
    (void)arg;
    ((struct item *)value)->seen = true;
}

/* Whoever is there from beginning to end is seen, whatever is put and removed between the pieces,
 * and however often the table changes its size meanwhile. */
static void test_scan_in_pieces(void **state)
{
    uint32_t random = 1;
    (void)state;

    make_items();
    for (int round = 0; round < 50; round++) {
        struct strmap map;
        struct strmap_scan scan = {0};
        bool stayed[ITEMS] = {false};
        int n = round % 2 == 0 ? ITEMS / 2 : 100;
        strmap_init(&map, item_key);
        for (int i = 0; i < ITEMS; i++) {
            items[i].in = stayed[i] = i < n;
            items[i].seen = false;
            if (i < n) {
                strmap_put(&map, &items[i]);
            }
        }
        int calls = 0;
        while (strmap_scan(&map, &scan, 10, see, NULL)) {
            assert_true(++calls < 5000);
            for (int k = 0; k < 40; k++) {
                random = random * 1664525u + 1013904223u;
                struct item *item = &items[(random >> 8) % ITEMS];
                if (item->in) {
                    if (item - items < n / 2) {
                        continue; /* these stay */
                    }
                    strmap_del(&map, item->key, item->len);
                    stayed[item - items] = false;
                } else {
                    strmap_put(&map, item);
                }
                item->in = !item->in;
            }
        }
        for (int i = 0; i < ITEMS; i++) {
            assert_true(!stayed[i] || items[i].seen);
        }
        strmap_free(&map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_is_one_for_all_threads),
        cmocka_unit_test(test_random_puts_and_removals),
        cmocka_unit_test(test_colliding_hashes),
        cmocka_unit_test(test_shrinks),
        cmocka_unit_test(test_hash_spreads),
        cmocka_unit_test(test_scan_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
