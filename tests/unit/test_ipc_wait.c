/* Publishes that the cluster acknowledges, on a hub whose other nodes are played by the test: when
 * they are answered, in which order, what is refused, and what is left behind by connections that
 * go away. */
#include "rig.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "links/ipc.h"
#include "pubsub/cluster.h"
#include "pubsub/elsewhere.h"
#include "pubsub/gathered.h"
#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

/* ---- the cluster that the test plays ---- */

#define MAX_ASKED 8

static struct {
    uint64_t said, confirmed, dropped; /* numbers of records: up to this one */
    uint32_t places;                   /* how often one was asked for */
    enum cluster_asked asked;
    struct {
        enum cluster_ask kind;
        cluster_answer_fn *fn;
        void *arg;
        char names[200];
        size_t n;
    } questions[MAX_ASKED];
    size_t nquestions;
} others;

static void others_deliver(void *cluster, const struct broadcast *broadcast)
{
    (void)cluster;
    (void)broadcast;
    others.said++;
}

static enum cluster_asked others_ask(void *cluster, enum cluster_ask kind, uint32_t app,
                                     const struct slice *names, size_t n, cluster_answer_fn *fn,
                                     void *arg)
{
    (void)cluster;
    (void)app;
    if (others.asked != CLUSTER_ASKED) {
        return others.asked;
    }
    assert_true(others.nquestions < MAX_ASKED);
    size_t i = others.nquestions++;
    others.questions[i].kind = kind;
    others.questions[i].fn = fn;
    others.questions[i].arg = arg;
    others.questions[i].n = n;
    others.questions[i].names[0] = '\0';
    for (size_t j = 0; j < n; j++) {
        size_t at = strlen(others.questions[i].names);
        snprintf(others.questions[i].names + at, sizeof(others.questions[i].names) - at, "%.*s,",
                 (int)names[j].len, names[j].p != NULL ? names[j].p : "");
    }
    return CLUSTER_ASKED;
}

static uint64_t others_place(void *cluster, uint32_t app, struct slice channel)
{
    (void)cluster;
    (void)app;
    (void)channel;
    others.places++;
    return others.said;
}

static enum cluster_fate others_fate(void *cluster, uint64_t place)
{
    (void)cluster;
    if (place <= others.dropped) {
        return CLUSTER_DROPPED;
    }
    return place <= others.confirmed ? CLUSTER_CONFIRMED : CLUSTER_PENDING;
}

static void others_counted(void *cluster, uint32_t app, struct slice channel, uint32_t n)
{
    (void)cluster;
    (void)app;
    (void)channel;
    (void)n;
}

static void others_turn(void *cluster)
{
    (void)cluster;
}

static const struct cluster_ops others_ops = {
    .deliver = others_deliver,
    .counted = others_counted,
    .ask = others_ask,
    .place = others_place,
    .fate = others_fate,
    .turn = others_turn,
};

static void others_confirm(struct rig *rig, uint64_t n)
{
    others.confirmed = n;
    rig->hub.confirmed(&rig->hub);
}

static void others_drop(struct rig *rig, uint64_t n)
{
    others.dropped = n;
    rig->hub.confirmed(&rig->hub);
}

