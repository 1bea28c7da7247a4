#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "net/descriptors.h"
#include "net/input.h"
#include "net/slots.h"
#include "net/tls_context.h"
#include "net/turn.h"

#define ACCEPTS_A_TURN 64
#define BACKLOG        4096
#define REST_MS        100
#define UNSENT_MAX     131072 /* bytes that the kernel takes for a client and cannot send yet */

/* ---- opening ---- */

static int listener_resolve(const char *address, struct addrinfo **out, char *why, size_t size)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    if (colon == NULL || (size_t)(colon - address) >= sizeof(host)) {
        snprintf(why, size, "%s is not host:port", address);
        return -1;
    }
    size_t len = (size_t)(colon - address);
    const char *start = address;
    if (len >= 2 && start[0] == '[' && start[len - 1] == ']') {
        start++;
        len -= 2;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    int failed = getaddrinfo(len == 0 ? NULL : host, colon + 1, &hints, out);
    if (failed != 0) {
        snprintf(why, size, "cannot listen on %s: %s", address, gai_strerror(failed));
        return -1;
    }
    return 0;
}

/* Accepted sockets inherit both. What a client is slow to take waits in our queue, shared by all
 * and under our limits, instead of in the kernel, which copies up to 4 MiB for each. */
static void listener_set_options(int fd)
{
    int one = 1, unsent = UNSENT_MAX;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int listener_open(const char *address, bool shared, char *why, size_t size)
{
    struct addrinfo *info;
    if (listener_resolve(address, &info, why, size) != 0) {
        return -1;
    }
    int one = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        goto failed;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (info->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    }
    if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0) {
        goto failed;
    }
    listener_set_options(fd);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        freeaddrinfo(info);
        return fd;
    }
failed:;
    int error = errno;
    const char *hint = "";
    if (error == EADDRINUSE) {
        hint = "; another program listens there (ss -ltnp shows which): stop it, or choose a free "
               "port";
    } else if (error == EACCES) {
        hint = "; ports below 1024 need root or CAP_NET_BIND_SERVICE: choose a higher port";
    } else if (error == EADDRNOTAVAIL) {
        hint = "; this machine has no such address";
    }
    snprintf(why, size, "cannot listen on %s: %s%s", address, strerror(error), hint);
    if (fd >= 0) {
        close(fd);
    }
    freeaddrinfo(info);
    return -1;
}

int listener_tcp(const char *address, bool shared, char *why, size_t size)
{
    return listener_open(address, shared, why, size);
}

int listener_probe(const char *address, char *why, size_t size)
{
    int fd = listener_open(address, false, why, size);
    if (fd < 0) {
        return -1;
    }
    close(fd);
    return 0;
}

#define LOCK_HELD (-2)

/* Takes the lock of a socket path and writes our pid into it, for those who come second. -1: it
 * cannot be had; LOCK_HELD: another process has it. */
static int listener_lock(const char *path, char *why, size_t size)
{
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
    snprintf(name, sizeof(name), "%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        const char *hint = "";
        if (errno == ENOENT || errno == EACCES || errno == EROFS) {
            hint = "; make the directory writable for this user, or choose another path: "
                   "FANFARE_SOCKET=/path/fanfare.sock fanfared";
        }
        snprintf(why, size, "cannot create %s: %s%s", name, strerror(errno), hint);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        char pid[32] = "";
        ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);
        if (got > 0) {
            pid[strcspn(pid, "\n")] = '\0';
        }
        snprintf(why, size,
                 "%s is in use by another fanfared (pid %s): stop it, or set FANFARE_SOCKET or "
                 "socket in [ipc] to another path",
                 path, pid[0] != '\0' ? pid : "unknown");
        close(fd);
        return LOCK_HELD;
    }
    char pid[32];
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        snprintf(why, size, "cannot write %s: %s", name, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/* The parent directory is made if only its last part is missing: /run/fanfare on a fresh boot. */
static void listener_make_parent(const char *path)
{
    char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(parent)) {
        return;
    }
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = '\0';
    if (mkdir(parent, 0755) == 0) {
        log_info("ipc", "made the directory %s", parent);
    }
}

