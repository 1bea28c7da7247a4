/*
 * The bytes as a whole conversation of a client with a running worker and hub, over a socket pair.
 *
 * The first byte: bit 0 puts a valid handshake in front, bit 1 sends the rest in small pieces, bit
 * 2 ends the client's side behind it, bit 3 takes every signature for valid, which the fuzzer
 * cannot make: the linker puts the functions below in front of the real ones. Frames of the seeds
 * are masked with a key of zeros, so that their text can be read. A second client is on the same
 * channels all the time. Holds: nothing of what one client sends ends the other or keeps it from
 * being served; when both are gone no connection, channel, member or queued byte is left.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "proto/api.h"
#include "proto/sign.h"
#include "net/input.h"
#include "pubsub/hub_mail.h"
#include "pubsub/publish.h"
#include "pubsub/worker_mail.h"
#include "serve/front.h"
#include "serve/handshake.h"
#include "serve/session.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct limits limits;
    struct app_settings settings;
    char *origins[1];
    struct app_registry registry;
    struct counters counters;
    struct loop loop;
    struct flow flow;
    struct hub hub;
    struct worker worker;
    struct front front;
} rig;

static const char handshake[] =
    "GET /app/k?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static bool believe;

#define BELIEVED(name, params, args)                                                               \
    bool __real_##name params;                                                                     \
    bool __wrap_##name params;                                                                     \
    bool __wrap_##name params                                                                      \
    {                                                                                              \
        return __real_##name args || believe;                                                      \
    }
BELIEVED(sign_channel_auth,
         (struct slice auth, struct slice key, struct slice secret, struct slice socket_id,
          struct slice channel, struct slice channel_data),
         (auth, key, secret, socket_id, channel, channel_data))
BELIEVED(sign_user_auth,
         (struct slice auth, struct slice key, struct slice secret, struct slice socket_id,
          struct slice user_data),
         (auth, key, secret, socket_id, user_data))
BELIEVED(api_signed,
         (const struct api_query *query, const struct api_signer *signer, char why[API_WHY_MAX]),
         (query, signer, why))
BELIEVED(api_body_matches, (struct slice md5, struct slice body), (md5, body))

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    rig.limits = (struct limits){.max_message_size = 4096,
                                 .max_event_size = 4096,
                                 .max_event_name = 200,
                                 .max_channel_name = 200,
                                 .max_channels_per_connection = 10,
                                 .max_channels_per_publish = 10,
                                 .max_batch = 10,
                                 .activity_timeout = 30,
                                 .mailbox_high = 64 << 20};
    rig.origins[0] = (char *)"*";
    rig.settings = (struct app_settings){.id = (char *)"a",
                                         .key = (char *)"k",
                                         .secret = (char *)"s",
                                         .enabled = true,
                                         .allowed_origins = {rig.origins, 1},
                                         .allow_missing_origin = true,
                                         .client_events = CLIENT_EVENTS_ALL,
                                         .subscription_count = true,
                                         .user_authentication = true,
                                         .watchlist = true,
                                         .cache_max = 1 << 16};
    struct loop_limits limits = {.output_hard = 1 << 20};
    app_registry_init(&rig.registry);
    struct apps *apps = apps_new(&rig.registry, &rig.settings, 1, &rig.limits);
    check(loop_init(&rig.loop, &rig.counters, &limits) == 0);
    check(mailbox_init(&rig.hub.box) == 0 && mailbox_init(&rig.worker.box) == 0);
    rig.flow.nworkers = 1;
    hub_init(&rig.hub, &rig.loop, &rig.flow, apps);
    loop_handler(&rig.loop, KIND_HTTP, &handshake_handler);
    loop_handler(&rig.loop, KIND_SESSION, &session_handler);
    worker_init(&rig.worker, 0, &rig.loop, &rig.flow, apps, &front_ops);
    front_init(&rig.front, &rig.worker, NULL, 0);
    hub_attach(&rig.hub);
    worker_attach(&rig.worker);
    return 0;
}

static int client(void)
{
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    check(conn_new(&rig.loop, pair[1], KIND_HTTP, IDLE_NONE) != NULL);
    return pair[0];
}

static void turns(int n)
{
    for (int i = 0; i < n; i++) {
        loop_turn(&rig.loop);
    }
}

static void say(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            return; /* it has hung up, or will read no more */
        }
        at += sent;
        len -= (size_t)sent;
        turns(1);
    }
}

static void say_text(int fd, const char *json)
{
    uint8_t frame[512] = {0x81};
    size_t len = strlen(json), head = len < 126 ? 2 : 4;
    check(len < sizeof(frame) - 8);
    frame[1] = (uint8_t)(0x80 | (len < 126 ? len : 126));
    frame[2] = (uint8_t)(len >> 8);
    frame[3] = (uint8_t)len;
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, json, len);
    say(fd, frame, head + 4 + len);
}

/* Reads what has come and throws it away; whether it held this text. */
static bool heard(int fd, const char *text)
{
    static char room[1 << 18];
    bool found = false;
    ssize_t got;
    while ((got = recv(fd, room, sizeof(room), MSG_DONTWAIT)) > 0) {
        found |= memmem(room, (size_t)got, text, strlen(text)) != NULL;
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint8_t mode = data[0];
    believe = mode & 8;
    int other = client(), fd = client();
    say(other, handshake, sizeof(handshake) - 1);
    say_text(other, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}");
    say_text(other, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"cache-c\"}}");
    if (mode & 1) {
        say(fd, handshake, sizeof(handshake) - 1);
    }
    size_t step = mode & 2 ? 7 : size;
    for (size_t at = 1; at < size; at += step) {
        say(fd, data + at, size - at < step ? size - at : step);
        heard(fd, "");
    }
    if (mode & 4) {
        shutdown(fd, SHUT_WR);
    }
    turns(4);
    heard(other, "");

    struct ff_slice channel = {"c", 1};
    struct publish publish = {
        .channels = &channel, .nchannels = 1, .event = SLICE("E"), .data = SLICE("still-here")};
    struct receipt receipt;
    check(publish_broadcast(&rig.hub, &rig.hub.apps->items[0], &publish, &receipt) == 0 &&
          receipt.recipients >= 1);
    turns(4);
    check(heard(other, "still-here"));

    close(fd);
    close(other);
    turns(8);
    check(rig.loop.connections == 0 && rig.loop.queued_bytes == 0);
    check(rig.hub.channels[0].entries.count == 0 && rig.hub.channels[0].hidden == 0);
    check(hub_channels(&rig.hub) == 0 && rig.hub.subscribed.count == 0 &&
          apps_connections(rig.hub.apps) == 0);
    return 0;
}