/* The oldest question is answered with so many subscribers on each of the channels named. */
static void others_answer(const char *names, uint32_t n, bool whole)
{
    struct gathered *gathered = gathered_new();
    char copy[100];
    assert_true(others.nquestions > 0);
    snprintf(copy, sizeof(copy), "%s", names);
    for (char *rest, *name = strtok_r(copy, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        gathered_add(gathered, (struct slice){name, strlen(name)}, n);
    }
    gathered_add_connections(gathered, n);
    gathered_end(gathered, whole);
    cluster_answer_fn *fn = others.questions[0].fn;
    void *arg = others.questions[0].arg;
    others.nquestions--;
    memmove(others.questions, others.questions + 1,
            others.nquestions * sizeof(others.questions[0]));
    fn(arg, gathered);
    gathered_free(gathered);
}

/* ---- publishers ---- */

struct publisher {
    int fd;
    msgpack_sbuffer out;
    struct ff_ipc_unpacker unpacker;
    uint8_t in[1 << 16];
    size_t have, taken;
};

static struct ff_slice text(const char *p)
{
    return (struct ff_slice){p, (unsigned int)strlen(p)};
}

static struct publisher *publisher_new(struct rig *rig, uint8_t who)
{
    struct publisher *publisher = mem_zalloc(sizeof(*publisher));
    uint8_t producer[FF_IPC_PRODUCER] = {who}, mac[FF_IPC_MAC];
    char signed_text[200];
    int pair[2];
    uint64_t now = clock_wall_ms();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    publisher->fd = pair[0];
    assert_non_null(conn_new(&rig->hub_loop, pair[1], KIND_IPC, IDLE_HEAD));
    msgpack_sbuffer_init(&publisher->out);
    ff_ipc_unpacker_init(&publisher->unpacker);
    size_t len = ff_ipc_mac_text(signed_text, text("a"), producer, now);
    assert_non_null(HMAC(EVP_sha256(), "secret", 6, (const uint8_t *)signed_text, len, mac, NULL));
    struct ff_ipc_hello hello = {.version = FF_IPC_VERSION,
                                 .app = text("a"),
                                 .producer = producer,
                                 .unix_ms = now,
                                 .mac = mac,
                                 .name = text("test")};
    assert_int_equal(ff_ipc_pack_hello(&publisher->out, &hello), 0);
    return publisher;
}

static void publisher_free(struct publisher *publisher)
{
    close(publisher->fd);
    msgpack_sbuffer_destroy(&publisher->out);
    ff_ipc_unpacker_free(&publisher->unpacker);
    mem_free(publisher);
}

/* What was packed is sent, and the daemon has its turns. */
static void publisher_go(struct rig *rig, struct publisher *publisher)
{
    if (publisher->out.size > 0) {
        assert_int_equal(write(publisher->fd, publisher->out.data, publisher->out.size),
                         publisher->out.size);
        publisher->out.size = 0;
    }
    rig_settle(rig);
}

static void publisher_pack(struct publisher *publisher, uint64_t seq, uint32_t ack_ms,
                           const char *channel, const char *key)
{
    struct ff_slice name = text(channel);
    struct ff_ipc_message message = {
        .channels = &name, .nchannels = 1, .event = text("E"), .data = text("{}")};
    size_t ack_at;
    if (key != NULL) {
        message.key = text(key);
    }
    assert_int_equal(
        ff_ipc_pack_cluster_publish_head(&publisher->out, seq, ack_ms, &message, &ack_at), 0);
    msgpack_sbuffer_write(&publisher->out, message.data.p, message.data.len);
}

static bool publisher_next(struct publisher *publisher, struct ff_ipc_frame *frame)
{
    const char *why;
    memmove(publisher->in, publisher->in + publisher->taken, publisher->have - publisher->taken);
    publisher->have -= publisher->taken;
    publisher->taken = 0;
    ssize_t got = read(publisher->fd, publisher->in + publisher->have,
                       sizeof(publisher->in) - publisher->have);
    publisher->have += got > 0 ? (size_t)got : 0;
    int64_t len = ff_ipc_frame_len(publisher->in, publisher->have);
    if (len <= 0) {
        return false;
    }
    assert_true(publisher->have >= FF_IPC_HEADER + (size_t)len);
    assert_int_equal(ff_ipc_unpack(&publisher->unpacker, publisher->in + FF_IPC_HEADER, (size_t)len,
                                   frame, &why),
                     0);
    publisher->taken = FF_IPC_HEADER + (size_t)len;
    return true;
}

static void expect_nothing(struct publisher *publisher)
{
    struct ff_ipc_frame frame;
    assert_false(publisher_next(publisher, &frame));
}

static void expect(struct publisher *publisher, enum ff_ipc_type type, uint64_t seq,
                   struct ff_ipc_frame *frame)
{
    assert_true(publisher_next(publisher, frame));
    assert_int_equal(frame->seq, seq);
    assert_int_equal(frame->type, type);
}

static void expect_ack(struct publisher *publisher, uint64_t seq, uint32_t recipients,
                       bool duplicate)
{
    struct ff_ipc_frame frame;
    expect(publisher, FF_IPC_CLUSTER_ACK, seq, &frame);
    assert_int_equal(frame.receipts[0].recipients, recipients);
    assert_int_equal(frame.receipts[0].duplicate, duplicate);
}

static void expect_error(struct publisher *publisher, uint64_t seq, const char *reason)
{
    struct ff_ipc_frame frame;
    expect(publisher, FF_IPC_ERROR, seq, &frame);
    assert_int_equal(frame.reason.len, strlen(reason));
    assert_memory_equal(frame.reason.p, reason, frame.reason.len);
}

/* ---- the rig ---- */

static struct ipc *ipc;

static struct rig *cluster_of(void (*adjust)(struct rig *))
{
    struct rig *rig = rig_new(adjust);
    memset(&others, 0, sizeof(others));
    others.asked = CLUSTER_ALONE;
    rig->hub.cluster_ops = &others_ops;
    rig->hub.cluster = &others;
    ipc = ipc_new(&rig->hub);
    loop_handler(&rig->hub_loop, KIND_IPC, &ipc_handler);
    return rig;
}

static struct rig *cluster_new(void)
{
    return cluster_of(NULL);
}

static void cluster_end(struct rig *rig)
{
    loop_close(&rig->hub_loop);
    while (others.nquestions > 0) {
        others_answer("", 0, false); /* whoever asked is gone */
    }
    ipc_free(ipc);
    rig_free(rig);
}

/* ---- tests ---- */

static void test_waits_for_confirmation(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    (void)state;
    publisher_pack(publisher, 1, 60000, "orders", NULL);
    publisher_go(rig, publisher);
    expect_nothing(publisher);
    others_confirm(rig, 0);
    rig_settle(rig);
    expect_nothing(publisher);
    others_confirm(rig, 1);
    rig_settle(rig);
    expect_ack(publisher, 1, 0, false);
    publisher_free(publisher);
    cluster_end(rig);
}

static void test_alone(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    (void)state;
    rig->hub.cluster_ops = NULL;
    publisher_pack(publisher, 1, 0, "orders", NULL);
    publisher_go(rig, publisher);
    expect_ack(publisher, 1, 0, false);
    publisher_free(publisher);
    cluster_end(rig);
}

static void test_time_is_over(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    struct ff_ipc_frame frame;
    (void)state;
    publisher_pack(publisher, 1, 20, "orders", NULL);
    publisher_pack(publisher, 2, 0, "orders", NULL);
    publisher_pack(publisher, 3, 60000, "orders", NULL);
    publisher_go(rig, publisher);
    while (!publisher_next(publisher, &frame)) {
        rig_settle(rig);
    }
    assert_int_equal(frame.type, FF_IPC_ERROR);
    assert_int_equal(frame.seq, 1);
    expect_error(publisher, 2, FF_IPC_REASON_UNCONFIRMED);
    expect_nothing(publisher);
    others_confirm(rig, 3);
    rig_settle(rig);
    expect_ack(publisher, 3, 0, false);
    publisher_free(publisher);
    cluster_end(rig);
}

/* Answers in the order of the frames, refusals between them too; other frames wait behind. */
static void test_order(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    struct ff_ipc_frame frame;
    (void)state;
    publisher_pack(publisher, 1, 60000, "orders", NULL);
    publisher_pack(publisher, 2, 60000, "bad channel", NULL);
    publisher_pack(publisher, 3, 60000, "orders", NULL);
    assert_int_equal(ff_ipc_pack_bare(&publisher->out, FF_IPC_PING, 4), 0);
    publisher_pack(publisher, 5, 60000, "orders", NULL);
    publisher_go(rig, publisher);
    expect_nothing(publisher);
    assert_int_equal(others.said, 2); /* what lies behind the ping is not read */
    others_confirm(rig, 1);
    rig_settle(rig);
    expect(publisher, FF_IPC_CLUSTER_ACK, 1, &frame);
    expect_error(publisher, 2, FF_IPC_REASON_INVALID_CHANNEL);
    expect_nothing(publisher);
    others_confirm(rig, 3);
    rig_settle(rig);
    expect(publisher, FF_IPC_CLUSTER_ACK, 3, &frame);
    expect(publisher, FF_IPC_PONG, 4, &frame);
    expect(publisher, FF_IPC_CLUSTER_ACK, 5, &frame);
    publisher_free(publisher);
    cluster_end(rig);
}

/* No more than so many wait; bytes that are no frame are refused behind them. */
static void test_full(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    struct ff_ipc_frame frame;
    (void)state;
    for (uint64_t seq = 1; seq <= FF_IPC_MAX_OUTSTANDING + 10; seq++) {
        publisher_pack(publisher, seq, 60000, "orders", NULL);
    }
    msgpack_sbuffer_write(&publisher->out, "\xff\xff\xff\xff", 4);
    publisher_go(rig, publisher);
    assert_int_equal(others.said, FF_IPC_MAX_OUTSTANDING);
    others_confirm(rig, 1);
    rig_settle(rig);
    assert_int_equal(others.said, FF_IPC_MAX_OUTSTANDING + 1);
    others_confirm(rig, UINT32_MAX);
    rig_settle(rig);
    for (uint64_t seq = 1; seq <= FF_IPC_MAX_OUTSTANDING + 10; seq++) {
        expect(publisher, FF_IPC_CLUSTER_ACK, seq, &frame);
    }
    expect_error(publisher, 0, FF_IPC_REASON_PROTOCOL);
    publisher_free(publisher);
    cluster_end(rig);
}

static void test_dropped(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    (void)state;
    publisher_pack(publisher, 1, 60000, "orders", "a");
    publisher_pack(publisher, 2, 60000, "orders", "b");
    publisher_go(rig, publisher);
    others_drop(rig, 1);
    rig_settle(rig);
    expect_error(publisher, 1, FF_IPC_REASON_UNCONFIRMED);
    others_confirm(rig, 5);
    rig_settle(rig);
    expect_ack(publisher, 2, 0, false);

    /* Sent again, by number and by key: what was dropped is not confirmed by what came after it. */
    publisher_pack(publisher, 1, 60000, "orders", "a");
    publisher_pack(publisher, 3, 60000, "orders", "a");
    publisher_pack(publisher, 2, 60000, "orders", "b");
    publisher_pack(publisher, 4, 60000, "orders", "b");
    publisher_go(rig, publisher);
    assert_int_equal(others.said, 2);
    expect_error(publisher, 1, FF_IPC_REASON_UNCONFIRMED);
    expect_error(publisher, 3, FF_IPC_REASON_UNCONFIRMED);
    expect_ack(publisher, 2, 0, true);
    expect_ack(publisher, 4, 0, true);
    publisher_free(publisher);
    cluster_end(rig);
}

/* A repetition waits for the records of the first time, and not for what was said since. */
static void test_repetition_waits(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1), *again = publisher_new(rig, 2);
    (void)state;
    publisher_pack(publisher, 1, 0, "orders", "a");
    publisher_go(rig, publisher);
    expect_error(publisher, 1, FF_IPC_REASON_UNCONFIRMED);
    publisher_pack(publisher, 2, 60000, "orders", "other");
    publisher_go(rig, publisher);
    publisher_pack(again, 1, 60000, "orders", "a");
    publisher_go(rig, again);
    expect_nothing(again);
    others_confirm(rig, 1);
    rig_settle(rig);
    expect_ack(again, 1, 0, true);
    expect_nothing(publisher);
    publisher_free(publisher);
    publisher_free(again);
    cluster_end(rig);
}

