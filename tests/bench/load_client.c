/*
 * The subscribers: connect, subscribe as pusher-js does (after connection_established), then only
 * count frames.
 *
 * Client i connects from 127.0.0.2 to 127.0.0.9 in turn (one address has too few ports for many and
 * its search for a free one is slow) and subscribes to channels i, i + 1, ... of nchannels.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"
#include "util.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define GREETING_MAX 16384u
#define ADDRESSES    8u

void load_channel(const struct load *load, uint32_t channel, char out[LOAD_NAME])
{
    snprintf(out, LOAD_NAME, "%s%u", load->prefix, channel);
}

static void client_open(struct load *load, uint32_t index)
{
    struct client *client = &load->clients[index];
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    struct linger linger = {1, 0};
    char head[512];
    int one = 1;

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        bench_die("socket: %s", strerror(errno));
    }
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + index % ADDRESSES);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(load->port);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        bench_die("connection %u: %s", index, strerror(errno));
    }
    int len = snprintf(head, sizeof(head),
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                       load->path, load->port,
                       load->deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
    if (send(fd, head, (size_t)len, MSG_NOSIGNAL) != len) {
        bench_die("connection %u: %s", index, strerror(errno));
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_die("epoll: %s", strerror(errno));
    }
    client->fd = fd;
    client->stage = STAGE_GREETING;
    client->greeting = malloc(GREETING_MAX);
    if (client->greeting == NULL) {
        bench_die("out of memory");
    }
    load->nopen++;
}

static void client_subscribe(struct load *load, uint32_t index)
{
    struct client *client = &load->clients[index];
    uint8_t frames[8192];
    char name[LOAD_NAME], text[160];
    size_t len = 0;

    for (uint32_t i = 0; i < load->per_client; i++) {
        load_channel(load, (index + i) % load->nchannels, name);
        size_t n = (size_t)snprintf(
            text, sizeof(text), "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s\"}}",
            name);
        if (n > 125 || len + n + 6 > sizeof(frames)) {
            bench_die("too many channels a connection, or names too long");
        }
        frames[len++] = 0x81;
        frames[len++] = (uint8_t)(0x80 | n);
        memset(frames + len, 0, 4); /* a mask of zeros is a mask */
        memcpy(frames + len + 4, text, n);
        len += n + 4;
    }
    if (send(client->fd, frames, len, MSG_NOSIGNAL) != (ssize_t)len) {
        bench_die("connection %u: %s", index, strerror(errno));
    }
    client->stage = STAGE_SUBSCRIBING;
}

/* Takes the frame at the front of what came as text; its payload, terminated in place of the byte
 * behind it, or NULL. */
static char *greeting_frame(struct client *client, size_t *at, char *saved)
{
    uint8_t *bytes = (uint8_t *)client->greeting + *at;
    size_t left = client->greeting_len - *at, head = 2;

    if (left < 4) {
        return NULL;
    }
    size_t len = bytes[1];
    if (len == 126) {
        len = (size_t)bytes[2] << 8 | bytes[3];
        head = 4;
    }
    if (left < head + len) {
        return NULL;
    }
    *at += head + len;
    *saved = client->greeting[*at];
    client->greeting[*at] = '\0';
    return (char *)bytes + head;
}

static void client_greeting(struct load *load, uint32_t index)
{
    struct client *client = &load->clients[index];
    size_t at = 0;

    ssize_t n = recv(client->fd, client->greeting + client->greeting_len,
                     GREETING_MAX - 1 - client->greeting_len, MSG_DONTWAIT);
    if (n <= 0) {
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        bench_die("connection %u was closed before it was subscribed", index);
    }
    client->greeting_len += (uint32_t)n;
    client->greeting[client->greeting_len] = '\0';
    if (client->stage == STAGE_GREETING && strncmp(client->greeting, "HTTP/", 5) == 0) {
        char *end = strstr(client->greeting, "\r\n\r\n");
        if (end == NULL) {
            return;
        }
        if (strncmp(client->greeting, "HTTP/1.1 101 ", 13) != 0) {
            bench_die("connection %u: %.40s", index, client->greeting);
        }
        at = (size_t)(end + 4 - client->greeting);
    }
    char saved;
    for (char *text; (text = greeting_frame(client, &at, &saved)) != NULL;) {
        if (strstr(text, "pusher:connection_established") != NULL) {
            client_subscribe(load, index);
        } else if (strstr(text, "subscription_succeeded") != NULL) {
            client->subscribed++;
        } else {
            bench_die("connection %u: %s", index, text);
        }
        client->greeting[at] = saved;
    }
    client->greeting_len -= (uint32_t)at;
    memmove(client->greeting, client->greeting + at, client->greeting_len);
    if (client->subscribed == load->per_client) {
        if (client->greeting_len != 0) {
            bench_die("connection %u: bytes behind the subscriptions", index);
        }
        free(client->greeting);
        client->greeting = NULL;
        client->stage = STAGE_READY;
        load->nready++;
    }
}

