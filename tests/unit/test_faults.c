/*
 * Memory that runs out at every place where it may: whole conversations of WebSocket clients, of
 * the HTTP API and of a publisher, again and again, with the first, the second, ... allocation
 * failing, alone and with all that follow.
 *
 * Holds: no crash and no leak; another client notices nothing; afterwards everything works; when
 * all are gone nothing is left. The linker puts the functions below in front of base/mem.c and of
 * what msgpack's buffers call. mem_alloc and its kin abort by design and never fail here.
 */
#include "rig.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/log.h"
#include "links/ipc.h"
#include "shared/ipc_pack.h"

#define FAULTS_MAX 2000 /* more than any conversation has allocations */

static struct {
    bool armed, all; /* all: this one and each later one */
    unsigned int at, count, inside;
} faults;

static bool fails(void)
{
    if (!faults.armed || faults.inside > 0) {
        return false;
    }
    unsigned int n = faults.count++;
    return faults.all ? n >= faults.at : n == faults.at;
}

#define REAL(result, name, params, args)                                                           \
    result __real_##name params;                                                                   \
    result __wrap_##name params;                                                                   \
    result __wrap_##name params                                                                    \
    {                                                                                              \
        faults.inside++;                                                                           \
        result got = __real_##name args;                                                           \
        faults.inside--;                                                                           \
        return got;                                                                                \
    }
REAL(void *, mem_alloc, (size_t bytes), (bytes))
REAL(void *, mem_zalloc, (size_t bytes), (bytes))
REAL(void *, mem_realloc, (void *old, size_t bytes), (old, bytes))
REAL(char *, mem_strndup, (const char *text, size_t len), (text, len))

#define FAILING(name, params, args)                                                                \
    void *__real_##name params;                                                                    \
    void *__wrap_##name params;                                                                    \
    void *__wrap_##name params                                                                     \
    {                                                                                              \
        if (fails()) {                                                                             \
            return NULL;                                                                           \
        }                                                                                          \
        faults.inside++;                                                                           \
        void *got = __real_##name args;                                                            \
        faults.inside--;                                                                           \
        return got;                                                                                \
    }
FAILING(mem_try_alloc, (size_t bytes), (bytes))
FAILING(mem_try_realloc, (void *old, size_t bytes), (old, bytes))
FAILING(malloc, (size_t bytes), (bytes))
FAILING(realloc, (void *old, size_t bytes), (old, bytes))

/* ---- a rig with publishers ---- */

static struct ipc *ipc;

static void adjust(struct rig *rig)
{
    rig->settings[0].client_events = CLIENT_EVENTS_ALL;
    rig->settings[0].subscription_count = true;
    rig->settings[0].watchlist = true;
    rig->settings[0].cache_max = 1 << 20;
    rig->limits.max_batch = 10;
    rig->limits.max_channels_per_publish = 10;
}

/* ---- talking to it, whether it listens or not ---- */

static void say(struct rig *rig, int fd, const void *bytes, size_t len)
{
    ssize_t ignored = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored;
    rig_settle(rig);
}

static void say_text(struct rig *rig, int fd, const char *text)
{
    uint8_t frame[16384];
    say(rig, fd, frame, client_frame(frame, text));
}

static int dial(struct loop *loop, uint8_t kind)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    if (conn_new(loop, pair[1], kind, IDLE_HEAD) == NULL) {
        assert_true(faults.armed);
    }
    return pair[0];
}

