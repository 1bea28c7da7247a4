/* shared/ipc: every frame there and back, and bytes that an enemy would send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

#define SLICE(literal) ((struct ff_slice){literal, sizeof(literal) - 1})
#define NIL            ((struct ff_slice){NULL, 0})
#define BYTES(literal) (const uint8_t *)literal, sizeof(literal) - 1

static struct ff_ipc_unpacker unpacker;
static msgpack_sbuffer out;

static uint8_t *copy; /* what the last frame points into */

static int setup(void **state)
{
    (void)state;
    ff_ipc_unpacker_init(&unpacker);
    msgpack_sbuffer_init(&out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ff_ipc_unpacker_free(&unpacker);
    msgpack_sbuffer_destroy(&out);
    free(copy);
    copy = NULL;
    return 0;
}

static void assert_slice(struct ff_slice slice, const char *text)
{
    assert_non_null(slice.p);
    assert_int_equal(slice.len, strlen(text));
    assert_memory_equal(slice.p, text, slice.len);
}

/* Unpacks from a copy of exactly these bytes, so that a sanitizer sees a read past their end. */
static int unpack_bytes(const uint8_t *bytes, size_t len, struct ff_ipc_frame *frame)
{
    const char *why = NULL;

    free(copy);
    copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    int rc = ff_ipc_unpack(&unpacker, copy, len, frame, &why);
    assert_int_equal(rc != 0, why != NULL);
    if (!ff_ipc_walk(copy, len)) {
        assert_int_equal(rc, -1);
    }
    return rc;
}

/* Checks the prefix of the only frame in `out` and unpacks it. */
static int unpack_out(struct ff_ipc_frame *frame)
{
    const uint8_t *bytes = (const uint8_t *)out.data;
    assert_int_equal(ff_ipc_frame_len(bytes, out.size), out.size - FF_IPC_HEADER);
    return unpack_bytes(bytes + FF_IPC_HEADER, out.size - FF_IPC_HEADER, frame);
}

/* The frame [..] that `pk` has built by hand, without a prefix, into `out`. */
static int unpack_raw(struct ff_ipc_frame *frame)
{
    return unpack_bytes((const uint8_t *)out.data, out.size, frame);
}

static msgpack_packer fresh(void)
{
    msgpack_packer pk;
    msgpack_sbuffer_clear(&out);
    msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
    return pk;
}

static void text(msgpack_packer *pk, const char *value)
{
    msgpack_pack_str_with_body(pk, value, strlen(value));
}

static const uint8_t producer[FF_IPC_PRODUCER] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                                  0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0xFF};

static void test_hello(void **state)
{
    uint8_t mac[FF_IPC_MAC];
    struct ff_ipc_frame frame;
    (void)state;

    memset(mac, 0xC1, sizeof(mac));
    struct ff_ipc_hello hello = {.version = 1,
                                 .app = SLICE("my-app"),
                                 .producer = producer,
                                 .unix_ms = 1700000000123,
                                 .mac = mac,
                                 .name = SLICE("php-fpm 8.2")};
    assert_int_equal(ff_ipc_pack_hello(&out, &hello), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_HELLO);
    assert_int_equal(frame.seq, 0);
    assert_int_equal(frame.hello.version, 1);
    assert_slice(frame.hello.app, "my-app");
    assert_memory_equal(frame.hello.producer, producer, sizeof(producer));
    assert_int_equal(frame.hello.unix_ms, 1700000000123);
    assert_memory_equal(frame.hello.mac, mac, sizeof(mac));
    assert_slice(frame.hello.name, "php-fpm 8.2");
}

static void test_mac_text(void **state)
{
    static const char want[] =
        "fanfare-ipc-1\nmy-app\n000102030405060708090a0b0c0d0eff\n1700000000123";
    char got[200];
    (void)state;

    assert_int_equal(ff_ipc_mac_text(got, SLICE("my-app"), producer, 1700000000123),
                     sizeof(want) - 1);
    assert_memory_equal(got, want, sizeof(want) - 1);
    /* never more than it may be, with the longest number */
    assert_true(ff_ipc_mac_text(got, NIL, producer, UINT64_MAX) <= 160);
}

