/* shared/ipc: orders and lists of connections, there and back, the bytes that docs/ipc.md shows,
 * and hostile answers. */
#include "ipc_fixture.h"

#include "shared/ipc_control.h"
#include "shared/ipc_unpack.h"

static const struct ff_ipc_socket example = {.socket_id = {"1234.64", 7},
                                             .user_id = {"7", 1},
                                             .address = {"192.0.2.1", 9},
                                             .opened_ms = 1767225600000,
                                             .subscriptions = 2};

static void test_documented_bytes(void **state)
{
    static const char want[] = "\x00\x00\x00\x05\x94\x11\x04\xc0\x01"
                               "\x00\x00\x00\x2c\x95\x51\x04\x91\x95\xa7"
                               "1234.64"
                               "\xa1"
                               "7"
                               "\xa9"
                               "192.0.2.1"
                               "\xcf\x00\x00\x01\x9b\x76\xda\xa8\x00\x02\xa7"
                               "1234.64"
                               "\xc2"
                               "\x00\x00\x00\x0a\x93\x10\x05\xa6"
                               "reload"
                               "\x00\x00\x00\x03\x92\x50\x05";
    (void)state;
    assert_int_equal(ff_ipc_pack_sockets(&out, 4, NIL, 1), 0);
    assert_int_equal(ff_ipc_pack_sockets_reply(&out, 4, &example, 1, example.socket_id, false), 0);
    assert_int_equal(ff_ipc_pack_named(&out, FF_IPC_CONTROL, 5, SLICE(FF_IPC_ACTION_RELOAD)), 0);
    assert_int_equal(ff_ipc_pack_bare(&out, FF_IPC_CONTROLLED, 5), 0);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.size);
}

static void test_questions(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;
    assert_int_equal(ff_ipc_pack_sockets(&out, 7, SLICE("1.2"), UINT64_MAX), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_SOCKETS);
    assert_int_equal(frame.seq, 7);
    assert_slice(frame.name, "1.2");
    assert_true(frame.count == UINT64_MAX);
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_sockets(&out, 7, NIL, 0), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_null(frame.name.p);
    assert_int_equal(frame.count, 0);
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_named(&out, FF_IPC_CONTROL, 8, SLICE("stop")), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_CONTROL);
    assert_slice(frame.name, "stop");
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_bare(&out, FF_IPC_CONTROLLED, 8), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_CONTROLLED);
}

static void test_pages(void **state)
{
    struct ff_ipc_socket sockets[100];
    struct ff_ipc_frame frame;
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        sockets[i] = example;
        sockets[i].subscriptions = i;
        if (i % 2 == 0) {
            sockets[i].user_id = NIL;
            sockets[i].address = (struct ff_slice){"", 0};
        }
    }
    for (uint32_t n = 0; n <= 100; n += 50) {
        bool partial = n == 50;
        struct ff_slice next = n == 100 ? sockets[99].socket_id : NIL;
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_sockets_reply(&out, 9, sockets, n, next, partial), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.type, FF_IPC_SOCKETS_REPLY);
        assert_int_equal(frame.nsockets, n);
        assert_int_equal(frame.partial, partial);
        assert_int_equal(frame.name.p != NULL, n == 100);
        for (uint32_t i = 0; i < n; i++) {
            const struct ff_ipc_socket *socket = &frame.sockets[i];
            assert_slice(socket->socket_id, "1234.64");
            assert_int_equal(socket->user_id.p != NULL, i % 2);
            assert_slice(socket->address, i % 2 == 0 ? "" : "192.0.2.1");
            assert_true(socket->opened_ms == example.opened_ms);
            assert_int_equal(socket->subscriptions, i);
        }
    }
}

/* Each field in turn is of another type; then one field after the other is missing. */
static void test_hostile_pages(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;
    for (int bad = 0; bad <= 8; bad++) {
        for (int fields = 0; fields <= 5; fields++) {
            msgpack_packer pk = fresh();
            msgpack_pack_array(&pk, 5);
            msgpack_pack_int(&pk, FF_IPC_SOCKETS_REPLY);
            msgpack_pack_int(&pk, 1);
            if (bad == 6) {
                msgpack_pack_nil(&pk);
            } else {
                msgpack_pack_array(&pk, 1);
                msgpack_pack_array(&pk, (size_t)fields);
                for (int i = 1; i <= fields; i++) {
                    if (i == bad) {
                        msgpack_pack_true(&pk);
                    } else if (i <= 3) {
                        text(&pk, "1.2");
                    } else {
                        msgpack_pack_int(&pk, 3);
                    }
                }
            }
            bad == 7 ? msgpack_pack_int(&pk, 1) : msgpack_pack_nil(&pk);
            bad == 8 ? msgpack_pack_nil(&pk) : msgpack_pack_false(&pk);
            assert_int_equal(unpack_raw(&frame), bad == 0 && fields == 5 ? 0 : -1);
        }
    }
    msgpack_packer pk = fresh();
    msgpack_pack_array(&pk, 3);
    msgpack_pack_int(&pk, FF_IPC_SOCKETS);
    msgpack_pack_int(&pk, 1);
    msgpack_pack_nil(&pk);
    assert_int_equal(unpack_raw(&frame), -1);
    pk = fresh();
    msgpack_pack_array(&pk, 4);
    msgpack_pack_int(&pk, FF_IPC_SOCKETS);
    msgpack_pack_int(&pk, 1);
    msgpack_pack_int(&pk, 2);
    msgpack_pack_int(&pk, 2);
    assert_int_equal(unpack_raw(&frame), -1);
    pk = fresh();
    msgpack_pack_array(&pk, 3);
    msgpack_pack_int(&pk, FF_IPC_CONTROL);
    msgpack_pack_int(&pk, 1);
    msgpack_pack_int(&pk, 2);
    assert_int_equal(unpack_raw(&frame), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_documented_bytes),
        TEST(test_questions),
        TEST(test_pages),
        TEST(test_hostile_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
