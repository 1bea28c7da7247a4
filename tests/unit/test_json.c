/* proto/json: what is JSON and what is not, the raw views of the reader, unescaping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In a block of exactly its size, at an odd address. */
static bool valid(const char *text, size_t len)
{
    char *block = malloc(len + 1);
    assert_non_null(block);
    memcpy(block + 1, text, len);
    bool result = json_valid(block + 1, len);
    free(block);
    return result;
}

struct sample {
    const char *text;
    size_t len;
};

#define SAMPLE(text)                                                                               \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct sample accepted[] = {
    SAMPLE("{}"),
    SAMPLE("[]"),
    SAMPLE("\"\""),
    SAMPLE("0"),
    SAMPLE("true"),
    SAMPLE("false"),
    SAMPLE("null"),
    SAMPLE(" \t\r\n{} \t\r\n"),
    SAMPLE("[ ]"),
    SAMPLE("{ }"),
    SAMPLE("[1]"),
    SAMPLE("[1 , 2\n,\t3]"),
    SAMPLE("[[],[[]],{}]"),
    SAMPLE("{\"a\":1}"),
    SAMPLE("{\"a\" : 1 , \"b\" : [ ] }"),
    SAMPLE("{\"a\":1,\"a\":2}"),
    SAMPLE("{\"\":0}"),
    SAMPLE("{\"a\\u0062\\\"\":{\"b\":{\"c\":[null,true,false]}}}"),
    SAMPLE("-0"),
    SAMPLE("-1"),
    SAMPLE("10"),
    SAMPLE("1.5"),
    SAMPLE("-0.0"),
    SAMPLE("0e1"),
    SAMPLE("1E+2"),
    SAMPLE("1e-2"),
    SAMPLE("1.25e10"),
    SAMPLE("123456789012345678901234567890.1e99999"),
    SAMPLE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    SAMPLE("\"\\u0000\\u001f\\uABCD\\uabcd\\uFFFF\""),
    SAMPLE("\"\\uD83D\\uDE00\""),
    SAMPLE("\"\\ud800\\udc00\\udbff\\udfff\""),
    SAMPLE("\"\x7F\""),
    SAMPLE("\"\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF\""),
    SAMPLE("\"\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF\""),
    SAMPLE("\"'{}[],:\""),
    SAMPLE("\"a long string that spans more than one word of eight bytes, and \\u00e9\""),
};