static const struct ff_slice channels[] = {{"orders", 6}, {"private-a", 9}, {"", 0}};

static struct ff_ipc_message message(void)
{
    return (struct ff_ipc_message){.channels = channels,
                                   .nchannels = 3,
                                   .event = SLICE("Shipped"),
                                   .except = SLICE("1.2"),
                                   .key = SLICE("k"),
                                   .data = SLICE("{\"a\":1}")};
}

static void assert_message(const struct ff_ipc_message *got)
{
    assert_int_equal(got->nchannels, 3);
    assert_slice(got->channels[0], "orders");
    assert_slice(got->channels[1], "private-a");
    assert_slice(got->channels[2], "");
    assert_slice(got->event, "Shipped");
    assert_slice(got->except, "1.2");
    assert_slice(got->key, "k");
    assert_slice(got->data, "{\"a\":1}");
}

static void pack_publish(uint64_t seq, const struct ff_ipc_message *m)
{
    assert_int_equal(ff_ipc_pack_publish_head(&out, seq, m), 0);
    msgpack_sbuffer_write(&out, m->data.p, m->data.len);
}

static void test_publish(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    (void)state;

    pack_publish(UINT64_MAX, &m);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_PUBLISH);
    assert_true(frame.seq == UINT64_MAX);
    assert_int_equal(frame.nmessages, 1);
    assert_message(&frame.messages[0]);

    msgpack_sbuffer_clear(&out);
    m.except = m.key = NIL;
    m.data = SLICE("");
    m.nchannels = 0;
    pack_publish(1, &m);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.messages[0].nchannels, 0);
    assert_null(frame.messages[0].except.p);
    assert_null(frame.messages[0].key.p);
    assert_slice(frame.messages[0].data, "");
}

static void test_batch(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    size_t mark;
    (void)state;

    assert_int_equal(ff_ipc_pack_bare(&out, FF_IPC_PING, 1), 0); /* a batch behind another frame */
    size_t first = out.size;
    assert_int_equal(ff_ipc_pack_batch_begin(&out, 9, 300, &mark), 0);
    assert_int_equal(mark, first);
    for (int i = 0; i < 300; i++) {
        m.nchannels = (uint32_t)(3 - i % 2 * 3);
        assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
    }
    assert_int_equal(ff_ipc_pack_batch_end(&out, mark), 0);

    const uint8_t *bytes = (const uint8_t *)out.data;
    assert_int_equal(ff_ipc_frame_len(bytes, out.size), first - FF_IPC_HEADER);
    bytes += first;
    assert_int_equal(ff_ipc_frame_len(bytes, out.size - first), out.size - first - FF_IPC_HEADER);
    assert_int_equal(unpack_bytes(bytes + FF_IPC_HEADER, out.size - first - FF_IPC_HEADER, &frame),
                     0);
    assert_int_equal(frame.type, FF_IPC_BATCH);
    assert_int_equal(frame.seq, 9);
    assert_int_equal(frame.nmessages, 300);
    for (int i = 0; i < 300; i += 2) {
        assert_message(&frame.messages[i]);
        assert_int_equal(frame.messages[i + 1].nchannels, 0);
        assert_slice(frame.messages[i + 1].event, "Shipped");
    }
}

static void test_empty_batch(void **state)
{
    struct ff_ipc_frame frame;
    size_t mark;
    (void)state;

    assert_int_equal(ff_ipc_pack_batch_begin(&out, 1, 0, &mark), 0);
    assert_int_equal(ff_ipc_pack_batch_end(&out, mark), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.nmessages, 0);
}

