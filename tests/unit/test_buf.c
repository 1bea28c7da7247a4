/* base/buf: growth under a maximum, and that a refusal changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"

static void invariant(const struct buf *buf)
{
    assert_true(buf->len <= buf->cap);
    assert_true(buf->cap <= buf->max);
    assert_int_equal(buf->data == NULL, buf->cap == 0);
}

static void test_grows_to_max_and_no_further(void **state)
{
    struct buf buf;
    (void)state;

    buf_init(&buf, 1000);
    assert_null(buf.data);
    invariant(&buf);
    for (int i = 0; i < 1000; i++) {
        uint8_t byte = (uint8_t)i;
        assert_int_equal(buf_append(&buf, &byte, 1), 0);
        invariant(&buf);
    }
    assert_int_equal(buf_append(&buf, "x", 1), -1);
    assert_int_equal(buf_reserve(&buf, 1), -1);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), -1);
    assert_int_equal(buf_append(&buf, "x", 0), 0);
    assert_int_equal(buf.len, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf.data[i], (uint8_t)i);
    }
    buf_free(&buf);
    invariant(&buf);
    assert_int_equal(buf.max, 1000);
    assert_int_equal(buf_text(&buf, "again"), 0);
    assert_memory_equal(buf.data, "again", 5);
    buf_free(&buf);
}

static void test_empty_needs_no_memory(void **state)
{
    struct buf buf;
    (void)state;

    buf_init(&buf, 0);
    assert_int_equal(buf_append(&buf, NULL, 0), 0);
    assert_int_equal(buf_text(&buf, ""), 0);
    assert_int_equal(buf_reserve(&buf, 0), 0);
    assert_int_equal(buf_reserve(&buf, 1), -1);
    assert_null(buf.data);
    buf_free(&buf);
}

static void test_reserve_keeps_len(void **state)
{
    struct buf buf;
    (void)state;

    buf_init(&buf, 1 << 20);
    assert_int_equal(buf_text(&buf, "abc"), 0);
    assert_int_equal(buf_reserve(&buf, 70000), 0);
    assert_int_equal(buf.len, 3);
    assert_true(buf.cap - buf.len >= 70000);
    assert_memory_equal(buf.data, "abc", 3);
    buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_true(buf.cap >= 70000);
    buf_free(&buf);
}

static void test_printf(void **state)
{
    struct buf buf;
    char word[2001];
    (void)state;

    memset(word, 'w', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    buf_init(&buf, 2003);
    assert_int_equal(buf_printf(&buf, "%d-", 42), 0);
    assert_int_equal(buf_printf(&buf, "%s", word), 0); /* fits to the byte, without a terminator */
    assert_int_equal(buf.len, 2003);
    assert_memory_equal(buf.data, "42-www", 6);
    assert_int_equal(buf_printf(&buf, "%s", word), -1);
    assert_int_equal(buf_printf(&buf, "x"), -1);
    assert_int_equal(buf_printf(&buf, "%s", ""), 0);
    assert_int_equal(buf.len, 2003);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_to_max_and_no_further),
        cmocka_unit_test(test_empty_needs_no_memory),
        cmocka_unit_test(test_reserve_keeps_len),
        cmocka_unit_test(test_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
