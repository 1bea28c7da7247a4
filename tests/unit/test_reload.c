/* Another generation of the configuration while clients, requests and publishers are under way. */
#include "rig.h"

#include <msgpack.h>

#include "base/clock.h"
#include "links/ipc.h"
#include "pubsub/request.h"
#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

static void reload(struct rig *rig, const struct app_settings *settings, size_t count,
                   const struct limits *limits, uint64_t period_ms)
{
    struct apps *next = apps_new(&rig->registry, settings, count, limits);
    struct apps *old = hub_reload(&rig->hub, apps_ref(next), period_ms);
    if (rig->hub.ipc != NULL) {
        ipc_reload(rig->hub.ipc, old);
    }
    apps_unref(old);
    apps_unref(rig->apps);
    rig->apps = next;
}

static uint64_t counted(const struct rig *rig, enum counter counter)
{
    uint64_t sum = counter_get(&rig->counters[RIG_WORKERS], counter);
    for (int i = 0; i < RIG_WORKERS; i++) {
        sum += counter_get(&rig->counters[i], counter);
    }
    return sum;
}

static void clients_of_a_removed_application_end(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *stays = client_new(rig, 0), *goes = client_open(rig, 0, "key-b"),
                      *too = client_open(rig, 1, "key-b");
    client_subscribe(rig, stays, "c", NULL);
    client_expect_part(goes, "connection_established");
    client_expect_part(too, "connection_established");
    reload(rig, rig->settings, 1, &rig->limits, 5000);
    assert_int_equal(atomic_load(&rig->registry.generations), 2); /* the workers still have it */
    rig_settle(rig);
    assert_int_equal(atomic_load(&rig->registry.generations), 1);
    struct rig_client *gone[] = {goes, too};
    for (int i = 0; i < 2; i++) {
        client_expect_part(gone[i], "\"code\":4001");
        client_expect(gone[i], "close:4001");
        client_free(gone[i]);
    }
    assert_int_equal(app_connections(&rig->apps->items[1]), 0);
    assert_int_equal(counted(rig, COUNTER_CLOSED_REMOVED), 2);
    assert_int_equal(rig_publish(rig, "c", "1", NULL), 1);
    rig_settle(rig);
    client_expect_part(stays, "\"data\":\"1\"");
    client_free(stays);
    rig_free(rig);
}

static void clients_of_a_disabled_application_end_and_may_come_back(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 1);
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    settings[0].enabled = false;
    reload(rig, settings, 2, &rig->limits, 0);
    rig_settle(rig);
    client_expect_part(client, "\"code\":4003");
    client_expect(client, "close:4003");
    client_free(client);
    client = client_open(rig, 1, "key-a");
    client_expect_part(client, "\"code\":4003");
    client_free(client);
    reload(rig, rig->settings, 2, &rig->limits, 0);
    rig_settle(rig);
    client = client_new(rig, 1);
    client_free(client);
    rig_free(rig);
}

/* Many are closed over a period; who says something is not heard any more. */
static void closing_is_paced(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *clients[FRONT_AT_ONCE + 20];
    const size_t n = sizeof(clients) / sizeof(clients[0]);
    for (size_t i = 0; i < n; i++) {
        clients[i] = client_open(rig, 0, "key-b");
        client_expect_part(clients[i], "connection_established");
    }
    reload(rig, rig->settings, 1, &rig->limits, 3600 * 1000);
    rig_settle(rig);
    assert_in_range(app_connections(&rig->apps->items[1]), n - 5, n - 1);
    for (size_t i = 0; i < n; i++) {
        if (client_next(clients[i]) == NULL) {
            client_send(clients[i],
                        "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}");
            rig_settle(rig);
            client_expect_part(clients[i], "\"code\":4001");
            break;
        }
    }
    assert_int_equal(hub_channels(&rig->hub), 0);
    /* The application comes back: whoever is left stays. */
    uint32_t left = app_connections(&rig->apps->items[1]);
    reload(rig, rig->settings, 2, &rig->limits, 0);
    rig_settle(rig);
    assert_int_equal(app_connections(&rig->apps->items[1]), left);
    reload(rig, rig->settings, 1, &rig->limits, 0);
    rig_settle(rig);
    assert_int_equal(app_connections(&rig->apps->items[1]), 0);
    assert_int_equal(counted(rig, COUNTER_CLOSED_REMOVED), n);
    for (size_t i = 0; i < n; i++) {
        client_free(clients[i]);
    }
    rig_free(rig);
}

