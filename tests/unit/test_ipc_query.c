/* shared/ipc: questions and terminations, there and back, the bytes that docs/ipc.md shows, hostile
 * answers, and lists that are too large. */
#include "ipc_fixture.h"

#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

static const enum ff_ipc_type named[] = {FF_IPC_TERMINATE, FF_IPC_DISCONNECT, FF_IPC_MEMBERS};
static const enum ff_ipc_type queries[] = {FF_IPC_CHANNELS, FF_IPC_CHANNEL};
static const enum ff_ipc_type counts[] = {FF_IPC_TERMINATED, FF_IPC_DISCONNECTED};

static void test_documented_query(void **state)
{
    static const char want[] = "\x00\x00\x00\x19\x94\x08\x02\xa9"
                               "presence-"
                               "\x91\xaa"
                               "user_count"
                               "\x00\x00\x00\x1c\x94\x48\x02\xdd\x00\x00\x00\x01\x95\xad"
                               "presence-room"
                               "\xc3\xc0\x02\xc0\xc2"
                               "\x00\x00\x00\x05\x93\x06\x03\xa1"
                               "7"
                               "\x00\x00\x00\x04\x93\x46\x03\x02";
    struct ff_ipc_channel room = {
        .name = SLICE("presence-room"), .occupied = true, .has_users = true, .users = 2};
    struct ff_ipc_list list;
    (void)state;

    assert_int_equal(
        ff_ipc_pack_query(&out, FF_IPC_CHANNELS, 2, SLICE("presence-"), FF_IPC_USER_COUNT), 0);
    assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_CHANNELS_REPLY, 2, &list), 0);
    assert_int_equal(ff_ipc_pack_list_channel(&out, &list, &room), 0);
    assert_int_equal(ff_ipc_pack_list_end(&out, &list, false), 0);
    assert_int_equal(ff_ipc_pack_named(&out, FF_IPC_TERMINATE, 3, SLICE("7")), 0);
    assert_int_equal(ff_ipc_pack_count(&out, FF_IPC_TERMINATED, 3, 2), 0);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.size);
}

static void test_requests(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    for (int i = 0; i < 3; i++) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_named(&out, named[i], 7, SLICE("presence-a")), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, named[i]);
        assert_int_equal(frame.seq, 7);
        assert_slice(frame.name, "presence-a");
    }
    for (unsigned int wanted = 0; wanted < 8; wanted++) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_query(&out, queries[wanted & 1], 7, SLICE("x"), wanted), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, queries[wanted & 1]);
        assert_slice(frame.name, "x");
        assert_int_equal(frame.wanted, wanted);
    }
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_query(&out, FF_IPC_CHANNELS, 7, NIL, FF_IPC_CACHE), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_null(frame.name.p);
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_query(&out, FF_IPC_CHANNEL, 7, NIL, 0), 0);
    assert_int_equal(unpack_out(&frame), -1); /* one channel needs a name */
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_bare(&out, FF_IPC_CONNECTIONS, 8), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_CONNECTIONS);
}

static void test_unknown_attributes_are_left_out(void **state)
{
    struct ff_ipc_frame frame;
    msgpack_packer pk = fresh();
    (void)state;

    msgpack_pack_array(&pk, 5); /* with a field that a later version may add */
    msgpack_pack_int(&pk, FF_IPC_CHANNELS);
    msgpack_pack_int(&pk, 1);
    msgpack_pack_nil(&pk);
    msgpack_pack_array(&pk, 5);
    text(&pk, "colour");
    text(&pk, "");
    text(&pk, "cache");
    text(&pk, "cach");
    text(&pk, "cache");
    msgpack_pack_nil(&pk);
    assert_int_equal(unpack_raw(&frame), 0);
    assert_int_equal(frame.wanted, FF_IPC_CACHE);
}

static void test_counts(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    for (int i = 0; i < 2; i++) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_count(&out, counts[i], 9, UINT64_MAX), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, counts[i]);
        assert_true(frame.count == UINT64_MAX);
    }
}

static const struct ff_ipc_channel examples[] = {
    {.name = {"orders", 6}, .occupied = true},
    {.name = {"presence-a", 10},
     .occupied = true,
     .has_subscriptions = true,
     .has_users = true,
     .subscriptions = UINT32_MAX,
     .users = 3},
    {.name = {"cache-a", 7}, .data = {"{\"a\":1}", 7}, .ttl = 1800},
    {.name = {"cache-b", 7}, .data = {"", 0}},
};

static void assert_example(const struct ff_ipc_channel *got, const struct ff_ipc_channel *want)
{
    assert_int_equal(got->name.len, want->name.len);
    assert_memory_equal(got->name.p, want->name.p, want->name.len);
    assert_int_equal(got->occupied, want->occupied);
    assert_int_equal(got->has_subscriptions, want->has_subscriptions);
    assert_int_equal(got->has_users, want->has_users);
    assert_int_equal(got->subscriptions, want->subscriptions);
    assert_int_equal(got->users, want->users);
    assert_int_equal(got->data.p == NULL, want->data.p == NULL);
    assert_int_equal(got->data.len, want->data.len);
    if (want->data.len > 0) {
        assert_memory_equal(got->data.p, want->data.p, want->data.len);
    }
    assert_int_equal(got->ttl, want->ttl);
}

