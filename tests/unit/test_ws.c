/* proto/ws: decoding of client frames, headers of server frames, close payloads, the handshake's
 * answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/ws.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum form { FORM_7, FORM_16, FORM_64, FORM_SHORTEST };

static const uint8_t mask_key[4] = {0xA1, 0x02, 0xFF, 0x7C};

/* Writes a client's frame whose payload byte i is i * 7 and returns its length. */
static size_t make_frame(uint8_t *out, unsigned int first, enum form form, uint64_t len,
                         bool with_payload)
{
    size_t at = 2;

    if (form == FORM_SHORTEST) {
        form = len < 126 ? FORM_7 : len <= 65535 ? FORM_16 : FORM_64;
    }
    out[0] = (uint8_t)first;
    out[1] = (uint8_t)(0x80 | (form == FORM_7 ? len : form == FORM_16 ? 126 : 127));
    if (form != FORM_7) {
        for (int shift = form == FORM_16 ? 8 : 56; shift >= 0; shift -= 8) {
            out[at++] = (uint8_t)(len >> shift);
        }
    }
    memcpy(out + at, mask_key, 4);
    at += 4;
    if (with_payload) {
        for (size_t i = 0; i < len; i++) {
            out[at + i] = (uint8_t)((uint8_t)(i * 7) ^ mask_key[i & 3]);
        }
        at += (size_t)len;
    }
    return at;
}

/* In a block of exactly `len` bytes, at an odd address. */
static enum ws_result decode(const uint8_t *bytes, size_t len, size_t max, struct ws_frame *frame,
                             uint16_t *code, uint8_t **block)
{
    const char *why = NULL;

    *block = malloc(len + 1);
    assert_non_null(*block);
    if (len != 0) {
        memcpy(*block + 1, bytes, len);
    }
    *code = 0;
    enum ws_result result = ws_decode(*block + 1, len, max, false, frame, code, &why);
    assert_int_equal(why != NULL, result == WS_BAD);
    assert_int_equal(*code != 0, result == WS_BAD);
    return result;
}

static const size_t lengths[] = {0,   1,   2,   7,   8,    9,     15,    16,   17,
                                 124, 125, 126, 127, 1000, 65535, 65536, 70001};

static void test_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t len = lengths[i];
        uint8_t *bytes = malloc(len + 2 * WS_MAX_HEADER);
        uint8_t *block;
        struct ws_frame frame;
        uint16_t code;

        assert_non_null(bytes);
        size_t whole = make_frame(bytes, 0x81, FORM_SHORTEST, len, true);
        memset(bytes + whole, 0x55, WS_MAX_HEADER); /* the next frame, not to be touched */
        assert_int_equal(decode(bytes, whole + 3, 0, &frame, &code, &block), WS_DONE);
        assert_int_equal(frame.opcode, WS_TEXT);
        assert_true(frame.fin);
        assert_int_equal(frame.len, len);
        assert_int_equal(frame.used, whole);
        assert_ptr_equal(frame.payload, block + 1 + whole - len);
        for (size_t j = 0; j < len; j++) {
            if (frame.payload[j] != (uint8_t)(j * 7)) {
                fail_msg("length %zu: byte %zu is wrong", len, j);
            }
        }
        assert_memory_equal(frame.payload + len, "\x55\x55\x55", 3);
        free(block);
        free(bytes);
    }
}

static void test_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lengths) && lengths[i] <= 1000; i++) {
        uint8_t bytes[1100];
        size_t whole = make_frame(bytes, 0x82, FORM_SHORTEST, lengths[i], true);
        size_t header = whole - lengths[i];

        for (size_t len = 0; len < whole; len++) {
            struct ws_frame frame;
            uint16_t code;
            uint8_t *block;

            assert_int_equal(decode(bytes, len, 0, &frame, &code, &block), WS_MORE);
            assert_int_equal(frame.used, len < header ? 0 : whole);
            assert_true(len == 0 || memcmp(block + 1, bytes, len) == 0); /* still masked */
            free(block);
        }
    }
}

