/* shared/ipc_listen: the frames of listeners there and back, the bytes that docs/ipc.md shows, and
 * frames that lie. */
#include "ipc_fixture.h"

#include <stdio.h>

#include "shared/ipc_listen.h"

static const struct ff_ipc_event example = {
    .number = 1,
    .id = {"5f3a9c01-1", 10},
    .type = FF_IPC_MEMBER_ADDED,
    .unix_ms = 1767225600000,
    .attempt = 1,
    .order = 8,
    .channel = {"presence-room", 13},
    .user_id = {"7", 1},
};

static void test_documented_bytes(void **state)
{
    static const char want[] = "\x00\x00\x00\x29\x97\x0e\x01\x92\xac"
                               "member_added\xae"
                               "member_removed"
                               "\xa3"
                               "crm\x10\xcd\x75\x30\xc2"
                               "\x00\x00\x00\x06\x95\x4e\x01\xc3\x00\x07"
                               "\x00\x00\x00\x3a\x9d\x60\x01\xaa"
                               "5f3a9c01-1\xac"
                               "member_added\xcf\x00\x00\x01\x9b\x76\xda\xa8\x00\x01\x08\xad"
                               "presence-room\xa1"
                               "7\xc0\xc0\xc0\xc0"
                               "\x00\x00\x00\x06\x94\x0f\x02\x91\x01\xc3"
                               "\x00\x00\x00\x2a\x95\x61\x01\x07\xdd\x00\x00\x00\x01\x93\xad"
                               "presence-room\x02\xdd\x00\x00\x00\x01\x92\xa1"
                               "7\xa7{\"a\":1}\xc3";
    struct ff_ipc_listen listen = {.types = FF_IPC_EVENT_BIT(FF_IPC_MEMBER_ADDED) |
                                            FF_IPC_EVENT_BIT(FF_IPC_MEMBER_REMOVED),
                                   .group = SLICE("crm"),
                                   .window = 16,
                                   .ack_ms = 30000};
    struct ff_ipc_snapshot snapshot;
    struct ff_ipc_member member = {SLICE("7"), SLICE("{\"a\":1}")};
    uint64_t number = 1;
    (void)state;

    assert_int_equal(ff_ipc_pack_listen(&out, 1, &listen), 0);
    assert_int_equal(ff_ipc_pack_listening(&out, 1, true, 0, 7), 0);
    assert_int_equal(ff_ipc_pack_event(&out, &example), 0);
    assert_int_equal(ff_ipc_pack_settle(&out, 2, &number, 1, true), 0);
    assert_int_equal(ff_ipc_pack_snapshot_begin(&out, 1, 7, &snapshot), 0);
    assert_int_equal(ff_ipc_pack_snapshot_channel(&out, &snapshot, SLICE("presence-room"), 2, true),
                     0);
    assert_int_equal(ff_ipc_pack_snapshot_member(&out, &snapshot, &member), 0);
    assert_int_equal(ff_ipc_pack_snapshot_end(&out, &snapshot, true), 0);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.size);
}

static void test_listen(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    for (uint32_t types = 1; types <= FF_IPC_EVENTS_ALL; types++) {
        struct ff_ipc_listen listen = {
            .types = types, .window = types, .ack_ms = UINT32_MAX - types, .snapshot = types & 1};
        if (types & 2) {
            listen.group = SLICE("a-group");
        }
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_listen(&out, 3, &listen), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, FF_IPC_LISTEN);
        assert_int_equal(frame.seq, 3);
        assert_int_equal(frame.listening.listen.types, types);
        assert_int_equal(frame.listening.listen.window, types);
        assert_int_equal(frame.listening.listen.ack_ms, UINT32_MAX - types);
        assert_int_equal(frame.listening.listen.snapshot, types & 1);
        assert_int_equal(frame.listening.listen.group.p != NULL, (types & 2) != 0);
        assert_null(frame.listening.listen.unknown.p);
    }
}

