/* The HTTP API's parts that need no connection: signatures, bodies, chunks, and the cache of last
 * events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/api.h"
#include "proto/chunked.h"
#include "pubsub/cache.h"

#include <stdio.h>
#include <string.h>

/* The worked example of Pusher's own documentation. */
#define KEY       "278d425bdf160c739803"
#define SECRET    "7ad3773142a6692b25b8"
#define SIGNED_AT 1353088179
#define BODY                                                                                       \
    "{\"name\":\"foo\",\"channels\":[\"project-3\"],\"data\":\"{\\\"some\\\":\\\"data\\\"}\"}"
#define QUERY                                                                                      \
    "auth_key=" KEY "&auth_timestamp=1353088179&auth_version=1.0&body_md5="                        \
    "ec365a775a4cd0599faeb73354201b6f&auth_signature="                                             \
    "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"

static bool is_signed(const char *query, const char *method, const char *path, uint64_t now)
{
    char room[1024];
    struct api_query read;
    struct slice text = {query, strlen(query)};
    assert_int_equal(api_query_read(text, room, &read), 0);
    return api_signed(&read, (struct slice){method, strlen(method)},
                      (struct slice){path, strlen(path)}, SLICE(KEY), SLICE(SECRET), now);
}

static void the_documented_example_is_signed(void **state)
{
    char room[1024];
    struct api_query query;
    (void)state;
    assert_true(is_signed(QUERY, "POST", "/apps/3/events", SIGNED_AT));
    assert_true(is_signed(QUERY, "POST", "/apps/3/events", SIGNED_AT + API_MAX_SKEW_SECONDS));
    assert_false(is_signed(QUERY, "POST", "/apps/3/events", SIGNED_AT + API_MAX_SKEW_SECONDS + 1));
    assert_true(is_signed(QUERY, "POST", "/apps/3/events", SIGNED_AT - API_MAX_SKEW_SECONDS));
    assert_false(is_signed(QUERY, "GET", "/apps/3/events", SIGNED_AT));
    assert_false(is_signed(QUERY, "POST", "/apps/4/events", SIGNED_AT));
    assert_false(is_signed(QUERY "&x=1", "POST", "/apps/3/events", SIGNED_AT));
    assert_false(is_signed("auth_key=" KEY, "POST", "/apps/3/events", SIGNED_AT));
    assert_int_equal(api_query_read(SLICE(QUERY), room, &query), 0);
    assert_true(api_body_matches(&query, SLICE(BODY)));
    assert_false(api_body_matches(&query, SLICE(BODY " ")));
    assert_false(api_body_matches(&query, (struct slice){NULL, 0}));
}

static void queries_are_decoded_and_bounded(void **state)
{
    char room[2048], many[1024] = "";
    struct api_query query;
    (void)state;
    assert_int_equal(api_query_read(SLICE("a=b%20c&d=e+f&g&=h&&i=%C3%A9"), room, &query), 0);
    assert_int_equal(query.count, 5);
    assert_true(slice_is(api_param(&query, "a"), "b c"));
    assert_true(slice_is(api_param(&query, "d"), "e f"));
    assert_true(slice_is(api_param(&query, "g"), ""));
    assert_true(slice_is(api_param(&query, "i"), "\xc3\xa9"));
    assert_null(api_param(&query, "nothing").p);
    assert_int_equal(api_query_read(SLICE("a=%2"), room, &query), -1);
    assert_int_equal(api_query_read(SLICE("a=%zz"), room, &query), -1);
    assert_int_equal(api_query_read((struct slice){NULL, 0}, room, &query), 0);
    for (int i = 0; i < API_MAX_PARAMS + 1; i++) {
        strncat(many, "a=1&", sizeof(many) - strlen(many) - 1);
    }
    assert_int_equal(api_query_read((struct slice){many, strlen(many)}, room, &query), -1);
}

