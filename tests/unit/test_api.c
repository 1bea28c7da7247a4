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

static char why_not[API_WHY_MAX];

static bool is_signed(const char *query, const char *method, const char *path, uint64_t now)
{
    char room[1024];
    struct api_query read;
    struct slice text = {query, strlen(query)};
    struct api_signer signer = {.key = SLICE(KEY),
                                .secret = SLICE(SECRET),
                                .method = {method, strlen(method)},
                                .paths = {SLICE("/x"), {path, strlen(path)}},
                                .npaths = 2,
                                .now = now};
    assert_int_equal(api_query_read(text, room, &read), 0);
    why_not[0] = '\0';
    return api_signed(&read, &signer, why_not);
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
    struct slice md5 = api_param(&query, "body_md5"), none = {NULL, 0};
    assert_true(api_body_matches(md5, SLICE(BODY)));
    assert_false(api_body_matches(md5, SLICE(BODY " ")));
    assert_false(api_body_matches(md5, none));
    assert_false(api_body_matches(none, SLICE(BODY)));
    assert_true(api_body_matches(none, none));
}

static void what_fails_is_said(void **state)
{
    static const struct {
        const char *query, *why;
    } cases[] = {
        {"", "auth_key is missing"},
        {"auth_key=", "auth_key is not the key of this application"},
        {"auth_key=" KEY, "auth_version is missing; it must be 1.0"},
        {"auth_key=" KEY "&auth_version=2", "auth_version is another one; it must be 1.0"},
        {"auth_key=" KEY "&auth_version=1.0",
         "auth_timestamp is missing; it must be the Unix time in seconds, here it is 1353088179"},
        {"auth_key=" KEY "&auth_version=1.0&auth_timestamp=1353088179.5",
         "auth_timestamp is no number of seconds; it must be the Unix time in seconds, here it is "
         "1353088179"},
        {"auth_key=" KEY "&auth_version=1.0&auth_timestamp=1353087578",
         "auth_timestamp 1353087578 is more than 600 seconds away from the time here, 1353088179"},
        {"auth_key=" KEY "&auth_version=1.0&auth_timestamp=1353088179",
         "auth_signature is missing"},
        {"auth_key=" KEY "&auth_version=1.0&auth_timestamp=1353088179&auth_signature=00",
         "auth_signature is not the HMAC-SHA256 of method, path and parameters with the secret of "
         "this application"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(is_signed(cases[i].query, "POST", "/apps/3/events", SIGNED_AT));
        assert_string_equal(why_not, cases[i].why);
    }
}

static void names_of_parameters_are_signed_in_lower_case(void **state)
{
    /* "POST\n/a\nauth_key=...&auth_timestamp=1&auth_version=1.0&info=X&zoo=1" */
    static const char query[] = "auth_key=" KEY "&auth_timestamp=1&auth_version=1.0&ZOO=1&iNfO=X"
                                "&auth_signature="
                                "f482ae5ee1efa14614c69fdcead80621b9c5e4ab587683a0133faae93d40bd11";
    (void)state;
    assert_true(is_signed(query, "POST", "/a", 1));
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

/* Reads `text` in pieces of `step` bytes; the data comes to `out`. */
static enum http_result read_chunks(const char *text, size_t len, size_t step, char *out,
                                    size_t *out_len, size_t *used, int *status)
{
    struct chunked body = {0};
    enum http_result result = HTTP_MORE;
    *out_len = *used = 0;
    while (*used < len && result == HTTP_MORE) {
        uint8_t piece[128];
        size_t some = len - *used < step ? len - *used : step, data_len, took;
        memcpy(piece, text + *used, some);
        result = chunked_read(&body, piece, some, 11, &data_len, &took, status);
        memcpy(out + *out_len, piece, data_len);
        *out_len += data_len;
        *used += took;
    }
    return result;
}

static void chunks_are_put_together_as_they_come(void **state)
{
    static const char body[] =
        "5;name=\"x\"\r\nhello\r\n006 \t;y\r\n world\r\n0\r\nTrailer: y\r\n\r\nNEXT";
    size_t whole = sizeof(body) - 1 - 4;
    (void)state;
    for (size_t step = 1; step < sizeof(body); step++) {
        for (size_t len = 0; len <= sizeof(body) - 1; len++) {
            char data[16];
            size_t data_len = 0, used = 0;
            int status = 0;
            enum http_result result = read_chunks(body, len, step, data, &data_len, &used, &status);
            assert_int_equal(result, len < whole ? HTTP_MORE : HTTP_DONE);
            if (result == HTTP_DONE) {
                assert_int_equal(used, whole);
                assert_int_equal(data_len, 11);
                assert_memory_equal(data, "hello world", 11);
            }
        }
    }
}

static void broken_chunks_are_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {{"5\nhello\r\n0\r\n\r\n", 400}, {"x\r\n", 400},           {"\r\n", 400},
                 {"5\r\nhelloxx", 400},          {"-1\r\n", 400},          {"123456789\r\n", 400},
                 {"5 5\r\nhello", 400},          {"5 \r\nhello", 400},     {"5\t\r\nhello", 400},
                 {" 5\r\nhello", 400},           {"5h\r\nhello", 400},     {"0x5\r\nhello", 400},
                 {"5,x\r\nhello", 400},          {"5;x\ny\r\nhello", 400}, {"5;x\ry\r\nhello", 400},
                 {"5 ;x\r\nhello", 0},           {"5;\r\nhello", 0},       {"0\r\nx\n\r\n", 400},
                 {"fffffff\r\n", 413},           {"ffffffff\r\n", 413},    {"c\r\n", 413},
                 {"5\r\nhello\r\n7\r\n", 413}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t step = 1; step < 32; step++) {
            char data[16];
            size_t data_len, used;
            int status = 0;
            enum http_result result = read_chunks(cases[i].text, strlen(cases[i].text), step, data,
                                                  &data_len, &used, &status);
            assert_int_equal(result, cases[i].status != 0 ? HTTP_BAD : HTTP_MORE);
            assert_int_equal(status, cases[i].status);
        }
    }
}