/* [14, 1, words, nil, 16, 1000, false] with these words, NULL at their end. */
static int listen_for(const char *const *words, struct ff_ipc_frame *frame)
{
    msgpack_packer pk = fresh();
    size_t n = 0;
    while (words[n] != NULL) {
        n++;
    }
    msgpack_pack_array(&pk, 7);
    msgpack_pack_int(&pk, FF_IPC_LISTEN);
    msgpack_pack_int(&pk, 1);
    msgpack_pack_array(&pk, n);
    for (size_t i = 0; i < n; i++) {
        text(&pk, words[i]);
    }
    msgpack_pack_nil(&pk);
    msgpack_pack_int(&pk, 16);
    msgpack_pack_int(&pk, 1000);
    msgpack_pack_false(&pk);
    return unpack_raw(frame);
}

static void test_words(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    assert_int_equal(listen_for((const char *const[]){NULL}, &frame), 0);
    assert_int_equal(frame.listening.listen.types, FF_IPC_EVENTS_ALL);
    assert_int_equal(
        listen_for((const char *const[]){"user_online", "colour", "user_onlin", NULL}, &frame), 0);
    assert_int_equal(frame.listening.listen.types, FF_IPC_EVENT_BIT(FF_IPC_USER_ONLINE));
    assert_slice(frame.listening.listen.unknown, "colour");
    assert_int_equal(listen_for((const char *const[]){"", NULL}, &frame), 0);
    assert_slice(frame.listening.listen.unknown, "");
    /* It always comes; asking for nothing else is not asking for all. */
    assert_int_equal(listen_for((const char *const[]){"events_lost", NULL}, &frame), 0);
    assert_int_equal(frame.listening.listen.types, 0);
    assert_null(frame.listening.listen.unknown.p);
}

static void test_settle(void **state)
{
    static uint64_t numbers[FF_IPC_MAX_SETTLED + 1];
    struct ff_ipc_frame frame;
    (void)state;

    for (uint32_t i = 0; i <= FF_IPC_MAX_SETTLED; i++) {
        numbers[i] = UINT64_MAX - i;
    }
    for (uint32_t n = 0; n <= FF_IPC_MAX_SETTLED; n += 5000) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_settle(&out, 4, numbers, n, n != 0), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.listening.nnumbers, n);
        assert_int_equal(frame.listening.done, n != 0);
        assert_int_equal(n == 0 || memcmp(frame.listening.numbers, numbers, n * 8) == 0, 1);
    }
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_settle(&out, 4, numbers, FF_IPC_MAX_SETTLED + 1, true), 0);
    assert_int_equal(unpack_out(&frame), -1);
}

static void test_event(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    for (unsigned int type = 0; type <= FF_IPC_EVENT_TYPES; type++) {
        struct ff_ipc_event event = {.number = type + 1,
                                     .id = SLICE("x-1"),
                                     .type = (enum ff_ipc_event_type)type,
                                     .word = SLICE("later"),
                                     .unix_ms = UINT64_MAX,
                                     .attempt = UINT32_MAX,
                                     .order = 3,
                                     .socket_id = SLICE("1.2"),
                                     .event = SLICE("client-typing"),
                                     .data = SLICE(""),
                                     .has_count = type & 1,
                                     .count = type & 1 ? 12 : 0};
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_event(&out, &event), 0);
        assert_int_equal(unpack_out(&frame), 0);
        const struct ff_ipc_event *got = &frame.listening.event;
        assert_int_equal(frame.seq, type + 1);
        assert_int_equal(got->number, type + 1);
        assert_int_equal(got->type, type);
        assert_slice(got->word, type == FF_IPC_EVENT_TYPES ? "later" : ff_ipc_event_words[type]);
        assert_slice(got->id, "x-1");
        assert_true(got->unix_ms == UINT64_MAX && got->attempt == UINT32_MAX && got->order == 3);
        assert_null(got->channel.p);
        assert_null(got->user_id.p);
        assert_slice(got->socket_id, "1.2");
        assert_slice(got->event, "client-typing");
        assert_slice(got->data, "");
        assert_int_equal(got->has_count, type & 1);
        assert_int_equal(got->count, type & 1 ? 12 : 0);
    }
}

