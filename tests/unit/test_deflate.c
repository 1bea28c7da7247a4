/* proto/deflate: what is packed can be unpacked within the window that was agreed upon, and what
 * peers send is bounded and judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/mem.h"
#include "proto/deflate.h"

static struct slice of(const void *bytes, size_t len)
{
    return (struct slice){bytes, len};
}

/* As a client does that has a window of 2^bits and no more. */
static size_t client_inflate(unsigned int bits, struct slice packed, char *out, size_t room)
{
    static unsigned char tail[] = {0, 0, 0xff, 0xff};
    z_stream z = {0};
    assert_int_equal(inflateInit2(&z, -(int)bits), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)packed.p;
    z.avail_in = (unsigned int)packed.len;
    z.next_out = (unsigned char *)out;
    z.avail_out = 0;
    /* In small steps, so that the window is what is looked back into. */
    for (int i = 0; i < 2; i++) {
        while (z.avail_in > 0 || z.avail_out == 0) {
            z.avail_out = 64;
            assert_true(z.total_out + 64 <= room);
            int result = inflate(&z, Z_SYNC_FLUSH);
            assert_true(result == Z_OK || result == Z_BUF_ERROR);
            if (result == Z_BUF_ERROR) {
                break;
            }
        }
        z.next_in = tail;
        z.avail_in = sizeof(tail);
    }
    size_t len = z.total_out;
    inflateEnd(&z);
    return len;
}

/* Text that repeats itself at all distances. */
static char *sample(size_t len, uint32_t seed)
{
    char *text = mem_alloc(len + 1);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t back = 1 + (seed >> 8) % 70000;
        size_t run = 3 + (seed >> 4) % 300;
        if (back <= i && seed >> 30 != 0) {
            for (size_t n = 0; n < run && i < len; n++, i++) {
                text[i] = text[i - back];
            }
        }
        if (i < len) {
            text[i] = (char)('a' + (seed >> 24) % 26);
        }
    }
    return text;
}

static void test_round_trips_in_every_window(void **state)
{
    struct deflater *deflater = deflate_new();
    (void)state;
    for (unsigned int bits = 8; bits <= 15; bits++) {
        for (size_t len = 200; len <= 300000; len = len * 5 / 2) {
            char *text = sample(len, (uint32_t)(bits * 7919 + len));
            char *back = mem_alloc(len + 64);
            unsigned int own = bits < DEFLATE_MIN_BITS ? DEFLATE_MIN_BITS : bits;
            struct slice packed = deflate_pack(deflater, own, of(text, len)), message;
            assert_non_null(packed.p);
            assert_true(packed.len < len);
            assert_int_equal(client_inflate(bits, packed, back, len + 64), len);
            assert_memory_equal(back, text, len);
            assert_int_equal(deflate_unpack(deflater, packed, true, len, &message), DEFLATE_DONE);
            assert_int_equal(message.len, len);
            assert_memory_equal(message.p, text, len);
            assert_int_equal(deflate_unpack(deflater, packed, true, len - 1, &message),
                             DEFLATE_TOO_LARGE);
            deflate_trim(deflater);
            mem_free(text);
            mem_free(back);
        }
    }
    deflate_free(deflater);
}

static void test_what_does_not_shrink(void **state)
{
    struct deflater *deflater = deflate_new();
    char noise[4096];
    uint32_t seed = 1;
    (void)state;
    for (size_t i = 0; i < sizeof(noise); i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (char)(seed >> 24);
    }
    assert_null(deflate_pack(deflater, 15, of(noise, sizeof(noise))).p);
    assert_null(deflate_pack(deflater, 15, of("a", 1)).p);
    assert_null(deflate_pack(deflater, 15, of("", 0)).p);
    assert_null(deflate_pack(deflater, 15, of("abcdefgh", 8)).p);
    memset(noise, 'x', sizeof(noise));
    assert_true(deflate_pack(deflater, 15, of(noise, sizeof(noise))).len < 40);
    deflate_free(deflater);
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define CASE(r, ...)                                                                               \
    {                                                                                              \
        BYTES(__VA_ARGS__), r                                                                      \
    }

/* "Hello" as in section 7.2.3 of RFC 7692, and what is wrong. */
static const struct {
    const uint8_t *bytes;
    size_t len;
    enum deflate_result result;
} inputs[] = {
    CASE(DEFLATE_DONE, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00),
    CASE(DEFLATE_DONE, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00),
    CASE(DEFLATE_DONE, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00),
    CASE(DEFLATE_DONE, 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07,
         0x00),
    CASE(DEFLATE_DONE, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00),
    CASE(DEFLATE_BAD, 0xf2, 0x48, 0xcd, 0xc9, 0xc9),                         /* cut */
    CASE(DEFLATE_BAD, 0x00, 0x05, 0x00, 0xfb, 0xff, 0x48, 0x65, 0x6c, 0x6c), /* length */
    CASE(DEFLATE_BAD, 0x06),                                                 /* a reserved block */
    CASE(DEFLATE_BAD, 0xff, 0xff, 0xff, 0xff),
    CASE(DEFLATE_BAD, 0x78, 0x9c, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00), /* zlib's own head */
    CASE(DEFLATE_BAD, 0xf2, 0x08, 0x42, 0x00), /* looks back beyond the start: no context */
};

static void test_samples(void **state)
{
    struct deflater *deflater = deflate_new();
    struct slice message;
    (void)state;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        enum deflate_result result =
            deflate_unpack(deflater, of(inputs[i].bytes, inputs[i].len), true, 100, &message);
        if (result != inputs[i].result) {
            fail_msg("sample %zu: %d", i, (int)result);
        }
        if (result == DEFLATE_DONE) {
            assert_int_equal(message.len, 5);
            assert_memory_equal(message.p, "Hello", 5);
        }
    }
    assert_int_equal(deflate_unpack(deflater, of("", 0), true, 100, &message), DEFLATE_DONE);
    assert_int_equal(message.len, 0);
    assert_int_equal(deflate_unpack(deflater, of("\0", 1), true, 100, &message), DEFLATE_DONE);
    assert_int_equal(message.len, 0);
    /* the first half of "Hello": what can be known of it */
    assert_int_equal(deflate_unpack(deflater, of(inputs[0].bytes, 4), false, 100, &message),
                     DEFLATE_DONE);
    assert_true(message.len > 0 && memcmp(message.p, "Hello", message.len) == 0);
    deflate_free(deflater);
}

/* A thousand times its size; only as much as allowed is ever made of it. */
static void test_bomb(void **state)
{
    struct deflater *deflater = deflate_new();
    size_t len = 32 << 20;
    char *zeros = mem_zalloc(len);
    struct slice message, packed = deflate_pack(deflater, 15, of(zeros, len));
    (void)state;
    mem_free(zeros);
    assert_true(packed.len < len / 200);
    assert_int_equal(deflate_unpack(deflater, packed, true, 10240, &message), DEFLATE_TOO_LARGE);
    assert_int_equal(deflate_unpack(deflater, packed, false, 10240, &message), DEFLATE_TOO_LARGE);
    assert_int_equal(message.len, 0);
    assert_int_equal(deflate_unpack(deflater, packed, true, len, &message), DEFLATE_DONE);
    assert_int_equal(message.len, len);
    deflate_free(deflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips_in_every_window),
        cmocka_unit_test(test_what_does_not_shrink),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
