#include "links/console_pages.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "links/admin_auth.h"
#include "links/console.h"
#include "links/console_files.h"
#include "proto/json.h"
#include "pubsub/hub.h"
#include "web/ws_conn.h"

#define CONSOLE_LOGIN 4096u /* bytes of one */

#define CONSOLE_LOGIN_MAX 4096u /* bytes of a login */

/* Jobs: the body of a login, over a proxy's TLS or not. */
static const char console_login_plain[] = "login", console_login_secure[] = "login over TLS";

#define CONSOLE_HEADERS                                                                            \
    "Cache-Control: no-cache\r\n"                                                                  \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "           \
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; "       \
    "base-uri 'none'\r\n"                                                                          \
    "X-Frame-Options: DENY\r\n"                                                                    \
    "Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"

bool console_path(struct slice path)
{
    return slice_is(path, "/") || slice_is(path, "/console") || slice_starts(path, "/console/");
}

static const char *console_type(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot != NULL && strcmp(dot, ".js") == 0) {
        return "text/javascript; charset=utf-8";
    }
    return dot != NULL && strcmp(dot, ".css") == 0 ? "text/css; charset=utf-8"
                                                   : "text/html; charset=utf-8";
}

static bool console_file(struct conn *conn, struct slice name)
{
    if (name.len == 0) {
        name = SLICE("index.html");
    }
    for (size_t i = 0; i < console_nfiles; i++) {
        const struct console_file *file = &console_files[i];
        if (slice_is(name, file->name)) {
            http_answer(conn, 200, console_type(file->name), CONSOLE_HEADERS,
                        (struct slice){(const char *)file->bytes, file->len});
            return true;
        }
    }
    return false;
}

/* What the page must know before it asks for anything: whether it may, and if not, why. */
static void console_session(struct conn *conn, const struct http_request *request)
{
    static const char *const states[] = {[ADMIN_AUTH_YES] = "in",
                                         [ADMIN_AUTH_OFF] = "off",
                                         [ADMIN_AUTH_NO_TOKEN] = "no-token",
                                         [ADMIN_AUTH_MISSING] = "login",
                                         [ADMIN_AUTH_WRONG] = "login",
                                         [ADMIN_AUTH_HOST] = "host",
                                         [ADMIN_AUTH_PROXY] = "proxy",
                                         [ADMIN_AUTH_BUSY] = "busy",
                                         [ADMIN_AUTH_ORIGIN] = "origin"};
    const char *token = ((struct hub *)conn->loop->hub)->apps->admin_token;
    char text[120];
    int len = snprintf(text, sizeof(text), "{\"session\":\"%s\",\"token\":%s,\"full\":%s}",
                       states[admin_auth_judge(conn, request, false)],
                       token != NULL && token[0] != '\0' ? "true" : "false",
                       consoles_full(((struct hub *)conn->loop->hub)->consoles) ? "true" : "false");
    http_answer_json(conn, 200, "Cache-Control: no-store\r\n", (struct slice){text, (size_t)len});
}

static void console_live(struct conn *conn, const struct http_request *request)
{
    struct slice key;
    const char *why = NULL;
    if (!admin_auth_allowed(conn, request, true)) {
        return;
    }
    int status = http_websocket(request, &key, &why);
    if (status != 0) {
        counter_add(conn->loop->counters, COUNTER_BAD_HANDSHAKE, 1);
        http_refuse(conn, status,
                    status == 426 ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : NULL,
                    status == 426 ? "This is a WebSocket endpoint" : why);
        return;
    }
    if (consoles_full(((struct hub *)conn->loop->hub)->consoles)) {
        http_refuse(conn, 503, "Retry-After: 10\r\n",
                    "As many consoles as are served at a time are open: close one");
        return;
    }
    console_enter(conn, request, key);
}

/* A page that came over TLS, which a proxy in front has taken off: its session goes over TLS alone.
 */
static bool console_is_secure(const struct http_request *request)
{
    return slice_starts(http_header(request, "Origin"), "https://");
}

/* A login or a logout; both are of our own page alone. False: it was refused. */
static bool console_may_post(struct conn *conn, const struct http_request *request)
{
    if (!slice_is(request->method, "POST")) {
        http_refuse(conn, 405, "Allow: POST\r\n", "This changes something: POST it");
        return false;
    }
    if (!admin_auth_origin_is(http_header(request, "Origin"), http_header(request, "Host"))) {
        counter_add(conn->loop->counters, COUNTER_ADMIN_REFUSED, 1);
        http_refuse(conn, 403, NULL,
                    "Origin is not that of this console; a proxy in front must pass Host on as it "
                    "came");
        return false;
    }
    return true;
}

