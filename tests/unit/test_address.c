/* base/address: what is an address and a network, and what is not; v4 and its mapped form are one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/address.h"

#include <netinet/in.h>
#include <string.h>

static bool reads(const char *text, struct address *out)
{
    return address_read(text, strlen(text), out);
}

static void test_read_and_print(void **state)
{
    static const struct {
        const char *text, *printed; /* printed == NULL: refused */
    } cases[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::1", "::1"},
        {"::", "::"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:0201", "192.0.2.1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"", NULL},
        {" 127.0.0.1", NULL},
        {"127.0.0.1 ", NULL},
        {"127.0.0", NULL},
        {"127.0.0.256", NULL},
        {"127.0.0.1.1", NULL},
        {"0x7f.0.0.1", NULL},
        {"1", NULL},
        {"localhost", NULL},
        {"unknown", NULL},
        {"[::1]", NULL},
        {"::1%lo", NULL},
        {":::", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct address address;
        char room[ADDRESS_TEXT];
        if (!reads(cases[i].text, &address)) {
            assert_null(cases[i].printed);
            continue;
        }
        assert_non_null(cases[i].printed);
        assert_string_equal(address_print(&address, room), cases[i].printed);
    }
    struct address address;
    assert_false(address_read("1.2.3.4\0", 8, &address));
    assert_false(address_read("::1\0", 4, &address));
}

static void test_sockets(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct address a, b;
    (void)state;
    assert_true(address_of_socket((struct sockaddr *)&v4, &a) && reads("127.0.0.1", &b));
    assert_true(address_equal(&a, &b) && address_is_v4(&a));
    assert_true(address_of_socket((struct sockaddr *)&v6, &a) && reads("::1", &b));
    assert_true(address_equal(&a, &b) && !address_is_v4(&a));
    assert_false(address_of_socket(&local, &a));
}

static void test_networks(void **state)
{
    static const struct {
        const char *network, *address;
        bool in;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "::10.1.2.3", false},
        {"192.168.1.128/25", "192.168.1.128", true},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.1", "192.168.1.1", true},
        {"192.168.1.1/32", "192.168.1.2", false},
        {"192.168.1.0/31", "192.168.1.1", true},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.1", true},
        {"::ffff:0:0/96", "203.0.113.1", true},
        {"::ffff:10.0.0.0/104", "10.2.0.0", true},
        {"::ffff:10.0.0.0/104", "11.2.0.0", false},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1/128", "::1", true},
        {"::1", "::2", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct networks networks;
        struct address address;
        char *text = (char *)cases[i].network;
        networks_init(&networks, &text, 1);
        assert_true(reads(cases[i].address, &address));
        if (networks_have(&networks, &address) != cases[i].in) {
            fail_msg("%s and %s", cases[i].network, cases[i].address);
        }
        networks_free(&networks);
        assert_false(networks_have(&networks, &address));
    }
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/a",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/8/8",
                                      "::/129",
                                      "10/8",
                                      "10.0.0.0/0008",
                                      "::1/",
                                      "a/8"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct network network;
        if (network_read(bad[i], strlen(bad[i]), &network)) {
            fail_msg("%s is taken for a network", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_print),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
