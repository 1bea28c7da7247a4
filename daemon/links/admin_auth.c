#include "links/admin_auth.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/input.h"
#include "proto/sign.h"
#include "pubsub/hub.h"

#define DIGITS (SIGN_LEN * 2)

/* ---- tokens and sessions ---- */

bool admin_auth_token_is(const char *token, struct slice given)
{
    uint8_t ours[SIGN_LEN], theirs[SIGN_LEN];
    struct slice text = {token, strlen(token)};
    if (text.len == 0 || strcmp(token, ADMIN_TOKEN_NONE) == 0 || given.p == NULL) {
        return false;
    }
    /* Of the same length whatever was given, so that its length is not to be measured either. */
    sign_hmac(SLICE("token"), &text, 1, ours);
    sign_hmac(SLICE("token"), &given, 1, theirs);
    return sign_equal(ours, theirs, SIGN_LEN);
}

static void admin_auth_sign(char out[DIGITS + 1], const uint8_t secret[ADMIN_AUTH_SECRET],
                            const char *token, struct slice until)
{
    uint8_t mac[SIGN_LEN];
    struct slice parts[] = {SLICE("console session\n"), until, SLICE("\n"), {token, strlen(token)}};
    sign_hmac((struct slice){(const char *)secret, ADMIN_AUTH_SECRET}, parts, 4, mac);
    for (size_t i = 0; i < SIGN_LEN; i++) {
        snprintf(out + i * 2, 3, "%02x", mac[i]);
    }
}

size_t admin_auth_session(char out[ADMIN_AUTH_SESSION], const uint8_t secret[ADMIN_AUTH_SECRET],
                          const char *token, uint64_t until)
{
    char time[24], mac[DIGITS + 1];
    int len = snprintf(time, sizeof(time), "%" PRIu64, until);
    admin_auth_sign(mac, secret, token, (struct slice){time, (size_t)len});
    len = snprintf(out, ADMIN_AUTH_SESSION, "%s.%s", time, mac);
    return (size_t)len;
}

/* "UNTIL.MAC" */
static bool admin_auth_good(struct slice session, const uint8_t secret[ADMIN_AUTH_SECRET],
                            const char *token, uint64_t now)
{
    char mac[DIGITS + 1];
    uint64_t until = 0;
    size_t digits = 0;
    while (digits < session.len && digits < 12 && session.p[digits] >= '0' &&
           session.p[digits] <= '9') {
        until = until * 10 + (uint64_t)(session.p[digits++] - '0');
    }
    if (digits == 0 || session.len != digits + 1 + DIGITS || session.p[digits] != '.') {
        return false;
    }
    admin_auth_sign(mac, secret, token, (struct slice){session.p, digits});
    return sign_equal((const uint8_t *)session.p + digits + 1, (const uint8_t *)mac, DIGITS) &&
           now < until;
}

bool admin_auth_session_is(struct slice cookies, const uint8_t secret[ADMIN_AUTH_SECRET],
                           const char *token, uint64_t now)
{
    static const char name[] = ADMIN_AUTH_COOKIE "=";
    size_t at = 0;
    if (token[0] == '\0' || cookies.p == NULL) {
        return false;
    }
    /* A neighbour on another port of this host may have set one of the same name: any will do. */
    while (at < cookies.len) {
        const char *end = memchr(cookies.p + at, ';', cookies.len - at);
        size_t stop = end != NULL ? (size_t)(end - cookies.p) : cookies.len;
        while (at < stop && cookies.p[at] == ' ') {
            at++;
        }
        struct slice one = {cookies.p + at, stop - at};
        if (slice_starts(one, name)) {
            one.p += sizeof(name) - 1;
            one.len -= sizeof(name) - 1;
            if (admin_auth_good(one, secret, token, now)) {
                return true;
            }
        }
        at = stop + 1;
    }
    return false;
}

/* ---- names ---- */

static bool admin_auth_same(struct slice text, const char *other)
{
    return text.len == strlen(other) && strncasecmp(text.p, other, text.len) == 0;
}

/* "host:port" without its port; brackets stay. */
static struct slice admin_auth_bare(struct slice host)
{
    size_t len = host.len;
    while (len > 0 && host.p[len - 1] >= '0' && host.p[len - 1] <= '9') {
        len--;
    }
    if (len > 0 && host.p[len - 1] == ':' && (host.p[0] != '[' || host.p[len - 2] == ']')) {
        host.len = len - 1;
    }
    return host;
}

static bool admin_auth_address_is_local(struct slice text)
{
    struct address address;
    if (!address_read(text.p, text.len, &address)) {
        return false;
    }
    return address_is_v4(&address) ? address.bytes[12] == 127
                                   : IN6_IS_ADDR_LOOPBACK((struct in6_addr *)(void *)address.bytes);
}

bool admin_auth_host_is_local(struct slice host)
{
    if (host.p == NULL || host.len == 0) {
        return false;
    }
    host = admin_auth_bare(host);
    if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
        return admin_auth_address_is_local((struct slice){host.p + 1, host.len - 2});
    }
    return admin_auth_same(host, "localhost") || admin_auth_address_is_local(host);
}

