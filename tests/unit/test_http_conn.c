/* web/http_conn: requests in whatever pieces, bodies that come, break off or are too large, answers
 * that come later, and what the connection is afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "net/idle.h"
#include "net/input.h"
#include "net/loop.h"
#include "web/http_conn.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_BODY  1000u
#define LONG_BODY 40000u

enum { KIND_WEB, KIND_OTHER };

/* A service that tells what it is given. */
static struct {
    unsigned int heads, bodies, drops, left;
    int status;
    char body[LONG_BODY], path[64], other[64];
    size_t body_len, other_len;
    bool long_body;
} seen;

static void *tell_head(struct conn *conn, const struct http_request *request)
{
    seen.heads++;
    snprintf(seen.path, sizeof(seen.path), "%.*s", (int)request->path.len, request->path.p);
    if (slice_is(request->path, "/body")) {
        return seen.path;
    }
    if (slice_is(request->path, "/later")) {
        http_later(conn);
    } else if (slice_is(request->path, "/last")) {
        http_last(conn);
        http_refuse(conn, 400, "X: y\r\n", "a \"\n\x01 b");
    } else if (slice_is(request->path, "/become")) {
        conn_become(conn, KIND_OTHER, IDLE_NONE);
    } else {
        http_answer_json(conn, 200, NULL, request->path);
    }
    return NULL;
}

static void tell_body(struct conn *conn, void *job, struct slice body, int status)
{
    assert_ptr_equal(job, seen.path);
    seen.bodies++;
    seen.status = status;
    seen.body_len = body.len;
    memcpy(seen.body, body.p, body.len);
    http_answer_json(conn, status != 0 ? status : 200, NULL, seen.long_body ? SLICE("{}") : body);
}

static void tell_drop(void *job)
{
    assert_ptr_equal(job, seen.path);
    seen.drops++;
}

static size_t tell_max_body(const struct conn *conn)
{
    (void)conn;
    return seen.long_body ? LONG_BODY : MAX_BODY;
}

static const struct http_service service = {
    .head = tell_head, .body = tell_body, .drop = tell_drop, .max_body = tell_max_body};

static size_t web_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    return http_input(conn, &service, bytes, len);
}

static size_t other_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    (void)conn;
    assert_true(seen.other_len + len < sizeof(seen.other));
    memcpy(seen.other + seen.other_len, bytes, len);
    seen.other_len += len;
    return len;
}

static void other_leave(struct conn *conn)
{
    (void)conn;
    seen.left++;
}

static const struct conn_handler web_handler = {.input = web_input,
                                                .leave = http_leave,
                                                .expired = http_expired,
                                                .max_input = HTTP_MAX_HEAD},
                                 other_handler = {
                                     .input = other_input, .leave = other_leave, .max_input = 1};

struct web {
    struct loop loop;
    struct counters counters;
    int fd;
    struct conn *conn;
    char out[8192];
    size_t out_len;
};

static struct web *web_new(struct loop_limits limits)
{
    struct web *web = mem_zalloc(sizeof(*web));
    int pair[2];
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(loop_init(&web->loop, &web->counters, &limits), 0);
    loop_handler(&web->loop, KIND_WEB, &web_handler);
    loop_handler(&web->loop, KIND_OTHER, &other_handler);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    web->fd = pair[0];
    web->conn = conn_new(&web->loop, pair[1], KIND_WEB, IDLE_HEAD);
    assert_non_null(web->conn);
    return web;
}

static void no_mail(struct mail *mail)
{
    mem_free(mail);
    fail();
}

static void web_free(struct web *web)
{
    close(web->fd);
    loop_close(&web->loop);
    assert_int_equal(web->loop.queued_bytes, 0);
    loop_free(&web->loop, no_mail);
    mem_free(web);
}

static void web_turns(struct web *web)
{
    for (int i = 0; i < 4; i++) {
        loop_turn(&web->loop);
        ssize_t got = recv(web->fd, web->out + web->out_len, sizeof(web->out) - 1 - web->out_len,
                           MSG_DONTWAIT);
        web->out_len += got > 0 ? (size_t)got : 0;
        web->out[web->out_len] = '\0';
    }
}