/* What its body needs of the head. NULL: it was refused. */
static void *console_login(struct conn *conn, const struct http_request *request)
{
    if (!console_may_post(conn, request)) {
        return NULL;
    }
    if (admin_auth_held(conn)) {
        counter_add(conn->loop->counters, COUNTER_ADMIN_REFUSED, 1);
        http_refuse(conn, 429, "Retry-After: 1\r\n", ADMIN_AUTH_HELD);
        return NULL;
    }
    /* Whoever sends it has not shown the token yet: nothing large is kept for it. */
    if (request->chunked || request->body_len > CONSOLE_LOGIN_MAX) {
        http_refuse(conn, 413, NULL, "A login is a small JSON object with a Content-Length");
        return NULL;
    }
    return (void *)(uintptr_t)(console_is_secure(request) ? console_login_secure
                                                          : console_login_plain);
}

void *console_head(struct conn *conn, const struct http_request *request)
{
    static const char base[] = "/console/";
    struct slice path = request->path;
    bool read = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
    if (slice_is(path, "/") || slice_is(path, "/console")) {
        if (read) {
            http_answer(conn, 302, NULL, "Location: console/\r\n", (struct slice){"", 0});
        } else {
            http_refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed");
        }
        return NULL;
    }
    path.p += sizeof(base) - 1;
    path.len -= sizeof(base) - 1;
    if (slice_is(path, "login")) {
        return console_login(conn, request);
    }
    if (slice_is(path, "logout")) {
        if (console_may_post(conn, request)) {
            char header[160];
            snprintf(header, sizeof(header),
                     "Set-Cookie: " ADMIN_AUTH_COOKIE
                     "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict%s\r\n",
                     console_is_secure(request) ? "; Secure" : "");
            http_answer_json(conn, 200, header, SLICE("{\"session\":\"login\"}"));
        }
        return NULL;
    }
    if (!read) {
        http_refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed");
    } else if (slice_is(path, "session")) {
        console_session(conn, request);
    } else if (slice_is(path, "live")) {
        console_live(conn, request);
    } else if (!console_file(conn, path)) {
        http_refuse(conn, 404, NULL, "The console has no such page; it is at /console/");
    }
    return NULL;
}

bool console_owns(const void *job)
{
    return job == console_login_plain || job == console_login_secure;
}

static bool console_token_is(const char *token, struct slice body)
{
    struct slice key, value;
    size_t cursor = 0;
    bool good = false;
    body = json_trim(body);
    if (body.len == 0 || body.len > CONSOLE_LOGIN || !json_valid(body.p, body.len) ||
        json_type(body) != JSON_OBJECT) {
        return false;
    }
    while (json_next(body, &cursor, &key, &value)) {
        if (json_string_is(key, "token") && json_type(value) == JSON_STRING) {
            char room[CONSOLE_LOGIN];
            good = admin_auth_token_is(token, json_unescape(value, room));
            explicit_bzero(room, sizeof(room));
        }
    }
    return good;
}

void console_body(struct conn *conn, void *job, struct slice body, int status)
{
    const char *token = ((struct hub *)conn->loop->hub)->apps->admin_token;
    char session[ADMIN_AUTH_SESSION], header[300], text[ADDRESS_TEXT];
    struct admin_guard *guard = ((struct hub *)conn->loop->hub)->admin_guard;
    if (status != 0) {
        http_refuse(conn, status, NULL, "The body of the request cannot be taken");
        return;
    }
    if (token == NULL || !console_token_is(token, body)) {
        counter_add(conn->loop->counters, COUNTER_ADMIN_REFUSED, 1);
        admin_auth_wrong(conn);
        log_limited_with(LOG_LEVEL_WARN, "admin", LOG_FIELDS(.client = http_peer(conn, text)),
                         "%s: a login with a wrong token", http_peer(conn, text));
        http_refuse(conn, 401, NULL, "That is not the token of [admin]");
        return;
    }
    log_with(LOG_LEVEL_INFO, "admin", LOG_FIELDS(.client = http_peer(conn, text)),
             "%s has signed in to the console", http_peer(conn, text));
    size_t len = admin_auth_session(session, guard->secret, token,
                                    clock_wall_ms() / 1000 + ADMIN_AUTH_SECONDS);
    snprintf(
        header, sizeof(header),
        "Set-Cookie: " ADMIN_AUTH_COOKIE
        "=%.*s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s\r\nCache-Control: no-store\r\n",
        (int)len, session, ADMIN_AUTH_SECONDS, job == console_login_secure ? "; Secure" : "");
    http_answer_json(conn, 200, header, SLICE("{\"session\":\"in\"}"));
}