static void test_channels(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_list list;
    (void)state;

    for (int i = 0; i < 4; i++) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_channel_reply(&out, 5, &examples[i], false), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, FF_IPC_CHANNEL_REPLY);
        assert_int_equal(frame.nchannels, 1);
        assert_example(&frame.channels[0], &examples[i]);
    }
    for (uint32_t n = 0; n < 10000; n = n * 10 + 4) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_CHANNELS_REPLY, 6, &list), 0);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(ff_ipc_pack_list_channel(&out, &list, &examples[i & 3]), 0);
        }
        assert_int_equal(ff_ipc_pack_list_end(&out, &list, false), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, FF_IPC_CHANNELS_REPLY);
        assert_int_equal(frame.nchannels, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_example(&frame.channels[i], &examples[i & 3]);
        }
    }
}

static void test_members(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_list list;
    struct ff_ipc_member with = {SLICE("7"), SLICE("{\"name\":\"A\"}")},
                         without = {SLICE("8"), NIL};
    (void)state;

    assert_int_equal(ff_ipc_pack_bare(&out, FF_IPC_PONG, 1), 0); /* a list behind another frame */
    size_t before = out.size;
    assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_MEMBERS_REPLY, 6, &list), 0);
    assert_int_equal(ff_ipc_pack_list_member(&out, &list, &with), 0);
    ff_ipc_pack_list_drop(&out, &list);
    assert_int_equal(out.size, before);
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_MEMBERS_REPLY, 6, &list), 0);
    assert_int_equal(ff_ipc_pack_list_member(&out, &list, &with), 0);
    assert_int_equal(ff_ipc_pack_list_member(&out, &list, &without), 0);
    assert_int_equal(ff_ipc_pack_list_end(&out, &list, false), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.nmembers, 2);
    assert_slice(frame.members[0].user_id, "7");
    assert_slice(frame.members[0].info, "{\"name\":\"A\"}");
    assert_slice(frame.members[1].user_id, "8");
    assert_null(frame.members[1].info.p);
}

/* What was added is read, however much of it there is; what does not fit is refused and leaves the
 * rest as it was. */
static void test_too_large(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_list list;
    char *big = malloc(FF_IPC_MAX_FRAME);
    int rc = 0;
    (void)state;

    assert_non_null(big);
    memset(big, 'x', FF_IPC_MAX_FRAME);
    struct ff_ipc_channel channel = {.name = SLICE("cache-a"), .data = {big, 100000}};
    assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_CHANNELS_REPLY, 6, &list), 0);
    while ((rc = ff_ipc_pack_list_channel(&out, &list, &channel)) == 0) {
    }
    assert_int_equal(rc, FF_IPC_FULL);
    assert_true(list.n > 160);
    assert_int_equal(ff_ipc_pack_list_end(&out, &list, false), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.nchannels, list.n);

    /* by the number of values before the bytes */
    msgpack_sbuffer_clear(&out);
    struct ff_ipc_member member = {SLICE("1"), NIL};
    assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_MEMBERS_REPLY, 6, &list), 0);
    while ((rc = ff_ipc_pack_list_member(&out, &list, &member)) == 0) {
    }
    assert_int_equal(rc, FF_IPC_FULL);
    assert_true(out.size < FF_IPC_MAX_FRAME / 2);
    assert_int_equal(ff_ipc_pack_list_end(&out, &list, false), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.nmembers, list.n);

    msgpack_sbuffer_clear(&out);
    channel.data.len = FF_IPC_MAX_FRAME;
    assert_int_equal(ff_ipc_pack_channel_reply(&out, 6, &channel, false), FF_IPC_FULL);
    channel.data.len = UINT32_MAX; /* by its length alone */
    assert_int_equal(ff_ipc_pack_channel_reply(&out, 6, &channel, false), FF_IPC_FULL);
    assert_int_equal(out.size, 0);
    channel.data.len = FF_IPC_MAX_FRAME - 200;
    assert_int_equal(ff_ipc_pack_channel_reply(&out, 6, &channel, false), 0);
    assert_int_equal(unpack_out(&frame), 0);
    free(big);
}

/* ---- hostile ---- */

