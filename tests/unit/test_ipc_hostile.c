/* shared/ipc: well-formed msgpack that is no frame, and frames that were cut or changed. */
#include "ipc_fixture.h"

#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

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
        bool bare = type == FF_IPC_PING || type == FF_IPC_STATS || type == FF_IPC_PONG ||
                    type == FF_IPC_CONNECTIONS || type == FF_IPC_CONTROLLED;
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
