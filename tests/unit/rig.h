/*
 * A hub and its workers on loops of their own, in one thread and driven turn by turn, so that a
 * test decides who is ahead of whom. Clients are the other ends of socket pairs and speak real
 * WebSocket.
 */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "proto/sign.h"
#include "proto/ws.h"
#include "net/input.h"
#include "pubsub/hub_mail.h"
#include "pubsub/joins.h"
#include "pubsub/mail_dispose.h"
#include "pubsub/presence.h"
#include "pubsub/publish.h"
#include "pubsub/request.h"
#include "pubsub/worker_mail.h"
#include "serve/front.h"
#include "serve/handshake.h"
#include "serve/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RIG_WORKERS 2

struct rig {
    struct limits limits;
    struct app_settings settings[2];
    struct app_registry registry;
    struct apps *apps;
    struct counters counters[RIG_WORKERS + 1];
    struct loop hub_loop, loops[RIG_WORKERS];
    struct flow flow;
    struct hub hub;
    struct worker workers[RIG_WORKERS];
    struct front fronts[RIG_WORKERS];
};

struct rig_client {
    int fd;
    char socket_id[SOCKET_ID_MAX + 1];
    uint8_t in[1 << 20];
    size_t have;
};

static char *rig_origins[] = {(char *)"*"};

static struct rig *rig_new(void (*adjust)(struct rig *))
{
    struct rig *rig = mem_zalloc(sizeof(*rig));
    rig->limits = (struct limits){.max_message_size = 10240,
                                  .max_event_size = 1 << 20,
                                  .max_event_name = 200,
                                  .max_channel_name = 200,
                                  .max_channels_per_connection = 100,
                                  .activity_timeout = 30,
                                  .mailbox_high = 64 << 20};
    for (int i = 0; i < 2; i++) {
        rig->settings[i] = (struct app_settings){
            .id = (char *)(i == 0 ? "a" : "b"),
            .key = (char *)(i == 0 ? "key-a" : "key-b"),
            .secret = (char *)"secret",
            .enabled = true,
            .allowed_origins = {rig_origins, 1},
            .allow_missing_origin = true,
            .user_authentication = true,
        };
    }
    struct loop_limits limits = {.output_hard = 8 << 20};
    if (adjust != NULL) {
        adjust(rig);
        limits.output_hard =
            rig->limits.output_hard != 0 ? rig->limits.output_hard : limits.output_hard;
        limits.output_soft = rig->limits.output_soft;
        limits.output_soft_ms = rig->limits.output_soft_seconds * 1000;
        limits.output_total = rig->limits.output_total;
    }
    app_registry_init(&rig->registry);
    rig->apps = apps_new(&rig->registry, rig->settings, 2, &rig->limits);
    assert_int_equal(loop_init(&rig->hub_loop, &rig->counters[RIG_WORKERS], &limits), 0);
    assert_int_equal(mailbox_init(&rig->hub.box), 0);
    rig->flow.nworkers = RIG_WORKERS;
    hub_init(&rig->hub, &rig->hub_loop, &rig->flow, rig->apps);
    hub_attach(&rig->hub);
    for (uint32_t i = 0; i < RIG_WORKERS; i++) {
        assert_int_equal(loop_init(&rig->loops[i], &rig->counters[i], &limits), 0);
        assert_int_equal(mailbox_init(&rig->workers[i].box), 0);
        loop_handler(&rig->loops[i], KIND_HTTP, &handshake_handler);
        loop_handler(&rig->loops[i], KIND_SESSION, &session_handler);
        worker_init(&rig->workers[i], i, &rig->loops[i], &rig->flow, rig->apps, &front_ops);
        front_init(&rig->fronts[i], &rig->workers[i], NULL, 0);
        worker_attach(&rig->workers[i]);
    }
    return rig;
}

/* Until nobody has anything more to say. */
static void rig_settle(struct rig *rig)
{
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < RIG_WORKERS; j++) {
            loop_turn(&rig->loops[j]);
        }
        loop_turn(&rig->hub_loop);
    }
}

static void rig_free(struct rig *rig)
{
    for (int i = 0; i < RIG_WORKERS; i++) {
        front_free(&rig->fronts[i]);
        loop_close(&rig->loops[i]);
        worker_free(&rig->workers[i]);
        loop_free(&rig->loops[i], mail_dispose);
    }
    loop_close(&rig->hub_loop);
    loop_free(&rig->hub_loop, mail_dispose);
    joins_free(&rig->hub);
    hub_free(&rig->hub);
    apps_unref(rig->apps);
    app_registry_free(&rig->registry);
    mem_free(rig);
}

/* ---- clients ---- */

static void client_pull(struct rig_client *client)
{
    for (;;) {
        ssize_t got = recv(client->fd, client->in + client->have, sizeof(client->in) - client->have,
                           MSG_DONTWAIT);
        if (got <= 0) {
            return;
        }
        client->have += (size_t)got;
    }
}

/* The next frame's payload as text, or "close:CODE"; NULL when there is none. Valid until the next
 * call. */
static const char *client_next(struct rig_client *client)
{
    static char text[1 << 17];
    client_pull(client);
    if (client->have < 2) {
        return NULL;
    }
    size_t len = client->in[1] & 127, head = 2;
    if (len == 126) {
        len = (size_t)client->in[2] << 8 | client->in[3];
        head = 4;
    } else if (len == 127) {
        len = 0;
        for (int i = 0; i < 8; i++) {
            len = len << 8 | client->in[2 + i];
        }
        head = 10;
    }
    if (client->have < head + len) {
        return NULL;
    }
    assert_true(len < sizeof(text));
    if ((client->in[0] & 15) == WS_CLOSE) {
        snprintf(text, sizeof(text), "close:%d",
                 len >= 2 ? client->in[head] << 8 | client->in[head + 1] : 0);
    } else {
        memcpy(text, client->in + head, len);
        text[len] = '\0';
    }
    client->have -= head + len;
    memmove(client->in, client->in + head + len, client->have);
    return text;
}

