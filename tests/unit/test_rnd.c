/* base/rnd: that every byte is written, that pages and threads do not repeat, and that a bound is
 * kept evenly. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rnd.h"

/* Over several draws no byte of the output may stay zero: one left out would. */
static void every_byte_written(size_t len)
{
    static uint8_t out[10000], seen[10000];

    assert_true(len <= sizeof(out));
    memset(seen, 0, len);
    for (int round = 0; round < 8; round++) {
        memset(out, 0, len + 1 < sizeof(out) ? len + 1 : len);
        rnd_bytes(out, len);
        for (size_t i = 0; i < len; i++) {
            seen[i] |= out[i];
        }
        if (len + 1 < sizeof(out)) {
            assert_int_equal(out[len], 0);
        }
    }
    for (size_t i = 0; i < len; i++) {
        assert_int_not_equal(seen[i], 0); /* by chance: 2^-64 a byte */
    }
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 16, 100, 4095, 4096, 4097, 9999};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        every_byte_written(sizes[i]);
    }
}

static void test_no_repeats(void **state)
{
    static uint64_t drawn[5000];
    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        drawn[i] = rnd_u64();
        assert_int_not_equal(drawn[i], 0); /* what a wiped byte would give */
    }
    for (size_t i = 0; i < 5000; i++) {
        for (size_t j = 0; j < i; j++) {
            if (drawn[i] == drawn[j]) {
                fail_msg("draws %zu and %zu are equal", i, j);
            }
        }
    }
}

static void *draw_elsewhere(void *arg)
{
    rnd_bytes(arg, 32);
    return NULL;
}

static void test_threads_differ(void **state)
{
    uint8_t bytes[3][32];
    pthread_t threads[2];
    (void)state;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, draw_elsewhere, bytes[i]), 0);
    }
    rnd_bytes(bytes[2], 32);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_memory_not_equal(bytes[0], bytes[1], 32);
    assert_memory_not_equal(bytes[0], bytes[2], 32);
    assert_memory_not_equal(bytes[1], bytes[2], 32);
}

static void test_below(void **state)
{
    unsigned int hits[6] = {0};
    (void)state;

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(rnd_below(1), 0);
        assert_true(rnd_below(0x80000001u) <= 0x80000000u);
    }
    for (int i = 0; i < 60000; i++) {
        uint32_t n = rnd_below(6);
        assert_true(n < 6);
        hits[n]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(hits[i], 9200, 10800); /* 10000 expected; 8 standard deviations */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_no_repeats),
        cmocka_unit_test(test_threads_differ),
        cmocka_unit_test(test_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
