/*
 * Many clients that join one presence channel at once, or a number of them one after the other: how
 * long until all are in, what the daemon holds meanwhile, and whether anybody who reads was closed.
 * Where another node is named, also what that one holds once it knows all of them.
 *
 * Single-threaded, one epoll loop. Frames are counted by their headers and first bytes, their
 * payload is thrown away: the reader shall not be what is measured. Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define SHOWN     112u  /* bytes of a message that tell what it is */
#define HEAD_MAX  1024u /* a greeting, or the first bytes of a message */
#define READ      262144u
#define ADDRESSES 8u
#define INFO_MAX  1000u

static const char usage[] = "usage: bench_crowd --port N --pid N [options]\n"
                            "  --key KEY --secret S   the application (key1, secret-of-app1)\n"
                            "  --clients N            that join (5000)\n"
                            "  --channels N           each of them, 1 to 1000 (1)\n"
                            "  --other PID            another node\n"
                            "  --other-admin N        and the port of its admin pages\n"
                            "  --info N               bytes of user_info, 0 to 1000 (200)\n"
                            "  --seconds N            when to give up (60)\n";

struct member {
    int fd;
    bool open, upgraded;
    uint32_t joined; /* of the channels, one after the other */
    char id[64];     /* the socket's */
    uint64_t skip;   /* bytes of the current message still to come */
    char head[HEAD_MAX];
    uint32_t have;
};

static struct {
    struct member *members;
    const char *key, *secret;
    uint32_t n, channels, joined, closed;
    uint64_t added, removed, bytes;
    size_t info;
    int epoll_fd;
    uint8_t room[READ];
} crowd;