static void long_lines_and_many_trailers_are_refused(void **state)
{
    static const char *const starts[] = {"5;", "0\r\nx"};
    uint8_t byte;
    size_t data_len, used;
    int status = 0;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct chunked body = {0};
        enum http_result result = HTTP_MORE;
        size_t n = 0;
        for (const char *p = starts[i]; *p != '\0'; p++) {
            byte = (uint8_t)*p;
            assert_int_equal(chunked_read(&body, &byte, 1, 9, &data_len, &used, &status),
                             HTTP_MORE);
        }
        for (; result == HTTP_MORE && n < 5000; n++) {
            byte = 'x';
            result = chunked_read(&body, &byte, 1, 9, &data_len, &used, &status);
        }
        assert_int_equal(result, HTTP_BAD);
        assert_in_range(n, 1000, 1100);
    }
    struct chunked body = {0};
    uint8_t trailers[] = "0\r\na:b\r\n";
    assert_int_equal(chunked_read(&body, trailers, 8, 9, &data_len, &used, &status), HTTP_MORE);
    size_t n = 0;
    enum http_result result = HTTP_MORE;
    for (; result == HTTP_MORE && n < 100; n++) {
        uint8_t trailer[] = "a:b\r\n";
        result = chunked_read(&body, trailer, 5, 9, &data_len, &used, &status);
    }
    assert_int_equal(result, HTTP_BAD);
    assert_in_range(n, 15, 20);
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
        cmocka_unit_test(what_fails_is_said),
        cmocka_unit_test(names_of_parameters_are_signed_in_lower_case),
        cmocka_unit_test(queries_are_decoded_and_bounded),
        cmocka_unit_test(chunks_are_put_together_as_they_come),
        cmocka_unit_test(broken_chunks_are_refused),
        cmocka_unit_test(long_lines_and_many_trailers_are_refused),
        cmocka_unit_test(the_cache_keeps_the_last_event_for_its_time_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