static void hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void request(struct rig *rig, int fd, const char *method, const char *path, const char *info,
                    const char *body)
{
    char query[512], text[4096], md5[33], signature[2 * SIGN_LEN + 1];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len;
    assert_int_equal(EVP_Digest(body, strlen(body), digest, &digest_len, EVP_md5(), NULL), 1);
    hex(digest, digest_len, md5);
    snprintf(query, sizeof(query), "auth_key=key-a&auth_timestamp=%llu&auth_version=1.0%s%s%s",
             (unsigned long long)(clock_wall_ms() / 1000), body[0] != '\0' ? "&body_md5=" : "",
             body[0] != '\0' ? md5 : "", info);
    int len = snprintf(text, sizeof(text), "%s\n%s\n%s", method, path, query);
    struct slice part = {text, (size_t)len};
    sign_hmac(SLICE("secret"), &part, 1, digest);
    hex(digest, SIGN_LEN, signature);
    len =
        snprintf(text, sizeof(text),
                 "%s %s?%s&auth_signature=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                 method, path, query, signature, strlen(body), body);
    /* In two pieces, so that the first is kept. */
    say(rig, fd, text, 20);
    say(rig, fd, text + 20, (size_t)len - 20);
}

/* ---- the conversations ---- */

static const char handshake[] =
    "GET /app/key-a?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* What the greeting says, if there was one. */
static void greeted(struct rig_client *client)
{
    client_pull(client);
    client->in[sizeof(client->in) - 1] = '\0';
    uint8_t *id = memmem(client->in, client->have, "socket_id\\\":\\\"", 14);
    if (id == NULL || sscanf((char *)id + 14, "%44[0-9.]", client->socket_id) != 1) {
        strcpy(client->socket_id, "1.1");
    }
    client->have = 0;
}

static void sign_in(struct rig *rig, struct rig_client *client)
{
    char text[1024], signature[2 * SIGN_LEN + 1];
    uint8_t mac[SIGN_LEN];
    int len = snprintf(text, sizeof(text), "%s::user::{\"id\":\"u\",\"watchlist\":[\"w\",\"v\"]}",
                       client->socket_id);
    struct slice part = {text, (size_t)len};
    sign_hmac(SLICE("secret"), &part, 1, mac);
    hex(mac, SIGN_LEN, signature);
    snprintf(text, sizeof(text),
             "{\"event\":\"pusher:signin\",\"data\":{\"user_data\":\"{\\\"id\\\":\\\"u\\\","
             "\\\"watchlist\\\":[\\\"w\\\",\\\"v\\\"]}\",\"auth\":\"key-a:%s\"}}",
             signature);
    say_text(rig, client->fd, text);
}

static void converse_session(struct rig *rig)
{
    static const char *const members[] = {"{\"user_id\":\"1\",\"user_info\":{\"name\":\"A\"}}",
                                          "{\"user_id\":\"2\"}"};
    struct rig_client *clients[2];
    char text[512];
    for (int i = 0; i < 2; i++) {
        clients[i] = mem_zalloc(sizeof(*clients[i]));
        clients[i]->fd = dial(&rig->loops[i], KIND_HTTP);
        say(rig, clients[i]->fd, handshake, 50);
        say(rig, clients[i]->fd, handshake + 50, sizeof(handshake) - 51);
        greeted(clients[i]);
        sign_in(rig, clients[i]);
        say_text(rig, clients[i]->fd, client_subscription(clients[i], "presence-p", members[i]));
        say_text(rig, clients[i]->fd, client_subscription(clients[i], "private-p", NULL));
        for (int j = 0; j < 6; j++) {
            snprintf(text, sizeof(text),
                     "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s-%d\"}}",
                     j & 1 ? "cache" : "open", j);
            say_text(rig, clients[i]->fd, text);
        }
    }
    /* More than one frame in a turn, so that they are queued. */
    for (int j = 0; j < 20; j++) {
        struct ff_slice names[] = {{"open-0", 6}, {"cache-1", 7}};
        struct publish publish = {
            .channels = names, .nchannels = 2, .event = SLICE("E"), .data = SLICE("\"data\"")};
        struct receipt receipt;
        if (publish_broadcast(&rig->hub, &rig->apps->items[0], &publish, &receipt) != 0) {
            assert_true(faults.armed);
        }
    }
    rig_settle(rig);
    say_text(rig, clients[0]->fd,
             "{\"event\":\"client-x\",\"channel\":\"private-p\",\"data\":{\"a\":1}}");
    say_text(rig, clients[1]->fd,
             "{\"event\":\"client-x\",\"channel\":\"presence-p\",\"data\":{\"a\":1}}");
    say(rig, clients[0]->fd, "\x01\x84\0\0\0\0{\"ev", 10); /* a fragment */
    say(rig, clients[0]->fd, "\x80\x81\0\0\0\0}", 7);
    say(rig, clients[1]->fd, "\x89\x82\0\0\0\0hi", 8);
    say_text(rig, clients[1]->fd, "nonsense");
    say_text(rig, clients[1]->fd, client_subscription(clients[0], "private-refused", NULL));
    say_text(rig, clients[0]->fd,
             "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"presence-p\"}}");
    say(rig, clients[0]->fd, "\x88\x82\0\0\0\0\x03\xe8", 8);
    for (int i = 0; i < 2; i++) {
        client_free(clients[i]);
        rig_settle(rig);
    }
}

static void converse_api(struct rig *rig)
{
    static const char event[] =
        "{\"name\":\"E\",\"channels\":[\"witness\",\"cache-c\"],\"data\":\"{}\","
        "\"info\":\"subscription_count\"}";
    static const char batch[] =
        "{\"batch\":[{\"name\":\"E\",\"channel\":\"cache-c\",\"data\":\"{}\","
        "\"info\":\"subscription_count\"},"
        "{\"name\":\"E\",\"channel\":\"b\",\"data\":\"{}\"}]}";
    const struct {
        const char *method, *path, *info, *body;
    } requests[] = {
        {"POST", "/apps/a/events", "", event},
        {"POST", "/apps/a/batch_events", "", batch},
        {"GET", "/apps/a/channels", "&filter_by_prefix=presence-&info=user_count", ""},
        {"GET", "/apps/a/channels", "&info=subscription_count", ""},
        {"GET", "/apps/a/channels/cache-c", "&info=cache%2Csubscription_count", ""},
        {"GET", "/apps/a/channels/presence-w/users", "", ""},
        {"GET", "/apps/a/connections", "", ""},
        {"POST", "/apps/a/users/nobody/terminate_connections", "", "{}"},
        {"GET", "/apps/a/nothing", "", ""},
        {"POST", "/apps/a/events", "", "{\"name\":"},
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int fd = dial(&rig->loops[i % RIG_WORKERS], KIND_HTTP);
        request(rig, fd, requests[i].method, requests[i].path, requests[i].info, requests[i].body);
        close(fd);
        rig_settle(rig);
    }
}

static void converse_ipc(struct rig *rig)
{
    static const uint8_t producer[FF_IPC_PRODUCER] = {7};
    static uint64_t seq;
    static const struct ff_slice channels[] = {{"witness", 7}, {"cache-c", 7}};
    struct ff_ipc_hello hello = {.version = FF_IPC_VERSION,
                                 .app = {"a", 1},
                                 .producer = producer,
                                 .unix_ms = clock_wall_ms(),
                                 .name = {"tests", 5}};
    struct ff_ipc_message message = {.channels = channels,
                                     .nchannels = 2,
                                     .event = {"E", 1},
                                     .key = {NULL, 0},
                                     .except = {NULL, 0},
                                     .data = {"{}", 2}};
    char mac_text[160 + 1];
    uint8_t mac[SIGN_LEN];
    bool armed = faults.armed;
    msgpack_sbuffer out;
    size_t mark;
    faults.armed = false; /* ours is not meant */
    msgpack_sbuffer_init(&out);
    struct slice part = {mac_text, ff_ipc_mac_text(mac_text, hello.app, producer, hello.unix_ms)};
    sign_hmac(SLICE("secret"), &part, 1, mac);
    hello.mac = mac;
    int failed = ff_ipc_pack_hello(&out, &hello);
    failed |= ff_ipc_pack_publish_head(&out, ++seq, &message);
    failed |= msgpack_sbuffer_write(&out, "{}", 2);
    message.key = (struct ff_slice){"key", 3};
    failed |= ff_ipc_pack_batch_begin(&out, ++seq, 2, &mark);
    failed |= ff_ipc_pack_batch_add(&out, mark, &message);
    failed |= ff_ipc_pack_batch_add(&out, mark, &message);
    failed |= ff_ipc_pack_batch_end(&out, mark);
    failed |= ff_ipc_pack_bare(&out, FF_IPC_PING, ++seq);
    failed |= ff_ipc_pack_bare(&out, FF_IPC_STATS, ++seq);
    failed |= ff_ipc_pack_bare(&out, FF_IPC_CONNECTIONS, ++seq);
    failed |= ff_ipc_pack_query(&out, FF_IPC_CHANNELS, ++seq, (struct ff_slice){NULL, 0}, 7);
    failed |= ff_ipc_pack_query(&out, FF_IPC_CHANNEL, ++seq, channels[1], 7);
    failed |= ff_ipc_pack_named(&out, FF_IPC_MEMBERS, ++seq, (struct ff_slice){"presence-w", 10});
    failed |= ff_ipc_pack_named(&out, FF_IPC_TERMINATE, ++seq, (struct ff_slice){"nobody", 6});
    failed |= ff_ipc_pack_named(&out, FF_IPC_DISCONNECT, ++seq, (struct ff_slice){"1.1", 3});
    assert_int_equal(failed, 0);
    faults.armed = armed;
    int fd = dial(&rig->hub_loop, KIND_IPC);
    say(rig, fd, out.data, 30);
    say(rig, fd, out.data + 30, out.size - 30);
    close(fd);
    rig_settle(rig);
    msgpack_sbuffer_destroy(&out);
}

/* ---- the walk ---- */

/* The witness is there, hears what is published, and is the only one. */
static void check_after(struct rig *rig, struct rig_client *witness)
{
    rig_settle(rig);
    client_pull(witness);
    witness->have = 0;
    assert_int_equal(rig_publish(rig, "witness", "still-here", NULL), 1);
    rig_settle(rig);
    client_expect_part(witness, "still-here");
    client_send(witness, "{\"event\":\"pusher:ping\",\"data\":{}}");
    rig_settle(rig);
    client_expect(witness, "{\"event\":\"pusher:pong\"}");
    client_expect_nothing(witness);
    assert_int_equal(rig->loops[0].connections, 1);
    assert_int_equal(rig->loops[1].connections, 0);
    assert_int_equal(rig->hub_loop.connections, 0);
    assert_int_equal(apps_connections(rig->apps), 1);
    assert_int_equal(hub_channels(&rig->hub), 2); /* the witness's */
    for (int i = 0; i < RIG_WORKERS; i++) {
        assert_int_equal(rig->loops[i].queued_bytes, 0);
    }
}

static void walk(void (*converse)(struct rig *), bool all)
{
    struct rig *rig = rig_new(adjust);
    loop_handler(&rig->hub_loop, KIND_IPC, &ipc_handler);
    rig->hub.counters[rig->hub.ncounters++] = &rig->counters[RIG_WORKERS];
    ipc = ipc_new(&rig->hub);
    struct rig_client *witness = client_new(rig, 0);
    client_send(witness, client_subscription(witness, "witness", NULL));
    rig_settle(rig);
    client_expect_part(witness, "subscription_succeeded");
    client_expect_part(witness, "subscription_count");
    client_subscribe(rig, witness, "presence-w", "{\"user_id\":\"w\"}");
    converse(rig); /* what is allocated once and kept */
    check_after(rig, witness);
    bool failed = true;
    for (faults.at = 0; failed; faults.at++) {
        assert_true(faults.at < FAULTS_MAX);
        faults.count = 0;
        faults.all = all;
        faults.armed = true;
        converse(rig);
        faults.armed = false;
        failed = faults.count > faults.at;
        check_after(rig, witness);
    }
    converse(rig);
    check_after(rig, witness);
    client_free(witness);
    rig_settle(rig);
    assert_int_equal(hub_channels(&rig->hub), 0);
    ipc_free(ipc);
    rig_free(rig);
}

static void test_session(void **state)
{
    (void)state;
    walk(converse_session, false);
}

static void test_session_from_there_on(void **state)
{
    (void)state;
    walk(converse_session, true);
}

static void test_api(void **state)
{
    (void)state;
    walk(converse_api, false);
}

static void test_api_from_there_on(void **state)
{
    (void)state;
    walk(converse_api, true);
}

static void test_ipc(void **state)
{
    (void)state;
    walk(converse_ipc, false);
}

static void test_ipc_from_there_on(void **state)
{
    (void)state;
    walk(converse_ipc, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session), cmocka_unit_test(test_session_from_there_on),
        cmocka_unit_test(test_api),     cmocka_unit_test(test_api_from_there_on),
        cmocka_unit_test(test_ipc),     cmocka_unit_test(test_ipc_from_there_on),
    };
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