static void crowd_open(uint32_t index, uint16_t port)
{
    struct member *member = &crowd.members[index];
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    struct linger linger = {1, 0};
    char head[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        bench_die("socket: %s", strerror(errno));
    }
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + index % ADDRESSES);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        bench_die("connection %u: %s", index, strerror(errno));
    }
    int len =
        snprintf(head, sizeof(head),
                 "GET /app/%s?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                 crowd.key);
    if (send(fd, head, (size_t)len, MSG_NOSIGNAL) != len) {
        bench_die("connection %u: %s", index, strerror(errno));
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (epoll_ctl(crowd.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_die("epoll: %s", strerror(errno));
    }
    member->fd = fd;
    member->open = true;
}

static void crowd_greeted(uint32_t index, const char *greeting)
{
    const char *at = strstr(greeting, "socket_id\\\":\\\"");
    if (at == NULL || sscanf(at + 14, "%60[0-9.]", crowd.members[index].id) != 1) {
        bench_die("no greeting: %s", greeting);
    }
}

/* The next channel. */
static void crowd_join(uint32_t index)
{
    struct member *member = &crowd.members[index];
    char info[INFO_MAX + 1], data[2 * INFO_MAX], text[4 * INFO_MAX], hex[65], channel[32];
    uint8_t mac[32], frame[8 * INFO_MAX];
    unsigned int mac_len = sizeof(mac);
    snprintf(channel, sizeof(channel), "presence-crowd-%u", member->joined);
    memset(info, 'i', crowd.info);
    info[crowd.info] = '\0';
    int data_len = snprintf(data, sizeof(data), "{\"user_id\":\"%u\",\"user_info\":{\"i\":\"%s\"}}",
                            index, info);
    int len = snprintf(text, sizeof(text), "%s:%s:%.*s", member->id, channel, data_len, data);
    HMAC(EVP_sha256(), crowd.secret, (int)strlen(crowd.secret), (uint8_t *)text, (size_t)len, mac,
         &mac_len);
    for (size_t i = 0; i < sizeof(mac); i++) {
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    }
    len =
        snprintf(text, sizeof(text),
                 "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s\",\"auth\":\"%s:%s\","
                 "\"channel_data\":\"{\\\"user_id\\\":\\\"%u\\\",\\\"user_info\\\":{\\\"i\\\":"
                 "\\\"%s\\\"}}\"}}",
                 channel, crowd.key, hex, index, info);
    /* Masked with zeros: a mask is demanded, its value is not. */
    frame[0] = 0x81;
    frame[1] = 0x80 | 126;
    frame[2] = (uint8_t)(len >> 8);
    frame[3] = (uint8_t)len;
    memset(frame + 4, 0, 4);
    memcpy(frame + 8, text, (size_t)len);
    if (send(member->fd, frame, (size_t)len + 8, MSG_NOSIGNAL) != len + 8) {
        bench_die("connection %u: %s", index, strerror(errno));
    }
}

/* What the first bytes of a message say. */
static void crowd_message(uint32_t index, const char *text, size_t len, uint8_t opcode)
{
    struct member *member = &crowd.members[index];
    if (opcode == 8) {
        return; /* the end follows */
    }
    if (memmem(text, len, "connection_established", 22) != NULL) {
        crowd_greeted(index, text);
        crowd_join(index);
    } else if (memmem(text, len, "subscription_succeeded", 22) != NULL) {
        if (++member->joined == crowd.channels) {
            crowd.joined++;
        } else {
            crowd_join(index);
        }
    } else if (memmem(text, len, "member_added", 12) != NULL) {
        crowd.added++;
    } else if (memmem(text, len, "member_removed", 14) != NULL) {
        crowd.removed++;
    }
}

/* Takes what is in member->head as far as it is clear what it is. Returns how many bytes. */
static size_t crowd_parse(uint32_t index)
{
    struct member *member = &crowd.members[index];
    uint8_t *bytes = (uint8_t *)member->head;
    size_t have = member->have;
    if (!member->upgraded) {
        char *end = memmem(member->head, have, "\r\n\r\n", 4);
        if (end == NULL) {
            return 0;
        }
        member->upgraded = true;
        return (size_t)(end - member->head) + 4;
    }
    if (have < 2) {
        return 0;
    }
    size_t head = (bytes[1] & 127) == 126 ? 4 : (bytes[1] & 127) == 127 ? 10 : 2;
    uint64_t len = bytes[1] & 127;
    if (have < head) {
        return 0;
    }
    if (head > 2) {
        len = 0;
        for (size_t i = 2; i < head; i++) {
            len = len << 8 | bytes[i];
        }
    }
    size_t shown = len < SHOWN ? (size_t)len : SHOWN;
    if (have < head + shown) {
        return 0;
    }
    char text[SHOWN + 1];
    memcpy(text, bytes + head, shown);
    text[shown] = '\0';
    crowd_message(index, text, shown, bytes[0] & 15);
    if (have >= head + len) {
        return head + (size_t)len;
    }
    member->skip = head + len - have;
    return have;
}

static void crowd_read(uint32_t index)
{
    struct member *member = &crowd.members[index];
    ssize_t got = recv(member->fd, crowd.room, READ, MSG_DONTWAIT);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        close(member->fd);
        member->open = false;
        crowd.closed++;
        return;
    }
    crowd.bytes += (uint64_t)got;
    for (size_t at = 0; at < (size_t)got;) {
        size_t left = (size_t)got - at;
        if (member->skip > 0) {
            size_t skipped = member->skip < left ? (size_t)member->skip : left;
            member->skip -= skipped;
            at += skipped;
            continue;
        }
        size_t room = HEAD_MAX - member->have, took = left < room ? left : room;
        memcpy(member->head + member->have, crowd.room + at, took);
        member->have += (uint32_t)took;
        at += took;
        size_t used;
        while (member->have > 0 && member->skip == 0 && (used = crowd_parse(index)) > 0) {
            member->have -= (uint32_t)used;
            memmove(member->head, member->head + used, member->have);
        }
        if (member->have == HEAD_MAX) {
            bench_die("connection %u: what is this?", index);
        }
    }
}

static void crowd_pump(int timeout_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(crowd.epoll_fd, events, 512, timeout_ms);
    for (int i = 0; i < n; i++) {
        if (crowd.members[events[i].data.u32].open) {
            crowd_read(events[i].data.u32);
        }
    }
}

/* A figure of a node's /metrics. */
static uint64_t crowd_metric(uint16_t admin, const char *name)
{
    static char page[READ];
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                  "Connection: close\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(admin)};
    char line[80];
    size_t have = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
        bench_die("the admin pages on port %u: %s", admin, strerror(errno));
    }
    for (ssize_t n; (n = recv(fd, page + have, sizeof(page) - 1 - have, 0)) > 0;) {
        have += (size_t)n;
    }
    close(fd);
    page[have] = '\0';
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(page, line);
    if (at == NULL) {
        bench_die("the admin pages on port %u show no %s", admin, name);
    }
    return strtoull(at + strlen(line), NULL, 10);
}

/* Until the other node knows all members. Returns its resident bytes then. */
static uint64_t crowd_elsewhere(pid_t pid, uint16_t admin)
{
    uint64_t all = (uint64_t)crowd.n * crowd.channels, start = bench_now();
    while (crowd_metric(admin, "fanfare_cluster_members") < all) {
        if (bench_now() - start > 60000000000u) {
            bench_die("the other node does not know all members");
        }
        crowd_pump(50);
    }
    return bench_memory(pid).rss;
}

