/* proto/ws_extension: which offers are taken, and the exact words of the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "proto/ws_extension.h"

#define D "permessage-deflate"

/* bits 0: declined; negative: taken without a word about the window. */
static const struct {
    const char *header;
    int bits;
} offers[] = {
    {D, -15},
    {"  " D "  ", -15},
    {"PerMessage-Deflate", -15},
    {D "; server_no_context_takeover", -15},
    {D ";client_no_context_takeover;server_no_context_takeover", -15},
    {D "; client_max_window_bits", -15},
    {D "; client_max_window_bits=8", -15},
    {D "; client_max_window_bits=15", -15},
    {D "; client_max_window_bits=\"10\"", -15},
    {D "; server_max_window_bits=8", 8},
    {D "; server_max_window_bits=9", 9},
    {D "; server_max_window_bits=10; client_max_window_bits=9", 10},
    {D "; server_max_window_bits=\"12\"", 12},
    {D "; server_max_window_bits=\"1\\2\"", 12},
    {D ";\tserver_max_window_bits = 15", 15},
    {D "; client_max_window_bits; server_no_context_takeover; server_max_window_bits=11", 11},
    /* the first that fits */
    {D "; server_max_window_bits=9, " D, 9},
    {D "; server_max_window_bits=7, " D "; server_max_window_bits=13", 13},
    {D "; what, " D, -15},
    {"x-other; a=1; b=\"c\", " D, -15},
    {"x-other, , ," D ", x-more", -15},
    {D "; what=\"1\", " D "; server_max_window_bits=14", 14},
    {D ", broken;;", -15},
    /* declined */
    {"", 0},
    {",", 0},
    {"x-webkit-deflate-frame", 0},
    {D "x", 0},
    {"permessage", 0},
    {D "; server_max_window_bits", 0},
    {D "; server_max_window_bits=", 0},
    {D "; server_max_window_bits=\"\"", 0},
    {D "; server_max_window_bits=7", 0},
    {D "; server_max_window_bits=16", 0},
    {D "; server_max_window_bits=08", 0},
    {D "; server_max_window_bits=+9", 0},
    {D "; server_max_window_bits=9x", 0},
    {D "; server_max_window_bits=1e1", 0},
    {D "; server_max_window_bits=4294967304", 0},
    {D "; server_max_window_bits=\"9", 0},
    {D "; server_max_window_bits=\"9\\", 0},
    {D "; server_max_window_bits=\" 9\"", 0},
    {D "; server_max_window_bits=9; server_max_window_bits=9", 0},
    {D "; client_max_window_bits=7", 0},
    {D "; client_max_window_bits=16", 0},
    {D "; client_max_window_bits; client_max_window_bits", 0},
    {D "; server_no_context_takeover=1", 0},
    {D "; client_no_context_takeover=\"\"", 0},
    {D "; server_no_context_takeover; server_no_context_takeover", 0},
    {D "; unknown", 0},
    {D "; unknown=1", 0},
    {D ";", 0},
    {D ";;", 0},
    {D " x", 0},
    {D "=1", 0},
    {D "; =9", 0},
    {D "/", 0},
    {"\"" D "\"", 0},
    {"broken;;, " D, 0},
};

static void test_offers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        struct ws_deflate got = {0};
        struct slice header = {offers[i].header, strlen(offers[i].header)};
        bool taken = ws_deflate_accept(header, &got);
        if (taken != (offers[i].bits != 0)) {
            fail_msg("%s", offers[i].header);
        }
        if (taken) {
            assert_int_equal(got.server_bits,
                             offers[i].bits < 0 ? -offers[i].bits : offers[i].bits);
            assert_int_equal(got.limited, offers[i].bits > 0);
        }
    }
    struct ws_deflate none;
    assert_false(ws_deflate_accept((struct slice){NULL, 0}, &none));
}

static void test_answer(void **state)
{
    static const char words[] = "Sec-WebSocket-Extensions: permessage-deflate; "
                                "server_no_context_takeover; client_no_context_takeover";
    char out[WS_DEFLATE_ANSWER_MAX], want[WS_DEFLATE_ANSWER_MAX];
    (void)state;
    struct ws_deflate deflate = {.server_bits = 15};
    size_t len = ws_deflate_answer(&deflate, out);
    snprintf(want, sizeof(want), "%s\r\n", words);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);
    for (unsigned int bits = 8; bits <= 15; bits++) {
        deflate = (struct ws_deflate){.server_bits = (uint8_t)bits, .limited = true};
        len = ws_deflate_answer(&deflate, out);
        snprintf(want, sizeof(want), "%s; server_max_window_bits=%u\r\n", words, bits);
        assert_int_equal(len, strlen(want));
        assert_memory_equal(out, want, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