static const struct sample refused[] = {
    SAMPLE(""),
    SAMPLE(" "),
    SAMPLE("\xEF\xBB\xBF{}"),
    SAMPLE("{}{}"),
    SAMPLE("1 2"),
    SAMPLE("{} x"),
    SAMPLE("[]\0"),
    SAMPLE("\0"),
    SAMPLE("\f1"),
    SAMPLE("\v1"),
    SAMPLE("\xC2\xA0"
           "1"),
    SAMPLE("["),
    SAMPLE("]"),
    SAMPLE("{"),
    SAMPLE("}"),
    SAMPLE("[1"),
    SAMPLE("[1,"),
    SAMPLE("[1,]"),
    SAMPLE("[,1]"),
    SAMPLE("[,]"),
    SAMPLE("[1,,2]"),
    SAMPLE("[1 2]"),
    SAMPLE("[1}"),
    SAMPLE("{]"),
    SAMPLE("[1]]"),
    SAMPLE("[\"a\":1]"),
    SAMPLE("{\"a\"}"),
    SAMPLE("{\"a\":}"),
    SAMPLE("{\"a\":1,}"),
    SAMPLE("{,\"a\":1}"),
    SAMPLE("{\"a\":1,,\"b\":2}"),
    SAMPLE("{\"a\" 1}"),
    SAMPLE("{\"a\"::1}"),
    SAMPLE("{\"a\":1 \"b\":2}"),
    SAMPLE("{a:1}"),
    SAMPLE("{'a':1}"),
    SAMPLE("{1:1}"),
    SAMPLE("{null:1}"),
    SAMPLE("{[]:1}"),
    SAMPLE("{\"a\":1]"),
    SAMPLE("{\"a\":1}}"),
    SAMPLE("{\"a"),
    SAMPLE("{\"a\":"),
    SAMPLE("{\"a\":1"),
    SAMPLE("+1"),
    SAMPLE("-"),
    SAMPLE("--1"),
    SAMPLE("- 1"),
    SAMPLE("01"),
    SAMPLE("-01"),
    SAMPLE("00"),
    SAMPLE("1."),
    SAMPLE(".5"),
    SAMPLE("-.5"),
    SAMPLE("1.e1"),
    SAMPLE("1e"),
    SAMPLE("1e+"),
    SAMPLE("1e1.5"),
    SAMPLE("1.5.5"),
    SAMPLE("0x1"),
    SAMPLE("1a"),
    SAMPLE("1_000"),
    SAMPLE("NaN"),
    SAMPLE("Infinity"),
    SAMPLE("-Infinity"),
    SAMPLE("\xEF\xBC\x91"), /* a full-width 1 */
    SAMPLE("True"),
    SAMPLE("tru"),
    SAMPLE("truee"),
    SAMPLE("nul"),
    SAMPLE("fals"),
    SAMPLE("undefined"),
    SAMPLE("x"),
    SAMPLE("'a'"),
    SAMPLE("\""),
    SAMPLE("\"a"),
    SAMPLE("\"\\\""),
    SAMPLE("\"\\"),
    SAMPLE("\"\\a\""),
    SAMPLE("\"\\x41\""),
    SAMPLE("\"\\'\""),
    SAMPLE("\"\\\0\""),
    SAMPLE("\"\\U0041\""),
    SAMPLE("\"\\u\""),
    SAMPLE("\"\\u00\""),
    SAMPLE("\"\\u004\""),
    SAMPLE("\"\\u004g\""),
    SAMPLE("\"\\u 041\""),
    SAMPLE("\"\\u+041\""),
    SAMPLE("\"\\u004"),
    SAMPLE("\"\\\xC3\xA9\""),
    SAMPLE("\"a\nb\""),
    SAMPLE("\"a\tb\""),
    SAMPLE("\"\0\""),
    SAMPLE("\"\x1F\""),
    /* lone surrogates */
    SAMPLE("\"\\uD800\""),
    SAMPLE("\"\\uDBFF\""),
    SAMPLE("\"\\uDC00\""),
    SAMPLE("\"\\uDFFF\""),
    SAMPLE("\"\\uD800x\""),
    SAMPLE("\"\\uD800\\n\""),
    SAMPLE("\"\\uD800\\u0041\""),
    SAMPLE("\"\\uD800\\uD800\""),
    SAMPLE("\"\\uD800\\uE000\""),
    SAMPLE("\"\\uDC00\\uD800\""),
    SAMPLE("\"\\uD800\\uDC0\""),
    SAMPLE("\"\\uD800\\\""),
    SAMPLE("\"\\uD800\\u\""),
    SAMPLE("\"\\uD800"),
    SAMPLE("\"\\uD800\\uDC00"),
    /* outside strings there is only ASCII */
    SAMPLE("[\xC3\xA9]"),
    SAMPLE("/* */1"),
    SAMPLE("1//"),
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        if (!valid(accepted[i].text, accepted[i].len)) {
            fail_msg("refused: %s", accepted[i].text);
        }
    }
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (valid(refused[i].text, refused[i].len)) {
            fail_msg("accepted: %s", refused[i].text);
        }
    }
}

/* Inside an array, an object's value and behind other text the same holds. */
static void test_nested_samples(void **state)
{
    char text[256];

    (void)state;
    for (size_t i = 0; i < COUNT(accepted) + COUNT(refused); i++) {
        bool good = i < COUNT(accepted);
        const struct sample *sample = good ? &accepted[i] : &refused[i - COUNT(accepted)];
        const char *around[][2] = {{"[", "]"}, {"{\"key\":", "}"}, {"[\"12345\",", ",{}]"}};

        if (!good && (sample->len == 0 || memchr("[{],} ", sample->text[0], 6) != NULL)) {
            continue; /* nothing at all, or it may well close what is around it */
        }
        for (size_t j = 0; j < COUNT(around); j++) {
            size_t len = strlen(around[j][0]);
            memcpy(text, around[j][0], len);
            memcpy(text + len, sample->text, sample->len);
            len += sample->len;
            memcpy(text + len, around[j][1], strlen(around[j][1]));
            len += strlen(around[j][1]);
            if (valid(text, len) != good) {
                fail_msg("not %d: %.*s", good, (int)len, text);
            }
        }
    }
}

/* No prefix of an object, array or string is valid itself, and none reads on behind its end. */
static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        bool bracketed =
            strchr("{[\"", accepted[i].text[strspn(accepted[i].text, " \t\r\n")]) != NULL;

        for (size_t len = 0; len < accepted[i].len; len++) {
            if (bracketed && valid(accepted[i].text, len)) {
                /* nothing but blanks is missing */
                assert_int_equal(strspn(accepted[i].text + len, " \t\r\n"), accepted[i].len - len);
            }
        }
    }
}