static void web_say(struct web *web, const char *text, size_t len, size_t step)
{
    for (size_t at = 0; at < len; at += step) {
        size_t some = len - at < step ? len - at : step;
        assert_int_equal(send(web->fd, text + at, some, MSG_NOSIGNAL), (ssize_t)some);
        loop_turn(&web->loop);
    }
    web_turns(web);
}

static unsigned int web_heard(const struct web *web, const char *text)
{
    unsigned int n = 0;
    for (const char *p = web->out; (p = strstr(p, text)) != NULL; p++) {
        n++;
    }
    return n;
}

static bool web_alive(const struct web *web)
{
    return web->loop.connections == 1 && !(web->conn->flags & (CONN_FINISHING | CONN_DOOMED));
}

static const char several[] =
    "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world"
    "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    "\r\nPOST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: z\r\n\r\n"
    "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";

static void requests_in_any_pieces(void **state)
{
    (void)state;
    for (size_t step = 1; step <= sizeof(several); step++) {
        struct web *web = web_new((struct loop_limits){0});
        web_say(web, several, sizeof(several) - 1, step);
        assert_int_equal(seen.heads, 5);
        assert_int_equal(seen.bodies, 3);
        assert_int_equal(seen.drops, 0);
        assert_int_equal(web_heard(web, "HTTP/1.1 200 OK"), 5);
        assert_int_equal(web_heard(web, "\r\n\r\nhello worldHTTP/1.1"), 2);
        assert_int_equal(web_heard(web, "Content-Length: 0\r\n"), 1);
        assert_string_equal(web->out + web->out_len - 6, "\r\n\r\n/b");
        assert_true(web_alive(web));
        web_free(web);
    }
}

static void bodies_that_cannot_be(void **state)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"Content-Length: 1001\r\n\r\n", 413},
        {"Content-Length: 99999999999999\r\n\r\n", 413},
        {"Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413},
        {"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n3e8\r\n", 413},
        {"Transfer-Encoding: chunked\r\n\r\nx", 400},
        {"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n1 1\r\n", 400},
    };
    static const char head[] = "POST /body HTTP/1.1\r\nHost: x\r\n";
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t step = 1; step <= 100; step += 33) {
            struct web *web = web_new((struct loop_limits){0});
            char text[256];
            int len = snprintf(text, sizeof(text), "%s%s", head, cases[i].text);
            web_say(web, text, (size_t)len, step);
            assert_int_equal(seen.status, cases[i].status);
            assert_int_equal(seen.bodies, 1);
            assert_int_equal(seen.drops, 0);
            assert_int_equal(seen.body_len, 0);
            assert_int_equal(web_heard(web, "Connection: close"), 1);
            assert_false(web_alive(web));
            web_free(web);
        }
    }
}

static void a_connection_that_ends_in_a_body(void **state)
{
    static const char part[] =
        "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel";
    (void)state;
    struct web *web = web_new((struct loop_limits){0});
    web_say(web, part, sizeof(part) - 1, 30);
    assert_int_equal(seen.heads, 1);
    shutdown(web->fd, SHUT_WR);
    web_turns(web);
    assert_int_equal(seen.drops, 1);
    assert_int_equal(seen.bodies, 0);
    web_free(web);
    assert_int_equal(seen.drops, 1);

    /* The time for it runs anew from the end of its head, and not from its last byte. */
    web = web_new((struct loop_limits){.idle_ms = {[IDLE_HEAD] = 1000}});
    web_say(web, part, 40, 30);
    assert_int_equal(seen.heads, 0);
    web->conn->stamp -= 900;
    web_say(web, part + 40, sizeof(part) - 1 - 40, 30);
    assert_in_range((uint32_t)web->loop.now - web->conn->stamp, 0, 500);
    web->conn->stamp -= 2000;
    web_say(web, "l", 1, 1);
    web->loop.now += 1;
    idle_expire(&web->loop);
    web_turns(web);
    assert_int_equal(web_heard(web, "HTTP/1.1 408 "), 1);
    assert_int_equal(seen.drops, 1);
    web_free(web);
}