/* What a member takes of a node's memory beside its user_info, as JSON. */
static double crowd_per_member(uint64_t before, uint64_t after)
{
    double members = (double)crowd.n * crowd.channels;
    size_t info = crowd.info + strlen("{\"i\":\"\"}");
    return ((double)after - (double)before) / members - (double)info;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},        {"pid", 1, NULL, 'i'},      {"key", 1, NULL, 'k'},
        {"secret", 1, NULL, 's'},      {"clients", 1, NULL, 'n'},  {"info", 1, NULL, 'd'},
        {"seconds", 1, NULL, 't'},     {"channels", 1, NULL, 'c'}, {"other", 1, NULL, 'o'},
        {"other-admin", 1, NULL, 'a'}, {NULL, 0, NULL, 0}};
    uint16_t port = 0, other_admin = 0;
    pid_t pid = 0, other = 0;
    uint64_t seconds = 60;
    crowd.n = 5000;
    crowd.info = 200;
    crowd.key = "key1";
    crowd.secret = "secret-of-app1";
    crowd.channels = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'p':
            port = (uint16_t)bench_number("--port", optarg, 1, 65535);
            break;
        case 'i':
            pid = (pid_t)bench_number("--pid", optarg, 1, 1 << 30);
            break;
        case 'k':
            crowd.key = optarg;
            break;
        case 's':
            crowd.secret = optarg;
            break;
        case 'n':
            crowd.n = (uint32_t)bench_number("--clients", optarg, 1, 19000);
            break;
        case 'd':
            crowd.info = (size_t)bench_number("--info", optarg, 0, INFO_MAX);
            break;
        case 'c':
            crowd.channels = (uint32_t)bench_number("--channels", optarg, 1, 1000);
            break;
        case 'o':
            other = (pid_t)bench_number("--other", optarg, 1, 1 << 30);
            break;
        case 'a':
            other_admin = (uint16_t)bench_number("--other-admin", optarg, 1, 65535);
            break;
        case 't':
            seconds = (uint64_t)bench_number("--seconds", optarg, 1, 600);
            break;
        default:
            bench_die("%s", usage);
        }
    }
    if (port == 0 || pid == 0 || (other == 0) != (other_admin == 0)) {
        bench_die("%s", usage);
    }
    bench_raise_descriptors();
    crowd.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    crowd.members = calloc(crowd.n, sizeof(*crowd.members));
    if (crowd.epoll_fd < 0 || crowd.members == NULL) {
        bench_die("out of memory");
    }
    uint64_t other_before = other != 0 ? bench_memory(other).rss : 0;
    uint64_t start = bench_now(), looked = 0, all_in = 0, peak = bench_memory(pid).rss / 1024,
             before = peak;
    for (uint32_t opened = 0; bench_now() - start < seconds * 1000000000u;) {
        for (int i = 0; i < 64 && opened < crowd.n; i++) {
            crowd_open(opened++, port);
        }
        crowd_pump(opened < crowd.n ? 0 : 50);
        if (bench_now() - looked > 20000000u) {
            looked = bench_now();
            uint64_t kb = bench_memory(pid).rss / 1024;
            peak = kb > peak ? kb : peak;
        }
        if (crowd.joined + crowd.closed >= crowd.n) {
            all_in = bench_now() - start;
            break;
        }
    }
    printf("{\"clients\":%u,\"joined\":%u,\"closed\":%u,\"seconds\":%.2f,\"rss_before_kb\":%llu,"
           "\"rss_peak_kb\":%llu,\"member_added\":%llu,\"member_removed\":%llu,\"bytes\":%llu",
           crowd.n, crowd.joined, crowd.closed, (double)all_in / 1e9, (unsigned long long)before,
           (unsigned long long)peak, (unsigned long long)crowd.added,
           (unsigned long long)crowd.removed, (unsigned long long)crowd.bytes);
    if (other != 0 && crowd.joined == crowd.n) {
        uint64_t known = crowd_elsewhere(other, other_admin);
        printf(",\"members\":%llu,\"own_bytes\":%.1f,\"elsewhere_bytes\":%.1f",
               (unsigned long long)crowd.n * crowd.channels,
               crowd_per_member(before * 1024, bench_memory(pid).rss),
               crowd_per_member(other_before, known));
    }
    puts("}");
    return crowd.joined == crowd.n && crowd.closed == 0 ? 0 : 1;
}
