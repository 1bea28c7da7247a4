/* shared/ipc: the walk over the bounds, which comes before anything is reserved. */
#include "ipc_fixture.h"

#include "shared/ipc_unpack.h"

static void test_frame_len(void **state)
{
    (void)state;
    assert_int_equal(ff_ipc_frame_len(NULL, 0), 0);
    assert_int_equal(ff_ipc_frame_len(BYTES("\xFF\xFF\xFF")), 0);
    assert_int_equal(ff_ipc_frame_len(BYTES("\0\0\0\0")), -1);
    assert_int_equal(ff_ipc_frame_len(BYTES("\0\0\0\1")), 1);
    assert_int_equal(ff_ipc_frame_len(BYTES("\0\1\2\3 and more")), 0x10203);
    assert_int_equal(ff_ipc_frame_len(BYTES("\1\0\0\0")), FF_IPC_MAX_FRAME);
    assert_int_equal(ff_ipc_frame_len(BYTES("\1\0\0\1")), -1);
    assert_int_equal(ff_ipc_frame_len(BYTES("\xFF\xFF\xFF\xFF")), -1);
    assert_int_equal(ff_ipc_frame_len(BYTES("GET / HTTP/1.1\r\n")), -1);
}

/* One value of each msgpack form, which must be taken whole, at no cut, and with nothing behind. */
static void test_walk_forms(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } forms[] = {
#define FORM(literal) {literal, sizeof(literal) - 1}
        FORM("\x00"),
        FORM("\x7F"),
        FORM("\xE0"),
        FORM("\xFF"),
        FORM("\xC0"),
        FORM("\xC2"),
        FORM("\xC3"),
        FORM("\xCC\x01"),
        FORM("\xCD\x01\x02"),
        FORM("\xCE\x01\x02\x03\x04"),
        FORM("\xCF\x01\x02\x03\x04\x05\x06\x07\x08"),
        FORM("\xD0\x01"),
        FORM("\xD1\x01\x02"),
        FORM("\xD2\x01\x02\x03\x04"),
        FORM("\xD3\x01\x02\x03\x04\x05\x06\x07\x08"),
        FORM("\xCA\x01\x02\x03\x04"),
        FORM("\xCB\x01\x02\x03\x04\x05\x06\x07\x08"),
        FORM("\xA0"),
        FORM("\xA3"
             "abc"),
        FORM("\xD9\x02"
             "ab"),
        FORM("\xDA\x00\x02"
             "ab"),
        FORM("\xDB\x00\x00\x00\x02"
             "ab"),
        FORM("\xC4\x00"),
        FORM("\xC4\x02"
             "ab"),
        FORM("\xC5\x00\x02"
             "ab"),
        FORM("\xC6\x00\x00\x00\x02"
             "ab"),
        FORM("\xC7\x02\x05"
             "ab"),
        FORM("\xC8\x00\x02\x05"
             "ab"),
        FORM("\xC9\x00\x00\x00\x02\x05"
             "ab"),
        FORM("\xD4\x05"
             "a"),
        FORM("\xD5\x05"
             "ab"),
        FORM("\xD6\x05"
             "abcd"),
        FORM("\xD7\x05"
             "abcdefgh"),
        FORM("\xD8\x05"
             "abcdefghijklmnop"),
        FORM("\x90"),
        FORM("\x93\x01\x02\x03"),
        FORM("\xDC\x00\x02\x01\x02"),
        FORM("\xDD\x00\x00\x00\x02\x01\x02"),
        FORM("\x80"),
        FORM("\x82\xA1"
             "a\x01\xA1"
             "b\x02"),
        FORM("\xDE\x00\x01\x01\x02"),
        FORM("\xDF\x00\x00\x00\x01\x01\x02"),
        FORM("\x92\x92\x01\x80\x81\x01\x91\xC0"),
#undef FORM
    };
    struct ff_ipc_frame frame;
    (void)state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        uint8_t bytes[64];
        memcpy(bytes, forms[i].bytes, forms[i].len);
        bytes[forms[i].len] = 0xC0;
        if (!ff_ipc_walk(bytes, forms[i].len)) {
            fail_msg("form %zu (0x%02x) refused", i, bytes[0]);
        }
        for (size_t cut = 0; cut < forms[i].len; cut++) {
            assert_false(ff_ipc_walk(bytes, cut));
            assert_int_equal(unpack_bytes(bytes, cut, &frame), -1);
        }
        assert_false(ff_ipc_walk(bytes, forms[i].len + 1));
        /* msgpack-c agrees that it is one whole value */
        msgpack_zone *zone = msgpack_zone_new(512);
        msgpack_object object;
        size_t at = 0;
        assert_int_equal(msgpack_unpack((const char *)bytes, forms[i].len, &at, zone, &object),
                         MSGPACK_UNPACK_SUCCESS);
        msgpack_zone_free(zone);
    }
    assert_false(ff_ipc_walk(BYTES("\xC1")));
    assert_false(ff_ipc_walk(BYTES("\x91\xC1")));
}