/* Without it each read would begin at the start of the body: the last quarter would cost seven
 * times the first. */
static void chunks_are_walked_once(void **state)
{
    static const char head[] =
        "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    clock_t quarters[5];
    (void)state;
    struct web *web = web_new((struct loop_limits){0});
    seen.long_body = true;
    web_say(web, head, sizeof(head) - 1, sizeof(head));
    for (unsigned int i = 0; i < LONG_BODY; i++) {
        if (i % (LONG_BODY / 4) == 0) {
            quarters[i / (LONG_BODY / 4)] = clock();
        }
        char chunk[] = "1\r\nx\r\n";
        chunk[3] = (char)('a' + i % 26);
        assert_int_equal(send(web->fd, chunk, 6, MSG_NOSIGNAL), 6);
        loop_turn(&web->loop);
    }
    quarters[4] = clock();
    web_say(web, "0\r\n\r\n", 5, 5);
    assert_int_equal(seen.body_len, LONG_BODY);
    for (unsigned int i = 0; i < LONG_BODY; i++) {
        assert_int_equal(seen.body[i], 'a' + i % 26);
    }
    assert_true(quarters[4] - quarters[3] < 3 * (quarters[1] - quarters[0]));
    web_free(web);
}

static void go_on_is_said_once_and_only_to_who_waits(void **state)
{
    static const char head[] = "POST /body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                               "Content-Length: 3\r\n\r\nabc";
    (void)state;
    for (size_t early = 0; early <= 3; early++) {
        struct web *web = web_new((struct loop_limits){0});
        web_say(web, head, sizeof(head) - 1 - 3 + early, sizeof(head));
        assert_int_equal(web_heard(web, "HTTP/1.1 100 Continue\r\n\r\n"), early == 0);
        web_say(web, head + sizeof(head) - 1 - 3 + early, 3 - early, 1);
        assert_int_equal(web_heard(web, "100 Continue"), early == 0);
        assert_int_equal(web_heard(web, "\r\n\r\nabc"), 1);
        web_free(web);
    }
}

static void an_answer_that_comes_later(void **state)
{
    static const char two[] =
        "HEAD /later HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n";
    (void)state;
    for (int last = 0; last < 2; last++) {
        struct web *web = web_new((struct loop_limits){0});
        web_say(web, two, sizeof(two) - 1, sizeof(two));
        assert_int_equal(seen.heads, 1);
        assert_int_equal(web->out_len, 0);
        assert_int_equal(web->conn->idle_class, IDLE_NONE);
        if (last) {
            http_last(web->conn);
        }
        http_answer_json(web->conn, 200, NULL, SLICE("later"));
        web_turns(web);
        assert_int_equal(web_heard(web, "Content-Length: 5\r\n"), last ? 1 : 2);
        assert_int_equal(web_heard(web, "\r\n\r\nlater"), 0);
        assert_int_equal(web_heard(web, "\r\n\r\n/next"), last ? 0 : 1);
        assert_int_equal(web_alive(web), !last);
        web_free(web);
    }
}

