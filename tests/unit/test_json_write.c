/* proto/json_write: every byte at every place of a word, and every size of buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/json.h"

static void write_one(const char *text, size_t len, struct buf *out)
{
    char *block = malloc(len + 1);
    assert_non_null(block);
    memcpy(block + 1, text, len);
    assert_int_equal(json_write_string(out, block + 1, len), 0);
    free(block);
}

static void test_write_bytes(void **state)
{
    /* every ASCII byte at every place of a word, against an encoder that is too simple to be wrong
     */
    (void)state;
    for (int c = 0; c < 128; c++) {
        for (size_t before = 0; before < 17; before++) {
            for (size_t after = 0; after < 17; after += 4) {
                char text[40], wanted[64];
                struct buf out;
                size_t len = before + 1 + after, n = 0;

                memset(text, 'p', len);
                text[before] = (char)c;
                wanted[n++] = '"';
                for (size_t i = 0; i < len; i++) {
                    const char *names = "\"\\\b\f\n\r\t";
                    const char *name = text[i] != '\0' ? strchr(names, text[i]) : NULL;
                    if (name != NULL) {
                        wanted[n++] = '\\';
                        wanted[n++] = "\"\\bfnrt"[name - names];
                    } else if (text[i] < 0x20) {
                        n += (size_t)snprintf(wanted + n, 7, "\\u%04x", (unsigned int)text[i]);
                    } else {
                        wanted[n++] = text[i];
                    }
                }
                wanted[n++] = '"';
                buf_init(&out, n); /* exactly enough */
                write_one(text, len, &out);
                assert_int_equal(out.len, n);
                assert_memory_equal(out.data, wanted, n);
                buf_free(&out);
                buf_init(&out, n - 1); /* a byte too few */
                assert_int_equal(json_write_string(&out, text, len), -1);
                assert_int_equal(out.len, 0);
                buf_free(&out);
            }
        }
    }
}

static void test_write_text(void **state)
{
    static const char text[] = "{\"user\":\"Zo\xC3\xAB\",\"n\":[1,2],\"path\":\"C:\\\\x/"
                               "y\",\"\xF0\x9F\x98\x80\":\"\x7F\n\"}";
    static const char wanted[] =
        "<\"{\\\"user\\\":\\\"Zo\xC3\xAB\\\",\\\"n\\\":[1,2],\\\"path\\\":\\\"C:\\\\\\\\x/y\\\","
        "\\\"\xF0\x9F\x98\x80\\\":\\\"\x7F\\n\\\"}\"";
    char back[sizeof(wanted)];
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(buf_text(&out, "<"), 0);
    write_one(text, sizeof(text) - 1, &out);
    assert_int_equal(out.len, sizeof(wanted) - 1);
    assert_memory_equal(out.data, wanted, out.len);
    struct slice raw = {(char *)out.data + 1, out.len - 1};
    assert_true(json_valid(raw.p, raw.len));
    assert_true(slice_is(json_unescape(raw, back), text));

    buf_clear(&out);
    assert_int_equal(json_write_string(&out, NULL, 0), 0);
    assert_int_equal(json_write_part(&out, NULL, 0), 0);
    assert_int_equal(json_write_part(&out, "a\"\n", 3), 0);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "\"\"a\\\"\\n", 7);
    buf_free(&out);
    buf_init(&out, 0);
    assert_int_equal(json_write_part(&out, NULL, 0), 0);
    assert_int_equal(json_write_part(&out, "a", 1), -1);
    assert_int_equal(json_write_string(&out, "", 0), -1);
    buf_free(&out);
}

/* Any number of escapes, so that one of them is the first that does not fit what is reserved. */
static void test_write_fills_its_room(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 100; n++) {
        char text[100];
        struct buf out;

        memset(text, 'a', sizeof(text));
        memset(text, '"', n);
        buf_init(&out, 4096);
        assert_int_equal(json_write_string(&out, text, sizeof(text)), 0);
        assert_int_equal(out.len, sizeof(text) + n + 2);
        assert_true(out.len <= out.cap);
        buf_free(&out);
    }
}

/* A text of nothing but escapes outgrows what is reserved at first. */
static void test_write_escapes(void **state)
{
    static char text[1000], wanted[6 * sizeof(text) + 2];
    size_t len = 0;

    (void)state;
    wanted[len++] = '"';
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = i % 3 == 0 ? '\x01' : i % 3 == 1 ? '"' : i % 7 == 0 ? 'a' : '\x1F';
        const char *escape = text[i] == 1 ? "\\u0001" : text[i] == '"' ? "\\\"" : "\\u001f";
        len += (size_t)snprintf(wanted + len, 7, "%s", text[i] == 'a' ? "a" : escape);
    }
    wanted[len++] = '"';
    for (size_t max = len - 3; max <= len + 2000; max += max < len + 3 ? 1 : 499) {
        struct buf out;

        buf_init(&out, max + 1);
        assert_int_equal(buf_text(&out, "<"), 0);
        int rc = json_write_string(&out, text, sizeof(text));
        assert_int_equal(rc, max >= len ? 0 : -1);
        assert_int_equal(out.len, max >= len ? len + 1 : 1);
        assert_memory_equal(out.data + 1, wanted, out.len - 1);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_bytes),
        cmocka_unit_test(test_write_text),
        cmocka_unit_test(test_write_fills_its_room),
        cmocka_unit_test(test_write_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