static void test_depth(void **state)
{
    char text[6 * 70];

    (void)state;
    for (size_t depth = 1; depth <= 66; depth++) {
        bool fits = depth <= JSON_MAX_DEPTH;

        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(valid(text, 2 * depth), fits);
        assert_false(valid(text, 2 * depth - 1));
        assert_false(valid(text, depth));
        assert_int_equal(json_too_deep(text, depth), !fits); /* what is behind is not looked at */

        /* objects, and the two kinds in turns, so that every bracket has to match its own */
        for (int turns = 0; turns <= 1; turns++) {
            size_t len = 0;
            for (size_t i = 0; i < depth; i++) {
                bool object = !turns || i % 2 == 0;
                len +=
                    (size_t)snprintf(text + len, sizeof(text) - len, "%s", object ? "{\"\":" : "[");
            }
            text[len++] = '0';
            for (size_t i = depth; i > 0; i--) {
                text[len++] = !turns || i % 2 == 1 ? '}' : ']';
            }
            assert_int_equal(valid(text, len), fits);
            assert_int_equal(json_too_deep(text, len), !fits);
            text[len - 1] = ']'; /* the outermost is an object */
            assert_false(valid(text, len));
        }
    }
    /* wide is not deep */
    char wide[401];
    for (size_t i = 0; i < 100; i++) {
        memcpy(wide + 1 + 4 * i, "[1],", 4);
    }
    wide[0] = '[';
    wide[400] = ']';
    assert_true(valid(wide, sizeof(wide)));
}

/* Every bad sequence at every place in the words of eight bytes, in a string that is fine without
 * it. */
static void test_utf8_everywhere(void **state)
{
    static const struct sample bad[] = {
        SAMPLE("\x80"),
        SAMPLE("\xBF"),
        SAMPLE("\xC0\x80"),
        SAMPLE("\xC1\xBF"),
        SAMPLE("\xC2"),
        SAMPLE("\xC2\xC2"),
        SAMPLE("\xE0\x9F\xBF"),
        SAMPLE("\xE0\xA0"),
        SAMPLE("\xE1\x80"),
        SAMPLE("\xED\xA0\x80"),
        SAMPLE("\xED\xBF\xBF"),
        SAMPLE("\xEF\xBF"),
        SAMPLE("\xF0\x90"),
        SAMPLE("\xF0\x90\x80"),
        SAMPLE("\xF0\x8F\xBF\xBF"),
        SAMPLE("\xF4\x90\x80\x80"),
        SAMPLE("\xF5\x80"),
        SAMPLE("\xFE"),
        SAMPLE("\xFF"),
        SAMPLE("\x1F"),
        SAMPLE("\0"),
        SAMPLE("\n"),
        SAMPLE("\\q"),
        SAMPLE("\\uD800"),
        SAMPLE("\""),
    };
    static const struct sample good[] = {
        SAMPLE("\xC2\x80"),
        SAMPLE("\xE2\x82\xAC"),
        SAMPLE("\xF0\x9F\x98\x80"),
        SAMPLE("\x7F"),
        SAMPLE("\\n"),
        SAMPLE("\\u20AC"),
        SAMPLE("\\uD83D\\uDE00"),
        SAMPLE("\xC3\xA9\xC3\xA9"),
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < COUNT(bad) + COUNT(good); i++) {
        bool fine = i >= COUNT(bad);
        const struct sample *sample = fine ? &good[i - COUNT(bad)] : &bad[i];

        for (size_t before = 0; before < 18; before++) {
            for (size_t after = 0; after < 10; after++) {
                size_t len = 0;

                text[len++] = '"';
                memset(text + len, 'a', before);
                len += before;
                memcpy(text + len, sample->text, sample->len);
                len += sample->len;
                memset(text + len, 'z', after);
                len += after;
                text[len++] = '"';
                if (valid(text, len) != fine) {
                    fail_msg("sample %zu between %zu and %zu bytes", i, before, after);
                }
            }
        }
    }
}

static struct slice slice(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void test_walk(void **state)
{
    struct slice object = slice(
        " { \"a\" : 1 ,\"b\\\"}\":\"},]\\\\\", \"c\":[1,{\"d\":\"]\"}] ,\"\":null,\"e\":-1.5e3}");
    struct slice key, value;
    size_t cursor = 0;
    static const char *const wanted[][2] = {
        {"\"a\"", "1"},   {"\"b\\\"}\"", "\"},]\\\\\""}, {"\"c\"", "[1,{\"d\":\"]\"}]"},
        {"\"\"", "null"}, {"\"e\"", "-1.5e3"},
    };

    (void)state;
    assert_true(json_valid(object.p, object.len));
    object = json_trim(object);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_true(json_next(object, &cursor, &key, &value));
        assert_true(slice_is(key, wanted[i][0]));
        assert_true(slice_is(value, wanted[i][1]));
    }
    assert_false(json_next(object, &cursor, &key, &value));
    assert_false(json_next(object, &cursor, &key, &value));

    static const char *const empty[] = {"{}", "{ \n}"};
    for (size_t i = 0; i < COUNT(empty); i++) {
        cursor = 0;
        assert_false(json_next(slice(empty[i]), &cursor, &key, &value));
    }
}

