/* proto/http: the strict head parser, look-ups, the WebSocket handshake and responses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/http.h"

#define HOST         "Host: a\r\n"
#define END          "\r\n"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The bytes lie in a block of exactly their size, so that ASan sees one read too many. */
static enum http_result parse_at(char **block, const char *bytes, size_t len,
                                 struct http_request *request, int *status)
{
    const char *why = NULL;
    char *copy = malloc(len + (len == 0));

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    *status = 0;
    enum http_result result = http_parse(copy, len, request, status, &why);
    if (result == HTTP_BAD) {
        assert_non_null(why);
        assert_in_range(*status, 400, 505);
    } else {
        assert_int_equal(*status, 0);
    }
    *block = copy;
    return result;
}

static enum http_result parse(const char *bytes, size_t len, int *status)
{
    struct http_request request;
    char *block;
    enum http_result result = parse_at(&block, bytes, len, &request, status);
    if (result == HTTP_DONE) {
        assert_in_range(request.head_len, 1, len);
    }
    free(block);
    return result;
}

struct sample {
    const char *bytes;
    size_t len;
    int status; /* 0: accepted */
};

#define SAMPLE(text, status)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }
#define LINE(text, status)    SAMPLE("GET / HTTP/1.1\r\n" HOST text END, status)
#define REQUEST(text, status) SAMPLE(text "\r\n" HOST END, status)