static int listener_set_owner(const char *path, unsigned int mode, const char *group, char *why,
                              size_t size)
{
    if (group != NULL && group[0] != '\0') {
        struct group *entry = getgrnam(group);
        if (entry == NULL) {
            snprintf(why, size, "there is no group %s ([ipc] group)", group);
            return -1;
        }
        if (chown(path, (uid_t)-1, entry->gr_gid) != 0) {
            snprintf(why, size,
                     "cannot give %s to group %s: %s; make this user a member of it (usermod -aG) "
                     "and start it anew",
                     path, group, strerror(errno));
            return -1;
        }
    }
    if (chmod(path, mode) != 0) {
        snprintf(why, size, "cannot set the mode of %s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

int listener_unix(const char *path, unsigned int mode, const char *group, int *lock, char *why,
                  size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    *lock = -1;
    if (len == 0 || len >= sizeof(address.sun_path)) {
        snprintf(why, size, "the socket path %s has %zu bytes; 1 to %zu are possible", path, len,
                 sizeof(address.sun_path) - 1);
        return -1;
    }
    memcpy(address.sun_path, path, len);
    bool abstract = path[0] == '@';
    int fd = -1;
    if (abstract) {
        address.sun_path[0] = '\0';
    } else {
        listener_make_parent(path);
        *lock = listener_lock(path, why, size);
        if (*lock < 0) {
            *lock = -1;
            return -1;
        }
        struct stat old;
        if (lstat(path, &old) == 0 && !S_ISSOCK(old.st_mode)) {
            snprintf(why, size, "%s exists and is not a socket: remove it or choose another path",
                     path);
            goto failed;
        }
        unlink(path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Nobody connects between bind and chmod: it listens only afterwards. */
    if (fd < 0 || bind(fd, (struct sockaddr *)&address,
                       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) != 0) {
        snprintf(why, size, "cannot make the socket %s: %s%s", path, strerror(errno),
                 errno == EADDRINUSE ? "; another process has it" : "");
        goto failed;
    }
    if (!abstract && listener_set_owner(path, mode, group, why, size) != 0) {
        goto failed;
    }
    if (listen(fd, BACKLOG) != 0) {
        snprintf(why, size, "cannot listen on %s: %s", path, strerror(errno));
        goto failed;
    }
    return fd;
failed:
    if (fd >= 0) {
        close(fd);
    }
    if (*lock >= 0) {
        close(*lock);
        *lock = -1;
    }
    return -1;
}

/* A stream socket that listens. */
static bool listener_listens(int fd)
{
    socklen_t len = sizeof(int);
    int type = 0, listening = 0;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening == 1;
}

bool listener_unix_name(int fd, char *name, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNSPEC};
    socklen_t len = sizeof(address);
    if (!listener_listens(fd) || getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        address.sun_family != AF_UNIX) {
        return false;
    }
    size_t used = len - offsetof(struct sockaddr_un, sun_path);
    if (used > 0 && address.sun_path[0] == '\0') {
        address.sun_path[0] = '@';
    }
    snprintf(name, size, "%.*s", (int)used, address.sun_path);
    return true;
}

int listener_adopt(int fd, int *lock, char *why, size_t size)
{
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    *lock = -1;
    if (!listener_unix_name(fd, name, sizeof(name))) {
        snprintf(why, size, "descriptor %d is not a Unix stream socket that listens", fd);
        return -1;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        snprintf(why, size, "cannot use descriptor %d: %s", fd, strerror(errno));
        return -1;
    }
    if (name[0] == '/') {
        *lock = listener_lock(name, why, size);
        if (*lock == LOCK_HELD) {
            *lock = -1;
            return -1;
        }
        if (*lock < 0) {
            log_info("ipc", "%s; going on without, as the socket was passed", why);
        }
    }
    return 0;
}

/* ---- passed, for clients ---- */

/* Of all of IPv6, and, unless it is told not to, of all of IPv4. */
static bool listener_is_wild(int fd, const struct sockaddr_in6 *at, const struct sockaddr *wanted)
{
    int only = 1;
    socklen_t len = sizeof(only);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)wanted;
    return IN6_IS_ADDR_UNSPECIFIED(&at->sin6_addr) && wanted->sa_family == AF_INET &&
           v4->sin_addr.s_addr == htonl(INADDR_ANY) && v4->sin_port == at->sin6_port &&
           getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only == 0;
}

static bool listener_same(const struct sockaddr *a, const struct sockaddr *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)a,
                             *b4 = (const struct sockaddr_in *)b;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a,
                              *b6 = (const struct sockaddr_in6 *)b;
    if (a->sa_family != b->sa_family) {
        return false;
    }
    return a->sa_family == AF_INET
               ? a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr
               : a6->sin6_port == b6->sin6_port &&
                     IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
}

/* Its address, if it is a TCP socket that listens. */
static bool listener_address(int fd, struct sockaddr_storage *at)
{
    socklen_t len = sizeof(*at);
    return listener_listens(fd) && getsockname(fd, (struct sockaddr *)at, &len) == 0 &&
           (at->ss_family == AF_INET || at->ss_family == AF_INET6);
}

bool listener_is_at(int fd, const char *address)
{
    struct sockaddr_storage at;
    struct addrinfo *info;
    char ignored[320];
    if (!listener_address(fd, &at) ||
        listener_resolve(address, &info, ignored, sizeof(ignored)) != 0) {
        return false;
    }
    bool found = listener_same((const struct sockaddr *)&at, info->ai_addr) ||
                 (at.ss_family == AF_INET6 &&
                  listener_is_wild(fd, (const struct sockaddr_in6 *)&at, info->ai_addr));
    freeaddrinfo(info);
    return found;
}

void listener_place(int fd, char *text, size_t size)
{
    struct sockaddr_storage at;
    char host[64], port[16];
    if (listener_address(fd, &at) &&
        getnameinfo((struct sockaddr *)&at, sizeof(at), host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool v6 = at.ss_family == AF_INET6;
        snprintf(text, size, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
    } else if (!listener_unix_name(fd, text, size)) {
        snprintf(text, size, "not a stream socket that listens");
    }
}

int listener_share(int fd, char *why, size_t size)
{
    int flags = fcntl(fd, F_GETFL);
    int own = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0
                  ? -1
                  : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own < 0) {
        snprintf(why, size, "cannot use descriptor %d: %s", fd, strerror(errno));
        return -1;
    }
    listener_set_options(own);
    return own;
}

/* ---- accepting ---- */

static void listener_take_rest(struct listener *listener)
{
    struct timeval rest = {.tv_usec = REST_MS * 1000};
    counter_add(listener->loop->counters, COUNTER_ACCEPT_RESTS, 1);
    log_limited(
        LOG_LEVEL_WARN, "listen",
        "out of file descriptors: accepting rests for %d ms; raise the hard limit (LimitNOFILE of "
        "systemd, minfds of supervisord, ulimit -Hn) and restart",
        REST_MS);
    event_del(&listener->ev);
    event_add(&listener->rest, &rest);
}

/* Too many wait for the head of a request: one that is idle between two requests goes first, then
 * the one that has been slowest with its first. */
static void listener_make_room(struct loop *loop)
{
    const struct idle_list *heads = &loop->idle[IDLE_HEAD], *kept = &loop->idle[IDLE_KEEPALIVE];
    uint64_t max = loop->limits.max_heads;
    if (max == 0 || (uint64_t)heads->count + kept->count <= max) {
        return;
    }
    struct conn *oldest = slots_at(loop, (kept->count > 0 ? kept : heads)->head - 1);
    counter_add(loop->counters, COUNTER_TIMEOUT_HEAD, 1);
    conn_doom(oldest);
    conn_idle(oldest, IDLE_NONE);
}

/* False when nothing is waiting any more. */
static bool listener_accept_some(struct listener *listener)
{
    struct descriptors *descriptors = listener->loop->descriptors;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        if (!descriptors_take(descriptors, listener->spare)) {
            if (i == 0) { /* else it is not known whether anybody waits */
                listener_take_rest(listener);
            }
            return false;
        }
        /* Not close-on-exec on purpose: clients' sockets are what a new binary inherits. We start
         * no other programs. */
        struct sockaddr_storage from;
        struct address address;
        socklen_t len = sizeof(from);
        bool look = listener->with_preamble != NULL;
        int fd = accept4(listener->fd, look ? (struct sockaddr *)&from : NULL, look ? &len : NULL,
                         SOCK_NONBLOCK);
        if (fd < 0) {
            descriptors_give(descriptors);
            if (errno == EINTR || errno == ECONNABORTED) {
                continue;
            }
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                listener_take_rest(listener);
            }
            return false;
        }
        counter_add(listener->loop->counters, listener->accepted, 1);
        struct conn *conn = conn_new(listener->loop, fd, listener->kind, listener->first);
        if (conn == NULL) {
            descriptors_give(descriptors);
            log_limited(LOG_LEVEL_WARN, "listen", "no memory for a connection");
            continue;
        }
        if (look && address_of_socket((struct sockaddr *)&from, &address) &&
            networks_have(listener->with_preamble, &address)) {
            conn->flags |= CONN_PREAMBLE;
        }
        if (listener->tls != NULL) {
            conn_secure(conn, listener->tls);
        }
        listener_make_room(listener->loop);
    }
    return true;
}

static void listener_on_accept(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    turn_awake(((struct listener *)arg)->loop);
    listener_accept_some(arg);
}

static void listener_on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;
    (void)fd;
    (void)what;
    if (listener->fd >= 0) {
        event_add(&listener->ev, NULL);
    }
}