static void test_first_bytes(void **state)
{
    (void)state;
    for (unsigned int first = 0; first < 256; first++) {
        unsigned int opcode = first & 15;
        bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
        bool good = known && (first & 0x70) == 0 && (opcode < 8 || (first & 0x80));
        uint8_t bytes[32], *block;
        struct ws_frame frame;
        uint16_t code;
        size_t whole = make_frame(bytes, first, FORM_SHORTEST, 5, true);

        assert_int_equal(decode(bytes, whole, 0, &frame, &code, &block), good ? WS_DONE : WS_BAD);
        assert_int_equal(code, good ? 0 : 1002);
        if (good) {
            assert_int_equal(frame.opcode, opcode);
            assert_int_equal(frame.fin, (first & 0x80) != 0);
        }
        free(block);
        /* and a bad one is known by that byte alone */
        assert_int_equal(decode(bytes, 1, 0, &frame, &code, &block), good ? WS_MORE : WS_BAD);
        free(block);
    }
}

static void test_refused_lengths(void **state)
{
    static const struct {
        unsigned int first;
        enum form form;
        uint64_t len;
        size_t max;
        size_t known_at; /* bytes that are enough to refuse it; 0: it is not refused */
        uint16_t code;
    } cases[] = {
        /* longer than needed */
        {0x81, FORM_16, 0, 0, 4, 1002},
        {0x81, FORM_16, 125, 0, 4, 1002},
        {0x81, FORM_16, 126, 0, 0, 0},
        {0x81, FORM_16, 65535, 0, 0, 0},
        {0x81, FORM_64, 0, 0, 10, 1002},
        {0x81, FORM_64, 125, 0, 10, 1002},
        {0x81, FORM_64, 126, 0, 10, 1002},
        {0x81, FORM_64, 65535, 0, 10, 1002},
        {0x81, FORM_64, 65536, 0, 0, 0},
        /* beyond 2^63 */
        {0x81, FORM_64, UINT64_C(1) << 63, 0, 3, 1002},
        {0x82, FORM_64, UINT64_MAX, 10, 3, 1002},
        {0x81, FORM_64, (UINT64_C(1) << 63) - 1, 0, 0, 0},
        {0x81, FORM_64, (UINT64_C(1) << 63) - 1, 10000, 10, 1009},
        /* over the maximum, before any of the payload is there */
        {0x81, FORM_7, 100, 100, 0, 0},
        {0x81, FORM_7, 101, 100, 2, 1009},
        {0x82, FORM_16, 10000, 10000, 0, 0},
        {0x82, FORM_16, 10001, 10000, 4, 1009},
        {0x01, FORM_16, 10001, 10000, 4, 1009},
        {0x80, FORM_64, 65536, 10000, 10, 1009},
        /* control frames have a maximum of their own */
        {0x89, FORM_7, 125, 10, 0, 0},
        {0x88, FORM_7, 125, 10, 0, 0},
        {0x89, FORM_16, 126, 0, 2, 1002},
        {0x8A, FORM_16, 5, 0, 2, 1002},
        {0x88, FORM_64, 65536, 0, 2, 1002},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[WS_MAX_HEADER], *block;
        size_t header = make_frame(bytes, cases[i].first, cases[i].form, cases[i].len, false);

        for (size_t len = 0; len <= header; len++) {
            struct ws_frame frame;
            uint16_t code;
            bool refused = cases[i].known_at != 0 && len >= cases[i].known_at;
            enum ws_result wanted = refused                              ? WS_BAD
                                    : len == header && cases[i].len == 0 ? WS_DONE
                                                                         : WS_MORE;

            enum ws_result result = decode(bytes, len, cases[i].max, &frame, &code, &block);
            if (result != wanted || (refused && code != cases[i].code)) {
                fail_msg("case %zu at %zu bytes: result %d, code %d", i, len, result, code);
            }
            if (len == header && !refused) {
                assert_int_equal(frame.used, header + cases[i].len);
            }
            free(block);
        }
    }
}

static void test_unmasked(void **state)
{
    uint8_t bytes[] = {0x81, 0x05, 'h', 'e', 'l', 'l', 'o'}, *block;
    struct ws_frame frame;
    uint16_t code;

    (void)state;
    for (size_t len = 2; len <= sizeof(bytes); len++) {
        assert_int_equal(decode(bytes, len, 0, &frame, &code, &block), WS_BAD);
        assert_int_equal(code, 1002);
        free(block);
    }
}