static const struct sample samples[] = {
    /* request lines */
    REQUEST("GET / HTTP/1.1", 0),
    REQUEST("\r\nGET / HTTP/1.1", 0),
    REQUEST("\r\n\r\nGET / HTTP/1.1", 400),
    REQUEST("\nGET / HTTP/1.1", 400),
    REQUEST("\rGET / HTTP/1.1", 400),
    REQUEST("M-SEARCH!#$%&'*+.^_`|~09 / HTTP/1.1", 0),
    REQUEST("GET  / HTTP/1.1", 400),
    REQUEST(" GET / HTTP/1.1", 400),
    REQUEST("GET /  HTTP/1.1", 400),
    REQUEST("GET / HTTP/1.1 ", 400),
    REQUEST("GET\t/ HTTP/1.1", 400),
    REQUEST("G(T / HTTP/1.1", 400),
    REQUEST("G\0T / HTTP/1.1", 400),
    REQUEST("G\xC3\xA9T / HTTP/1.1", 400),
    REQUEST("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1", 0),
    REQUEST("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", 501),
    REQUEST("GET /", 400),
    REQUEST("GET", 400),
    REQUEST("GET  HTTP/1.1", 400),
    REQUEST("GET x HTTP/1.1", 400),
    REQUEST("GET /a#b HTTP/1.1", 400),
    REQUEST("GET /\x7F HTTP/1.1", 400),
    REQUEST("GET /\x80 HTTP/1.1", 400),
    REQUEST("GET /\0 HTTP/1.1", 400),
    REQUEST("GET /a\tb HTTP/1.1", 400),
    REQUEST("GET /a b HTTP/1.1", 400),
    REQUEST("OPTIONS * HTTP/1.1", 0),
    REQUEST("OPTIONS *a HTTP/1.1", 400),
    REQUEST("GET http://a/b?c HTTP/1.1", 0),
    REQUEST("GET HTTPS://a HTTP/1.1", 0),
    REQUEST("GET http:// HTTP/1.1", 400),
    REQUEST("GET http:///b HTTP/1.1", 400),
    REQUEST("GET http://u@a/b HTTP/1.1", 400),
    REQUEST("GET ftp://a/b HTTP/1.1", 400),
    REQUEST("GET / HTTP/1.0", 0),
    REQUEST("GET / HTTP/1.2", 0),
    REQUEST("GET / HTTP/2.0", 505),
    REQUEST("GET / HTTP/0.9", 505),
    REQUEST("GET / HTTP/1.x", 400),
    REQUEST("GET / HTTP/11.1", 400),
    REQUEST("GET / HTTP/1.10", 400),
    REQUEST("GET / http/1.1", 400),
    REQUEST("GET / HTTP/", 400),
    REQUEST("GET / HTTP1.1", 400),
    SAMPLE("GET / HTTP/1.1\n" HOST END, 400),
    SAMPLE("GET / HTTP/1.1\r" HOST END, 400),
    SAMPLE("\x16\x03\x01\x02", 400), /* a TLS hello */
    /* header lines */
    LINE("", 0),
    LINE("A: b\r\n", 0),
    LINE("A:b\r\n", 0),
    LINE("A:\r\n", 0),
    LINE("A: \t \r\n", 0),
    LINE("A: b\tc\r\n", 0),
    LINE("A: \x80\xFF\r\n", 0),
    LINE("!#$%&'*+-.^_`|~: x\r\n", 0),
    LINE("A : b\r\n", 400),
    LINE("A\t: b\r\n", 400),
    LINE(" A: b\r\n", 400),
    LINE("A: b\r\n c\r\n", 400),
    LINE("A: b\r\n\tc\r\n", 400),
    LINE(": b\r\n", 400),
    LINE("A\r\n", 400),
    LINE("A(: b\r\n", 400),
    LINE("A\x80: b\r\n", 400),
    LINE("A\0: b\r\n", 400),
    LINE("A: b\0c\r\n", 400),
    LINE("A: b\x01\r\n", 400),
    LINE("A: b\x7F\r\n", 400),
    LINE("A: b\x1B\r\n", 400),
    LINE("A: b\n", 400),
    LINE("A: b\r", 400),
    LINE("A: b\rX: c\r\n", 400),
    LINE("A: b\nX: c\r\n", 400),
    LINE("A: b\r\r\n", 400),
    SAMPLE("GET / HTTP/1.1\r\n" HOST "\n", 400),
    SAMPLE("GET / HTTP/1.1\r\n" HOST "\r\r\n", 400),
    /* Host */
    SAMPLE("GET / HTTP/1.1\r\n\r\n", 400),
    SAMPLE("GET / HTTP/1.0\r\n\r\n", 0),
    SAMPLE("GET / HTTP/1.1\r\nHOST: [::1]:80\r\n\r\n", 0),
    SAMPLE("GET / HTTP/1.1\r\nHost:\r\n\r\n", 0),
    SAMPLE("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    SAMPLE("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    SAMPLE("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    LINE("Host: a\r\n", 400),
    LINE("hOST: b\r\n", 400),
    SAMPLE("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    /* Content-Length */
    LINE("Content-Length: 0\r\n", 0),
    LINE("Content-Length: 5\r\n", 0),
    LINE("content-length:\t5 \r\n", 0),
    LINE("Content-Length: 005\r\n", 0),
    LINE("Content-Length: 999999999999999999\r\n", 0),
    LINE("Content-Length: 9999999999999999999\r\n", 400),
    LINE("Content-Length: 18446744073709551617\r\n", 400),
    LINE("Content-Length:\r\n", 400),
    LINE("Content-Length: +5\r\n", 400),
    LINE("Content-Length: -5\r\n", 400),
    LINE("Content-Length: 0x5\r\n", 400),
    LINE("Content-Length: 5.0\r\n", 400),
    LINE("Content-Length: 5 5\r\n", 400),
    LINE("Content-Length: 5,5\r\n", 400),
    LINE("Content-Length: 5, 5\r\n", 400),
    LINE("Content-Length: five\r\n", 400),
    LINE("Content-Length: \xB5\r\n", 400),
    LINE("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
    LINE("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
    LINE("Content-Length: 0\r\nCONTENT-LENGTH: 0\r\n", 400),
    LINE("Content-Length : 5\r\n", 400),
    LINE("Content-Length\r\n", 400),
    /* Transfer-Encoding */
    LINE("Transfer-Encoding: chunked\r\n", 0),
    LINE("transfer-encoding:CHUNKED\r\n", 0),
    LINE("Transfer-Encoding: gzip\r\n", 501),
    LINE("Transfer-Encoding: gzip, chunked\r\n", 501),
    LINE("Transfer-Encoding: chunked, chunked\r\n", 501),
    LINE("Transfer-Encoding: xchunked\r\n", 501),
    LINE("Transfer-Encoding: chunked;q=1\r\n", 501),
    LINE("Transfer-Encoding: \"chunked\"\r\n", 501),
    LINE("Transfer-Encoding: identity\r\n", 501),
    LINE("Transfer-Encoding:\r\n", 501),
    LINE("Transfer-Encoding: \x0B"
         "chunked\r\n",
         400),
    LINE("Transfer-Encoding : chunked\r\n", 400),
    LINE("Transfer-Encoding:\r\n chunked\r\n", 501),
    LINE("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    LINE("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
    LINE("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    LINE("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
    LINE("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
    LINE("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400),
    SAMPLE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
};

static void test_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        int status;
        enum http_result result = parse(samples[i].bytes, samples[i].len, &status);

        if (status != samples[i].status || result != (status != 0 ? HTTP_BAD : HTTP_DONE)) {
            fail_msg("sample %zu: %d instead of %d:\n%s", i, status, samples[i].status,
                     samples[i].bytes);
        }
    }
}

/* An accepted head asks for more at every byte before its last; a refused one never turns good on
 * its way, and whatever was refused stays refused with more bytes behind it. */
static void test_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        bool refused = false;

        for (size_t len = 0; len <= samples[i].len; len++) {
            int status;
            enum http_result result = parse(samples[i].bytes, len, &status);

            if (samples[i].status == 0) {
                assert_int_equal(result, len == samples[i].len ? HTTP_DONE : HTTP_MORE);
                continue;
            }
            assert_int_not_equal(result, HTTP_DONE);
            if (refused || len == samples[i].len) {
                assert_int_equal(result, HTTP_BAD);
                assert_int_equal(status, samples[i].status);
            }
            refused = result == HTTP_BAD;
        }
    }
}

static void test_refused_at_the_bad_byte(void **state)
{
    /* Each ends in its bad byte; without that byte more is asked for. */
    static const struct sample early[] = {
        SAMPLE("\n", 400),
        SAMPLE(" ", 400),
        SAMPLE("GET / HTTP/1.1\n", 400),
        SAMPLE("GET / HTTP/2", 505),
        SAMPLE("GET /\x80", 400),
        SAMPLE("GET / HTTP/1.1\r\n ", 400),
        SAMPLE("GET / HTTP/1.1\r\nA ", 400),
        SAMPLE("GET / HTTP/1.1\r\nA: b\n", 400),
        SAMPLE("GET / HTTP/1.1\r\nA: b\0", 400),
        SAMPLE("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
        SAMPLE("GET / HTTP/1.1\r\nContent-Length: +5\r\n", 400),
        SAMPLE("GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(early); i++) {
        int status;
        assert_int_equal(parse(early[i].bytes, early[i].len, &status), HTTP_BAD);
        assert_int_equal(status, early[i].status);
        assert_int_equal(parse(early[i].bytes, early[i].len - 1, &status), HTTP_MORE);
    }
}

static bool is(struct slice s, const char *text)
{
    return slice_is(s, text);
}

static void test_fields(void **state)
{
    static const char head[] = "\r\nPOST /apps/1/events?a=1&b=?x HTTP/1.1\r\nHost: h:80\r\n"
                               "X-One:  \t two words \t\r\nEmpty:\r\nx-one: again\r\n"
                               "Content-Length: 12\r\nExpect: 100-Continue\r\n\r\nbody";
    struct http_request request;
    char *block;
    int status;

    (void)state;
    assert_int_equal(parse_at(&block, head, sizeof(head) - 1, &request, &status), HTTP_DONE);
    assert_true(is(request.method, "POST"));
    assert_true(is(request.target, "/apps/1/events?a=1&b=?x"));
    assert_true(is(request.path, "/apps/1/events"));
    assert_true(is(request.query, "a=1&b=?x"));
    assert_int_equal(request.minor, 1);
    assert_int_equal(request.nheaders, 6);
    assert_int_equal(request.head_len, sizeof(head) - 1 - 4);
    assert_int_equal(request.body_len, 12);
    assert_false(request.chunked);
    assert_true(request.keep_alive);
    assert_true(request.expect_continue);
    assert_true(is(request.headers[1].name, "X-One"));
    assert_true(is(http_header(&request, "x-ONE"), "two words"));
    assert_true(is(http_header(&request, "empty"), ""));
    assert_null(http_header(&request, "x-on").p);
    assert_null(http_header(&request, "x-onee").p);
    assert_int_equal(http_header_count(&request, "X-ONE"), 2);
    assert_int_equal(http_header_count(&request, "none"), 0);
    free(block);
}

static void test_targets(void **state)
{
    static const struct {
        const char *target, *path, *query;
    } targets[] = {
        {"/", "/", NULL},
        {"/?", "/", ""},
        {"/a?b", "/a", "b"},
        {"/a?b?c", "/a", "b?c"},
        {"/%41", "/%41", NULL},
        {"//a", "//a", NULL},
        {"*", "*", NULL},
        {"http://h/a?b", "/a", "b"},
        {"http://h", "/", NULL},
        {"http://h?b", "/", "b"},
        {"HTTPS://h:1/", "/", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct http_request request;
        char head[128], *block;
        int status;
        int len = snprintf(head, sizeof(head), "GET %s HTTP/1.0\r\n\r\n", targets[i].target);

        assert_int_equal(parse_at(&block, head, (size_t)len, &request, &status), HTTP_DONE);
        assert_true(is(request.target, targets[i].target));
        assert_true(is(request.path, targets[i].path));
        assert_int_equal(request.query.p != NULL, targets[i].query != NULL);
        assert_true(targets[i].query == NULL || is(request.query, targets[i].query));
        free(block);
    }
}

static void test_keep_alive(void **state)
{
    static const struct {
        const char *rest;
        bool keep_alive, expect_continue, chunked;
    } cases[] = {
        {"1\r\nHost: a\r\n\r\n", true, false, false},
        {"1\r\nHost: a\r\nConnection: close\r\n\r\n", false, false, false},
        {"1\r\nHost: a\r\nConnection: a, CLOSE ,b\r\n\r\n", false, false, false},
        {"1\r\nHost: a\r\nConnection: a\r\nConnection: close\r\n\r\n", false, false, false},
        {"1\r\nHost: a\r\nConnection: closed\r\n\r\n", true, false, false},
        {"1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true, false, false},
        {"0\r\n\r\n", false, false, false},
        {"0\r\nConnection: Keep-Alive\r\n\r\n", true, false, false},
        {"0\r\nConnection: keep-alive, close\r\n\r\n", false, false, false},
        {"0\r\nExpect: 100-continue\r\n\r\n", false, false, false},
        {"1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", true, true, false},
        {"1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", true, false, false},
        {"1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", true, false, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_request request;
        char head[256], *block;
        int status;
        int len = snprintf(head, sizeof(head), "GET / HTTP/1.%s", cases[i].rest);

        assert_int_equal(parse_at(&block, head, (size_t)len, &request, &status), HTTP_DONE);
        assert_int_equal(request.keep_alive, cases[i].keep_alive);
        assert_int_equal(request.expect_continue, cases[i].expect_continue);
        assert_int_equal(request.chunked, cases[i].chunked);
        free(block);
    }
}

static void test_limits(void **state)
{
    static char head[HTTP_MAX_HEAD + 64];
    static const char start[] = "GET / HTTP/1.1\r\n" HOST;
    size_t len;
    int status;

    (void)state;
    /* headers: Host is the first of them */
    for (size_t n = HTTP_MAX_HEADERS - 1; n <= HTTP_MAX_HEADERS; n++) {
        len = sizeof(start) - 1;
        memcpy(head, start, len);
        for (size_t i = 0; i < n; i++) {
            memcpy(head + len, "A: b\r\n", 6);
            len += 6;
        }
        memcpy(head + len, END, 2);
        bool fits = n < HTTP_MAX_HEADERS;
        assert_int_equal(parse(head, len + 2, &status), fits ? HTTP_DONE : HTTP_BAD);
        assert_int_equal(status, fits ? 0 : 431);
    }
    /* the whole head: one of exactly the maximum, one of a byte more */
    for (size_t more = 0; more <= 1; more++) {
        size_t whole = HTTP_MAX_HEAD + more;
        len = sizeof(start) - 1;
        memset(head, 'x', sizeof(head));
        memcpy(head, start, len);
        memcpy(head + len, "A: ", 3);
        memcpy(head + whole - 4, "\r\n\r\n", 4);
        assert_int_equal(parse(head, whole, &status), more ? HTTP_BAD : HTTP_DONE);
        assert_int_equal(status, more ? 431 : 0);
        /* more behind it changes nothing */
        assert_int_equal(parse(head, whole + 8, &status), more ? HTTP_BAD : HTTP_DONE);
    }
    assert_int_equal(parse(head, HTTP_MAX_HEAD - 1, &status), HTTP_MORE);
    assert_int_equal(parse(head, HTTP_MAX_HEAD, &status), HTTP_BAD);
    assert_int_equal(status, 431);
    /* the target */
    memset(head, 'x', sizeof(head));
    memcpy(head, "GET /", 5);
    assert_int_equal(parse(head, 4 + 8192, &status), HTTP_MORE);
    assert_int_equal(parse(head, 4 + 8193, &status), HTTP_BAD);
    assert_int_equal(status, 414);
    /* a method without an end */
    assert_int_equal(parse(head + 8, 32, &status), HTTP_MORE);
    assert_int_equal(parse(head + 8, 33, &status), HTTP_BAD);
    assert_int_equal(status, 501);
}

static void test_header_has(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nC: one, Two ,\tthree\r\nC:\r\n"
                               "c: ,,four,\r\n\r\n";
    struct http_request request;
    char *block;
    int status;

    (void)state;
    assert_int_equal(parse_at(&block, head, sizeof(head) - 1, &request, &status), HTTP_DONE);
    assert_true(http_header_has(&request, "c", "one"));
    assert_true(http_header_has(&request, "C", "TWO"));
    assert_true(http_header_has(&request, "C", "three"));
    assert_true(http_header_has(&request, "C", "four"));
    assert_false(http_header_has(&request, "C", "on"));
    assert_false(http_header_has(&request, "C", "one, two"));
    assert_false(http_header_has(&request, "C", "five"));
    assert_false(http_header_has(&request, "D", "one"));
    free(block);
}

static void test_query(void **state)
{
    static const struct {
        const char *query, *name, *value; /* value NULL: absent */
    } cases[] = {
        {"protocol=7&client=js", "protocol", "7"},
        {"protocol=7&client=js", "client", "js"},
        {"protocol=7&client=js", "clien", NULL},
        {"protocol=7&client=js", "js", NULL},
        {"xprotocol=7", "protocol", NULL},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"a=b=c", "a", "b=c"},
        {"a=%41", "a", "%41"},
        {"&&a=1&&", "a", "1"},
        {"a=1&a=2", "a", "1"},
        {"", "a", NULL},
        {"=1", "", "1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice query = {cases[i].query, strlen(cases[i].query)};
        struct slice value = http_query(query, cases[i].name);
        assert_int_equal(value.p != NULL, cases[i].value != NULL);
        assert_true(cases[i].value == NULL || is(value, cases[i].value));
    }
    assert_null(http_query((struct slice){NULL, 0}, "a").p);
}

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECT "Connection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static void test_websocket(void **state)
{
    static const struct {
        const char *start, *headers;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY VERSION, 0},
        {"GET / HTTP/1.1", "UPGRADE: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n" KEY VERSION,
         0},
        {"GET / HTTP/1.1", "Upgrade: h2c, websocket\r\n" CONNECT KEY VERSION, 0},
        {"GET / HTTP/1.1", "Content-Length: 0\r\n" UPGRADE CONNECT KEY VERSION, 0},
        {"POST / HTTP/1.1", UPGRADE CONNECT KEY VERSION, 405},
        {"get / HTTP/1.1", UPGRADE CONNECT KEY VERSION, 405},
        {"GET / HTTP/1.0", UPGRADE CONNECT KEY VERSION, 505},
        {"GET / HTTP/1.1", "", 426},
        {"GET / HTTP/1.1", CONNECT KEY VERSION, 426},
        {"GET / HTTP/1.1", "Upgrade: h2c\r\n" CONNECT KEY VERSION, 426},
        {"GET / HTTP/1.1", UPGRADE KEY VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE "Connection: close\r\n" KEY VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY KEY VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT "Sec-WebSocket-Key:\r\n" VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n" VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" VERSION,
         400},
        {"GET / HTTP/1.1",
         UPGRADE CONNECT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n" VERSION, 400},
        {"GET / HTTP/1.1",
         UPGRADE CONNECT "Sec-WebSocket-Key: dGhl-HNhbXBsZSBub25jZQ==\r\n" VERSION, 400},
        {"GET / HTTP/1.1",
         UPGRADE CONNECT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n" VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY, 426},
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY "Sec-WebSocket-Version: 8\r\n", 426},
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY "Sec-WebSocket-Version: 013\r\n", 426},
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY VERSION VERSION, 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY VERSION "Content-Length: 1\r\n", 400},
        {"GET / HTTP/1.1", UPGRADE CONNECT KEY VERSION "Transfer-Encoding: chunked\r\n", 400},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_request request;
        struct slice key = {NULL, 0};
        const char *why = NULL;
        char head[512], *block;
        int status;
        int len = snprintf(head, sizeof(head), "%s\r\nHost: a\r\n%s\r\n", cases[i].start,
                           cases[i].headers);

        assert_int_equal(parse_at(&block, head, (size_t)len, &request, &status), HTTP_DONE);
        status = http_websocket(&request, &key, &why);
        if (status != cases[i].status) {
            fail_msg("case %zu: %d instead of %d", i, status, cases[i].status);
        }
        assert_int_equal(why != NULL, status != 0);
        assert_true(status != 0 || is(key, "dGhlIHNhbXBsZSBub25jZQ=="));
        free(block);
    }
}

static void test_respond(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    assert_int_equal(http_respond(&out, 200, "text/plain", NULL, "hello", 5, true, false), 0);
    assert_int_equal(buf_append(&out, "", 1), 0);
    assert_string_equal(
        (char *)out.data,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
    buf_clear(&out);
    assert_int_equal(
        http_respond(&out, 426, NULL, "Upgrade: websocket\r\nX: y\r\n", "", 0, false, false), 0);
    assert_int_equal(buf_append(&out, "", 1), 0);
    assert_string_equal((char *)out.data,
                        "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n"
                        "Connection: close\r\nUpgrade: websocket\r\nX: y\r\n\r\n");
    buf_clear(&out);
    assert_int_equal(http_respond(&out, 200, NULL, NULL, "hello", 5, true, true), 0);
    assert_int_equal(buf_append(&out, "", 1), 0);
    assert_string_equal((char *)out.data, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                          "Connection: keep-alive\r\n\r\n");
    buf_free(&out);
    assert_string_equal(http_reason(404), "Not Found");
    assert_string_equal(http_reason(299), "Unknown");
}

static void test_respond_is_whole_or_nothing(void **state)
{
    (void)state;
    for (size_t max = 3;; max++) {
        struct buf out;

        buf_init(&out, max);
        assert_int_equal(buf_text(&out, "abc"), 0);
        int rc = http_respond(&out, 200, "t", "E: e\r\n", "body", 4, true, false);
        assert_int_equal(out.len, rc == 0 ? max : 3);
        buf_free(&out);
        if (rc == 0) {
            assert_in_range(max, 60, 200);
            break;
        }
    }
}

static void plain_paths(void **state)
{
    static const struct {
        const char *path, *plain;
    } cases[] = {
        {"/apps/a", "/apps/a"},
        {"/apps/%61%2D%2e%5F%7e%30", "/apps/a-._~0"},
        {"/%25%32%44", "/%252D"}, /* what was an escape of the escape's sign stays one */
        {"/%23%20%2F%c3%a9", "/%23%20%2F%c3%a9"},
        {"/%2", "/%2"},
        {"/%", "/%"},
        {"/%2x", "/%2x"},
        {"/%41%%34%31", "/%41%%34%31"},
    };
    char room[64];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice path = {cases[i].path, strlen(cases[i].path)};
        struct slice plain = http_plain_path(path, room);
        assert_int_equal(plain.len, strlen(cases[i].plain));
        assert_memory_equal(plain.p, cases[i].plain, plain.len);
    }
}

static void paths_below_a_prefix(void **state)
{
    (void)state;
    assert_true(slice_is(http_path_below(SLICE("/a/b"), ""), "/a/b"));
    assert_true(slice_is(http_path_below(SLICE("/ws/b"), "/ws"), "/b"));
    assert_true(slice_is(http_path_below(SLICE("/ws/"), "/ws"), "/"));
    assert_true(slice_is(http_path_below(SLICE("/ws"), "/ws"), ""));
    assert_null(http_path_below(SLICE("/wsx"), "/ws").p);
    assert_null(http_path_below(SLICE("/w"), "/ws").p);
    assert_null(http_path_below((struct slice){NULL, 0}, "/ws").p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_refused_at_the_bad_byte),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_header_has),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_websocket),
        cmocka_unit_test(test_respond),
        cmocka_unit_test(test_respond_is_whole_or_nothing),
        cmocka_unit_test(plain_paths),
        cmocka_unit_test(paths_below_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
