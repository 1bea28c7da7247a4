/*
 * The floor: the least that a server for many subscribers can do, as the yardstick for fanfared.
 *
 * One thread, one epoll loop. It speaks just enough for the same load generator to drive it: a
 * WebSocket handshake on any path, connection_established, subscription_succeeded for whatever is
 * asked, and the publish frame of the IPC protocol, which it acknowledges. A publish costs one
 * plain send() of a prebuilt frame for each subscriber, in the order in which they connected, and
 * nothing else. It never checks a signature, never buffers output (it ends with an error where a
 * send is short), never parses more than it needs, and must not be used for anything but measuring.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"
#include "util.h"

#define MAX_FD       (1 << 16)
#define MAX_NAME     64
#define MAX_CHANNELS 4096
#define IPC_BUFFER   (1 << 20)

enum kind { KIND_NONE, KIND_LISTEN, KIND_IPC_LISTEN, KIND_IPC, KIND_HEAD, KIND_OPEN };

struct channel {
    char name[MAX_NAME];
    size_t name_len;
    int *fds; /* subscribers in connection order */
    unsigned int count, cap;
    uint8_t *frame; /* built by the channel's first publish */
    size_t frame_len;
};

static uint8_t kinds[MAX_FD];
static struct channel channels[MAX_CHANNELS];
static unsigned int nchannels;
static int epoll_fd;

static uint8_t ipc_bytes[IPC_BUFFER]; /* one publisher at a time */
static size_t ipc_len;

static void watch(int fd, enum kind kind)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd >= MAX_FD || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_die("floor: cannot watch descriptor %d: %s", fd, strerror(errno));
    }
    kinds[fd] = (uint8_t)kind;
}

static void forget(int fd)
{
    for (unsigned int i = 0; i < nchannels && kinds[fd] == KIND_OPEN; i++) {
        struct channel *channel = &channels[i];
        unsigned int kept = 0;
        for (unsigned int j = 0; j < channel->count; j++) {
            channel->fds[kept] = channel->fds[j];
            kept += channel->fds[j] != fd;
        }
        channel->count = kept;
    }
    kinds[fd] = KIND_NONE;
    close(fd);
}

static void put(int fd, const void *bytes, size_t len)
{
    if (send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len && errno != EPIPE &&
        errno != ECONNRESET) {
        bench_die("floor: a send was short: %s", strerror(errno));
    }
}

static size_t frame_head(uint8_t *out, size_t len)
{
    out[0] = 0x81;
    if (len < 126) {
        out[1] = (uint8_t)len;
        return 2;
    }
    out[1] = 126;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    return 4;
}

static void handshake(int fd, char *head)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char hello[] =
        "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":\\\"1.1\\\","
        "\\\"activity_timeout\\\":30}\"}";
    unsigned char digest[20], accept[32];
    char out[512], text[64];

    char *key = strcasestr(head, "\r\nSec-WebSocket-Key: ");
    if (key == NULL || strlen(key) < 21 + 24) {
        forget(fd);
        return;
    }
    memcpy(text, key + 21, 24);
    memcpy(text + 24, guid, sizeof(guid) - 1);
    EVP_Digest(text, 24 + sizeof(guid) - 1, digest, NULL, EVP_sha1(), NULL);
    EVP_EncodeBlock(accept, digest, sizeof(digest));
    size_t len = (size_t)snprintf(out, sizeof(out),
                                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                                  accept);
    len += frame_head((uint8_t *)out + len, sizeof(hello) - 1);
    memcpy(out + len, hello, sizeof(hello) - 1);
    put(fd, out, len + sizeof(hello) - 1);
    kinds[fd] = KIND_OPEN;
}

static struct channel *channel_find(const char *name, size_t len, bool create)
{
    /* The last one found first: with one channel this is one comparison, with many the load walks
     * them in turn. */
    static unsigned int last;

