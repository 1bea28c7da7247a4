/* links/listen_snapshot at the size where it matters: many channels and one with very many members,
 * in frames of bounded size, without holding the hub for longer than its share of a turn, and while
 * members come and go. */
#include "rig.h"

#include <stdlib.h>

#include "base/clock.h"
#include "links/listen_snapshot.h"
#include "pubsub/elsewhere.h"
#include "shared/ipc_unpack.h"

#define MEMBERS  100000u
#define CHANNELS 20000u

static struct ff_ipc_unpacker unpacker;
static uint8_t *seen; /* by member, and behind them by channel */
static uint8_t in[1 << 20];
static size_t have;
static bool last;
static size_t frames, largest;

static struct pusher_member member(char *room, size_t size, unsigned int user)
{
    int len = snprintf(room, size, "user-%u", user);
    struct slice id = {room, (size_t)len};
    return (struct pusher_member){.user_id = id, .id_json = id, .info_json = SLICE("{\"n\":1}")};
}

static void take_frame(const struct ff_ipc_listening *got)
{
    assert_int_equal(got->order, 5);
    for (uint32_t i = 0; i < got->noccupied; i++) {
        const struct ff_ipc_occupied *channel = &got->occupied[i];
        if (channel->name.p[0] == 'c') {
            seen[MEMBERS * 2 + strtoul(channel->name.p + 1, NULL, 10)]++;
            assert_int_equal(channel->subscriptions, 3);
            assert_false(channel->has_members);
        }
        for (uint32_t k = 0; k < channel->nmembers; k++) {
            seen[strtoul(channel->members[k].user_id.p + 5, NULL, 10)]++;
        }
    }
    last = got->last;
}

static void read_frames(int fd)
{
    ssize_t n;
    while ((n = read(fd, in + have, sizeof(in) - have)) > 0) {
        size_t at = 0;
        have += (size_t)n;
        for (;;) {
            int64_t len = ff_ipc_frame_len(in + at, have - at);
            struct ff_ipc_frame frame;
            const char *why;
            assert_true(len >= 0);
            if (len == 0 || have - at < (size_t)len + FF_IPC_HEADER) {
                break;
            }
            assert_false(last);
            assert_int_equal(
                ff_ipc_unpack(&unpacker, in + at + FF_IPC_HEADER, (size_t)len, &frame, &why), 0);
            assert_int_equal(frame.type, FF_IPC_SNAPSHOT);
            assert_int_equal(frame.seq, 9);
            frames++;
            largest = (size_t)len > largest ? (size_t)len : largest;
            take_frame(&frame.listening);
            at += (size_t)len + FF_IPC_HEADER;
        }
        memmove(in, in + at, have - at);
        have -= at;
    }
}

static void counts_everywhere(struct rig *rig)
{
    rig->settings[0].subscription_count = true;
}

static size_t nothing_read(struct conn *conn, uint8_t *bytes, size_t len)
{
    (void)conn;
    (void)bytes;
    return len;
}

static void nothing_left(struct conn *conn)
{
    (void)conn;
}

static const struct conn_handler quiet = {
    .input = nothing_read, .leave = nothing_left, .local = true, .urgent = true};

