/* Tokens, sessions, names of hosts and origins, as the operator's interface judges them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "links/admin_auth.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static const uint8_t secret[ADMIN_AUTH_SECRET] = "a secret of this process, of 32";

static struct slice text_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void test_token(void **state)
{
    (void)state;
    assert_true(admin_auth_token_is(TOKEN, text_of(TOKEN)));
    static const char *const wrong[] = {"", "0", TOKEN "0", "0123456789abcdef0123456789abcdeF",
                                        "0123456789abcdef0123456789abcde"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(admin_auth_token_is(TOKEN, text_of(wrong[i])));
    }
    assert_false(admin_auth_token_is(TOKEN, (struct slice){NULL, 0}));
    assert_false(admin_auth_token_is("", text_of(""))); /* none is set: nobody has it */
    assert_false(admin_auth_token_is("none", text_of("none")));
}

static bool session_is(const char *cookies, const char *token, uint64_t now)
{
    return admin_auth_session_is(text_of(cookies), secret, token, now);
}

static void test_session(void **state)
{
    char session[ADMIN_AUTH_SESSION], cookies[400];
    (void)state;
    size_t len = admin_auth_session(session, secret, TOKEN, 1000);
    assert_int_equal(len, strlen(session));
    snprintf(cookies, sizeof(cookies), ADMIN_AUTH_COOKIE "=%s", session);
    assert_true(session_is(cookies, TOKEN, 999));
    assert_false(session_is(cookies, TOKEN, 1000)); /* it is over */
    assert_false(session_is(cookies, TOKEN "x", 999));
    assert_false(session_is(cookies, "", 999));
    uint8_t other[ADMIN_AUTH_SECRET] = "another process";
    assert_false(admin_auth_session_is(text_of(cookies), other, TOKEN, 999));
    assert_false(admin_auth_session_is((struct slice){NULL, 0}, secret, TOKEN, 999));

    /* Among others, of which one has its name. */
    snprintf(cookies, sizeof(cookies), "a=b;" ADMIN_AUTH_COOKIE "=1.2;  " ADMIN_AUTH_COOKIE "=%s;",
             session);
    assert_true(session_is(cookies, TOKEN, 999));

    /* One byte that differs, wherever it is; and whatever is cut off or put behind. */
    snprintf(cookies, sizeof(cookies), ADMIN_AUTH_COOKIE "=%s", session);
    for (size_t i = 0; i < strlen(cookies); i++) {
        char before = cookies[i];
        cookies[i] = before == '7' ? '8' : '7';
        assert_false(session_is(cookies, TOKEN, 999));
        cookies[i] = before;
    }
    for (size_t i = 0; i < strlen(cookies); i++) {
        assert_false(admin_auth_session_is((struct slice){cookies, i}, secret, TOKEN, 999));
    }
    memcpy(cookies + strlen(cookies), "0", 2);
    assert_false(session_is(cookies, TOKEN, 999));
    assert_false(session_is(ADMIN_AUTH_COOKIE "=99999999999999999999999.00", TOKEN, 999));
}

static void test_host(void **state)
{
    static const char *const local[] = {"localhost",      "LocalHost:80",  "127.0.0.1",
                                        "127.0.0.1:9601", "127.255.3.4:1", "[::1]",
                                        "[::1]:9601"};
    static const char *const other[] = {"",
                                        ":80",
                                        "localhost.",
                                        "localhost.evil.example",
                                        "evil.example:80",
                                        "128.0.0.1",
                                        "0.0.0.0",
                                        "127.0.0.1.evil.example",
                                        "127.1",
                                        "[::2]:80",
                                        "[::]",
                                        "[::1",
                                        "[]",
                                        "[127.0.0.1.x]",
                                        "10.0.0.1:9601"};
    (void)state;
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        assert_true(admin_auth_host_is_local(text_of(local[i])));
    }
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        assert_false(admin_auth_host_is_local(text_of(other[i])));
    }
    assert_false(admin_auth_host_is_local((struct slice){NULL, 0}));
    assert_true(admin_auth_is_loopback("127.0.0.1:9601"));
    assert_true(admin_auth_is_loopback("[::1]:9601"));
    assert_false(admin_auth_is_loopback("0.0.0.0:9601"));
    assert_false(admin_auth_is_loopback("[::]:9601"));
}

static void test_origin(void **state)
{
    static const struct {
        const char *origin, *host;
        bool same;
    } cases[] = {
        {"http://127.0.0.1:9601", "127.0.0.1:9601", true},
        {"https://Console.example", "console.example", true},
        {"http://127.0.0.1:9602", "127.0.0.1:9601", false},
        {"http://127.0.0.1", "127.0.0.1:9601", false},
        {"http://127.0.0.1:9601.evil.example", "127.0.0.1:9601", false},
        {"http://evil.example/127.0.0.1:9601", "127.0.0.1:9601", false},
        {"null", "127.0.0.1:9601", false},
        {"", "", false},
        {"http://", "", false},
        {"ftp://a", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(admin_auth_origin_is(text_of(cases[i].origin), text_of(cases[i].host)),
                         cases[i].same);
    }
    assert_false(admin_auth_origin_is((struct slice){NULL, 0}, text_of("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