/* Of a client that never reads its answers no more requests are taken; once it reads, all are. */
static void answers_that_nobody_reads_are_not_piled_up(void **state)
{
    static const char ask[] = "GET /0123456789012345678901234567890123456789 HTTP/1.1\r\n"
                              "Host: x\r\n\r\n",
                      start[] = "HTTP/1.1 200 OK";
    unsigned int asked = 0, heard = 0;
    (void)state;
    struct web *web = web_new((struct loop_limits){0});
    for (int i = 0; i < 100000; i++) {
        if (send(web->fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(ask) - 1) {
            break;
        }
        asked++;
        loop_turn(&web->loop);
        assert_true(conn_weight(web->conn) < 2 * OUTQ_UNREAD);
    }
    assert_true(seen.heads < asked);
    assert_true(counter_get(&web->counters, COUNTER_HELD_UNREAD) > 0);
    size_t matched = 0;
    for (int i = 0; i < 100000 && heard < asked; i++) {
        web->out_len = 0;
        web_turns(web);
        for (size_t at = 0; at < web->out_len; at++) {
            matched = web->out[at] == start[matched] ? matched + 1 : web->out[at] == start[0];
            if (start[matched] == '\0') {
                heard++;
                matched = 0;
            }
        }
    }
    assert_int_equal(heard, asked);
    assert_int_equal(seen.heads, asked);
    web_free(web);
}

static void refusals_are_json(void **state)
{
    static const char text[] = "GET /last HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\n";
    (void)state;
    struct web *web = web_new((struct loop_limits){0});
    web_say(web, text, sizeof(text) - 1, sizeof(text));
    assert_int_equal(web_heard(web, "HTTP/1.1 400 Bad Request\r\n"), 1);
    assert_int_equal(web_heard(web, "\r\nX: y\r\n"), 1);
    assert_int_equal(web_heard(web, "\r\n\r\n{\"error\":\"a \\\"\\n\\u0001 b\"}"), 1);
    assert_int_equal(web_heard(web, "HTTP/1.1"), 1);
    assert_false(web_alive(web));
    web_free(web);
}

static void what_follows_an_upgrade_is_for_the_other_protocol(void **state)
{
    static const char text[] = "GET /become HTTP/1.1\r\nHost: x\r\n\r\nframes";
    (void)state;
    for (size_t step = 1; step <= sizeof(text); step++) {
        struct web *web = web_new((struct loop_limits){0});
        web_say(web, text, sizeof(text) - 1, step);
        assert_int_equal(seen.other_len, 6);
        assert_memory_equal(seen.other, "frames", 6);
        web_free(web);
        assert_int_equal(seen.left, 1);
    }
}

/* The bytes of a head that comes byte by byte are not parsed from its start with each. */
static void heads_are_parsed_when_they_are_ripe(void **state)
{
    static const char start[] = "GET /a HTTP/1.1\r\nHost: x\r\nX: ";
    (void)state;
    struct web *web = web_new((struct loop_limits){0});
    web_say(web, start, sizeof(start) - 1, 1);
    struct http_conn *http = http_conn_of(web->conn);
    unsigned int parses = 0;
    for (int i = 0; i < 3000; i++) {
        uint16_t before = http->parsed;
        web_say(web, "y", 1, 1);
        parses += http->parsed != before;
    }
    assert_in_range(parses, 5, 12);
    web_say(web, "\x7f", 1, 1); /* what no head may have is refused at once */
    assert_int_equal(web_heard(web, "HTTP/1.1 400 "), 1);
    web_free(web);

    web = web_new((struct loop_limits){0});
    web_say(web, start, sizeof(start) - 1, 1);
    for (int i = 0; i < 17000 && web_alive(web); i += 100) {
        char some[100];
        memset(some, 'y', sizeof(some));
        web_say(web, some, sizeof(some), sizeof(some));
    }
    assert_int_equal(web_heard(web, "HTTP/1.1 431 "), 1);
    web_free(web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_in_any_pieces),
        cmocka_unit_test(bodies_that_cannot_be),
        cmocka_unit_test(a_connection_that_ends_in_a_body),
        cmocka_unit_test(chunks_are_walked_once),
        cmocka_unit_test(go_on_is_said_once_and_only_to_who_waits),
        cmocka_unit_test(an_answer_that_comes_later),
        cmocka_unit_test(answers_that_nobody_reads_are_not_piled_up),
        cmocka_unit_test(refusals_are_json),
        cmocka_unit_test(what_follows_an_upgrade_is_for_the_other_protocol),
        cmocka_unit_test(heads_are_parsed_when_they_are_ripe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