void listener_start(struct listener *listener, struct loop *loop, int fd, uint8_t kind,
                    enum idle_class first, enum counter accepted)
{
    *listener = (struct listener){
        .fd = fd, .loop = loop, .kind = kind, .first = first, .accepted = accepted};
    check(event_assign(&listener->ev, loop->base, fd, EV_READ | EV_PERSIST, listener_on_accept,
                       listener) == 0);
    check(event_assign(&listener->rest, loop->base, -1, 0, listener_on_rested, listener) == 0);
    check(event_add(&listener->ev, NULL) == 0);
}

void listener_secure(struct listener *listener, struct tls_context *context)
{
    if (context != NULL) {
        tls_context_ref(context);
    }
    tls_context_unref(listener->tls);
    listener->tls = context;
}

void listener_stop(struct listener *listener)
{
    if (listener->fd >= 0 && !listener->passed) {
        /* Closing a listener resets what waits in its queue: take it in first, as much as a queue
         * holds. More may come as fast as it is taken. */
        for (int i = 0; i < BACKLOG / ACCEPTS_A_TURN && listener_accept_some(listener); i++) {
        }
    }
    listener_leave(listener);
}

void listener_leave(struct listener *listener)
{
    if (listener->fd < 0) {
        return;
    }
    event_del(&listener->ev);
    event_del(&listener->rest);
    close(listener->fd);
    listener->fd = -1;
    listener_secure(listener, NULL);
}