bool admin_auth_is_loopback(const char *listen)
{
    return admin_auth_host_is_local((struct slice){listen, strlen(listen)});
}

bool admin_auth_origin_is(struct slice origin, struct slice host)
{
    static const char plain[] = "http://", secure[] = "https://";
    if (origin.p == NULL || host.p == NULL || host.len == 0) {
        return false;
    }
    size_t skip = slice_starts(origin, plain)
                      ? sizeof(plain) - 1
                      : (slice_starts(origin, secure) ? sizeof(secure) - 1 : 0);
    return skip > 0 && origin.len == skip + host.len &&
           strncasecmp(origin.p + skip, host.p, host.len) == 0;
}

/* ---- who is at the other end of a connection from this machine ---- */

static bool admin_auth_end(const struct sockaddr_storage *from, uint32_t out[4], uint16_t *port)
{
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from;
        out[0] = v4->sin_addr.s_addr;
        *port = v4->sin_port;
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *v6 = (const void *)from;
    memcpy(out, &v6->sin6_addr, 16);
    *port = v6->sin6_port;
    return from->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* The user whose socket the other end is. The kernel looks it up by its four numbers, so it costs
 * the same with a million of others. False: not of this machine, or the kernel may not be asked
 * (RestrictAddressFamilies without AF_NETLINK). */
static bool admin_auth_peer(int fd, uid_t *uid)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 wanted;
    } ask = {.head = {.nlmsg_len = sizeof(ask),
                      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                      .nlmsg_flags = NLM_F_REQUEST},
             .wanted = {.sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u}};
    struct {
        struct nlmsghdr head;
        struct inet_diag_msg found;
        uint8_t more[512];
    } answer;
    struct sockaddr_storage ours, theirs;
    socklen_t ours_len = sizeof(ours), theirs_len = sizeof(theirs);
    struct inet_diag_sockid *id = &ask.wanted.id;
    if (getsockname(fd, (struct sockaddr *)&ours, &ours_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&theirs, &theirs_len) != 0 ||
        !admin_auth_end(&theirs, id->idiag_src, &id->idiag_sport) ||
        !admin_auth_end(&ours, id->idiag_dst, &id->idiag_dport)) {
        return false;
    }
    ask.wanted.sdiag_family = (uint8_t)ours.ss_family;
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    int kernel = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (kernel < 0) {
        return false;
    }
    /* The answer is there when the question has been sent. */
    bool sent = send(kernel, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask);
    ssize_t got = sent ? recv(kernel, &answer, sizeof(answer), 0) : -1;
    close(kernel);
    if (got < (ssize_t)(sizeof(answer.head) + sizeof(answer.found)) ||
        answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY) {
        return false;
    }
    /* Of a socket that its process has closed the kernel says 0, as if it were root's: whoever asks
     * and hangs up at once would be let in. */
    if (answer.found.idiag_inode == 0 || answer.found.idiag_state != TCP_ESTABLISHED) {
        return false;
    }
    *uid = answer.found.idiag_uid;
    return true;
}

/* ---- requests ---- */

static bool admin_auth_bearer(struct slice value, struct slice *token)
{
    static const char scheme[] = "Bearer ";
    if (value.p == NULL || value.len < sizeof(scheme) - 1 ||
        strncasecmp(value.p, scheme, sizeof(scheme) - 1) != 0) {
        return false;
    }
    *token = (struct slice){value.p + sizeof(scheme) - 1, value.len - (sizeof(scheme) - 1)};
    return true;
}

/* What proxies add. One that adds nothing, passes no Host on and runs as the daemon's user is not
 * told from that user. */
static bool admin_auth_forwarded(const struct http_request *request)
{
    static const char *const names[] = {"Forwarded",         "X-Forwarded-For", "X-Forwarded-Host",
                                        "X-Forwarded-Proto", "X-Real-IP",       "Via"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (http_header(request, names[i]).p != NULL) {
            return true;
        }
    }
    return false;
}

static bool admin_auth_place(struct conn *conn, struct admin_guard **guard, size_t *place)
{
    struct address peer;
    *guard = ((struct hub *)conn->loop->hub)->admin_guard;
    if (*guard == NULL || !conn_peer(conn, &peer)) {
        return false;
    }
    bool v4 = address_is_v4(&peer);
    *place = strmap_hash((const char *)peer.bytes + (v4 ? 12 : 0), v4 ? 4 : 8) % ADMIN_AUTH_PLACES;
    return true;
}

bool admin_auth_held(struct conn *conn)
{
    struct admin_guard *guard;
    size_t place;
    return admin_auth_place(conn, &guard, &place) &&
           guard->places[place].second == clock_mono_ms() / 1000 &&
           guard->places[place].wrong >= ADMIN_AUTH_WRONGS;
}

void admin_auth_wrong(struct conn *conn)
{
    struct admin_guard *guard;
    size_t place;
    uint64_t second = clock_mono_ms() / 1000;
    if (admin_auth_place(conn, &guard, &place)) {
        if (guard->places[place].second != second) {
            guard->places[place].second = second;
            guard->places[place].wrong = 0;
        }
        guard->places[place].wrong++;
    }
}

