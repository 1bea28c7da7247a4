/* proto/traceparent: what is one, what is none, and that what is written is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/traceparent.h"

#include <string.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"
#define GOOD  "00-" TRACE "-" SPAN "-01"

static bool reads(const char *text)
{
    struct traceparent out;
    return traceparent_read((struct slice){text, strlen(text)}, &out);
}

static void test_read(void **state)
{
    static const uint8_t trace[TRACE_ID] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
                                            0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
    static const uint8_t span[TRACE_SPAN_ID] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
    struct traceparent out;
    char text[TRACEPARENT_LEN];
    (void)state;
    assert_true(traceparent_read(SLICE(GOOD), &out));
    assert_memory_equal(out.trace, trace, sizeof(trace));
    assert_memory_equal(out.span, span, sizeof(span));
    assert_int_equal(out.flags, TRACE_SAMPLED);
    traceparent_write(text, &out);
    assert_memory_equal(text, GOOD, TRACEPARENT_LEN);
    assert_true(traceparent_read(SLICE("00-" TRACE "-" SPAN "-00"), &out));
    assert_int_equal(out.flags, 0);
    assert_true(traceparent_read(SLICE("00-" TRACE "-" SPAN "-ff"), &out));
    assert_int_equal(out.flags, 0xff);
    /* of a later version what is known is read, and written as version 00 */
    assert_true(traceparent_read(SLICE("cc-" TRACE "-" SPAN "-01-what-comes-then"), &out));
    traceparent_write(text, &out);
    assert_memory_equal(text, GOOD, TRACEPARENT_LEN);
    assert_true(reads("01-" TRACE "-" SPAN "-01"));
}

static void test_none(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-",
        "00-" TRACE "-" SPAN "-0",
        GOOD "-",
        GOOD "-extra",
        GOOD "0",
        " " GOOD,
        GOOD " ",
        "ff-" TRACE "-" SPAN "-01",
        "0G-" TRACE "-" SPAN "-01",
        "01-" TRACE "-" SPAN "-01.extra",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-" TRACE "-" SPAN "-0A",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        "00-0af7651916cd43dd8448eb211c80319-" SPAN "-010",
        "00-0af7651916cd43dd8448eb211c80319\x80-" SPAN "-01",
    };
    struct traceparent out, before;
    char with_zero[] = GOOD, longest[TRACEPARENT_MAX + 1];
    (void)state;
    memset(&out, 7, sizeof(out));
    before = out;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (traceparent_read((struct slice){bad[i], strlen(bad[i])}, &out)) {
            fail_msg("\"%s\" was read", bad[i]);
        }
    }
    with_zero[20] = '\0';
    assert_false(traceparent_read((struct slice){with_zero, sizeof(with_zero) - 1}, &out));
    assert_false(traceparent_read((struct slice){NULL, 0}, &out));
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "01-" TRACE "-" SPAN "-01-", 56);
    assert_false(traceparent_read((struct slice){longest, TRACEPARENT_MAX + 1}, &out));
    assert_memory_equal(&out, &before, sizeof(out));
    assert_true(traceparent_read((struct slice){longest, TRACEPARENT_MAX}, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
