/* proto/sign: HMAC-SHA256 by known vectors, channel signatures and everything that is not one. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/sign.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct slice text(const char *s)
{
    return (struct slice){s, s != NULL ? strlen(s) : 0};
}

static void to_hex(const uint8_t bytes[SIGN_LEN], char out[2 * SIGN_LEN + 1])
{
    for (size_t i = 0; i < SIGN_LEN; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void hmac_hex(struct slice secret, const struct slice *parts, size_t n, char *out)
{
    uint8_t digest[SIGN_LEN];
    sign_hmac(secret, parts, n, digest);
    to_hex(digest, out);
}

/* RFC 4231, cases 1, 2, 3, 6 and 7, and the empty key. */
static void test_vectors(void **state)
{
    static char dd[51], aa[132];
    char hex[65];

    (void)state;
    memset(dd, 0xDD, 50);
    memset(aa, 0xAA, 131);
    const struct {
        struct slice key, data;
        const char *hex;
    } cases[] = {
        {SLICE("\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B"),
         SLICE("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {SLICE("Jefe"), SLICE("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {{aa, 20}, {dd, 50}, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {{aa, 131},
         SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {{aa, 131},
         SLICE(
             "This is a test using a larger than block-size key and a larger than block-size data. "
             "The key needs to be hashed before being used by the HMAC algorithm."),
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
        {{NULL, 0}, {NULL, 0}, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
        {SLICE(""), SLICE(""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hmac_hex(cases[i].key, &cases[i].data, 1, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    /* parts are laid end to end */
    const struct slice parts[] = {
        SLICE("what do ya"), {NULL, 0}, SLICE(" want"), SLICE(" for nothing?")};
    hmac_hex(SLICE("Jefe"), parts, 4, hex);
    assert_string_equal(hex, cases[1].hex);
    hmac_hex(SLICE("key"), NULL, 0, hex);
    assert_string_equal(hex, "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0");
}

/* The example of Pusher's documentation of channel signatures. */
#define SOCKET    "1234.1234"
#define KEY       "278d425bdf160c739803"
#define SECRET    "7ad3773142a6692b25b8"
#define SIGNATURE "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
#define PRESENCE  "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
#define DATA      "{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Channels\"}}"

static bool allowed(const char *auth, const char *channel, const char *data)
{
    /* in a block of exactly its size, for ASan */
    size_t len = strlen(auth);
    char *block = malloc(len + 1);
    assert_non_null(block);
    memcpy(block + 1, auth, len);
    bool ok = sign_channel_auth((struct slice){block + 1, len}, text(KEY), text(SECRET),
                                text(SOCKET), text(channel), text(data));
    free(block);
    return ok;
}

static void test_pusher_examples(void **state)
{
    (void)state;
    assert_true(allowed(KEY ":" SIGNATURE, "private-foobar", NULL));
    assert_true(allowed(KEY ":" SIGNATURE, "private-foobar", ""));
    assert_true(allowed(KEY ":" PRESENCE, "presence-foobar", DATA));
    assert_false(allowed(KEY ":" SIGNATURE, "private-foobar", DATA));
    assert_false(allowed(KEY ":" PRESENCE, "presence-foobar", NULL));
    assert_false(allowed(KEY ":" PRESENCE, "presence-foobar", DATA " "));
    assert_false(allowed(KEY ":" SIGNATURE, "private-foobaz", NULL));
    assert_false(allowed(KEY ":" SIGNATURE, "private-fooba", NULL));
}

static void test_refused(void **state)
{
    static const char *const refused[] = {
        "",
        ":",
        KEY,
        KEY ":",
        SIGNATURE,
        ":" SIGNATURE,
        KEY SIGNATURE,
        KEY "::" SIGNATURE,
        KEY ";" SIGNATURE,
        KEY ": " SIGNATURE,
        " " KEY ":" SIGNATURE,
        KEY ":" SIGNATURE " ",
        KEY ":" SIGNATURE "0",
        KEY ":" SIGNATURE "\n",
        KEY ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a",
        KEY ":58DF8B0C36D6982B82C3ECF6B4662E34FE8C25BBA48F5369F135BF843651C3A4",
        KEY ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3A4",
        KEY ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a5",
        KEY ":08df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
        KEY ":g8df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
        "278d425bdf160c739804:" SIGNATURE,
        "278D425BDF160C739803:" SIGNATURE,
        "x:" SIGNATURE,
        "278d425bdf160c73980:3" SIGNATURE,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (allowed(refused[i], "private-foobar", NULL)) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
    /* another secret, another socket, no auth at all */
    struct slice auth = text(KEY ":" SIGNATURE), none = {NULL, 0};
    assert_false(sign_channel_auth(auth, text(KEY), text("other"), text(SOCKET),
                                   text("private-foobar"), none));
    assert_false(sign_channel_auth(auth, text(KEY), text(SECRET), text("1234.1235"),
                                   text("private-foobar"), none));
    assert_false(sign_channel_auth(none, text(KEY), text(SECRET), text(SOCKET),
                                   text("private-foobar"), none));
}

/* The colons are signed too. "private-a:DATA" without data would sign the same text as "private-a"
 * with it, which is why a channel name never contains a colon. */
static void test_parts_are_told_apart(void **state)
{
    const struct slice whole = SLICE(SOCKET ":private-a:" DATA);
    char auth[sizeof(KEY) + 1 + 2 * SIGN_LEN] = KEY ":";

    (void)state;
    hmac_hex(text(SECRET), &whole, 1, auth + sizeof(KEY));
    assert_true(allowed(auth, "private-a", DATA));
    assert_false(allowed(auth, "private-a", NULL));
    assert_false(allowed(auth, "private-", "a:" DATA));
}

static void test_equal(void **state)
{
    const uint8_t a[] = {1, 2, 3}, b[] = {1, 2, 4}, c[] = {0, 2, 3};

    (void)state;
    assert_true(sign_equal(a, a, 3));
    assert_true(sign_equal(a, b, 2));
    assert_false(sign_equal(a, b, 3));
    assert_false(sign_equal(a, c, 3));
    assert_true(sign_equal(a, c, 0));
}

static void *sign_often(void *arg)
{
    bool *ok = arg;
    *ok = true;
    for (int i = 0; i < 500; i++) {
        char hex[65], key[16];
        const struct slice part = SLICE("x");

        snprintf(key, sizeof(key), "%d", i);
        hmac_hex(text(key), &part, 1, hex); /* a different key in between */
        *ok =
            *ok && sign_channel_auth(text(KEY ":" SIGNATURE), text(KEY), text(SECRET), text(SOCKET),
                                     text("private-foobar"), (struct slice){NULL, 0});
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    bool ok[4];

    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &ok[i]), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(ok[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_pusher_examples),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_parts_are_told_apart),
        cmocka_unit_test(test_equal),   cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
