/* proto/redis_text: URLs, addresses, slots, ids, redirections and errors of Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proto/redis_text.h"

static void test_urls(void **state)
{
    static const struct {
        const char *text, *host, *user, *password;
        uint16_t port;
        uint32_t db;
        bool tls;
    } fine[] = {
        {"redis://localhost", "localhost", "", "", 6379, 0, false},
        {"redis://localhost/", "localhost", "", "", 6379, 0, false},
        {"redis://redis-1.example_a:7000/15", "redis-1.example_a", "", "", 7000, 15, false},
        {"redis://[::1]:7000", "::1", "", "", 7000, 0, false},
        {"redis://[fe80::1%25eth0]", "fe80::1%25eth0", "", "", 6379, 0, false},
        {"redis://:secret@h", "h", "", "secret", 6379, 0, false},
        {"redis://me:secret@h:1/2", "h", "me", "secret", 1, 2, false},
        {"redis://m%65:p%40%3a%2f%25@h", "h", "me", "p@:/%", 6379, 0, false},
        {"redis://:a:b@c/d?e@h/3", "h", "", "a:b@c/d?e", 6379, 3, false},
        {"redis://:secret@", "", "", "secret", 6379, 0, false},
        {"redis://me:secret@/4", "", "me", "secret", 6379, 4, false},
        {"redis:///4", "", "", "", 6379, 4, false},
        {"redis:///", "", "", "", 6379, 0, false},
        {"rediss://", "", "", "", 6379, 0, true},
        {"rediss://h:6380", "h", "", "", 6380, 0, true},
        {"unix:///run/redis.sock", "/run/redis.sock", "", "", 0, 0, false},
        {"unix:///run/redis%20a.sock?db=9", "/run/redis a.sock", "", "", 0, 9, false},
        {"unix://me:se@c/r@/run/r.sock", "/run/r.sock", "me", "se@c/r", 0, 0, false},
    };
    static const char *const wrong[] = {
        "",
        "redis:",
        "http://h",
        "REDIS://h",
        "localhost:6379",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:",
        "redis://h:a",
        "redis://:6379",
        "redis://h/a",
        "redis://h/1/2",
        "redis://h/65536",
        "redis://h?db=1",
        "redis://h#1",
        "redis://secret@h",
        "redis://me:@h",
        "redis://:a%4@h",
        "redis://:a%zz@h",
        "redis://:a%00b@h",
        "redis://:a b@h",
        "redis://a b",
        "redis://::1",
        "redis://[::1",
        "redis://[]:1",
        "redis://[abc]:1",
        "redis://[::1]x",
        "unix://",
        "unix:///",
        "unix://run/redis.sock",
        "unix:///run/",
        "unix:///run/redis.sock?db=",
        "unix:///run/redis.sock?x=1",
        "unix://me@/run/redis.sock",
        "unix:///1234567890123456789012345678901234567890123456789012345678901234567890123456789012"
        "345678901234567890123456789",
    };
    struct redis_url url;
    (void)state;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        if (!redis_url_read(fine[i].text, strlen(fine[i].text), &url)) {
            fail_msg("%s was refused", fine[i].text);
        }
        assert_string_equal(url.place.host, fine[i].host);
        assert_int_equal(url.place.port, fine[i].port);
        assert_string_equal(url.user, fine[i].user);
        assert_string_equal(url.password, fine[i].password);
        assert_int_equal(url.db, fine[i].db);
        assert_int_equal(url.tls, fine[i].tls);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (redis_url_read(wrong[i], strlen(wrong[i]), &url)) {
            fail_msg("%s was accepted", wrong[i]);
        }
    }
}

/* Each part of a URL may have its maximum, and not a byte more. */
static void test_long_urls(void **state)
{
    char text[4096];
    struct redis_url url;
    static const struct {
        const char *before, *after;
        size_t most;
    } parts[] = {{"redis://", ":1", REDIS_HOST - 1},
                 {"redis://", ":p@h", REDIS_USER - 1},
                 {"redis://:", "@h", REDIS_PASSWORD - 1},
                 {"unix:///", "", 106}};
    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (size_t extra = 0; extra < 2; extra++) {
            size_t start = strlen(parts[i].before), len = parts[i].most + extra;
            memcpy(text, parts[i].before, start);
            memset(text + start, 'a', len);
            memcpy(text + start + len, parts[i].after, strlen(parts[i].after));
            len += start + strlen(parts[i].after);
            assert_int_equal(redis_url_read(text, len, &url), extra == 0);
        }
    }
}