static void latency_add(struct load *load, const struct client *client, uint64_t now)
{
    uint64_t number = client->deliveries - load->sent_base - 1;

    if (number >= load->sent_count) {
        return;
    }
    uint64_t us = (now - load->sent_at[number]) / 1000;
    uint64_t bucket = us < 100000 ? us / 10 : 9900 + us / 1000;
    load->latency[bucket < LOAD_BUCKETS ? bucket : LOAD_BUCKETS - 1]++;
}

/* Walks the frames in what came; a frame or its header may be cut anywhere. */
static void client_count(struct load *load, struct client *client, const uint8_t *bytes, size_t n)
{
    uint64_t now = load->sent_at == NULL ? 0 : bench_now();

    while (n != 0) {
        if (client->left != 0) {
            size_t step = n < client->left ? n : client->left;
            bytes += step;
            n -= step;
            client->left -= (uint32_t)step;
            continue;
        }
        client->head[client->head_len++] = *bytes++;
        n--;
        size_t want = client->head_len < 2 || client->head[1] < 126 ? 2 : 4;
        if (client->head_len < want) {
            continue;
        }
        client->left =
            want == 2 ? client->head[1] : (uint32_t)client->head[2] << 8 | client->head[3];
        if ((client->head[0] & 0x0f) == 8) {
            bench_die("the server closed a subscriber");
        }
        client->head_len = 0;
        if (client->left >= load->min_payload || client->head[0] == 0xc1) { /* or compressed */
            client->deliveries++;
            load->deliveries++;
            if (now != 0) {
                latency_add(load, client, now);
            }
        }
    }
    if (load->deliveries >= load->threshold && load->reached_at == 0) {
        load->reached_at = bench_now();
    }
}

static void client_readable(struct load *load, uint32_t index)
{
    static uint8_t bytes[65536];
    struct client *client = &load->clients[index];

    if (client->stage < STAGE_READY) {
        client_greeting(load, index);
        return;
    }
    ssize_t n = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n > 0) {
        client_count(load, client, bytes, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        bench_die("the server closed subscriber %u", index);
    }
}

void load_pump(struct load *load, int timeout_ms)
{
    static struct epoll_event events[1024];

    int n = epoll_wait(load->epoll_fd, events, 1024, timeout_ms);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 == UINT32_MAX) {
            load_publisher_readable(load);
        } else {
            client_readable(load, events[i].data.u32);
        }
    }
}

void load_connect(struct load *load)
{
    uint64_t progress = bench_now();
    uint32_t before = 0;

    while (load->nready < load->nclients) {
        for (int i = 0;
             i < 32 && load->nopen < load->nclients && load->nopen - load->nready < LOAD_IN_FLIGHT;
             i++) {
            client_open(load, load->nopen);
        }
        load_pump(load, load->nopen < load->nclients && load->nopen - load->nready < LOAD_IN_FLIGHT
                            ? 0
                            : 1000);
        if (load->nready != before) {
            before = load->nready;
            progress = bench_now();
        } else if (bench_now() - progress > 20000000000u) {
            bench_die("%u of %u clients are subscribed and no more for 20 s", load->nready,
                      load->nclients);
        }
    }
}

void load_close(struct load *load)
{
    for (uint32_t i = 0; i < load->nopen; i++) {
        close(load->clients[i].fd);
    }
    load->nopen = load->nready = 0;
}