static void test_rfc_example(void **state)
{
    const uint8_t bytes[] = {0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58};
    const uint8_t zero_mask[] = {0x01, 0x83, 0, 0, 0, 0, 'a', 'b', 'c'};
    struct ws_frame frame;
    uint16_t code;
    uint8_t *block;

    (void)state;
    assert_int_equal(decode(bytes, sizeof(bytes), 0, &frame, &code, &block), WS_DONE);
    assert_int_equal(frame.len, 5);
    assert_memory_equal(frame.payload, "Hello", 5);
    free(block);
    assert_int_equal(decode(zero_mask, sizeof(zero_mask), 0, &frame, &code, &block), WS_DONE);
    assert_memory_equal(frame.payload, "abc", 3);
    assert_false(frame.fin);
    free(block);
}

static void test_header(void **state)
{
    static const struct {
        enum ws_opcode opcode;
        uint64_t len;
        const char *bytes;
        size_t header;
    } cases[] = {
        {WS_TEXT, 0, "\x81\x00", 2},
        {WS_TEXT, 125, "\x81\x7D", 2},
        {WS_TEXT, 126, "\x81\x7E\x00\x7E", 4},
        {WS_BINARY, 256, "\x82\x7E\x01\x00", 4},
        {WS_TEXT, 65535, "\x81\x7E\xFF\xFF", 4},
        {WS_TEXT, 65536, "\x81\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10},
        {WS_TEXT, 0x0102030405060708, "\x81\x7F\x01\x02\x03\x04\x05\x06\x07\x08", 10},
        {WS_CLOSE, 2, "\x88\x02", 2},
        {WS_PING, 0, "\x89\x00", 2},
        {WS_PONG, 125, "\x8A\x7D", 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t out[WS_MAX_OUT_HEADER + 1];

        memset(out, 0xEE, sizeof(out));
        assert_int_equal(ws_header(out, cases[i].opcode, (size_t)cases[i].len), cases[i].header);
        assert_memory_equal(out, cases[i].bytes, cases[i].header);
        assert_int_equal(out[cases[i].header], 0xEE);
    }
}

static void test_close_codes(void **state)
{
    (void)state;
    for (unsigned int n = 0; n < 65536; n++) {
        bool good = (n >= 1000 && n <= 1014 && n != 1004 && n != 1005 && n != 1006) ||
                    (n >= 3000 && n <= 4999);
        uint8_t payload[2] = {(uint8_t)(n >> 8), (uint8_t)n};
        uint16_t code = 0;

        if (ws_close_payload(payload, 2, &code) != (good ? 0 : 1002) || code != n) {
            fail_msg("close code %u", n);
        }
    }
}

static void test_close_payloads(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int answer;
        uint16_t code;
    } cases[] = {
        {"", 0, 0, 1005},
        {"\x03", 1, 1002, 1005},
        {"\x03\xE8", 2, 0, 1000},
        {"\x03\xE8"
         "bye",
         5, 0, 1000},
        {"\x03\xE8\xC3\xA9", 4, 0, 1000},
        {"\x03\xE8\xC3", 3, 1007, 1000},
        {"\x03\xE8\xED\xA0\x80", 5, 1007, 1000},
        {"\x0F\xA1\0", 3, 0, 4001},
        {"\x03\xED\xC3", 3, 1002, 1005},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint16_t code = 0;
        uint8_t *block = malloc(cases[i].len + 1);

        assert_non_null(block);
        memcpy(block + 1, cases[i].bytes, cases[i].len);
        assert_int_equal(ws_close_payload(block + 1, cases[i].len, &code), cases[i].answer);
        assert_int_equal(code, cases[i].code);
        free(block);
    }
    uint16_t code = 0;
    assert_int_equal(ws_close_payload(NULL, 0, &code), 0);
    assert_int_equal(code, 1005);
}

static void test_accept(void **state)
{
    char out[WS_ACCEPT_LEN + 1];

    (void)state;
    memset(out, 'x', sizeof(out));
    ws_accept(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), out);
    assert_memory_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=x", sizeof(out));
    ws_accept(SLICE("x3JJHMbDL1EzLkh9GBhXDw=="), out);
    assert_memory_equal(out, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=x", sizeof(out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_first_bytes),    cmocka_unit_test(test_refused_lengths),
        cmocka_unit_test(test_unmasked),       cmocka_unit_test(test_rfc_example),
        cmocka_unit_test(test_header),         cmocka_unit_test(test_close_codes),
        cmocka_unit_test(test_close_payloads), cmocka_unit_test(test_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