static void test_places(void **state)
{
    struct redis_place place, other;
    char text[REDIS_PLACE];
    (void)state;
    assert_true(redis_place_read("a.example:26379", 15, 0, &place));
    assert_string_equal(place.host, "a.example");
    assert_int_equal(place.port, 26379);
    assert_string_equal(redis_place_print(&place, text), "a.example:26379");
    assert_true(redis_place_read("[::1]", 5, 26379, &other));
    assert_string_equal(redis_place_print(&other, text), "[::1]:26379");
    assert_false(redis_place_equal(&place, &other));
    assert_false(redis_place_read("h", 1, 0, &place));
    assert_false(redis_place_read("h:1:2", 5, 0, &place));
    assert_false(redis_place_read(":1", 2, 0, &place));
    assert_false(redis_place_read("redis://h", 9, 1, &place));
}

/* The examples of the cluster specification, and what redis-cli answers to CLUSTER KEYSLOT. */
static void test_slots(void **state)
{
    (void)state;
    assert_int_equal(redis_slot("123456789", 9), 0x31c3);
    assert_int_equal(redis_slot("", 0), 0);
    assert_int_equal(redis_slot("foo", 3), 12182);
    assert_int_equal(redis_slot("{user1000}.following", 20), redis_slot("user1000", 8));
    assert_int_equal(redis_slot("foo{{bar}}zap", 13), redis_slot("{bar", 4));
    assert_int_equal(redis_slot("foo{bar}{zap}", 13), redis_slot("bar", 3));
    assert_int_not_equal(redis_slot("foo{}{bar}", 10), redis_slot("bar", 3));
    assert_int_not_equal(redis_slot("a{bar", 5), redis_slot("bar", 3));
}

static void test_ids(void **state)
{
    struct redis_id a, b;
    char text[REDIS_ID];
    (void)state;
    assert_true(redis_id_read("1526919030474-55", 16, &a));
    assert_true(redis_id_read("1526919030474", 13, &b));
    assert_int_equal(b.seq, 0);
    assert_true(redis_id_compare(a, b) > 0 && redis_id_compare(b, a) < 0);
    assert_int_equal(redis_id_compare(a, a), 0);
    assert_string_equal(redis_id_print(a, text), "1526919030474-55");
    assert_true(redis_id_read("18446744073709551615-18446744073709551615", 41, &a));
    assert_string_equal(redis_id_print(a, text), "18446744073709551615-18446744073709551615");
    static const char *const wrong[] = {"", "-", "1-", "-1", "1-2-3", "$", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(redis_id_read(wrong[i], strlen(wrong[i]), &a));
    }
}

static bool redirect(const char *text, struct redis_redirect *out)
{
    return redis_redirect_read(text, strlen(text), out);
}

static void test_redirections(void **state)
{
    struct redis_redirect to;
    (void)state;
    assert_true(redirect("MOVED 3999 127.0.0.1:6381", &to));
    assert_false(to.ask);
    assert_int_equal(to.slot, 3999);
    assert_string_equal(to.place.host, "127.0.0.1");
    assert_int_equal(to.place.port, 6381);
    assert_true(redirect("ASK 16383 fd00::1:6381", &to));
    assert_true(to.ask);
    assert_string_equal(to.place.host, "fd00::1");
    assert_true(redirect("MOVED 0 :6381", &to) && to.place.host[0] == '\0');
    assert_true(redirect("MOVED 0 ?:6381", &to) && to.place.host[0] == '\0');
    assert_false(redirect("MOVED 16384 h:1", &to));
    assert_false(redirect("MOVED 1 h", &to));
    assert_false(redirect("MOVED 1", &to));
    assert_false(redirect("MOVED  h:1", &to));
    assert_false(redirect("MOVED 1 h:0", &to));
    assert_false(redirect("MOVED 1 h /:1", &to));
    assert_false(redirect("ERR no", &to));
}

static enum redis_trouble trouble(const char *text)
{
    return redis_trouble_of(text, strlen(text));
}

static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(trouble("OOM command not allowed when used memory > 'maxmemory'."),
                     REDIS_TROUBLE_OOM);
    assert_int_equal(trouble("NOAUTH Authentication required."), REDIS_TROUBLE_NOAUTH);
    assert_int_equal(trouble("NOREPLICAS Not enough good replicas to write."),
                     REDIS_TROUBLE_NOREPLICAS);
    assert_int_equal(trouble("MOVED 1 h:1"), REDIS_TROUBLE_MOVED);
    assert_int_equal(trouble("ERR max number of clients reached"), REDIS_TROUBLE_CLIENTS);
    assert_int_equal(trouble("ERR no such key"), REDIS_TROUBLE_COMMAND);
    assert_int_equal(trouble("OOMPH no"), REDIS_TROUBLE_COMMAND);
    assert_int_equal(trouble(""), REDIS_TROUBLE_COMMAND);
    for (int i = 0; i < REDIS_TROUBLE_MAX; i++) {
        assert_non_null(redis_trouble_says((enum redis_trouble)i));
        assert_non_null(redis_trouble_fix((enum redis_trouble)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),   cmocka_unit_test(test_long_urls),
        cmocka_unit_test(test_places), cmocka_unit_test(test_slots),
        cmocka_unit_test(test_ids),    cmocka_unit_test(test_redirections),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
