/*
 * The publisher: one connection to the daemon's Unix socket, hello and publish frames, acks counted
 * and checked.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "load.h"
#include "shared/ipc_unpack.h"
#include "util.h"

#define IN_MAX (1u << 20)

static struct ff_slice slice(const char *text)
{
    return (struct ff_slice){text, (unsigned int)strlen(text)};
}

/* What an application broadcasts: records with names that repeat, and values that do not. */
static void json_fill(char *out, size_t len)
{
    static const char *const who[] = {"Ada Lovelace", "Grace Hopper", "Alan Turing",
                                      "Edsger Dijkstra"};
    static const char *const what[] = {"shipped", "pending", "delivered"};
    uint32_t seed = 7;
    size_t at = 0;
    for (unsigned int n = 0; at < len; n++) {
        char text[256];
        uint32_t r[4];
        for (int i = 0; i < 4; i++) {
            seed = seed * 1664525 + 1013904223;
            r[i] = seed >> 8;
        }
        int written = snprintf(
            text, sizeof(text),
            "%s{\"id\":%u,\"uuid\":\"%08x-%04x-%04x\",\"customer\":\"%s\",\"total\":\"%u.%02u"
            "\",\"status\":\"%s\",\"updated_at\":\"2026-11-24T%02u:%02u:%02u.000000Z\"}",
            n > 0 ? "," : "{\"orders\":[", r[0] % 100000, r[1] * 31, r[2] & 0xffff, r[3] & 0xffff,
            who[r[0] & 3], r[1] % 1000, r[2] % 100, what[r[3] % 3], r[1] % 24, r[2] % 60,
            r[3] % 60);
        size_t part = (size_t)written < len - at ? (size_t)written : len - at;
        memcpy(out + at, text, part);
        at += part;
    }
}

void load_publisher_open(struct load *load)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t producer[FF_IPC_PRODUCER], mac[FF_IPC_MAC];
    char text[256];
    struct timespec ts;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", load->socket);
    load->publisher = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(load->publisher, (struct sockaddr *)&address, sizeof(address)) != 0) {
        bench_die("%s: %s", load->socket, strerror(errno));
    }
    clock_gettime(CLOCK_REALTIME, &ts);
    if (getrandom(producer, sizeof(producer), 0) != (ssize_t)sizeof(producer) ||
        strlen(load->app) > 64) {
        bench_die("no producer id, or the app's id is too long");
    }
    struct ff_ipc_hello hello = {
        .version = FF_IPC_VERSION,
        .app = slice(load->app),
        .producer = producer,
        .unix_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000,
        .mac = mac,
        .name = slice("bench_load"),
    };
    size_t len = ff_ipc_mac_text(text, hello.app, producer, hello.unix_ms);
    HMAC(EVP_sha256(), load->secret, (int)strlen(load->secret), (unsigned char *)text, len, mac,
         NULL);
    msgpack_sbuffer_init(&load->out);
    ff_ipc_pack_hello(&load->out, &hello);
    load->in = malloc(IN_MAX);
    load->data = malloc(load->data_len);
    if (load->in == NULL || load->data == NULL) {
        bench_die("out of memory");
    }
    memset(load->data, 'x', load->data_len);
    if (load->json) {
        json_fill(load->data, load->data_len);
    }

    struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, load->publisher, &event) != 0) {
        bench_die("epoll: %s", strerror(errno));
    }
}

void load_publish(struct load *load, uint32_t channel)
{
    char name[LOAD_NAME];

    load_channel(load, channel, name);
    struct ff_slice channels[1] = {slice(name)};
    struct ff_ipc_message message = {
        .channels = channels,
        .nchannels = 1,
        .event = slice("bench-event"), /* nothing that JSON escapes: the floor escapes nothing */
        .data = {load->data, load->data_len},
    };
    if (ff_ipc_pack_publish_head(&load->out, ++load->seq, &message) != 0 ||
        msgpack_sbuffer_write(&load->out, load->data, load->data_len) != 0) {
        bench_die("out of memory");
    }
}

void load_publisher_flush(struct load *load)
{
    size_t done = 0;

    while (done < load->out.size) {
        ssize_t n =
            send(load->publisher, load->out.data + done, load->out.size - done, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            bench_die("publish: %s", strerror(errno));
        }
        done += (size_t)n;
    }
    msgpack_sbuffer_clear(&load->out);
}

static void answer(struct load *load, const uint8_t *bytes, size_t len)
{
    static struct ff_ipc_unpacker unpacker;
    static bool ready;
    struct ff_ipc_frame frame;
    const char *why;

    if (!ready) {
        ff_ipc_unpacker_init(&unpacker);
        ready = true;
    }
    if (ff_ipc_unpack(&unpacker, bytes, len, &frame, &why) != 0) {
        bench_die("the server answered nonsense: %s", why);
    }
    if (frame.type == FF_IPC_ERROR) {
        bench_die("the server refused: %.*s: %.*s", (int)frame.reason.len, frame.reason.p,
                  (int)frame.text.len, frame.text.p);
    }
    if (frame.type != FF_IPC_ACK || frame.seq != load->acked + 1) {
        bench_die("an answer of type %d for %llu came out of turn", (int)frame.type,
                  (unsigned long long)frame.seq);
    }
    if (load->recipients != UINT32_MAX && frame.receipts[0].recipients != load->recipients) {
        bench_die("a publish reached %u and not %u", frame.receipts[0].recipients,
                  load->recipients);
    }
    load->last_recipients = frame.receipts[0].recipients;
    load->acked++;
}

void load_publisher_readable(struct load *load)
{
    ssize_t n = recv(load->publisher, load->in + load->in_len, IN_MAX - load->in_len, MSG_DONTWAIT);
    if (n <= 0) {
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        bench_die("the server closed the publisher's connection");
    }
    load->in_len += (size_t)n;
    size_t at = 0;
    while (load->in_len - at >= FF_IPC_HEADER) {
        int64_t len = ff_ipc_frame_len(load->in + at, load->in_len - at);
        if (len <= 0 || load->in_len - at - FF_IPC_HEADER < (size_t)len) {
            break;
        }
        answer(load, load->in + at + FF_IPC_HEADER, (size_t)len);
        at += FF_IPC_HEADER + (size_t)len;
    }
    memmove(load->in, load->in + at, load->in_len - at);
    load->in_len -= at;
}