static inline void client_expect(struct rig_client *client, const char *text)
{
    const char *got = client_next(client);
    assert_non_null(got);
    assert_string_equal(got, text);
}

static void client_expect_part(struct rig_client *client, const char *part)
{
    const char *got = client_next(client);
    assert_non_null(got);
    if (strstr(got, part) == NULL) {
        assert_string_equal(got, part);
    }
}

static inline void client_expect_nothing(struct rig_client *client)
{
    assert_null(client_next(client));
}

static size_t client_frame(uint8_t *out, const char *text)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    size_t len = strlen(text), head = 2;
    out[0] = 0x81;
    if (len < 126) {
        out[1] = (uint8_t)(0x80 | len);
    } else {
        out[1] = 0x80 | 126;
        out[2] = (uint8_t)(len >> 8);
        out[3] = (uint8_t)len;
        head = 4;
    }
    memcpy(out + head, key, 4);
    for (size_t i = 0; i < len; i++) {
        out[head + 4 + i] = (uint8_t)text[i] ^ key[i & 3];
    }
    return head + 4 + len;
}

static void client_send(struct rig_client *client, const char *text)
{
    uint8_t frame[16384];
    size_t len = client_frame(frame, text);
    assert_int_equal(send(client->fd, frame, len, MSG_NOSIGNAL), (ssize_t)len);
}

static struct rig_client *client_open(struct rig *rig, int worker, const char *key)
{
    struct rig_client *client = mem_zalloc(sizeof(*client));
    int pair[2];
    char head[512];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    client->fd = pair[0];
    assert_non_null(conn_new(&rig->loops[worker], pair[1], KIND_HTTP, IDLE_HEAD));
    int len =
        snprintf(head, sizeof(head),
                 "GET /app/%s?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
                 "Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                 key);
    assert_int_equal(send(client->fd, head, (size_t)len, 0), len);
    rig_settle(rig);
    client_pull(client);
    uint8_t *end = memmem(client->in, client->have, "\r\n\r\n", 4);
    assert_non_null(end);
    size_t used = (size_t)(end - client->in) + 4;
    client->have -= used;
    memmove(client->in, client->in + used, client->have);
    return client;
}

/* A client of application "a" that has read its greeting. */
static inline struct rig_client *client_new(struct rig *rig, int worker)
{
    struct rig_client *client = client_open(rig, worker, "key-a");
    const char *hello = client_next(client);
    assert_non_null(hello);
    const char *id = strstr(hello, "socket_id\\\":\\\"");
    assert_non_null(id);
    assert_int_equal(sscanf(id + 14, "%44[0-9.]", client->socket_id), 1);
    return client;
}

static inline void client_free(struct rig_client *client)
{
    close(client->fd);
    mem_free(client);
}

/* The subscribe message, signed where the channel wants it. channel_data NULL: none; without
 * escapes in it but quotes. */
static const char *client_subscription(struct rig_client *client, const char *channel,
                                       const char *channel_data)
{
    static char text[4096];
    char escaped[1024] = "", hex[2 * SIGN_LEN + 1], signed_text[2048];
    uint8_t mac[SIGN_LEN];
    size_t at = 0;
    for (const char *p = channel_data; p != NULL && *p != '\0'; p++) {
        if (*p == '"') {
            escaped[at++] = '\\';
        }
        escaped[at++] = *p;
    }
    int len = snprintf(signed_text, sizeof(signed_text), "%s:%s%s%s", client->socket_id, channel,
                       channel_data != NULL ? ":" : "", channel_data != NULL ? channel_data : "");
    struct slice part = {signed_text, (size_t)len};
    sign_hmac(SLICE("secret"), &part, 1, mac);
    for (size_t i = 0; i < SIGN_LEN; i++) {
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    }
    snprintf(text, sizeof(text),
             "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s\",\"auth\":\"key-a:%s\"%s%"
             "s%s}}",
             channel, hex, channel_data != NULL ? ",\"channel_data\":\"" : "", escaped,
             channel_data != NULL ? "\"" : "");
    return text;
}

static inline void client_subscribe(struct rig *rig, struct rig_client *client, const char *channel,
                                    const char *channel_data)
{
    client_send(client, client_subscription(client, channel, channel_data));
    rig_settle(rig);
    client_expect_part(client, "subscription_succeeded");
}

/* Publishes as the hub does and returns the recipients. */
static inline uint32_t rig_publish(struct rig *rig, const char *channel, const char *data,
                                   const char *except)
{
    struct ff_slice name = {channel, (unsigned int)strlen(channel)};
    struct publish publish = {.channels = &name,
                              .nchannels = 1,
                              .event = SLICE("E"),
                              .data = {data, strlen(data)},
                              .except = {except, except != NULL ? strlen(except) : 0}};
    struct receipt receipt;
    char why[256];
    loop_drain_mail(&rig->hub_loop, &rig->hub.box);
    assert_int_equal(publish_check(&rig->limits, &rig->apps->items[0], &publish, why, sizeof(why)),
                     PUBLISH_FINE);
    assert_int_equal(publish_broadcast(&rig->hub, &rig->apps->items[0], &publish, &receipt), 0);
    return receipt.recipients;
}

#endif