    for (unsigned int i = 0; i < nchannels; i++) {
        struct channel *channel = &channels[(last + i) % nchannels];
        if (channel->name_len == len && memcmp(channel->name, name, len) == 0) {
            last = (last + i) % nchannels;
            return channel;
        }
    }
    if (!create || nchannels == MAX_CHANNELS || len > MAX_NAME) {
        return NULL;
    }
    struct channel *channel = &channels[nchannels++];
    memcpy(channel->name, name, len);
    channel->name_len = len;
    return channel;
}

static void subscribe(int fd, uint8_t *bytes, size_t len)
{
    char text[512], out[512];

    while (len >= 6) {
        size_t at = 2, payload = bytes[1] & 0x7f;
        if (payload == 126) {
            payload = (size_t)bytes[2] << 8 | bytes[3];
            at = 4;
        }
        if (payload >= sizeof(text) || len < at + 4 + payload) {
            bench_die("floor: a client frame came in pieces or too large");
        }
        for (size_t i = 0; i < payload; i++) {
            text[i] = (char)(bytes[at + 4 + i] ^ bytes[at + (i & 3)]);
        }
        text[payload] = '\0';
        bytes += at + 4 + payload;
        len -= at + 4 + payload;

        char *name = strstr(text, "\"channel\":\"");
        char *end = name == NULL ? NULL : strchr(name + 11, '"');
        if (end == NULL) {
            continue;
        }
        name += 11;
        struct channel *channel = channel_find(name, (size_t)(end - name), true);
        if (channel == NULL) {
            bench_die("floor: too many channels");
        }
        if (channel->count == channel->cap) {
            channel->cap = channel->cap == 0 ? 16 : channel->cap * 2;
            channel->fds = realloc(channel->fds, channel->cap * sizeof(int));
            if (channel->fds == NULL) {
                bench_die("floor: out of memory");
            }
        }
        channel->fds[channel->count++] = fd;
        size_t body = (size_t)snprintf(out + 4, sizeof(out) - 4,
                                       "{\"event\":\"pusher_internal:subscription_succeeded\","
                                       "\"data\":\"{}\",\"channel\":\"%.*s\"}",
                                       (int)channel->name_len, channel->name);
        uint8_t head[4];
        size_t head_len = frame_head(head, body);
        memcpy(out + 4 - head_len, head, head_len);
        put(fd, out + 4 - head_len, head_len + body);
    }
}

static void client_readable(int fd)
{
    static char bytes[8192];

    ssize_t n = recv(fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            forget(fd);
        }
        return;
    }
    bytes[n] = '\0';
    if (kinds[fd] == KIND_HEAD) {
        handshake(fd, bytes); /* the load generator sends its head in one segment */
    } else if ((bytes[0] & 0x0f) == 8) {
        forget(fd);
    } else {
        subscribe(fd, (uint8_t *)bytes, (size_t)n);
    }
}

/* The frame that subscribers get, the same bytes as fanfared makes of this publish. The data of the
 * load generator holds nothing to escape. */
static void frame_build(struct channel *channel, const uint8_t *bytes, size_t len)
{
    struct ff_ipc_unpacker unpacker;
    struct ff_ipc_frame frame;
    const char *why;

    ff_ipc_unpacker_init(&unpacker);
    if (ff_ipc_unpack(&unpacker, bytes, len, &frame, &why) != 0 || frame.nmessages != 1) {
        bench_die("floor: not a publish");
    }
    const struct ff_ipc_message *message = &frame.messages[0];
    size_t room = message->event.len + message->data.len + channel->name_len + 64;
    channel->frame = malloc(room + 4);
    char *text = malloc(room);
    if (channel->frame == NULL || text == NULL || room > 65535) {
        bench_die("floor: out of memory");
    }
    size_t body =
        (size_t)snprintf(text, room, "{\"event\":\"%.*s\",\"data\":\"%.*s\",\"channel\":\"%.*s\"}",
                         (int)message->event.len, message->event.p, (int)message->data.len,
                         message->data.p, (int)channel->name_len, channel->name);
    size_t head = frame_head(channel->frame, body);
    memcpy(channel->frame + head, text, body);
    channel->frame_len = head + body;
    free(text);
    ff_ipc_unpacker_free(&unpacker);
}

