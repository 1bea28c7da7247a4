/* proto/proxy: headers of the PROXY protocol, whole, in pieces and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/proxy.h"

#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xcb\x00\x71\x07\x7f\x00\x00\x01\x04\xd2\x1f\x90" /* 203.0.113.7 */
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x04\xd2\x1f\x90"

/* The header as a literal, its NULs included. */
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* Every shorter part asks for more; what follows is left alone. client NULL: it names nobody. */
static void fine(const uint8_t *bytes, size_t len, const char *client)
{
    uint8_t room[2048];
    struct proxy_header header;
    const char *why = NULL;
    char text[ADDRESS_TEXT];
    for (size_t part = 0; part < len; part++) {
        assert_int_equal(proxy_read(bytes, part, &header, &why), PROXY_MORE);
        assert_false(header.known);
    }
    memcpy(room, bytes, len);
    memcpy(room + len, "GET /", 5);
    assert_int_equal(proxy_read(room, len + 5, &header, &why), PROXY_DONE);
    assert_null(why);
    assert_int_equal(header.len, len);
    assert_int_equal(header.known, client != NULL);
    if (client != NULL) {
        assert_string_equal(address_print(&header.client, text), client);
    }
}

/* Refused with its byte number `at` (from 1), and not earlier. */
static void bad(const uint8_t *bytes, size_t len, size_t at)
{
    struct proxy_header header;
    const char *why = NULL;
    for (size_t part = 0; part < at; part++) {
        assert_int_equal(proxy_read(bytes, part, &header, &why), PROXY_MORE);
    }
    for (size_t part = at; part <= len; part++) {
        why = NULL;
        assert_int_equal(proxy_read(bytes, part, &header, &why), PROXY_BAD);
        assert_non_null(why);
        assert_false(header.known);
    }
}

static void test_fine(void **state)
{
    (void)state;
    fine(BYTES(SIGNATURE "\x21\x11\x00\x0c" V4), "203.0.113.7");
    fine(BYTES(SIGNATURE "\x21\x21\x00\x24" V6), "2001:db8::7");
    /* with TLVs: a PP2_TYPE_NOOP of two bytes */
    fine(BYTES(SIGNATURE "\x21\x11\x00\x11" V4 "\x04\x00\x02\x00\x00"), "203.0.113.7");
    /* the proxy itself: whatever it says besides */
    fine(BYTES(SIGNATURE "\x20\x00\x00\x00"), NULL);
    fine(BYTES(SIGNATURE "\x20\x11\x00\x0c" V4), NULL);
    fine(BYTES(SIGNATURE "\x20\xff\x00\x01x"), NULL);
    /* no address that is of use */
    fine(BYTES(SIGNATURE "\x21\x00\x00\x00"), NULL);
    fine(BYTES(SIGNATURE "\x21\x00\x00\x0c" V4), NULL);
    fine(BYTES(SIGNATURE "\x21\x10\x00\x0c" V4), NULL);
    uint8_t local[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/x.sock";
    fine(local, sizeof(local), NULL);
    uint8_t longest[PROXY_MAX_HEADER] = SIGNATURE "\x21\x11\x02\x18" V4;
    fine(longest, sizeof(longest), "203.0.113.7");
}

static void test_bad(void **state)
{
    (void)state;
    bad(BYTES("GET / HTTP/1.1"), 1);
    bad(BYTES("PROXY TCP4 203.0.113.7 127.0.0.1 1234 8080\r\n"), 1);
    bad(BYTES("\x16\x03\x01"), 1);
    bad(BYTES("\r\n\r\n\0\r\nQUIX\n"), 11);
    bad(BYTES(SIGNATURE "\x11\x11\x00\x0c"), 13);
    bad(BYTES(SIGNATURE "\x22\x11\x00\x0c"), 13);
    bad(BYTES(SIGNATURE "\x21\x12\x00\x0c"), 14); /* UDP */
    bad(BYTES(SIGNATURE "\x21\x22\x00\x24"), 14);
    bad(BYTES(SIGNATURE "\x21\x41\x00\x24"), 14);
    bad(BYTES(SIGNATURE "\x21\x11\x00\x0b"), 16); /* shorter than its addresses */
    bad(BYTES(SIGNATURE "\x21\x21\x00\x0c" V4), 16);
    bad(BYTES(SIGNATURE "\x21\x11\x02\x19"), 16); /* a byte too long */
    bad(BYTES(SIGNATURE "\x20\x00\xff\xff"), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
