/* serve/rates: each address has its own second's worth, a flood of addresses costs no memory and
 * frees nobody who is over his rate, and several threads hold one limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "serve/rates.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define SECOND UINT64_C(1000000)

static struct address read_address(const char *text)
{
    struct address address;
    assert_true(address_read(text, strlen(text), &address));
    return address;
}

static unsigned int take_many(struct rates *rates, const struct address *address, uint64_t rate,
                              uint64_t now, unsigned int tries)
{
    unsigned int taken = 0;
    for (unsigned int i = 0; i < tries; i++) {
        taken += rates_take(rates, address, rate, now);
    }
    return taken;
}

static void test_a_bucket(void **state)
{
    static const uint64_t some[] = {1, 2, 3, 7, 10, 100, 999, 1500};
    struct address a = read_address("203.0.113.1"), b = read_address("203.0.113.2");
    (void)state;
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        struct rates *rates = rates_new();
        uint64_t rate = some[i], now = 123456789;
        assert_int_equal(take_many(rates, &a, rate, now, 3000), rate);
        assert_int_equal(take_many(rates, &b, rate, now, 3000), rate);
        /* one comes back after its part of the second, and what is refused costs nothing */
        now += SECOND / rate - 1;
        assert_false(rates_take(rates, &a, rate, now));
        now += 1;
        assert_true(rates_take(rates, &a, rate, now));
        assert_false(rates_take(rates, &a, rate, now));
        now += SECOND;
        assert_int_equal(take_many(rates, &a, rate, now, 3000), rate);
        /* after days of silence, and all the way round the clock, there is no more than that */
        now += 365 * 24 * 3600 * SECOND;
        assert_int_equal(take_many(rates, &a, rate, now, 3000), rate);
        now += UINT64_C(1) << 40;
        assert_in_range(take_many(rates, &a, rate, now, 3000), 0, rate);
        rates_free(rates);
    }
    struct rates *rates = rates_new();
    assert_int_equal(take_many(rates, &a, SECOND, 5, 1000), 1000);
    rates_free(rates);
}

static void test_networks(void **state)
{
    struct rates *rates = rates_new();
    struct address a = read_address("2001:db8:1:2::1");
    struct address same = read_address("2001:db8:1:2:ffff:ffff:ffff:ffff");
    struct address other = read_address("2001:db8:1:3::1");
    struct address v4 = read_address("203.0.113.1"), next = read_address("203.0.113.2");
    (void)state;
    assert_int_equal(take_many(rates, &a, 2, 1, 2), 2);
    assert_false(rates_take(rates, &same, 2, 1));
    assert_true(rates_take(rates, &other, 2, 1));
    assert_int_equal(take_many(rates, &v4, 2, 1, 9), 2);
    assert_true(rates_take(rates, &next, 2, 1));
    rates_free(rates);
}

static void test_a_flood_of_addresses(void **state)
{
    struct rates *rates = rates_new();
    struct address loud = read_address("198.51.100.7");
    uint64_t now = 1000 * SECOND;
    (void)state;
    assert_int_equal(take_many(rates, &loud, 10, now, 100), 10);
    for (uint32_t i = 0; i < 1000000; i++) {
        uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8};
        memcpy(bytes + 4, &i, sizeof(i));
        struct address one = address_of_v6(bytes);
        assert_true(rates_take(rates, &one, 10, now));
    }
    assert_false(rates_take(rates, &loud, 10, now));
    rates_free(rates);
}

#define THREADS 4

static struct rates *shared_rates;
static _Atomic unsigned int shared_taken;

static void *taker(void *arg)
{
    const struct address *address = arg;
    for (unsigned int i = 0; i < 20000; i++) {
        if (rates_take(shared_rates, address, 1000, 77 * SECOND)) {
            atomic_fetch_add(&shared_taken, 1);
        }
    }
    return NULL;
}

static void test_threads_hold_one_limit(void **state)
{
    struct address address = read_address("203.0.113.1");
    pthread_t threads[THREADS];
    (void)state;
    shared_rates = rates_new();
    assert_true(rates_take(shared_rates, &address, 1000, 77 * SECOND)); /* it has its place */
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, taker, &address), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(shared_taken, 999);
    rates_free(shared_rates);
}

static void test_an_older_clock_opens_nothing(void **state)
{
    struct address address = read_address("203.0.113.1");
    uint64_t now = 77 * SECOND;
    (void)state;
    for (uint64_t older = 0; older <= 5 * SECOND; older = older * 3 + 1) {
        struct rates *rates = rates_new();
        assert_int_equal(take_many(rates, &address, 10, now, 100), 10);
        assert_int_equal(take_many(rates, &address, 10, now - older, 100), 0);
        assert_false(rates_take(rates, &address, 10, now + SECOND / 10 - 1));
        assert_int_equal(take_many(rates, &address, 10, now + SECOND / 10, 100), 1);
        rates_free(rates);
    }
}

/* ---- three workers who see an address for the first time at once ---- */

#define WORKERS 3
#define ROUNDS  20u
#define NEW     2000u   /* addresses a round, few enough that none crowds another out */
#define OLD     200000u /* they have filled the table, and their seconds end around now */

static pthread_barrier_t together;

static struct address address_of_number(uint8_t family, uint32_t number)
{
    uint8_t bytes[16] = {0x20, 0x01, 0x0d, family};
    memcpy(bytes + 4, &number, sizeof(number));
    return address_of_v6(bytes);
}

/* Each has a clock of its own, and so finds another place of a set free than the others do. */
static void *greet(void *arg)
{
    uint64_t worker = *(const uint64_t *)arg;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint64_t start = round * 10 * SECOND;
        for (uint32_t i = 0; worker == 0 && i < OLD; i++) {
            struct address old = address_of_number(1, round * OLD + i);
            take_many(shared_rates, &old, 1, start + i * 7919 % 200, 1);
        }
        for (uint32_t i = 0; i < NEW; i++) {
            struct address one = address_of_number(2, round * NEW + i);
            pthread_barrier_wait(&together);
            for (int j = 0; j < 3; j++) {
                if (rates_take(shared_rates, &one, 2, start + SECOND + 50 + worker * 50)) {
                    atomic_fetch_add(&shared_taken, 1);
                }
            }
        }
        pthread_barrier_wait(&together); /* nobody is left behind in an earlier round */
    }
    return NULL;
}

static void test_a_newcomer_has_one_bucket(void **state)
{
    pthread_t threads[WORKERS];
    uint64_t workers[WORKERS];
    (void)state;
    shared_rates = rates_new();
    atomic_store(&shared_taken, 0);
    assert_int_equal(pthread_barrier_init(&together, NULL, WORKERS), 0);
    for (uint64_t i = 0; i < WORKERS; i++) {
        workers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, greet, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    pthread_barrier_destroy(&together);
    assert_int_equal(shared_taken, 2 * NEW * ROUNDS);
    rates_free(shared_rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bucket),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_a_flood_of_addresses),
        cmocka_unit_test(test_threads_hold_one_limit),
        cmocka_unit_test(test_an_older_clock_opens_nothing),
        cmocka_unit_test(test_a_newcomer_has_one_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