static void test_snapshot(void **state)
{
    struct ff_ipc_snapshot s;
    struct ff_ipc_frame frame;
    (void)state;

    assert_int_equal(ff_ipc_pack_snapshot_begin(&out, 5, 77, &s), 0);
    assert_int_equal(ff_ipc_pack_snapshot_channel(&out, &s, SLICE("orders"), 3, false), 0);
    assert_int_equal(ff_ipc_pack_snapshot_channel(&out, &s, SLICE("presence-a"), 2, true), 0);
    for (int i = 0; i < 70000; i++) {
        char id[8];
        int len = snprintf(id, sizeof(id), "%d", i);
        struct ff_ipc_member m = {.user_id = {id, (unsigned int)len}};
        assert_int_equal(ff_ipc_pack_snapshot_member(&out, &s, &m), 0);
    }
    assert_int_equal(ff_ipc_pack_snapshot_channel(&out, &s, SLICE("presence-b"), 0, true), 0);
    assert_int_equal(ff_ipc_pack_snapshot_end(&out, &s, true), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.seq, 5);
    assert_int_equal(frame.listening.order, 77);
    assert_true(frame.listening.last);
    assert_int_equal(frame.listening.noccupied, 3);
    const struct ff_ipc_occupied *o = frame.listening.occupied;
    assert_slice(o[0].name, "orders");
    assert_int_equal(o[0].subscriptions, 3);
    assert_false(o[0].has_members);
    assert_int_equal(o[1].nmembers, 70000);
    assert_slice(o[1].members[69999].user_id, "69999");
    assert_null(o[1].members[0].info.p);
    assert_true(o[2].has_members);
    assert_int_equal(o[2].nmembers, 0);

    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_snapshot_begin(&out, 5, 77, &s), 0);
    assert_int_equal(ff_ipc_pack_snapshot_end(&out, &s, false), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.listening.noccupied, 0);
    assert_false(frame.listening.last);
}

/* Every field in turn becomes a map, and every frame ends behind each of its fields. */
static void test_hostile(void **state)
{
    static const enum ff_ipc_type types[] = {FF_IPC_LISTEN, FF_IPC_SETTLE, FF_IPC_LISTENING,
                                             FF_IPC_EVENT, FF_IPC_SNAPSHOT};
    static const int sizes[] = {7, 4, 5, 13, 5};
    struct ff_ipc_frame frame;
    (void)state;

    for (int k = 0; k < 5; k++) {
        for (int n = 2; n < sizes[k]; n++) {
            msgpack_packer pk = fresh();
            msgpack_pack_array(&pk, (size_t)n);
            msgpack_pack_int(&pk, types[k]);
            msgpack_pack_int(&pk, 1);
            for (int i = 2; i < n; i++) {
                msgpack_pack_map(&pk, 0);
            }
            assert_int_equal(unpack_raw(&frame), -1);
        }
    }
    static const struct {
        const uint8_t *bytes;
        size_t len;
    } bad[] = {
        {BYTES("\x97\x0e\x01\x91\x05\xc0\x10\x20\xc2")},                  /* a word that is none */
        {BYTES("\x97\x0e\x01\x90\x05\x10\x20\xc2")},                      /* group */
        {BYTES("\x97\x0e\x01\x90\xc0\xff\x20\xc2")},                      /* window -1 */
        {BYTES("\x97\x0e\x01\x90\xc0\x10\xcf\0\0\0\1\0\0\0\0\xc2")},      /* ack_ms over 32 bits */
        {BYTES("\x97\x0e\x01\x90\xc0\x10\x20\x01")},                      /* snapshot */
        {BYTES("\x94\x0f\x01\x91\xff\xc3")},                              /* number -1 */
        {BYTES("\x94\x0f\x01\xdd\x7f\xff\xff\xff\xc3")},                  /* a count that lies */
        {BYTES("\x94\x0f\x01\x91\x01\x01")},                              /* done */
        {BYTES("\x95\x61\x01\x01\x91\x93\xa1x\x01\x91\x92\x01\xc0\xc3")}, /* user id no text */
        {BYTES("\x95\x61\x01\x01\x91\x93\xa1x\x01\x91\x91\xa1y\xc3")},    /* a member of one */
        {BYTES("\x95\x61\x01\x01\x91\x92\xa1x\x01\xc3")},                 /* a channel of two */
        {BYTES("\x95\x61\x01\x01\x91\x93\xa1x\xc0\xc0\xc3")},             /* subscriptions */
        {BYTES("\x95\x61\x01\x01\x90\xc0")},                              /* last */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(unpack_bytes(bad[i].bytes, bad[i].len, &frame), -1);
    }
    assert_int_equal(unpack_bytes(BYTES("\x98\x0e\x01\x90\xc0\x10\x20\xc2\xc0"), &frame), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_documented_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