static void test_answers(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_receipt receipts[3] = {
        {SLICE("id-0"), 0, false}, {SLICE("id-1"), UINT32_MAX, true}, {SLICE("id-2"), 2, false}};
    size_t mark;
    (void)state;

    assert_int_equal(ff_ipc_pack_ack(&out, 5, &receipts[1]), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_ACK);
    assert_int_equal(frame.seq, 5);
    assert_int_equal(frame.nreceipts, 1);
    assert_slice(frame.receipts[0].id, "id-1");
    assert_int_equal(frame.receipts[0].recipients, UINT32_MAX);
    assert_true(frame.receipts[0].duplicate);

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_batch_ack(&out, 6, receipts, 3), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_BATCH_ACK);
    assert_int_equal(frame.nreceipts, 3);
    assert_slice(frame.receipts[2].id, "id-2");
    assert_int_equal(frame.receipts[2].recipients, 2);
    assert_false(frame.receipts[2].duplicate);

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_batch_ack(&out, 6, receipts, 0), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.nreceipts, 0);

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_error(&out, 7, "too_large", "over 100 K", -1), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_ERROR);
    assert_int_equal(frame.seq, 7);
    assert_slice(frame.reason, "too_large");
    assert_slice(frame.text, "over 100 K");
    assert_int_equal(frame.index, -1);

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_error(&out, 7, "", "", 9999), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.index, 9999);

    enum ff_ipc_type bare[] = {FF_IPC_PING, FF_IPC_PONG, FF_IPC_STATS};
    for (int i = 0; i < 3; i++) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_bare(&out, bare[i], 8), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, bare[i]);
        assert_int_equal(frame.seq, 8);
    }

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_stats_begin(&out, 10, 3, &mark), 0);
    assert_int_equal(ff_ipc_pack_stats_uint(&out, "connections", UINT64_MAX), 0);
    assert_int_equal(ff_ipc_pack_stats_bool(&out, "draining", true), 0);
    assert_int_equal(ff_ipc_pack_stats_text(&out, "version", "0.1.0"), 0);
    assert_int_equal(ff_ipc_pack_stats_end(&out, mark), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_STATS_REPLY);
    assert_int_equal(frame.stats->size, 3);
    assert_memory_equal(frame.stats->ptr[0].key.via.str.ptr, "connections", 11);
    assert_true(frame.stats->ptr[0].val.via.u64 == UINT64_MAX);
    assert_true(frame.stats->ptr[1].val.via.boolean);
    assert_memory_equal(frame.stats->ptr[2].val.via.str.ptr, "0.1.0", 5);
}

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
        {"\xDF\x80\x00\x00\x00\x01\x01", 7}, /* twice the count must not wrap to 0 */
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

static void test_truncated_at_every_byte(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    size_t mark;
    (void)state;

    for (int batch = 0; batch < 2; batch++) {
        msgpack_sbuffer_clear(&out);
        if (batch) {
            assert_int_equal(ff_ipc_pack_batch_begin(&out, 1, 2, &mark), 0);
            assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
            assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
            assert_int_equal(ff_ipc_pack_batch_end(&out, mark), 0);
        } else {
            pack_publish(1, &m);
        }
        const uint8_t *bytes = (const uint8_t *)out.data + FF_IPC_HEADER;
        size_t len = out.size - FF_IPC_HEADER;
        for (size_t cut = 0; cut < len; cut++) {
            assert_int_equal(unpack_bytes(bytes, cut, &frame), -1);
        }
        assert_int_equal(unpack_bytes(bytes, len, &frame), 0);
    }
}

static void test_trailing_bytes(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    assert_int_equal(unpack_bytes(BYTES("\x92\x04\x01"), &frame), 0);
    assert_int_equal(unpack_bytes(BYTES("\x92\x04\x01\xC0"), &frame), -1);
    assert_int_equal(unpack_bytes(BYTES("\x92\x04\x01\xC1"), &frame), -1);
    assert_int_equal(unpack_bytes(BYTES("\x92\x04\x01\x92\x04\x02"), &frame), -1);
}

/* Every single byte flipped to every value: whatever comes out, no crash, and the rules of the
 * header hold. */
