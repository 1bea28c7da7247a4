/* base/counters: the table's order is what the metrics page relies on, and another thread reads
 * whole values. */
#include <ctype.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/counters.h"

static void test_add_and_get(void **state)
{
    static struct counters counters;
    (void)state;

    for (int i = 0; i < COUNTER_MAX; i++) {
        assert_int_equal(counter_get(&counters, (enum counter)i), 0);
        counter_add(&counters, (enum counter)i, (uint64_t)i + 1);
        counter_add(&counters, (enum counter)i, UINT64_C(1) << 40);
    }
    for (int i = 0; i < COUNTER_MAX; i++) {
        assert_int_equal(counter_get(&counters, (enum counter)i),
                         (uint64_t)i + 1 + (UINT64_C(1) << 40));
    }
    assert_int_equal((uintptr_t)&counters % 64, 0);
    assert_int_equal(sizeof(counters) % 64, 0);
}

/* Prometheus wants one block a metric, one help text for it, and no two lines alike. */
static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTER_MAX; i++) {
        const struct counter_info *info = &counter_infos[i];
        size_t len = strlen(info->metric);
        assert_true(len > 6 && strcmp(info->metric + len - 6, "_total") == 0);
        for (size_t c = 0; c < len; c++) {
            assert_true(islower((unsigned char)info->metric[c]) || info->metric[c] == '_');
        }
        assert_true(info->help[0] != '\0');
        for (int j = 0; j < i; j++) {
            if (strcmp(info->metric, counter_infos[j].metric) != 0) {
                continue;
            }
            assert_string_equal(counter_infos[i - 1].metric, info->metric);
            assert_string_equal(counter_infos[j].help, info->help);
            assert_string_not_equal(counter_infos[j].labels, info->labels);
            assert_string_not_equal(info->labels, "");
        }
    }
}

#define ADDS 200000u

static struct counters shared_counters;

static void *writer(void *arg)
{
    (void)arg;
    for (unsigned int i = 0; i < ADDS; i++) {
        counter_add(&shared_counters, COUNTER_MESSAGES_OUT, 1);
    }
    return NULL;
}

static void test_read_while_written(void **state)
{
    pthread_t thread;
    uint64_t last = 0;
    (void)state;

    assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
    while (last < ADDS) {
        uint64_t now = counter_get(&shared_counters, COUNTER_MESSAGES_OUT);
        assert_true(now >= last);
        last = now;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(counter_get(&shared_counters, COUNTER_MESSAGES_OUT), ADDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_get),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_read_while_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