/* Tables by application grow: more of them than there were, with channels, caches and keys in use.
 */
static void applications_are_added(void **state)
{
    (void)state;
    enum { MANY = 40 };
    static char names[MANY][2][24];
    struct rig *rig = rig_new(NULL);
    struct app_settings settings[MANY];
    struct rig_client *first = client_new(rig, 0);
    client_subscribe(rig, first, "presence-c", "{\"user_id\":\"1\"}");
    assert_int_equal(rig_publish(rig, "cache-x", "7", NULL), 0);
    struct receipt receipt = {.id = 5};
    dedup_key_done(&rig->hub.dedup, 0, SLICE("k"), rig->hub_loop.now, &receipt);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i][0], 24, "n%d", i);
        snprintf(names[i][1], 24, "key-n%d", i);
        settings[i] = i < 2 ? rig->settings[i] : rig->settings[0];
        if (i >= 2) {
            settings[i].id = names[i][0];
            settings[i].key = names[i][1];
        }
    }
    for (size_t n = 3; n <= MANY; n += 7) {
        reload(rig, settings, n, &rig->limits, 0);
        rig_settle(rig);
        struct rig_client *client = client_open(rig, 1, settings[n - 1].key);
        client_expect_part(client, "connection_established");
        client_subscribe(rig, client, "c", NULL);
        assert_int_equal(hub_channels(&rig->hub), 2);
        client_free(client);
        rig_settle(rig);
    }
    assert_true(dedup_key(&rig->hub.dedup, 0, SLICE("k"), rig->hub_loop.now, &receipt));
    assert_int_equal(receipt.id, 5);
    client_subscribe(rig, first, "cache-x", NULL);
    client_expect_part(first, "\"data\":\"7\"");
    client_free(first);
    rig_free(rig);
}

static void a_changed_key_or_secret_concerns_what_comes(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 0);
    const char *subscription = client_subscription(client, "private-c", NULL);
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    settings[0].key = (char *)"other";
    settings[0].secret = (char *)"changed";
    reload(rig, settings, 2, &rig->limits, 0);
    rig_settle(rig);
    client_send(client, subscription); /* signed with what was valid */
    rig_settle(rig);
    client_expect_part(client, "pusher:error");
    client_expect_part(client, "subscription_error");
    client_subscribe(rig, client, "public", NULL); /* it is still there */
    struct rig_client *old = client_open(rig, 0, "key-a"), *fresh = client_open(rig, 0, "other");
    client_expect_part(old, "\"code\":4001");
    client_expect_part(fresh, "connection_established");
    client_free(client);
    client_free(old);
    client_free(fresh);
    rig_free(rig);
}

static void limits_change(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *one = client_new(rig, 0), *two = client_new(rig, 0);
    struct limits limits = rig->limits;
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    limits.max_channels_per_connection = 1;
    limits.max_message_size = 1 << 20;
    limits.ping_interval = 1;
    limits.output_hard = 12345;
    settings[0].max_connections = 1; /* fewer than there are */
    settings[0].cache_ttl = 60;
    settings[0].cache_max = 1;
    assert_int_equal(rig_publish(rig, "cache-x", "7", NULL), 0);
    assert_int_equal(rig->hub.caches[0].events.count, 1);
    reload(rig, settings, 2, &limits, 0);
    rig_settle(rig);
    assert_int_equal(rig->hub.caches[0].events.count, 0);
    assert_int_equal(rig->loops[0].limits.output_hard, 12345);
    assert_int_equal(rig->loops[0].limits.idle_ms[IDLE_OPEN], 1000);
    assert_int_equal(rig->hub_loop.limits.output_hard, 12345);
    assert_true(rig->loops[0].max_input[KIND_SESSION] > 1 << 20);
    client_subscribe(rig, one, "c", NULL);
    client_send(one, client_subscription(one, "d", NULL));
    rig_settle(rig);
    client_expect_part(one, "LimitReached");
    struct rig_client *more = client_open(rig, 0, "key-a");
    client_expect_part(more, "\"code\":4004");
    client_expect_nothing(two); /* stays */
    assert_int_equal(app_connections(&rig->apps->items[0]), 2);
    client_free(one);
    client_free(two);
    client_free(more);
    rig_free(rig);
}