static void test_every_byte_changed(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    size_t mark;
    (void)state;

    assert_int_equal(ff_ipc_pack_batch_begin(&out, 1, 1, &mark), 0);
    assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
    assert_int_equal(ff_ipc_pack_batch_end(&out, mark), 0);
    uint8_t *bytes = (uint8_t *)out.data + FF_IPC_HEADER;
    size_t len = out.size - FF_IPC_HEADER;
    for (size_t at = 0; at < len; at++) {
        uint8_t was = bytes[at];
        for (unsigned int byte = 0; byte < 256; byte++) {
            bytes[at] = (uint8_t)byte;
            (void)unpack_bytes(bytes, len, &frame);
        }
        bytes[at] = was;
    }
    assert_int_equal(unpack_bytes(bytes, len, &frame), 0);
}

static void pack_many_channels(uint32_t n)
{
    msgpack_packer pk = fresh();
    msgpack_pack_array(&pk, 7);
    msgpack_pack_int(&pk, FF_IPC_PUBLISH);
    msgpack_pack_int(&pk, 77);
    msgpack_pack_array(&pk, n);
    for (uint32_t i = 0; i < n; i++) {
        text(&pk, "c");
    }
    text(&pk, "event");
    msgpack_pack_nil(&pk);
    msgpack_pack_nil(&pk);
    text(&pk, "data");
}

static void test_channel_limit(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    pack_many_channels(FF_IPC_MAX_CHANNELS);
    assert_int_equal(unpack_raw(&frame), 0);
    assert_int_equal(frame.messages[0].nchannels, FF_IPC_MAX_CHANNELS);
    assert_slice(frame.messages[0].channels[FF_IPC_MAX_CHANNELS - 1], "c");
    assert_slice(frame.messages[0].data, "data");
    pack_many_channels(FF_IPC_MAX_CHANNELS + 1);
    assert_int_equal(unpack_raw(&frame), -1);
    assert_int_equal(frame.seq, 77);
    /* and the memory that it took is given back */
    pack_many_channels(1);
    assert_int_equal(unpack_raw(&frame), 0);
    assert_true(unpacker.capslices < FF_IPC_MAX_CHANNELS);
}

static void test_batch_limit(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = {.event = SLICE("e"), .data = SLICE("d")};
    size_t mark;
    (void)state;

    for (uint32_t extra = 0; extra < 2; extra++) {
        msgpack_sbuffer_clear(&out);
        uint32_t n = FF_IPC_MAX_CHANNELS + extra;
        assert_int_equal(ff_ipc_pack_batch_begin(&out, 3, n, &mark), 0);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
        }
        assert_int_equal(ff_ipc_pack_batch_end(&out, mark), 0);
        assert_int_equal(unpack_out(&frame), extra == 0 ? 0 : -1);
        assert_int_equal(frame.seq, 3);
    }
}

static void test_key_limit(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    char key[FF_IPC_MAX_KEY + 1];
    (void)state;

    memset(key, 'k', sizeof(key));
    for (unsigned int extra = 0; extra < 2; extra++) {
        msgpack_sbuffer_clear(&out);
        m.key = (struct ff_slice){key, FF_IPC_MAX_KEY + extra};
        pack_publish(4, &m);
        assert_int_equal(unpack_out(&frame), extra == 0 ? 0 : -1);
        assert_int_equal(frame.seq, 4);
    }
}

/* The kinds of value that the next test puts into each field in turn. */
enum kind { INT, NEGATIVE, STR, BIN, NILV, BOOL, FLOAT, ARRAY, MAP, EXT, KINDS };

static void pack_kind(msgpack_packer *pk, enum kind kind, size_t len)
{
    static const char body[64] = {0};

    switch (kind) {
    case INT:
        msgpack_pack_int(pk, 1);
        break;
    case NEGATIVE:
        msgpack_pack_int(pk, -1);
        break;
    case STR:
        msgpack_pack_str_with_body(pk, body, len);
        break;
    case BIN:
        msgpack_pack_bin_with_body(pk, body, len);
        break;
    case NILV:
        msgpack_pack_nil(pk);
        break;
    case BOOL:
        msgpack_pack_true(pk);
        break;
    case FLOAT:
        msgpack_pack_double(pk, 1.0);
        break;
    case ARRAY:
        msgpack_pack_array(pk, 0);
        break;
    case MAP:
        msgpack_pack_map(pk, 0);
        break;
    case EXT:
        msgpack_pack_ext(pk, 1, 1);
        msgpack_pack_ext_body(pk, body, 1);
        break;
    case KINDS:
        break;
    }
}

