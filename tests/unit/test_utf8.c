/* shared/utf8: RFC 3629, at every place in the eight-byte steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "shared/utf8.h"

struct sample {
    const char *bytes;
    size_t len;
    bool valid;
};

#define SAMPLE(text, valid)                                                                        \
    {                                                                                              \
        text, sizeof(text) - 1, valid                                                              \
    }

static const struct sample samples[] = {
    SAMPLE("", true),
    SAMPLE("a", true),
    SAMPLE("\0", true),
    SAMPLE("\x7F", true),
    SAMPLE("\xC2\x80", true),
    SAMPLE("\xDF\xBF", true),
    SAMPLE("\xE0\xA0\x80", true),
    SAMPLE("\xED\x9F\xBF", true),
    SAMPLE("\xEE\x80\x80", true),
    SAMPLE("\xEF\xBF\xBF", true),
    SAMPLE("\xF0\x90\x80\x80", true),
    SAMPLE("\xF4\x8F\xBF\xBF", true),
    SAMPLE("\x80", false),
    SAMPLE("\xBF", false),
    SAMPLE("\xC0\x80", false),
    SAMPLE("\xC1\xBF", false),
    SAMPLE("\xC2", false),
    SAMPLE("\xC2\x41", false),
    SAMPLE("\xC2\xC0", false),
    SAMPLE("\xE0\x9F\xBF", false),
    SAMPLE("\xE0\xA0", false),
    SAMPLE("\xE1\x80\x41", false),
    SAMPLE("\xED\xA0\x80", false),
    SAMPLE("\xED\xBF\xBF", false),
    SAMPLE("\xF0\x8F\xBF\xBF", false),
    SAMPLE("\xF0\x90\x80", false),
    SAMPLE("\xF1\x80\x80\x41", false),
    SAMPLE("\xF4\x90\x80\x80", false),
    SAMPLE("\xF5\x80\x80\x80", false),
    SAMPLE("\xFE", false),
    SAMPLE("\xFF", false),
};

static void test_samples_at_every_offset(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (size_t before = 0; before < 18; before++) {
            for (size_t after = 0; after < 18; after += 1) {
                char text[64];
                memset(text, 'x', sizeof(text));
                memcpy(text + before, samples[i].bytes, samples[i].len);
                assert_int_equal(ff_utf8_valid(text, before + samples[i].len + after),
                                 samples[i].valid);
            }
        }
    }
}

/* Every code point as its encoder writes it, surrogates excepted. */
static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x110000; point++) {
        char text[4];
        size_t len;
        if (point < 0x80) {
            text[0] = (char)point;
            len = 1;
        } else if (point < 0x800) {
            text[0] = (char)(0xC0 | point >> 6);
            text[1] = (char)(0x80 | (point & 0x3F));
            len = 2;
        } else if (point < 0x10000) {
            text[0] = (char)(0xE0 | point >> 12);
            text[1] = (char)(0x80 | (point >> 6 & 0x3F));
            text[2] = (char)(0x80 | (point & 0x3F));
            len = 3;
        } else {
            text[0] = (char)(0xF0 | point >> 18);
            text[1] = (char)(0x80 | (point >> 12 & 0x3F));
            text[2] = (char)(0x80 | (point >> 6 & 0x3F));
            text[3] = (char)(0x80 | (point & 0x3F));
            len = 4;
        }
        bool valid = point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
        if (ff_utf8_valid(text, len) != valid || ff_utf8_char(text, len) != (valid ? len : 0)) {
            fail_msg("U+%04X", (unsigned int)point);
        }
        if (ff_utf8_char(text, len - 1) != 0 || (len > 1 && ff_utf8_valid(text, len - 1))) {
            fail_msg("U+%04X cut short", (unsigned int)point);
        }
    }
}

/* Where a text is cut changes nothing, and the first byte that can lead nowhere is noticed at once.
 */
static void test_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        char text[64];
        size_t len = samples[i].len + 20;
        memset(text, 'x', sizeof(text));
        memcpy(text + 10, samples[i].bytes, samples[i].len);
        for (size_t cut = 0; cut <= len; cut++) {
            for (size_t second = cut; second <= len; second++) {
                uint8_t at = ff_utf8_next(FF_UTF8_WHOLE, text, cut);
                at = ff_utf8_next(at, text + cut, second - cut);
                at = ff_utf8_next(at, text + second, len - second);
                assert_int_equal(at == FF_UTF8_WHOLE, samples[i].valid);
            }
        }
    }
}

/* Every sequence of three bytes: BAD exactly when no continuation of four makes it valid. */
static void test_first_bad_byte(void **state)
{
    static const unsigned char tails[] = {0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF};
    (void)state;
    for (uint32_t all = 0x80; all < 0x1000000; all += all < 0x10000 ? 1 : 257) {
        char text[7];
        size_t len = all < 0x100 ? 1 : all < 0x10000 ? 2 : 3;
        for (size_t i = 0; i < len; i++) {
            text[i] = (char)(all >> 8 * (len - 1 - i));
        }
        bool leads = ff_utf8_valid(text, len);
        for (size_t first = 0; first < sizeof(tails) && !leads; first++) {
            text[len] = (char)tails[first];
            text[len + 1] = text[len + 2] = (char)0x80;
            leads = ff_utf8_valid(text, len + 1) || ff_utf8_valid(text, len + 2) ||
                    ff_utf8_valid(text, len + 3);
        }
        if ((ff_utf8_next(FF_UTF8_WHOLE, text, len) != FF_UTF8_BAD) != leads) {
            fail_msg("%06x", all);
        }
    }
}

/* The run of characters that are not ASCII, from where it begins. */
static void test_skip(void **state)
{
    (void)state;
    assert_null(ff_utf8_skip("\xC3\xA4\x80", &"\xC3\xA4\x80"[3]));
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const struct sample *s = &samples[i];
        char text[16];
        memcpy(text, "\xC3\xA4", 2); /* one that is good stands in front */
        memcpy(text + 2, s->bytes, s->len);
        memcpy(text + 2 + s->len, "x\xFF", 2); /* and what nobody looks at behind */
        size_t run = s->len > 0 && (unsigned char)s->bytes[0] >= 0x80 ? s->len : 0;
        const char *wanted = s->valid || run == 0 ? text + 2 + run : NULL;
        assert_ptr_equal(ff_utf8_skip(text, text + 2 + s->len), wanted);
        assert_ptr_equal(ff_utf8_skip(text, text + 4 + s->len), wanted);
        assert_ptr_equal(ff_utf8_skip(text, text + 2), text + 2);
        assert_null(ff_utf8_skip(text, text + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),           cmocka_unit_test(test_skip),
        cmocka_unit_test(test_first_bad_byte),   cmocka_unit_test(test_samples_at_every_offset),
        cmocka_unit_test(test_every_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