/* No page of another site can send this header unless we allow it, which we never do. */
static enum admin_auth admin_auth_header(struct conn *conn, const struct http_request *request,
                                         const char *token, struct slice given)
{
    struct slice bearer = {NULL, 0};
    if (admin_auth_held(conn)) {
        return ADMIN_AUTH_BUSY;
    }
    if (http_header_count(request, "Authorization") == 1 && admin_auth_bearer(given, &bearer) &&
        admin_auth_token_is(token, bearer)) {
        return ADMIN_AUTH_YES;
    }
    admin_auth_wrong(conn);
    return ADMIN_AUTH_WRONG;
}

enum admin_auth admin_auth_judge(struct conn *conn, const struct http_request *request,
                                 bool changes)
{
    const struct hub *hub = conn->loop->hub;
    const char *token = hub->apps->admin_token != NULL ? hub->apps->admin_token : "";
    struct slice given = http_header(request, "Authorization");
    struct slice host = http_header(request, "Host"), origin = http_header(request, "Origin");
    struct slice cookie = http_header(request, "Cookie");
    if (strcmp(token, ADMIN_TOKEN_NONE) == 0) {
        return ADMIN_AUTH_OFF;
    }
    if (token[0] == '\0') {
        uid_t uid;
        if (!admin_auth_peer(conn->fd, &uid) || (uid != 0 && uid != geteuid())) {
            return ADMIN_AUTH_NO_TOKEN;
        }
        if (admin_auth_forwarded(request)) {
            return ADMIN_AUTH_PROXY;
        }
        if (!admin_auth_host_is_local(host)) {
            return ADMIN_AUTH_HOST;
        }
        /* A program sends no Origin; a browser does, whenever another page may be behind it. */
        return origin.p != NULL && changes && !admin_auth_origin_is(origin, host)
                   ? ADMIN_AUTH_ORIGIN
                   : ADMIN_AUTH_YES;
    }
    if (given.p != NULL) {
        return admin_auth_header(conn, request, token, given);
    }
    if (cookie.p == NULL || hub->admin_guard == NULL) {
        return ADMIN_AUTH_MISSING;
    }
    if (!admin_auth_session_is(cookie, hub->admin_guard->secret, token, clock_wall_ms() / 1000)) {
        return ADMIN_AUTH_MISSING; /* of another port, or over: the page asks for the token */
    }
    return changes && !admin_auth_origin_is(origin, host) ? ADMIN_AUTH_ORIGIN : ADMIN_AUTH_YES;
}

bool admin_auth_allowed(struct conn *conn, const struct http_request *request, bool changes)
{
    char text[ADDRESS_TEXT], why[300];
    enum admin_auth auth = admin_auth_judge(conn, request, changes);
    if (auth == ADMIN_AUTH_YES) {
        return true;
    }
    counter_add(conn->loop->counters, COUNTER_ADMIN_REFUSED, 1);
    switch (auth) {
    case ADMIN_AUTH_OFF:
        http_refuse(conn, 403, NULL,
                    "[admin] token is none: only numbers are served here. Set one, or use fanfared "
                    "ctl");
        break;
    case ADMIN_AUTH_NO_TOKEN:
        snprintf(why, sizeof(why),
                 "Without a token this is for root and for the daemon's own user (uid %ld), from "
                 "this machine: set token in [admin] and send it, or use fanfared ctl",
                 (long)geteuid());
        http_refuse(conn, 403, NULL, why);
        break;
    case ADMIN_AUTH_PROXY:
        http_refuse(
            conn, 403, NULL,
            "It came through a proxy, and without a token nobody is let in through one: set "
            "token in [admin] and send it");
        break;
    case ADMIN_AUTH_BUSY:
        http_refuse(conn, 429, "Retry-After: 1\r\n", ADMIN_AUTH_HELD);
        break;
    case ADMIN_AUTH_HOST:
        http_refuse(conn, 403, NULL,
                    "Without a token this is reached as localhost or 127.0.0.1 only, and Host says "
                    "otherwise: set token in [admin] to use another name");
        break;
    case ADMIN_AUTH_ORIGIN:
        log_limited_with(LOG_LEVEL_WARN, "admin", LOG_FIELDS(.client = http_peer(conn, text)),
                         "%s: refused what a page of another site asks for", http_peer(conn, text));
        http_refuse(conn, 403, NULL,
                    "Origin is not that of this console: a page of another site may not ask for "
                    "this; a proxy in front must pass Host on as it came");
        break;
    case ADMIN_AUTH_WRONG:
        log_limited_with(LOG_LEVEL_WARN, "admin", LOG_FIELDS(.client = http_peer(conn, text)),
                         "%s came with a wrong token", http_peer(conn, text));
        /* fall through */
    default:
        http_refuse(conn, 401, "WWW-Authenticate: Bearer\r\n",
                    "Send the token of [admin]: Authorization: Bearer TOKEN");
        break;
    }
    return false;
}