static void test_recipients(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    struct rig_client *client = client_new(rig, 0);
    struct ff_ipc_frame frame;
    size_t mark, ack_at;
    (void)state;
    others.asked = CLUSTER_ASKED;
    client_subscribe(rig, client, "orders", NULL);
    publisher_pack(publisher, 1, 60000, "orders", NULL);
    publisher_go(rig, publisher);
    assert_int_equal(others.questions[0].kind, CLUSTER_ASK_COUNTS);
    assert_string_equal(others.questions[0].names, "orders,");
    others_confirm(rig, 1);
    rig_settle(rig);
    expect_nothing(publisher); /* it is confirmed, but the others have not told */
    others_answer("orders", 4, true);
    rig_settle(rig);
    expect_ack(publisher, 1, 5, false);

    /* Each channel is asked for once, however often it is named. */
    struct ff_slice names[] = {text("orders"), text("x"), text("orders")};
    struct ff_ipc_message message = {
        .channels = names, .nchannels = 3, .event = text("E"), .data = text("{}")};
    assert_int_equal(ff_ipc_pack_cluster_batch_begin(&publisher->out, 2, 60000, 2, &mark, &ack_at),
                     0);
    assert_int_equal(ff_ipc_pack_batch_add(&publisher->out, mark, &message), 0);
    message.nchannels = 1;
    assert_int_equal(ff_ipc_pack_batch_add(&publisher->out, mark, &message), 0);
    assert_int_equal(ff_ipc_pack_batch_end(&publisher->out, mark), 0);
    publisher_go(rig, publisher);
    assert_string_equal(others.questions[0].names, "orders,x,");
    others_answer("orders,x", 10, false);
    others_confirm(rig, others.said);
    rig_settle(rig);
    expect(publisher, FF_IPC_CLUSTER_BATCH_ACK, 2, &frame);
    assert_int_equal(frame.nreceipts, 2);
    assert_int_equal(frame.receipts[0].recipients, 21);
    assert_int_equal(frame.receipts[1].recipients, 11);

    /* Whoever does not answer in time is not waited for: Redis has it. */
    publisher_pack(publisher, 3, 20, "orders", NULL);
    publisher_go(rig, publisher);
    others_confirm(rig, others.said);
    while (!publisher_next(publisher, &frame)) {
        rig_settle(rig);
    }
    assert_int_equal(frame.type, FF_IPC_CLUSTER_ACK);
    assert_int_equal(frame.receipts[0].recipients, 1);
    others_answer("orders", 4, true); /* too late: nobody waits */
    others.asked = CLUSTER_AWAY;
    publisher_pack(publisher, 4, 60000, "orders", NULL);
    publisher_go(rig, publisher);
    others_confirm(rig, others.said);
    rig_settle(rig);
    expect_ack(publisher, 4, 1, false);
    client_free(client);
    publisher_free(publisher);
    cluster_end(rig);
}

