/* shared/ipc: publishes that the cluster acknowledges, and answers that leave nodes out: there and
 * back, the bytes that docs/ipc.md shows, and what older and hostile peers send. */
#include "ipc_fixture.h"

#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

static void test_documented_publish(void **state)
{
    static const char want[] = "\x00\x00\x00\x23\x98\x0c\x01\xce\x00\x00\x07\x08\x91\xa6"
                               "orders"
                               "\xa7"
                               "Shipped"
                               "\xc0\xc0\xa8"
                               "{\"id\":7}"
                               "\x00\x00\x00\x10\x95\x4c\x01\xaa"
                               "5f3a9c01-1"
                               "\x05\xc2";
    struct ff_ipc_message m = {.channels = channels,
                               .nchannels = 1,
                               .event = SLICE("Shipped"),
                               .data = SLICE("{\"id\":7}")};
    struct ff_ipc_receipt receipt = {SLICE("5f3a9c01-1"), 5, false};
    size_t ack_at;
    (void)state;

    assert_int_equal(ff_ipc_pack_cluster_publish_head(&out, 1, 1800, &m, &ack_at), 0);
    assert_int_equal(msgpack_sbuffer_write(&out, m.data.p, m.data.len), 0);
    assert_int_equal(ff_ipc_pack_ack(&out, FF_IPC_CLUSTER_ACK, 1, &receipt), 0);
    assert_int_equal(out.size, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.size);
}

static void test_publish(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    size_t ack_at;
    (void)state;

    assert_int_equal(ff_ipc_pack_cluster_publish_head(&out, 7, 0, &m, &ack_at), 0);
    msgpack_sbuffer_write(&out, m.data.p, m.data.len);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_CLUSTER_PUBLISH);
    assert_int_equal(frame.seq, 7);
    assert_int_equal(frame.ack_ms, 0);
    assert_int_equal(frame.nmessages, 1);
    assert_message(&frame.messages[0]);
    ff_ipc_set_ack_ms(&out, ack_at, UINT32_MAX);
    assert_int_equal(unpack_out(&frame), 0);
    assert_true(frame.ack_ms == UINT32_MAX);
    assert_message(&frame.messages[0]);
}

static void test_batch(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_message m = message();
    size_t mark, ack_at;
    (void)state;

    assert_int_equal(ff_ipc_pack_cluster_batch_begin(&out, 9, 250, 2, &mark, &ack_at), 0);
    assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
    assert_int_equal(ff_ipc_pack_batch_add(&out, mark, &m), 0);
    assert_int_equal(ff_ipc_pack_batch_end(&out, mark), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_CLUSTER_BATCH);
    assert_int_equal(frame.ack_ms, 250);
    assert_int_equal(frame.nmessages, 2);
    assert_message(&frame.messages[1]);
    ff_ipc_set_ack_ms(&out, ack_at, 3);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.ack_ms, 3);
}

static void test_answers(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_receipt receipts[2] = {{SLICE("id-0"), 3, false}, {SLICE("id-1"), 0, true}};
    (void)state;

    assert_int_equal(ff_ipc_pack_ack(&out, FF_IPC_CLUSTER_ACK, 5, &receipts[0]), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_CLUSTER_ACK);
    assert_int_equal(frame.nreceipts, 1);
    assert_slice(frame.receipts[0].id, "id-0");
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_batch_ack(&out, FF_IPC_CLUSTER_BATCH_ACK, 6, receipts, 2), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.type, FF_IPC_CLUSTER_BATCH_ACK);
    assert_int_equal(frame.nreceipts, 2);
    assert_true(frame.receipts[1].duplicate);
}

/* Each way in which the time can be missing or wrong. */
static void test_bad_time(void **state)
{
    struct ff_ipc_frame frame;
    (void)state;

    for (int type = FF_IPC_CLUSTER_PUBLISH; type <= FF_IPC_CLUSTER_BATCH; type++) {
        for (int kind = 0; kind < 5; kind++) {
            msgpack_packer pk = fresh();
            msgpack_pack_array(&pk, kind == 0 ? 2 : 3);
            msgpack_pack_int(&pk, type);
            msgpack_pack_int(&pk, 1);
            if (kind == 1) {
                msgpack_pack_int(&pk, -1);
            } else if (kind == 2) {
                msgpack_pack_uint64(&pk, (uint64_t)UINT32_MAX + 1);
            } else if (kind == 3) {
                text(&pk, "1800");
            } else if (kind == 4) {
                msgpack_pack_int(&pk, 1800); /* and then nothing */
            }
            assert_int_equal(unpack_raw(&frame), -1);
            assert_int_equal(frame.seq, 1);
        }
    }
}

static void test_partial(void **state)
{
    struct ff_ipc_frame frame;
    struct ff_ipc_list list;
    struct ff_ipc_channel channel = {.name = SLICE("orders"), .occupied = true};
    (void)state;

    for (int partial = 0; partial < 2; partial++) {
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_connections_reply(&out, 3, UINT64_MAX, partial == 1), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_true(frame.count == UINT64_MAX);
        assert_int_equal(frame.partial, partial);
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_channel_reply(&out, 3, &channel, partial == 1), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_slice(frame.channels[0].name, "orders");
        assert_int_equal(frame.partial, partial);
        msgpack_sbuffer_clear(&out);
        assert_int_equal(ff_ipc_pack_list_begin(&out, FF_IPC_CHANNELS_REPLY, 3, &list), 0);
        assert_int_equal(ff_ipc_pack_list_channel(&out, &list, &channel), 0);
        assert_int_equal(ff_ipc_pack_list_end(&out, &list, partial == 1), 0);
        assert_int_equal(unpack_out(&frame), 0);
        assert_int_equal(frame.nchannels, 1);
        assert_int_equal(frame.partial, partial);
    }
    /* a daemon that does not say it, and one that says nonsense */
    msgpack_sbuffer_clear(&out);
    assert_int_equal(ff_ipc_pack_count(&out, FF_IPC_CONNECTIONS_REPLY, 3, 4), 0);
    assert_int_equal(unpack_out(&frame), 0);
    assert_int_equal(frame.count, 4);
    assert_false(frame.partial);
    msgpack_packer pk = fresh();
    msgpack_pack_array(&pk, 4);
    msgpack_pack_int(&pk, FF_IPC_CONNECTIONS_REPLY);
    msgpack_pack_int(&pk, 3);
    msgpack_pack_int(&pk, 4);
    msgpack_pack_int(&pk, 1);
    assert_int_equal(unpack_raw(&frame), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_documented_publish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_publish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_partial, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