/* [2, seq, [channel], ...]: reads no further than the channel's name. */
static void ipc_frame(int fd, const uint8_t *bytes, size_t len, msgpack_sbuffer *out)
{
    const uint8_t *p = bytes + 2;
    uint64_t seq;

    if (len < 16 || bytes[1] != FF_IPC_PUBLISH) {
        return; /* the hello */
    }
    if (*p < 0x80) {
        seq = *p++;
    } else {
        size_t width = (size_t)1 << (*p++ - 0xcc);
        for (seq = 0; width-- > 0;) {
            seq = seq << 8 | *p++;
        }
    }
    if (*p++ != 0x91) {
        bench_die("floor: takes one channel a publish");
    }
    size_t name_len = *p == 0xd9 ? p[1] : *p & 0x1fu;
    p += *p == 0xd9 ? 2 : 1;
    struct channel *channel = channel_find((const char *)p, name_len, false);
    unsigned int count = channel == NULL ? 0 : channel->count;

    if (count != 0 && channel->frame == NULL) {
        frame_build(channel, bytes, len);
    }
    struct ff_ipc_receipt receipt = {.id = {"1", 1}, .recipients = count};
    msgpack_sbuffer_clear(out);
    ff_ipc_pack_ack(out, FF_IPC_ACK, seq, &receipt);
    put(fd, out->data, out->size);
    for (unsigned int i = 0; i < count; i++) {
        put(channel->fds[i], channel->frame, channel->frame_len);
    }
}

static void ipc_readable(int fd, msgpack_sbuffer *out)
{
    ssize_t n = recv(fd, ipc_bytes + ipc_len, IPC_BUFFER - ipc_len, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            ipc_len = 0;
            forget(fd);
        }
        return;
    }
    ipc_len += (size_t)n;
    size_t at = 0;
    while (ipc_len - at >= FF_IPC_HEADER) {
        int64_t len = ff_ipc_frame_len(ipc_bytes + at, ipc_len - at);
        if (len < 0) {
            bench_die("floor: the publisher speaks something else");
        }
        if (len == 0 || ipc_len - at - FF_IPC_HEADER < (size_t)len) {
            break;
        }
        ipc_frame(fd, ipc_bytes + at + FF_IPC_HEADER, (size_t)len, out);
        at += FF_IPC_HEADER + (size_t)len;
    }
    memmove(ipc_bytes, ipc_bytes + at, ipc_len - at);
    ipc_len -= at;
}

static void accept_all(int listener, enum kind kind)
{
    int one = 1;

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        if (kind == KIND_HEAD) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        }
        watch(fd, kind);
    }
}

static void listen_tcp(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0) {
        bench_die("floor: cannot listen on port %u: %s", port, strerror(errno));
    }
    watch(fd, KIND_LISTEN);
}

static void listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
            (int)sizeof(address.sun_path) ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0) {
        bench_die("floor: cannot listen on %s: %s", path, strerror(errno));
    }
    watch(fd, KIND_IPC_LISTEN);
}

int main(int argc, char **argv)
{
    static struct epoll_event events[1024];
    msgpack_sbuffer out;

    if (argc != 3) {
        bench_die("usage: bench_floor PORT SOCKET");
    }
    bench_raise_descriptors();
    msgpack_sbuffer_init(&out);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listen_unix(argv[2]);
    listen_tcp((uint16_t)bench_number("PORT", argv[1], 1, 65535));
    for (;;) {
        int n = epoll_wait(epoll_fd, events, 1024, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            switch ((enum kind)kinds[fd]) {
            case KIND_LISTEN:
                accept_all(fd, KIND_HEAD);
                break;
            case KIND_IPC_LISTEN:
                accept_all(fd, KIND_IPC);
                break;
            case KIND_IPC:
                ipc_readable(fd, &out);
                break;
            case KIND_HEAD:
            case KIND_OPEN:
                client_readable(fd);
                break;
            case KIND_NONE:
                break;
            }
        }
    }
}