#define BIT(kind) (1u << (kind))

/* Each field of each frame with each kind of value: taken exactly when the field may be of that
 * kind. */
static void test_wrong_types(void **state)
{
    static const struct {
        enum ff_ipc_type type;
        size_t fields;
        unsigned int kinds[8]; /* what each field may be, from the third one on */
        size_t lens[8];
    } frames[] = {
        {FF_IPC_HELLO,
         8,
         {BIT(INT), BIT(STR), BIT(STR) | BIT(BIN), BIT(INT), BIT(STR) | BIT(BIN), BIT(STR)},
         {0, 4, 16, 0, 32, 4}},
        {FF_IPC_PUBLISH,
         7,
         {BIT(ARRAY), BIT(STR), BIT(STR) | BIT(NILV), BIT(STR) | BIT(NILV), BIT(STR) | BIT(BIN)},
         {0, 4, 4, 4, 4}},
        {FF_IPC_BATCH, 3, {BIT(ARRAY)}, {0}},
        {FF_IPC_ACK, 5, {BIT(STR), BIT(INT), BIT(BOOL)}, {4}},
        {FF_IPC_BATCH_ACK, 3, {BIT(ARRAY)}, {0}},
        {FF_IPC_ERROR, 5, {BIT(STR), BIT(STR), BIT(INT) | BIT(NILV)}, {4, 4}},
        {FF_IPC_STATS_REPLY, 3, {BIT(MAP)}, {0}},
    };
    struct ff_ipc_frame frame;
    (void)state;

    for (size_t f = 0; f < sizeof(frames) / sizeof(frames[0]); f++) {
        size_t own = frames[f].fields - 2;
        for (size_t bad = 0; bad < own; bad++) {
            for (int kind = 0; kind < KINDS; kind++) {
                msgpack_packer pk = fresh();
                msgpack_pack_array(&pk, frames[f].fields);
                msgpack_pack_int(&pk, (int)frames[f].type);
                msgpack_pack_int(&pk, 12);
                for (size_t i = 0; i < own; i++) {
                    int right = __builtin_ctz(frames[f].kinds[i]);
                    pack_kind(&pk, (enum kind)(i == bad ? kind : right), frames[f].lens[i]);
                }
                int want = frames[f].kinds[bad] & BIT((unsigned int)kind) ? 0 : -1;
                if (unpack_raw(&frame) != want) {
                    fail_msg("type %d field %zu kind %d", (int)frames[f].type, bad + 2, kind);
                }
                assert_int_equal(frame.seq, 12);
            }
        }
        /* a field short */
        msgpack_packer pk = fresh();
        msgpack_pack_array(&pk, frames[f].fields - 1);
        msgpack_pack_int(&pk, (int)frames[f].type);
        msgpack_pack_int(&pk, 12);
        for (size_t i = 0; i + 1 < own; i++) {
            pack_kind(&pk, (enum kind)__builtin_ctz(frames[f].kinds[i]), frames[f].lens[i]);
        }
        assert_int_equal(unpack_raw(&frame), -1);
        /* three fields more */
        pk = fresh();
        msgpack_pack_array(&pk, frames[f].fields + 3);
        msgpack_pack_int(&pk, (int)frames[f].type);
        msgpack_pack_int(&pk, 12);
        for (size_t i = 0; i < own; i++) {
            pack_kind(&pk, (enum kind)__builtin_ctz(frames[f].kinds[i]), frames[f].lens[i]);
        }
        pack_kind(&pk, EXT, 1);
        pack_kind(&pk, MAP, 0);
        pack_kind(&pk, NEGATIVE, 0);
        assert_int_equal(unpack_raw(&frame), 0);
        assert_int_equal(frame.type, frames[f].type);
    }
}

/* Inside of arrays: channels that are no strings, messages and receipts that are no arrays or too
 * short. */