/* A client that the worker let in while the hub had removed its application already. */
static void a_worker_may_be_behind(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    int pair[2];
    static const char head[] =
        "GET /app/key-b?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        "13\r\n\r\n";
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_non_null(conn_new(&rig->loops[0], pair[1], KIND_HTTP, IDLE_HEAD));
    assert_int_equal(send(pair[0], head, sizeof(head) - 1, 0), sizeof(head) - 1);
    reload(rig, rig->settings, 1, &rig->limits, 0);
    rig_settle(rig);
    char got[2048];
    ssize_t n = recv(pair[0], got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    assert_non_null(memmem(got, (size_t)n, "4001", 4));
    assert_int_equal(app_connections(&rig->apps->items[1]), 0);
    close(pair[0]);
    rig_free(rig);
}

/* ---- requests of the HTTP API ---- */

static int last_status;

static void keep_status(struct worker *worker, const struct mail_response *response)
{
    (void)worker;
    last_status = response->status;
}

static int status_of(struct rig *rig, const struct app *app, const struct app_settings *settings,
                     size_t count)
{
    struct request *request = mem_zalloc(sizeof(*request));
    *request = (struct request){.kind = REQUEST_CONNECTIONS, .app = app};
    last_status = 0;
    request_post(&rig->hub.box, request);
    reload(rig, settings, count, &rig->limits, 0);
    rig_settle(rig);
    return last_status;
}

static void a_request_under_way_is_judged_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    struct worker_ops ops = front_ops;
    ops.respond = keep_status;
    rig->workers[0].ops = &ops;
    assert_int_equal(status_of(rig, &rig->apps->items[1], settings, 2), 200);
    settings[1].enabled = false;
    assert_int_equal(status_of(rig, &rig->apps->items[1], settings, 2), 403);
    assert_int_equal(status_of(rig, &rig->apps->items[1], settings, 1), 404);
    rig_free(rig);
}

/* ---- publishers ---- */

struct publisher {
    int fd;
    uint64_t seq;
    msgpack_sbuffer out;
    struct ff_ipc_unpacker unpacker;
    uint8_t in[65536];
    size_t have, at;
};

/* Sends what is packed but for the last `keep` bytes. */
static void publisher_send(struct publisher *publisher, size_t keep)
{
    size_t len = publisher->out.size - keep;
    assert_int_equal(send(publisher->fd, publisher->out.data, len, MSG_NOSIGNAL), (ssize_t)len);
    memmove(publisher->out.data, publisher->out.data + len, keep);
    publisher->out.size = keep;
}

static void publisher_pack(struct publisher *publisher)
{
    static const struct ff_slice channel = {"c", 1};
    struct ff_ipc_message message = {
        .channels = &channel, .nchannels = 1, .event = {"E", 1}, .data = {"1", 1}};
    assert_int_equal(ff_ipc_pack_publish_head(&publisher->out, ++publisher->seq, &message), 0);
    assert_int_equal(msgpack_sbuffer_write(&publisher->out, "1", 1), 0);
}