static void test_elements(void **state)
{
    struct slice array = slice("[ 1,\"a,]\" ,[],{\"a\":[]}\t, true,null ]");
    static const char *const wanted[] = {"1", "\"a,]\"", "[]", "{\"a\":[]}", "true", "null"};
    static const enum json_type types[] = {JSON_NUMBER, JSON_STRING, JSON_ARRAY,
                                           JSON_OBJECT, JSON_TRUE,   JSON_NULL};
    struct slice value;
    size_t cursor = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_true(json_element(array, &cursor, &value));
        assert_true(slice_is(value, wanted[i]));
        assert_int_equal(json_type(value), types[i]);
    }
    assert_false(json_element(array, &cursor, &value));
    cursor = 0;
    assert_false(json_element(slice("[ ]"), &cursor, &value));
    assert_int_equal(json_type(slice("false")), JSON_FALSE);
    assert_int_equal(json_type(slice("-1")), JSON_NUMBER);
    assert_true(slice_is(json_trim(slice(" \t[ ]\r\n")), "[ ]"));
    assert_int_equal(json_trim(slice(" \n")).len, 0);
}

static void test_string_is(void **state)
{
    static const struct {
        const char *raw, *text;
        bool same;
    } cases[] = {
        {"\"event\"", "event", true},
        {"\"Event\"", "event", false},
        {"\"even\"", "event", false},
        {"\"events\"", "event", false},
        {"\"\"", "", true},
        {"\"\"", "a", false},
        {"\"a\"", "", false},
        {"\"\\u0065vent\"", "event", true},
        {"\"e\\u0076en\\u0074\"", "event", true},
        {"\"\\u0065\\u0076\\u0065\\u006e\\u0074\"", "event", true},
        {"\"\\u0065vents\"", "event", false},
        {"\"\\u0065ven\"", "event", false},
        {"\"\\u0065vent\\u0000\"", "event", false},
        {"\"\\u0165vent\"", "event", false},
        {"\"\\uD83D\\uDE00\"", "e", false},
        {"\"\\n\"", "n", false},
        {"\"\\n\"", "\n", true},
        {"\"a\\/b\"", "a/b", true},
        {"\"a\\\\b\"", "a\\b", true},
        {"\"a\\nb\"", "a\\nb", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (json_string_is(slice(cases[i].raw), cases[i].text) != cases[i].same) {
            fail_msg("%s is %s?", cases[i].raw, cases[i].text);
        }
    }
}

static void test_unescape(void **state)
{
    static const struct {
        const char *raw, *text;
        size_t len;
    } cases[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
        {"\"\\u0041\\u00e9\\u20AC\\uD83D\\ude00\"", "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10},
        {"\"a\\u0000b\"", "a\0b", 3},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF",
         11},
        {"\"\\ud800\\udc00\\udbff\\udfff\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8},
        {"\"long enough to be copied\\nin runs\\\\\"", "long enough to be copied\nin runs\\", 33},
        {"\"\\\\\"", "\\", 1},
        {"\"\xC3\xA9\\t\xC3\xA9\"", "\xC3\xA9\t\xC3\xA9", 5},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice raw = slice(cases[i].raw);
        char *out = malloc(raw.len);

        assert_non_null(out);
        struct slice text = json_unescape(raw, out);
        assert_ptr_equal(text.p, out);
        assert_int_equal(text.len, cases[i].len);
        assert_memory_equal(text.p, cases[i].text, text.len);
        free(out);
    }
    /* nothing to unescape: a view, and `out` is not needed */
    struct slice plain = slice("\"plain \xC3\xA9\"");
    struct slice view = json_unescape(plain, NULL);
    assert_ptr_equal(view.p, plain.p + 1);
    assert_true(slice_is(view, "plain \xC3\xA9"));
    assert_int_equal(json_unescape(slice("\"\""), NULL).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nested_samples), cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_depth),          cmocka_unit_test(test_utf8_everywhere),
        cmocka_unit_test(test_walk),           cmocka_unit_test(test_elements),
        cmocka_unit_test(test_string_is),      cmocka_unit_test(test_unescape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