static void chunks_are_put_together_when_all_are_there(void **state)
{
    static const char body[] =
        "5;name=\"x\"\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: y\r\n\r\nNEXT";
    size_t whole = sizeof(body) - 1 - 4;
    (void)state;
    for (size_t len = 0; len <= sizeof(body) - 1; len++) {
        uint8_t copy[sizeof(body)];
        size_t body_len = 0, used = 0;
        int status = 0;
        memcpy(copy, body, sizeof(body));
        enum http_result result = http_dechunk(copy, len, 11, &body_len, &used, &status);
        assert_int_equal(result, len < whole ? HTTP_MORE : HTTP_DONE);
        if (result == HTTP_DONE) {
            assert_int_equal(used, whole);
            assert_int_equal(body_len, 11);
            assert_memory_equal(copy, "hello world", 11);
        }
    }
}

static void broken_chunks_are_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {{"5\nhello\r\n0\r\n\r\n", 400},
                 {"x\r\n", 400},
                 {"\r\n", 400},
                 {"5\r\nhelloxx", 400},
                 {"-1\r\n", 400},
                 {"123456789\r\n", 400},
                 {"5 5\r\nhello", 0},
                 {"0\r\nx\n\r\n", 400},
                 {"fffffff\r\n", 413},
                 {"c\r\n", 413}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t copy[64];
        size_t body_len, used, len = strlen(cases[i].text);
        int status = 0;
        memcpy(copy, cases[i].text, len);
        enum http_result result = http_dechunk(copy, len, 11, &body_len, &used, &status);
        assert_int_equal(result, cases[i].status != 0 ? HTTP_BAD : HTTP_MORE);
        if (cases[i].status != 0) {
            assert_int_equal(status, cases[i].status);
        }
    }
}

/* The last event of a channel; NULL: none. */
static struct frame *cached(const struct cache *cache, const char *channel, uint64_t now,
                            uint64_t *ttl_ms)
{
    struct frame *events[CACHE_HISTORY];
    size_t len = strlen(channel);
    size_t n = cache_get(cache, (struct slice){channel, len}, strmap_hash(channel, len), now,
                         events, ttl_ms);
    return n > 0 ? events[n - 1] : NULL;
}

static void the_cache_keeps_the_last_event_for_its_time_and_size(void **state)
{
    struct cache cache;
    struct frame *a = frame_copy("aaaa", 4), *b = frame_copy("bbbb", 4), *big = frame_new(4000);
    uint64_t ttl = 0;
    (void)state;
    memset(big->bytes, 'x', 4000);
    cache_init(&cache);
    cache_limit(&cache, 2, 3000);
    cache_put(&cache, SLICE("c"), strmap_hash("c", 1), a, 0);
    cache_put(&cache, SLICE("c"), strmap_hash("c", 1), b, 500);
    assert_ptr_equal(cached(&cache, "c", 1000, &ttl), b);
    assert_int_equal(ttl, 1500);
    assert_non_null(cached(&cache, "c", 2499, NULL));
    assert_null(cached(&cache, "c", 2500, NULL));
    cache_expire(&cache, 2499);
    assert_int_equal(cache.events.count, 1);
    cache_expire(&cache, 2500);
    assert_int_equal(cache.events.count, 0);
    assert_int_equal(cache.bytes, 0);
    for (int i = 0; i < 200; i++) {
        char name[8];
        size_t len = (size_t)snprintf(name, sizeof(name), "%d", i);
        cache_put(&cache, (struct slice){name, len}, strmap_hash(name, len), a, 0);
        assert_true(cache.bytes <= 3000);
    }
    assert_null(cached(&cache, "0", 0, NULL));
    assert_non_null(cached(&cache, "199", 0, NULL));
    cache_put(&cache, SLICE("199"), strmap_hash("199", 3), big, 0);
    assert_null(cached(&cache, "199", 0, NULL));
    cache_free(&cache);
    frame_unref(a);
    frame_unref(b);
    frame_unref(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_example_is_signed),
        cmocka_unit_test(queries_are_decoded_and_bounded),
        cmocka_unit_test(chunks_are_put_together_when_all_are_there),
        cmocka_unit_test(broken_chunks_are_refused),
        cmocka_unit_test(the_cache_keeps_the_last_event_for_its_time_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
