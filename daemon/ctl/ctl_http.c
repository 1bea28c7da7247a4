#include "ctl/ctl_http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#define CTL_ANSWER_MAX (64u << 20)

static enum ctl_failure ctl_http_cannot(const char *path, int error, char *why, size_t size)
{
    if (error == EACCES || error == EPERM) {
        snprintf(why, size,
                 "%s is for root and for the daemon's own user: run this as one of them, for "
                 "example with sudo",
                 path);
        return CTL_FORBIDDEN;
    }
    const char *hint = "";
    if (error == ENOENT) {
        hint = ": no daemon runs, or its socket is elsewhere; name it with --socket PATH, or the "
               "daemon's configuration with --config FILE";
    } else if (error == ECONNREFUSED) {
        hint = ": the daemon that made this socket has ended";
    }
    snprintf(why, size, "cannot connect to %s (%s)%s", path, strerror(error), hint);
    return CTL_UNREACHABLE;
}

static void ctl_http_limit(int fd, uint64_t until)
{
    uint64_t now = clock_mono_ms(), left = until > now ? until - now : 1;
    struct timeval limit = {.tv_sec = (time_t)(left / 1000),
                            .tv_usec = (suseconds_t)(left % 1000 * 1000)};
    /* Without it the call waits for longer, and is right all the same. */
    (void)!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int ctl_http_connect(const char *path, uint64_t until, char *why, size_t size,
                            enum ctl_failure *failure)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    *failure = CTL_UNREACHABLE;
    if (len == 0 || len >= sizeof(address.sun_path)) {
        snprintf(why, size, "the path of a socket has 1 to %zu bytes, not %zu",
                 sizeof(address.sun_path) - 1, len);
        return -1;
    }
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        ctl_http_limit(fd, until);
        if (connect(fd, (struct sockaddr *)&address,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0) {
            return fd;
        }
    }
    *failure = ctl_http_cannot(path, errno, why, size);
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static int ctl_http_send(int fd, const struct buf *out)
{
    for (size_t at = 0; at < out->len;) {
        ssize_t n = send(fd, out->data + at, out->len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        at += (size_t)n;
    }
    return 0;
}

/* All that comes until the daemon closes. */
static int ctl_http_receive(int fd, uint64_t until, struct buf *in)
{
    for (;;) {
        char room[16384];
        ctl_http_limit(fd, until);
        ssize_t n = recv(fd, room, sizeof(room), 0);
        if (n < 0 && errno == EINTR && clock_mono_ms() < until) {
            continue;
        }
        if (n < 0 || clock_mono_ms() >= until) {
            errno = n < 0 ? errno : EAGAIN;
            return -1;
        }
        if (n == 0) {
            return 0;
        }
        if (buf_append(in, room, (size_t)n) != 0) {
            errno = EMSGSIZE;
            return -1;
        }
    }
}

/* The number that begins here, of at most `digits` of them. The head ends with a line end, which
 * stops it; what skips blanks, as strtol does, would read on behind the answer. */
static uint64_t ctl_http_number(const char *text, size_t digits)
{
    uint64_t n = 0;
    for (size_t i = 0; i < digits && text[i] >= '0' && text[i] <= '9'; i++) {
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    return n;
}

int ctl_answer_read(struct slice whole, struct ctl_answer *out)
{
    static const char end[] = "\r\n\r\n", length[] = "\r\nContent-Length: ";
    const char *text = whole.p, *blank = NULL, *given;
    *out = (struct ctl_answer){0};
    if (whole.len >= 12 && memcmp(text, "HTTP/1.1 ", 9) == 0) {
        blank = memmem(text, whole.len, end, sizeof(end) - 1);
    }
    if (blank == NULL) {
        return -1;
    }
    size_t head = (size_t)(blank - text) + sizeof(end) - 1;
    given = memmem(text, head, length, sizeof(length) - 1);
    out->status = (int)ctl_http_number(text + 9, 3);
    out->body = (struct slice){text + head, whole.len - head};
    return given != NULL && ctl_http_number(given + sizeof(length) - 1, 18) == out->body.len ? 0
                                                                                             : -1;
}

enum ctl_failure ctl_request(const char *socket_path, const char *target, const char *json,
                             unsigned int seconds, struct ctl_answer *out, char *why, size_t size)
{
    uint64_t until = clock_mono_ms() + (uint64_t)seconds * 1000;
    enum ctl_failure failure;
    struct buf request, in;
    *out = (struct ctl_answer){0};
    int fd = ctl_http_connect(socket_path, until, why, size, &failure);
    if (fd < 0) {
        return failure;
    }
    buf_init(&request, CTL_ANSWER_MAX);
    buf_init(&in, CTL_ANSWER_MAX);
    int failed = buf_printf(&request, "%s %s HTTP/1.1\r\nHost: fanfared\r\nConnection: close\r\n",
                            json != NULL ? "POST" : "GET", target);
    if (json != NULL) {
        failed |=
            buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                       strlen(json)) |
            buf_text(&request, json);
    } else {
        failed |= buf_text(&request, "\r\n");
    }
    /* A daemon that refuses what it has not read answers all the same. */
    if (failed == 0) {
        (void)!ctl_http_send(fd, &request);
        failed = ctl_http_receive(fd, until, &in);
    }
    if (failed != 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        snprintf(why, size,
                 "the daemon at %s has not answered within %u s: it is stopped, or has too much to "
                 "do; its log says more",
                 socket_path, seconds);
    } else if (failed != 0 ||
               ctl_answer_read((struct slice){(const char *)in.data, in.len}, out) != 0) {
        snprintf(why, size,
                 "what is at %s ended the connection in the middle of an answer: is it a daemon's "
                 "admin socket?",
                 socket_path);
        failed = -1;
    }
    close(fd);
    buf_free(&request);
    if (failed != 0) {
        buf_free(&in);
        *out = (struct ctl_answer){0};
        return CTL_UNREACHABLE;
    }
    out->room = (char *)in.data;
    out->len = in.len;
    return CTL_ANSWERED;
}

void ctl_answer_free(struct ctl_answer *answer)
{
    mem_free(answer->room);
    *answer = (struct ctl_answer){0};
}