static struct publisher *publisher_new(struct rig *rig, const char *secret)
{
    static const uint8_t producer[FF_IPC_PRODUCER] = {1, 2, 3};
    struct publisher *publisher = mem_zalloc(sizeof(*publisher));
    uint8_t mac[SIGN_LEN];
    char text[256];
    int pair[2];
    if (rig->hub.ipc == NULL) {
        loop_handler(&rig->hub_loop, KIND_IPC, &ipc_handler);
        ipc_new(&rig->hub);
    }
    ff_ipc_unpacker_init(&publisher->unpacker);
    msgpack_sbuffer_init(&publisher->out);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    publisher->fd = pair[0];
    assert_non_null(conn_new(&rig->hub_loop, pair[1], KIND_IPC, IDLE_HEAD));
    struct ff_ipc_hello hello = {.version = FF_IPC_VERSION,
                                 .app = {"a", 1},
                                 .producer = producer,
                                 .unix_ms = clock_wall_ms(),
                                 .mac = mac,
                                 .name = {"test", 4}};
    struct slice part = {text, ff_ipc_mac_text(text, hello.app, producer, hello.unix_ms)};
    sign_hmac((struct slice){secret, strlen(secret)}, &part, 1, mac);
    assert_int_equal(ff_ipc_pack_hello(&publisher->out, &hello), 0);
    publisher_send(publisher, 0);
    rig_settle(rig);
    return publisher;
}

/* The type of the next answer; 0: the daemon has closed; -1: nothing. An error's reason is in
 * `reason`. */
static int publisher_next(struct publisher *publisher, char *reason, size_t size)
{
    struct ff_ipc_frame frame;
    const char *why;
    ssize_t got = recv(publisher->fd, publisher->in + publisher->have,
                       sizeof(publisher->in) - publisher->have, MSG_DONTWAIT);
    publisher->have += got > 0 ? (size_t)got : 0;
    if (publisher->at == publisher->have) {
        return got == 0 ? 0 : -1;
    }
    int64_t len = ff_ipc_frame_len(publisher->in + publisher->at, publisher->have - publisher->at);
    assert_true(len > 0);
    publisher->at += FF_IPC_HEADER;
    assert_int_equal(ff_ipc_unpack(&publisher->unpacker, publisher->in + publisher->at, (size_t)len,
                                   &frame, &why),
                     0);
    publisher->at += (size_t)len;
    if (frame.type == FF_IPC_ERROR) {
        snprintf(reason, size, "%.*s", (int)frame.reason.len, frame.reason.p);
    }
    return (int)frame.type;
}

static void publisher_free(struct publisher *publisher)
{
    close(publisher->fd);
    ff_ipc_unpacker_free(&publisher->unpacker);
    msgpack_sbuffer_destroy(&publisher->out);
    mem_free(publisher);
}

static void rig_free_ipc(struct rig *rig)
{
    struct ipc *ipc = rig->hub.ipc;
    rig_free(rig);
    ipc_free(ipc);
}

/* What it had sent is answered: from the socket, and what was read before as a part of a frame. */
static void a_publisher_is_answered_before_it_ends(void **state)
{
    (void)state;
    char reason[64];
    struct rig *rig = rig_new(NULL);
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    for (size_t keep = 0; keep < 6; keep++) {
        rig->settings[0].secret = settings[0].secret;
        struct publisher *publisher = publisher_new(rig, settings[0].secret);
        publisher_pack(publisher);
        publisher_pack(publisher);
        if (keep > 0) {
            publisher_send(publisher, keep);
            rig_settle(rig); /* the second one has come in part */
            assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), FF_IPC_ACK);
            publisher_pack(publisher);
        }
        publisher_send(publisher, 0);
        settings[0].secret = (char *)(keep % 2 == 0 ? "changed" : "and again");
        reload(rig, settings, 2, &rig->limits, 0);
        rig_settle(rig);
        assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), FF_IPC_ACK);
        assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), FF_IPC_ACK);
        assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), 0);
        publisher_free(publisher);
        rig_settle(rig);
    }
    assert_int_equal(rig->hub_loop.connections, 0);
    rig_free_ipc(rig);
}