static void with_counts(struct rig *rig)
{
    rig->settings[0].subscription_count = true;
}

/* Where counts are kept everywhere nobody is asked; a receipt of this node's alone stays one. */
static void test_recipients_known(void **state)
{
    struct rig *rig = cluster_of(with_counts);
    struct publisher *publisher = publisher_new(rig, 1);
    struct rig_client *client = client_new(rig, 0);
    (void)state;
    others.asked = CLUSTER_ASKED;
    client_subscribe(rig, client, "orders", NULL);
    elsewhere_count(&rig->hub, 1, 1, 0, SLICE("orders"), 4);
    elsewhere_count(&rig->hub, 2, 1, 0, SLICE("orders"), 2);
    assert_int_equal(rig_publish(rig, "orders", "{}", NULL), 1);
    others_confirm(rig, others.said);
    publisher_pack(publisher, 1, 60000, "orders", NULL);
    publisher_go(rig, publisher);
    others_confirm(rig, others.said);
    rig_settle(rig);
    assert_int_equal(others.nquestions, 0);
    expect_ack(publisher, 1, 7, false);
    client_free(client);
    publisher_free(publisher);
    elsewhere_sweep(&rig->hub, 1, 0, false);
    elsewhere_sweep(&rig->hub, 2, 0, false);
    cluster_end(rig);
}

