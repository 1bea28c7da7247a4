/* base/clock: the units agree with each other and with the system's clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"

static void test_monotonic_never_goes_back(void **state)
{
    uint64_t last = clock_mono_ns();
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void test_units(void **state)
{
    (void)state;
    uint64_t before = clock_mono_ns() / 1000000;
    uint64_t ms = clock_mono_ms();
    uint64_t after = clock_mono_ns() / 1000000;
    assert_true(before <= ms && ms <= after);
}

static void test_wall_is_unix_time(void **state)
{
    (void)state;
    /* time() may lag by a tick, so a second is allowed on both sides */
    uint64_t before = (uint64_t)time(NULL);
    uint64_t ms = clock_wall_ms();
    uint64_t after = (uint64_t)time(NULL);
    assert_in_range(ms / 1000, before, after + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_never_goes_back),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_wall_is_unix_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