static void test_wrong_elements(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    for (int kind = 0; kind < KINDS; kind++) {
        msgpack_packer pk = fresh();
        msgpack_pack_array(&pk, 7);
        msgpack_pack_int(&pk, FF_IPC_PUBLISH);
        msgpack_pack_int(&pk, 1);
        msgpack_pack_array(&pk, 2);
        text(&pk, "good");
        pack_kind(&pk, (enum kind)kind, 3);
        text(&pk, "event");
        msgpack_pack_nil(&pk);
        msgpack_pack_nil(&pk);
        text(&pk, "data");
        assert_int_equal(unpack_raw(&frame), kind == STR ? 0 : -1);

        for (int type = FF_IPC_BATCH; type <= FF_IPC_BATCH_ACK; type += 64) {
            pk = fresh();
            msgpack_pack_array(&pk, 3);
            msgpack_pack_int(&pk, type);
            msgpack_pack_int(&pk, 1);
            msgpack_pack_array(&pk, 1);
            pack_kind(&pk, (enum kind)kind, 3);
            assert_int_equal(unpack_raw(&frame), -1);
        }
    }
    /* a batch's message with a field too many is fine, with one too few is not */
    for (size_t fields = 4; fields <= 6; fields++) {
        msgpack_packer pk = fresh();
        msgpack_pack_array(&pk, 3);
        msgpack_pack_int(&pk, FF_IPC_BATCH);
        msgpack_pack_int(&pk, 1);
        msgpack_pack_array(&pk, 1);
        msgpack_pack_array(&pk, fields);
        msgpack_pack_array(&pk, 0);
        text(&pk, "event");
        for (size_t i = 2; i < fields; i++) {
            text(&pk, "text");
        }
        assert_int_equal(unpack_raw(&frame), fields < 5 ? -1 : 0);
    }
}

static void test_head(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    assert_int_equal(unpack_bytes(BYTES("\xC0"), &frame), -1);
    assert_int_equal(unpack_bytes(BYTES("\x80"), &frame), -1);
    assert_int_equal(unpack_bytes(BYTES("\x90"), &frame), -1);
    assert_int_equal(unpack_bytes(BYTES("\x91\x04"), &frame), -1);
    assert_int_equal(unpack_bytes(BYTES("\x92\x04\xFF"), &frame), -1);
    assert_int_equal(frame.seq, 0);
    assert_int_equal(unpack_bytes(BYTES("\x92\xA1\x04\x07"), &frame), -1);
    assert_int_equal(frame.seq, 7);
    /* unknown types; 256 + 4 must not be taken for 4 */
    for (unsigned int type = 0; type < 256; type++) {
        bool bare = type == FF_IPC_PING || type == FF_IPC_STATS || type == FF_IPC_PONG;
        uint8_t bytes[] = {0x92, 0xCC, (uint8_t)type, 0x07};
        assert_int_equal(unpack_bytes(bytes, sizeof(bytes), &frame), bare ? 0 : -1);
        assert_int_equal(frame.seq, 7);
    }
    assert_int_equal(unpack_bytes(BYTES("\x92\xCD\x01\x04\x07"), &frame), -1);
    assert_int_equal(unpack_bytes(BYTES("\x92\xCF\x00\x00\x00\x01\x00\x00\x00\x04\x07"), &frame),
                     -1);
}

static void test_hello_lengths(void **state)
{
    struct ff_ipc_frame frame;
    static const size_t cases[][4] = {
        /* producer, mac, name, result */
        {16, 32, 64, 0}, {15, 32, 1, 1}, {17, 32, 1, 1}, {16, 31, 1, 1},
        {16, 33, 1, 1},  {16, 32, 0, 0}, {0, 0, 0, 1},   {16, 32, 65, 1},
    };
    char body[80];
    (void)state;

    memset(body, 'b', sizeof(body));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        msgpack_packer pk = fresh();
        msgpack_pack_array(&pk, 8);
        msgpack_pack_int(&pk, FF_IPC_HELLO);
        msgpack_pack_int(&pk, 0);
        msgpack_pack_int(&pk, 1);
        text(&pk, "app");
        msgpack_pack_bin_with_body(&pk, body, cases[i][0]);
        msgpack_pack_int(&pk, 5);
        msgpack_pack_bin_with_body(&pk, body, cases[i][1]);
        msgpack_pack_str_with_body(&pk, body, cases[i][2]);
        assert_int_equal(unpack_raw(&frame), cases[i][3] == 0 ? 0 : -1);
    }
    /* a version or a count of recipients over 32 bits */
    msgpack_packer pk = fresh();
    msgpack_pack_array(&pk, 5);
    msgpack_pack_int(&pk, FF_IPC_ACK);
    msgpack_pack_int(&pk, 1);
    text(&pk, "id");
    msgpack_pack_uint64(&pk, UINT64_C(1) << 32);
    msgpack_pack_true(&pk);
    assert_int_equal(unpack_raw(&frame), -1);
}