static void test_large_and_changing(void **state)
{
    struct rig *rig = rig_new(counts_everywhere);
    struct hub *hub = &rig->hub;
    struct slice room = SLICE("presence-all");
    char text[32];
    int pair[2];
    uint64_t longest = 0;
    size_t steps = 0;
    (void)state;

    ff_ipc_unpacker_init(&unpacker);
    seen = mem_zalloc(MEMBERS * 2 + CHANNELS);
    for (unsigned int i = 0; i < MEMBERS; i++) {
        struct pusher_member one = member(text, sizeof(text), i);
        elsewhere_joined(hub, 1, 1, 0, room, &one);
    }
    for (unsigned int i = 0; i < CHANNELS; i++) {
        int len = snprintf(text, sizeof(text), "c%u", i);
        elsewhere_count(hub, 1, 1, 0, (struct slice){text, (size_t)len}, 3);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    loop_handler(&rig->hub_loop, KIND_IPC, &quiet);
    struct conn *conn = conn_new(&rig->hub_loop, pair[1], KIND_IPC, IDLE_NONE);
    assert_non_null(conn);
    struct listen_snapshot *snapshot = listen_snapshot_new(hub, 0, 9);
    listen_snapshot_begin(snapshot, 5);
    for (bool more = true; more; steps++) {
        uint64_t from = clock_mono_ns();
        more = listen_snapshot_step(snapshot, conn);
        uint64_t took = clock_mono_ns() - from;
        longest = took > longest ? took : longest;
        assert_true(conn_weight(conn) <= SNAPSHOT_QUEUED + SNAPSHOT_FRAME + 1024);
        /* Some go whom nobody will ask about, and some come. */
        for (unsigned int k = 0; k < 20; k++) {
            unsigned int user = (unsigned int)random() % (MEMBERS / 4) * 4;
            struct pusher_member one = member(text, sizeof(text), user);
            elsewhere_left(hub, 1, 0, room, one.user_id);
            one = member(text, sizeof(text), MEMBERS + user);
            elsewhere_joined(hub, 1, 1, 0, room, &one);
            int len = snprintf(text, sizeof(text), "new-%zu-%u", steps, k);
            elsewhere_count(hub, 1, 1, 0, (struct slice){text, (size_t)len}, 1);
        }
        loop_turn(&rig->hub_loop);
        read_frames(pair[0]);
    }
    for (int i = 0; i < 1000 && !last; i++) {
        loop_turn(&rig->hub_loop);
        read_frames(pair[0]);
    }
    assert_true(last);
    for (unsigned int i = 0; i < MEMBERS; i++) {
        assert_true(i % 4 == 0 || seen[i] == 1);
    }
    for (unsigned int i = 0; i < CHANNELS; i++) {
        assert_true(seen[MEMBERS * 2 + i] >= 1);
    }
    print_message("%zu frames, the largest %zu bytes, %zu steps, the longest %.1f ms\n", frames,
                  largest, steps, (double)longest / 1e6);
    assert_true(largest <= SNAPSHOT_FRAME + 1024);
    assert_true(steps > 10);
    listen_snapshot_free(snapshot);
    mem_free(seen);
    ff_ipc_unpacker_free(&unpacker);
    close(pair[0]);
    rig_free(rig);
}

/* The channel goes while its members are being told, and the listener in the middle of it. */
static void test_what_goes_meanwhile(void **state)
{
    struct rig *rig = rig_new(counts_everywhere);
    struct hub *hub = &rig->hub;
    struct slice room = SLICE("presence-all");
    char text[32];
    int pair[2];
    (void)state;

    for (unsigned int i = 0; i < 50000; i++) {
        struct pusher_member one = member(text, sizeof(text), i);
        elsewhere_joined(hub, 1, 1, 0, room, &one);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    loop_handler(&rig->hub_loop, KIND_IPC, &quiet);
    struct conn *conn = conn_new(&rig->hub_loop, pair[1], KIND_IPC, IDLE_NONE);
    for (int sweep = 0; sweep < 2; sweep++) {
        struct listen_snapshot *snapshot = listen_snapshot_new(hub, 0, 9);
        listen_snapshot_begin(snapshot, 5);
        assert_true(listen_snapshot_step(snapshot, conn));
        if (sweep == 1) {
            elsewhere_sweep(hub, 1, 0, false);
            assert_null(hub_find(hub, 0, strmap_hash(room.p, room.len), room));
            while (listen_snapshot_step(snapshot, conn)) {
                char bytes[4096];
                loop_turn(&rig->hub_loop);
                while (read(pair[0], bytes, sizeof(bytes)) > 0) {
                }
            }
        }
        listen_snapshot_free(snapshot);
        listen_snapshot_free(NULL);
        char bytes[4096];
        for (int i = 0; i < 200; i++) {
            loop_turn(&rig->hub_loop);
            while (read(pair[0], bytes, sizeof(bytes)) > 0) {
            }
        }
    }
    close(pair[0]);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_large_and_changing),
                                       cmocka_unit_test(test_what_goes_meanwhile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