static void a_publisher_that_said_nothing_ends_at_once(void **state)
{
    (void)state;
    char reason[64];
    struct rig *rig = rig_new(NULL);
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    struct publisher *quiet = publisher_new(rig, "secret"), *half = publisher_new(rig, "secret");
    publisher_pack(half);
    publisher_send(half, 3); /* the rest is never sent to this connection */
    rig_settle(rig);
    reload(rig, settings, 2, &rig->limits, 0); /* nothing of theirs has changed */
    rig_settle(rig);
    assert_int_equal(publisher_next(quiet, reason, sizeof(reason)), -1);
    assert_int_equal(publisher_next(half, reason, sizeof(reason)), -1);
    settings[0].secret = (char *)"changed";
    reload(rig, settings, 2, &rig->limits, 0);
    rig_settle(rig);
    assert_int_equal(publisher_next(quiet, reason, sizeof(reason)), 0);
    assert_int_equal(publisher_next(half, reason, sizeof(reason)), 0);
    publisher_free(quiet);
    publisher_free(half);
    /* The old secret does not open the door any more. */
    quiet = publisher_new(rig, "secret");
    assert_int_equal(publisher_next(quiet, reason, sizeof(reason)), FF_IPC_ERROR);
    assert_string_equal(reason, FF_IPC_REASON_UNAUTHORIZED);
    publisher_free(quiet);
    rig_free_ipc(rig);
}

static void a_publisher_of_an_application_that_is_gone_is_told(void **state)
{
    (void)state;
    char reason[64];
    struct rig *rig = rig_new(NULL);
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    struct publisher *publisher = publisher_new(rig, "secret");
    publisher_pack(publisher);
    publisher_send(publisher, 0);
    settings[0].enabled = false;
    reload(rig, settings, 2, &rig->limits, 0);
    rig_settle(rig);
    assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), FF_IPC_ERROR);
    assert_string_equal(reason, FF_IPC_REASON_APP_DISABLED);
    assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), 0);
    publisher_free(publisher);

    reload(rig, rig->settings, 2, &rig->limits, 0);
    publisher = publisher_new(rig, "secret");
    publisher_pack(publisher);
    publisher_send(publisher, 0);
    reload(rig, &rig->settings[1], 1, &rig->limits, 0);
    rig_settle(rig);
    assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), FF_IPC_ERROR);
    assert_string_equal(reason, FF_IPC_REASON_UNKNOWN_APP);
    assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), 0);
    publisher_free(publisher);
    assert_int_equal(counted(rig, COUNTER_CLOSED_PUBLISHER), 2);
    rig_free_ipc(rig);
}

/* A termination that workers are at when the reload comes, or get after it, is still answered. */
static void an_awaited_answer_comes_before_the_end(void **state)
{
    (void)state;
    char reason[64];
    struct rig *rig = rig_new(NULL);
    struct app_settings settings[2] = {rig->settings[0], rig->settings[1]};
    static const struct ff_slice user = {"u", 1};
    for (int i = 0; i < 4; i++) {
        bool read_before = i & 1, more = i & 2;
        struct publisher *publisher = publisher_new(rig, settings[0].secret);
        assert_int_equal(
            ff_ipc_pack_named(&publisher->out, FF_IPC_TERMINATE, ++publisher->seq, user), 0);
        if (more) {
            publisher_pack(publisher);
        }
        publisher_send(publisher, 0);
        if (read_before) {
            loop_turn(&rig->hub_loop); /* the workers have not had a turn */
            assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), -1);
        }
        settings[0].secret = (char *)(read_before ? "changed" : "and again");
        reload(rig, settings, 2, &rig->limits, 0);
        rig_settle(rig);
        assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), FF_IPC_TERMINATED);
        if (more) {
            assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), FF_IPC_ACK);
        }
        assert_int_equal(publisher_next(publisher, reason, sizeof(reason)), 0);
        publisher_free(publisher);
        rig_settle(rig);
    }
    rig_free_ipc(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_of_a_removed_application_end),
        cmocka_unit_test(clients_of_a_disabled_application_end_and_may_come_back),
        cmocka_unit_test(closing_is_paced),
        cmocka_unit_test(applications_are_added),
        cmocka_unit_test(a_changed_key_or_secret_concerns_what_comes),
        cmocka_unit_test(limits_change),
        cmocka_unit_test(a_worker_may_be_behind),
        cmocka_unit_test(a_request_under_way_is_judged_again),
        cmocka_unit_test(a_publisher_is_answered_before_it_ends),
        cmocka_unit_test(a_publisher_that_said_nothing_ends_at_once),
        cmocka_unit_test(a_publisher_of_an_application_that_is_gone_is_told),
        cmocka_unit_test(an_awaited_answer_comes_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