static void test_connection_goes(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *gone = publisher_new(rig, 1), *stays = publisher_new(rig, 2);
    (void)state;
    others.asked = CLUSTER_ASKED;
    publisher_pack(gone, 1, 60000, "orders", NULL);
    publisher_go(rig, gone);
    publisher_pack(stays, 1, 60000, "orders", NULL);
    publisher_go(rig, stays);
    assert_int_equal(ff_ipc_pack_bare(&gone->out, FF_IPC_CONNECTIONS, 2), 0);
    publisher_go(rig, gone);
    publisher_free(gone);
    rig_settle(rig);
    others_answer("orders", 4, true);
    others_confirm(rig, 2);
    rig_settle(rig);
    expect_nothing(stays);
    others_answer("orders", 4, true);
    rig_settle(rig);
    expect_ack(stays, 1, 4, false);
    publisher_free(stays);
    cluster_end(rig);
}

static void test_process_ends(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    (void)state;
    publisher_pack(publisher, 1, 60000, "orders", NULL);
    publisher_go(rig, publisher);
    ipc_give_up(ipc);
    rig_settle(rig);
    expect_error(publisher, 1, FF_IPC_REASON_UNCONFIRMED);
    publisher_free(publisher);
    cluster_end(rig);
}

/* An application that is removed: what was taken is answered, then the connection ends. */
static void test_reload(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    struct ff_ipc_frame frame;
    char byte;
    (void)state;
    publisher_pack(publisher, 1, 60000, "orders", NULL);
    assert_int_equal(ff_ipc_pack_bare(&publisher->out, FF_IPC_PING, 2), 0);
    publisher_go(rig, publisher);
    struct apps *now = apps_new(&rig->registry, rig->settings + 1, 1, &rig->limits);
    struct apps *old = hub_reload(&rig->hub, now, 0);
    ipc_reload(ipc, old);
    rig_settle(rig);
    expect_nothing(publisher);
    others_confirm(rig, 1);
    rig_settle(rig);
    expect(publisher, FF_IPC_CLUSTER_ACK, 1, &frame);
    expect_error(publisher, 2, FF_IPC_REASON_UNKNOWN_APP);
    expect_nothing(publisher);
    assert_int_equal(read(publisher->fd, &byte, 1), 0);
    apps_unref(old);
    publisher_free(publisher);
    cluster_end(rig);
}