/* A frame over the limit is not built, and what stood in the buffer before it is still there. */
static void test_pack_too_large(void **state)
{
    struct ff_ipc_message m = message();
    size_t mark;
    char *big = malloc(FF_IPC_MAX_FRAME);
    (void)state;

    assert_non_null(big);
    memset(big, 'x', FF_IPC_MAX_FRAME);
    assert_int_equal(ff_ipc_pack_bare(&out, FF_IPC_PING, 1), 0);
    size_t before = out.size;

    m.data = (struct ff_slice){big, FF_IPC_MAX_FRAME};
    assert_int_equal(ff_ipc_pack_publish_head(&out, 2, &m), -1);
    assert_int_equal(out.size, before);

    assert_int_equal(ff_ipc_pack_batch_begin(&out, 2, 2, &mark), 0);
    size_t begun = out.size;
    assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), -1);
    assert_int_equal(out.size, begun);
    m.data.len = UINT32_MAX; /* refused by its length alone */
    assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), -1);
    m.data.len = FF_IPC_MAX_FRAME - 100;
    assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
    m.data.len = 100;
    assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), -1);
    m.data.len = 10;
    assert_int_equal(ff_ipc_pack_batch_end(&out, mark), 0);
    assert_int_equal(ff_ipc_frame_len((const uint8_t *)out.data, out.size), before - FF_IPC_HEADER);

    /* the largest that fits, counted to the byte */
    msgpack_sbuffer_clear(&out);
    m.data.len = 100000;
    assert_int_equal(ff_ipc_pack_publish_head(&out, 2, &m), 0);
    unsigned int head = (unsigned int)(out.size - FF_IPC_HEADER);
    for (unsigned int extra = 0; extra < 2; extra++) {
        msgpack_sbuffer_clear(&out);
        m.data.len = FF_IPC_MAX_FRAME - head + extra;
        assert_int_equal(ff_ipc_pack_publish_head(&out, 2, &m), extra == 0 ? 0 : -1);
    }
    free(big);
}

static void test_unpacker_is_reusable(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    (void)state;

    for (uint64_t i = 1; i < 1000; i++) {
        msgpack_sbuffer_clear(&out);
        pack_publish(i, &m);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.seq, i);
        assert_message(&frame.messages[0]);
        if (i % 3 == 0) {
            assert_int_equal(unpack_bytes(BYTES("\x91"), &frame), -1);
        }
        if (i % 100 == 0) {
            ff_ipc_unpacker_free(&unpacker); /* usable again afterwards */
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hello),
        TEST(test_mac_text),
        TEST(test_publish),
        TEST(test_batch),
        TEST(test_empty_batch),
        TEST(test_answers),
        TEST(test_frame_len),
        TEST(test_walk_forms),
        TEST(test_counts_without_bytes),
        TEST(test_depth),
        TEST(test_too_many_values),
        TEST(test_truncated_at_every_byte),
        TEST(test_trailing_bytes),
        TEST(test_every_byte_changed),
        TEST(test_channel_limit),
        TEST(test_batch_limit),
        TEST(test_key_limit),
        TEST(test_wrong_types),
        TEST(test_wrong_elements),
        TEST(test_head),
        TEST(test_hello_lengths),
        TEST(test_pack_too_large),
        TEST(test_unpacker_is_reusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