/* Counts and lengths with nothing behind them: refused before anything is reserved. */
static void test_counts_without_bytes(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    static const struct {
        const char *bytes;
        size_t len;
    } lies[] = {
        {"\xDD\x01\x00\x00\x00", 5},
        {"\xDD\xFF\xFF\xFF\xFF", 5},
        {"\xDF\xFF\xFF\xFF\xFF", 5},
        {"\xDF\x80\x00\x00\x00", 5}, /* twice the count must not wrap to 0 */
        {"\xDF\x80\x00\x00\x00\x01\x01", 7},
        {"\xDC\xFF\xFF\x01", 4},
        {"\xDE\x00\x02\x01\x01\x01", 6},
        {"\xDB\xFF\xFF\xFF\xFFxyz", 8},
        {"\xC6\xFF\xFF\xFF\xFFxyz", 8},
        {"\xC9\xFF\xFF\xFF\xFF\x01xyz", 9},
        {"\x93\x02\x01\xDD\x01\x00\x00\x00", 8},
        {"\x92\xDC\x00\x02\x01", 5},
        {"\x9F\x01\x02", 3},
        {"\x91", 1},
        {"\x81\x01", 2},
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        assert_false(ff_ipc_walk((const uint8_t *)lies[i].bytes, lies[i].len));
        assert_int_equal(unpack_bytes((const uint8_t *)lies[i].bytes, lies[i].len, &frame), -1);
        assert_int_equal(frame.seq, 0);
    }
    assert_null(unpacker.slices);
    assert_null(unpacker.messages);
}

static void test_depth(void **state)
{
    struct ff_ipc_frame frame;
    static uint8_t bytes[100000];
    (void)state;

    memset(bytes, 0x91, sizeof(bytes)); /* [[[[... */
    for (size_t depth = 1; depth <= FF_IPC_MAX_DEPTH; depth++) {
        bytes[depth] = 0xC0;
        assert_true(ff_ipc_walk(bytes, depth + 1));
        bytes[depth] = 0x91;
    }
    bytes[FF_IPC_MAX_DEPTH + 1] = 0xC0;
    assert_false(ff_ipc_walk(bytes, FF_IPC_MAX_DEPTH + 2));
    bytes[FF_IPC_MAX_DEPTH + 1] = 0x91;
    assert_false(ff_ipc_walk(bytes, sizeof(bytes)));
    assert_int_equal(unpack_bytes(bytes, sizeof(bytes), &frame), -1);

    memset(bytes, 0x81, sizeof(bytes)); /* a map as the key of a map as the key ... */
    assert_false(ff_ipc_walk(bytes, sizeof(bytes)));

    /* levels one after the other are not levels inside each other */
    memset(bytes, 0x90, sizeof(bytes));
    bytes[0] = 0xDC;
    bytes[1] = 0x03;
    bytes[2] = 0xE8;
    assert_true(ff_ipc_walk(bytes, 1003));
}

static void test_too_many_values(void **state)
{
    uint8_t *bytes = malloc(FF_IPC_MAX_VALUES + 5);
    (void)state;

    assert_non_null(bytes);
    memset(bytes, 0xC0, FF_IPC_MAX_VALUES + 5);
    memcpy(bytes, "\xDD\x00\x0F\xFF\xFF", 5); /* the array itself is the last that is allowed */
    assert_true(ff_ipc_walk(bytes, FF_IPC_MAX_VALUES - 1 + 5));
    memcpy(bytes, "\xDD\x00\x10\x00\x00", 5);
    assert_false(ff_ipc_walk(bytes, FF_IPC_MAX_VALUES + 5));
    free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frame_len), TEST(test_walk_forms),      TEST(test_counts_without_bytes),
        TEST(test_depth),     TEST(test_too_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
