/* proto/forwarded: who the client is behind a chain of proxies, and who is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/forwarded.h"

#include <stdio.h>
#include <string.h>

static void expect(const char *peer_text, const char *headers, const char *wanted)
{
    char *trusted[] = {(char *)"10.0.0.0/8", (char *)"127.0.0.1", (char *)"fd00::/8"};
    char head[2048], room[ADDRESS_TEXT];
    struct networks networks;
    struct http_request request;
    struct address peer;
    const char *why;
    int status;
    networks_init(&networks, trusted, 3);
    int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    assert_int_equal(http_parse(head, (size_t)len, &request, &status, &why), HTTP_DONE);
    assert_true(address_read(peer_text, strlen(peer_text), &peer));
    struct address client = forwarded_for(&request, &networks, &peer);
    const char *got = address_print(&client, room);
    if (strcmp(got, wanted) != 0) {
        fail_msg("%s from %s is %s, not %s", headers, peer_text, got, wanted);
    }
    networks_free(&networks);
}

#define XFF "X-Forwarded-For: "

static void test_trust(void **state)
{
    (void)state;
    expect("203.0.113.5", "", "203.0.113.5");
    expect("203.0.113.5", XFF "198.51.100.1\r\n", "203.0.113.5");
    expect("127.0.0.1", "", "127.0.0.1");
    expect("127.0.0.1", XFF "198.51.100.1\r\n", "198.51.100.1");
    expect("127.0.0.1", "x-forwarded-FOR: 198.51.100.1\r\n", "198.51.100.1");
    expect("127.0.0.1", "X-Forwarded-Fo: 198.51.100.1\r\nForwarded: for=1.1.1.1\r\n", "127.0.0.1");
    expect("::ffff:127.0.0.1", XFF "198.51.100.1\r\n", "198.51.100.1");
    expect("fd00::1", XFF "2001:db8::7\r\n", "2001:db8::7");
}

static void test_walk(void **state)
{
    (void)state;
    /* from the right, past proxies of ours; what stands left of the client is its own invention */
    expect("127.0.0.1", XFF "6.6.6.6, 198.51.100.1\r\n", "198.51.100.1");
    expect("127.0.0.1", XFF "6.6.6.6, 198.51.100.1, 10.0.0.2\r\n", "198.51.100.1");
    expect("127.0.0.1", XFF "6.6.6.6 ,\t198.51.100.1 ,10.0.0.2, fd00::9\r\n", "198.51.100.1");
    expect("127.0.0.1", XFF "nonsense, 198.51.100.1, 10.0.0.2\r\n", "198.51.100.1");
    expect("127.0.0.1", XFF "10.0.0.1, 10.0.0.2\r\n", "10.0.0.1");
    /* several of that name are one list */
    expect("127.0.0.1", XFF "6.6.6.6\r\nA: b\r\n" XFF "198.51.100.1, 10.0.0.2\r\n", "198.51.100.1");
    expect("127.0.0.1", XFF "6.6.6.6, 198.51.100.1\r\n" XFF "10.0.0.2\r\n", "198.51.100.1");
}

static void test_ports(void **state)
{
    (void)state;
    expect("127.0.0.1", XFF "198.51.100.1:1234\r\n", "198.51.100.1");
    expect("127.0.0.1", XFF "[2001:db8::7]:1234\r\n", "2001:db8::7");
    expect("127.0.0.1", XFF "[2001:db8::7]\r\n", "2001:db8::7");
    expect("127.0.0.1", XFF "::ffff:198.51.100.1\r\n", "198.51.100.1");
}

static void test_malformed(void **state)
{
    static const char *const bad[] = {"unknown",
                                      "_hidden",
                                      "198.51.100",
                                      "198.51.100.1:",
                                      "198.51.100.1:x",
                                      "198.51.100.1:123456",
                                      "[2001:db8::7",
                                      "[2001:db8::7]x",
                                      "[2001:db8::7]:",
                                      "[198.51.100.1]:80",
                                      "[]",
                                      "198.51.100.1,",
                                      ",",
                                      "198.51.100.1, ,",
                                      "198.51.100.1 10.0.0.2",
                                      "\"198.51.100.1\"",
                                      "2001:db8::7%eth0"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char header[200];
        snprintf(header, sizeof(header), XFF "%s\r\n", bad[i]);
        expect("127.0.0.1", header, "127.0.0.1");
        snprintf(header, sizeof(header), XFF "%s, 10.0.0.2\r\n", bad[i]);
        expect("127.0.0.1", header, "127.0.0.1");
    }
    expect("127.0.0.1", "X-Forwarded-For:\r\n", "127.0.0.1");
    expect("127.0.0.1", XFF "198.51.100.1\r\nX-Forwarded-For:\r\n", "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