static void test_wrong_types(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
#define BAD(literal) {literal, sizeof(literal) - 1}
        BAD("\x92\x06\x01"),                         /* no user */
        BAD("\x93\x06\x01\x07"),                     /* a user that is a number */
        BAD("\x93\x06\x01\xc0"),                     /* nil */
        BAD("\x93\x07\x01\x90"),                     /* a socket that is an array */
        BAD("\x92\x0a\x01"),                         /* no channel */
        BAD("\x93\x0a\x01\xc4\x01\x61"),             /* a channel that is bin */
        BAD("\x93\x08\x01\xc0"),                     /* no attributes */
        BAD("\x94\x08\x01\xc0\xc0"),                 /* nil */
        BAD("\x94\x08\x01\xc0\x80"),                 /* a map */
        BAD("\x94\x08\x01\xc0\x91\x07"),             /* an attribute that is a number */
        BAD("\x94\x08\x01\x07\x90"),                 /* a prefix that is a number */
        BAD("\x94\x09\x01\xc0\x90"),                 /* no channel */
        BAD("\x92\x46\x01"),                         /* no number */
        BAD("\x93\x46\x01\xff"),                     /* a negative one */
        BAD("\x93\x47\x01\xc3"),                     /* a boolean */
        BAD("\x93\x4b\x01\xa1\x31"),                 /* text */
        BAD("\x92\x48\x01"),                         /* no channels */
        BAD("\x93\x48\x01\x80"),                     /* a map */
        BAD("\x93\x48\x01\x91\x07"),                 /* a channel that is a number */
        BAD("\x93\x48\x01\x91\x94\xa0\xc3\xc0\xc0"), /* four fields */
        BAD("\x93\x49\x01\xc0"),                     /* nil for a channel */
        BAD("\x93\x49\x01\x95\x01\xc3\xc0\xc0\xc0"), /* a name that is a number */
        BAD("\x93\x49\x01\x95\xa0\x01\xc0\xc0\xc0"), /* occupied is a number */
        BAD("\x93\x49\x01\x95\xa0\xc3\xff\xc0\xc0"), /* negative subscriptions */
        BAD("\x93\x49\x01\x95\xa0\xc3\xc0\xa0\xc0"), /* users are text */
        BAD("\x93\x49\x01\x95\xa0\xc3\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xc0\xc0"), /* 2^32 */
        BAD("\x93\x49\x01\x95\xa0\xc3\xc0\xc0\xa0"),         /* a cached event that is text */
        BAD("\x93\x49\x01\x95\xa0\xc3\xc0\xc0\x90"),         /* an empty one */
        BAD("\x93\x49\x01\x95\xa0\xc3\xc0\xc0\x92\x01\x01"), /* data that is a number */
        BAD("\x93\x49\x01\x95\xa0\xc3\xc0\xc0\x92\xa0\xff"), /* a negative ttl */
        BAD("\x92\x4a\x01"),                                 /* no members */
        BAD("\x93\x4a\x01\x91\xa1\x37"),                     /* a member that is text */
        BAD("\x93\x4a\x01\x91\x91\xa1\x37"),                 /* without info */
        BAD("\x93\x4a\x01\x91\x92\x07\xc0"),                 /* an id that is a number */
        BAD("\x93\x4a\x01\x91\x92\xa1\x37\x80"),             /* info that is a map */
#undef BAD
    };
    struct ff_ipc_frame frame;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(ff_ipc_walk((const uint8_t *)bad[i].bytes, bad[i].len));
        if (unpack_bytes((const uint8_t *)bad[i].bytes, bad[i].len, &frame) != -1) {
            fail_msg("hostile frame %zu was taken", i);
        }
        assert_int_equal(frame.seq, 1);
    }
}

/* Every byte of every kind changed to every value, and every cut: no crash, whatever comes out. */
static void test_every_byte_changed(void **state)
{
    struct ff_ipc_member member = {SLICE("7"), SLICE("{}")};
    struct ff_ipc_list list;
    struct ff_ipc_frame frame;
    (void)state;

    for (int kind = 0; kind < 4; kind++) {
        msgpack_sbuffer_clear(&out);
        switch (kind) {
        case 0:
            assert_int_equal(ff_ipc_pack_query(&out, FF_IPC_CHANNELS, 1, SLICE("p"), 7), 0);
            break;
        case 1:
            assert_int_equal(ff_ipc_pack_named(&out, FF_IPC_MEMBERS, 1, SLICE("presence-a")), 0);
            break;
        case 2:
            assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_CHANNELS_REPLY, 6, &list), 0);
            for (int i = 0; i < 4; i++) {
                assert_int_equal(ff_ipc_pack_list_channel(&out, &list, &examples[i]), 0);
            }
            assert_int_equal(ff_ipc_pack_list_end(&out, &list, false), 0);
            break;
        default:
            assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_MEMBERS_REPLY, 6, &list), 0);
            assert_int_equal(ff_ipc_pack_list_member(&out, &list, &member), 0);
            assert_int_equal(ff_ipc_pack_list_end(&out, &list, false), 0);
        }
        uint8_t *bytes = (uint8_t *)out.data + FF_IPC_HEADER;
        size_t len = out.size - FF_IPC_HEADER;
        for (size_t at = 0; at < len; at++) {
            uint8_t was = bytes[at];
            assert_int_equal(unpack_bytes(bytes, at, &frame), -1);
            for (unsigned int byte = 0; byte < 256; byte++) {
                bytes[at] = (uint8_t)byte;
                (void)unpack_bytes(bytes, len, &frame);
            }
            bytes[at] = was;
        }
        assert_int_equal(unpack_bytes(bytes, len, &frame), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_documented_query),
        TEST(test_requests),
        TEST(test_unknown_attributes_are_left_out),
        TEST(test_counts),
        TEST(test_channels),
        TEST(test_members),
        TEST(test_too_large),
        TEST(test_wrong_types),
        TEST(test_every_byte_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