static void test_questions(void **state)
{
    struct rig *rig = cluster_new();
    struct publisher *publisher = publisher_new(rig, 1);
    struct ff_ipc_frame frame;
    (void)state;
    others.asked = CLUSTER_ASKED;
    assert_int_equal(ff_ipc_pack_bare(&publisher->out, FF_IPC_CONNECTIONS, 1), 0);
    assert_int_equal(ff_ipc_pack_query(&publisher->out, FF_IPC_CHANNEL, 2, text("orders"),
                                       FF_IPC_SUBSCRIPTION_COUNT),
                     0);
    assert_int_equal(ff_ipc_pack_query(&publisher->out, FF_IPC_CHANNELS, 3, text("or"),
                                       FF_IPC_SUBSCRIPTION_COUNT),
                     0);
    assert_int_equal(ff_ipc_pack_query(&publisher->out, FF_IPC_CHANNEL, 4, text("bad channel"), 0),
                     0);
    publisher_go(rig, publisher);
    assert_int_equal(others.nquestions, 1); /* one at a time */
    assert_int_equal(others.questions[0].kind, CLUSTER_ASK_CONNECTIONS);
    expect_nothing(publisher);
    others_answer("", 7, true);
    rig_settle(rig);
    expect(publisher, FF_IPC_CONNECTIONS_REPLY, 1, &frame);
    assert_int_equal(frame.count, 7);
    assert_false(frame.partial);
    assert_int_equal(others.questions[0].kind, CLUSTER_ASK_COUNTS);
    assert_string_equal(others.questions[0].names, "orders,");
    others_answer("orders", 3, false);
    rig_settle(rig);
    expect(publisher, FF_IPC_CHANNEL_REPLY, 2, &frame);
    assert_true(frame.partial);
    assert_true(frame.channels[0].occupied);
    assert_int_equal(frame.channels[0].subscriptions, 3);
    assert_int_equal(others.questions[0].kind, CLUSTER_ASK_CHANNELS);
    assert_string_equal(others.questions[0].names, "or,");
    others_answer("orders", 3, true);
    rig_settle(rig);
    expect(publisher, FF_IPC_CHANNELS_REPLY, 3, &frame);
    assert_int_equal(frame.nchannels, 1);
    assert_int_equal(frame.channels[0].subscriptions, 3);
    assert_false(frame.partial);
    expect_error(publisher, 4, FF_IPC_REASON_INVALID_CHANNEL); /* and nobody was asked */
    assert_int_equal(others.nquestions, 0);

    others.asked = CLUSTER_AWAY;
    assert_int_equal(ff_ipc_pack_bare(&publisher->out, FF_IPC_CONNECTIONS, 5), 0);
    publisher_go(rig, publisher);
    expect(publisher, FF_IPC_CONNECTIONS_REPLY, 5, &frame);
    assert_true(frame.partial);
    others.asked = CLUSTER_ALONE;
    assert_int_equal(ff_ipc_pack_bare(&publisher->out, FF_IPC_CONNECTIONS, 6), 0);
    publisher_go(rig, publisher);
    expect(publisher, FF_IPC_CONNECTIONS_REPLY, 6, &frame);
    assert_false(frame.partial);

    others.asked = CLUSTER_ASKED; /* and then the asker goes away */
    assert_int_equal(ff_ipc_pack_bare(&publisher->out, FF_IPC_CONNECTIONS, 7), 0);
    publisher_go(rig, publisher);
    publisher_free(publisher);
    cluster_end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_confirmation),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_time_is_over),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_repetition_waits),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_recipients_known),
        cmocka_unit_test(test_connection_goes),
        cmocka_unit_test(test_process_ends),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
