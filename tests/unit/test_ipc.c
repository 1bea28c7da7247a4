/* shared/ipc: every frame there and back, the bytes that docs/ipc.md shows, and frames that are too
 * large. */
#include "ipc_fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

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

static void test_documented_hello(void **state)
{
    /* The worked example of docs/ipc.md. */
    static const char want[] = "\x00\x00\x00\x51\x98\x01\x00\x01\xa7"
                               "fanfare"
                               "\xc4\x10\x00\x01\x02\x03\x04\x05\x06\x07\x08"
                               "\x09\x0a\x0b\x0c\x0d\x0e\x0f\xcf\x00\x00\x01\x9b\x76\xda\xa8\x00"
                               "\xc4\x20\x57\xa4\xaa\x75\x29\x49"
                               "\xd5\x30\x65\x22\xcd\xe5\x1e\xf3\xbb\xbd\xdc\xc6\xc6\x5d\x85\xc4"
                               "\x7f\xda\x8f\xf1\xe9\x05\xe7\x1c"
                               "\x4c\xdb\xa7"
                               "example";
    uint8_t id[FF_IPC_PRODUCER], mac[FF_IPC_MAC];
    char signed_text[200];
    (void)state;

    for (unsigned int i = 0; i < FF_IPC_PRODUCER; i++) {
        id[i] = (uint8_t)i;
    }
    size_t len = ff_ipc_mac_text(signed_text, SLICE("fanfare"), id, 1767225600000);
    assert_non_null(
        HMAC(EVP_sha256(), "fanfare-secret", 14, (const uint8_t *)signed_text, len, mac, NULL));
    struct ff_ipc_hello hello = {.version = 1,
                                 .app = SLICE("fanfare"),
                                 .producer = id,
                                 .unix_ms = 1767225600000,
                                 .mac = mac,
                                 .name = SLICE("example")};
    assert_int_equal(ff_ipc_pack_hello(&out, &hello), 0);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.size);
}

static void test_documented_publish(void **state)
{
    static const char want[] = "\x00\x00\x00\x1e\x97\x02\x01\x91\xa6"
                               "orders"
                               "\xa7"
                               "Shipped"
                               "\xc0\xc0\xa8"
                               "{\"id\":7}"
                               "\x00\x00\x00\x10\x95\x42\x01\xaa"
                               "5f3a9c01-1"
                               "\x02\xc2";
    struct ff_slice orders = SLICE("orders");
    struct ff_ipc_message m = {.channels = &orders,
                               .nchannels = 1,
                               .event = SLICE("Shipped"),
                               .data = SLICE("{\"id\":7}")};
    struct ff_ipc_receipt receipt = {SLICE("5f3a9c01-1"), 2, false};
    (void)state;

    assert_int_equal(ff_ipc_pack_publish_head(&out, 1, &m), 0);
    assert_int_equal(msgpack_sbuffer_write(&out, m.data.p, m.data.len), 0);
    assert_int_equal(ff_ipc_pack_ack(&out, FF_IPC_ACK, 1, &receipt), 0);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.size);
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

    assert_int_equal(ff_ipc_pack_ack(&out, FF_IPC_ACK, 5, &receipts[1]), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_ACK);
    assert_int_equal(frame.seq, 5);
    assert_int_equal(frame.nreceipts, 1);
    assert_slice(frame.receipts[0].id, "id-1");
    assert_int_equal(frame.receipts[0].recipients, UINT32_MAX);
    assert_true(frame.receipts[0].duplicate);

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_batch_ack(&out, FF_IPC_BATCH_ACK, 6, receipts, 3), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_BATCH_ACK);
    assert_int_equal(frame.nreceipts, 3);
    assert_slice(frame.receipts[2].id, "id-2");
    assert_int_equal(frame.receipts[2].recipients, 2);
    assert_false(frame.receipts[2].duplicate);

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_batch_ack(&out, FF_IPC_BATCH_ACK, 6, receipts, 0), 0);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hello),
        TEST(test_documented_hello),
        TEST(test_documented_publish),
        TEST(test_mac_text),
        TEST(test_publish),
        TEST(test_batch),
        TEST(test_empty_batch),
        TEST(test_answers),
        TEST(test_pack_too_large),
        TEST(test_unpacker_is_reusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
