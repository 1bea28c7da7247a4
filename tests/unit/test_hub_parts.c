/* The hub's small parts alone: deduplication, the set of subscriptions, socket ids, origins and
 * quotas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rnd.h"
#include "pubsub/apps.h"
#include "pubsub/dedup.h"
#include "pubsub/socket_id.h"
#include "pubsub/subscribed.h"

#include <stdio.h>
#include <string.h>

static const uint8_t P1[DEDUP_PRODUCER_LEN] = {1}, P2[DEDUP_PRODUCER_LEN] = {2};

static enum dedup_seen ask(struct dedup *dedup, uint32_t app, const uint8_t *producer, uint64_t seq,
                           uint64_t now, uint64_t *id)
{
    const struct receipt *receipts = NULL;
    uint32_t n = 0;
    enum dedup_seen seen =
        dedup_frame(dedup_producer(dedup, app, producer, now), seq, &receipts, &n);
    *id = seen == DEDUP_SEEN ? receipts[n - 1].id : 0;
    return seen;
}

static void a_frame_is_known_for_a_window_and_a_minute(void **state)
{
    (void)state;
    struct dedup dedup;
    uint64_t id;
    dedup_init(&dedup);
    dedup_apps(&dedup, 2);
    for (uint64_t seq = 1; seq <= 3000; seq++) {
        struct receipt receipt = {.id = seq * 10};
        assert_int_equal(ask(&dedup, 0, P1, seq, 0, &id), DEDUP_NEW);
        dedup_frame_done(dedup_producer(&dedup, 0, P1, 0), seq, &receipt, 1);
    }
    for (uint64_t seq = 3000 - DEDUP_WINDOW + 1; seq <= 3000; seq++) {
        assert_int_equal(ask(&dedup, 0, P1, seq, 0, &id), DEDUP_SEEN);
        assert_int_equal(id, seq * 10);
    }
    assert_int_equal(ask(&dedup, 0, P1, 3000 - DEDUP_WINDOW, 0, &id), DEDUP_TOO_OLD);
    assert_int_equal(ask(&dedup, 1, P1, 3000, 0, &id), DEDUP_NEW); /* another application's */
    assert_int_equal(ask(&dedup, 0, P2, 3000, 0, &id), DEDUP_NEW);
    dedup_forget(&dedup, DEDUP_FORGET_MS - 1);
    assert_int_equal(ask(&dedup, 0, P1, 3000, 1, &id), DEDUP_SEEN); /* and so used again at 1 */
    dedup_forget(&dedup, DEDUP_FORGET_MS);
    assert_int_equal(dedup.producers.count, 1); /* the two that were only asked about are gone */
    dedup_forget(&dedup, DEDUP_FORGET_MS + 1);
    assert_int_equal(dedup.producers.count, 0);
    dedup_free(&dedup);
}

static void a_batch_keeps_all_its_receipts(void **state)
{
    (void)state;
    struct dedup dedup;
    struct receipt batch[3] = {{.id = 1}, {.id = 2}, {.id = 3}};
    const struct receipt *receipts;
    uint32_t n;
    dedup_init(&dedup);
    dedup_apps(&dedup, 1);
    dedup_frame_done(dedup_producer(&dedup, 0, P1, 0), 7, batch, 3);
    dedup_frame_done(dedup_producer(&dedup, 0, P1, 0), 8, batch, 0);
    assert_int_equal(dedup_frame(dedup_producer(&dedup, 0, P1, 0), 7, &receipts, &n), DEDUP_SEEN);
    assert_int_equal(n, 3);
    assert_int_equal(receipts[2].id, 3);
    assert_int_equal(dedup_frame(dedup_producer(&dedup, 0, P1, 0), 8, &receipts, &n), DEDUP_SEEN);
    assert_int_equal(n, 0);
    dedup_free(&dedup);
}

static void producers_are_bounded(void **state)
{
    (void)state;
    struct dedup dedup;
    struct receipt receipt = {.id = 1};
    uint64_t id;
    dedup_init(&dedup);
    dedup_apps(&dedup, 1);
    for (uint32_t i = 0; i < DEDUP_PRODUCERS + 10; i++) {
        uint8_t producer[DEDUP_PRODUCER_LEN] = {0};
        memcpy(producer, &i, sizeof(i));
        dedup_frame_done(dedup_producer(&dedup, 0, producer, 0), 1, &receipt, 1);
    }
    assert_int_equal(dedup.producers.count, DEDUP_PRODUCERS);
    uint8_t first[DEDUP_PRODUCER_LEN] = {0};
    assert_int_equal(ask(&dedup, 0, first, 1, 0, &id), DEDUP_NEW);
    dedup_free(&dedup);
}

static void a_key_counts_from_its_first_use(void **state)
{
    (void)state;
    struct dedup dedup;
    struct receipt receipt = {.id = 5, .recipients = 2}, out;
    dedup_init(&dedup);
    dedup_apps(&dedup, 2);
    assert_false(dedup_key(&dedup, 0, SLICE("k"), 0, &out));
    dedup_key_done(&dedup, 0, SLICE("k"), 0, &receipt);
    assert_true(dedup_key(&dedup, 0, SLICE("k"), DEDUP_FORGET_MS - 1, &out));
    assert_int_equal(out.id, 5);
    assert_int_equal(out.recipients, 2);
    assert_false(dedup_key(&dedup, 1, SLICE("k"), 0, &out));
    assert_false(dedup_key(&dedup, 0, SLICE("k"), DEDUP_FORGET_MS, &out));
    assert_int_equal(dedup.keys[0].count, 0);
    for (uint32_t i = 0; i < DEDUP_KEYS + 5; i++) {
        char key[16];
        struct slice slice = {key, (size_t)snprintf(key, sizeof(key), "%u", i)};
        dedup_key_done(&dedup, 0, slice, 0, &receipt);
    }
    assert_int_equal(dedup.keys[0].count, DEDUP_KEYS);
    assert_false(dedup_key(&dedup, 0, SLICE("0"), 0, &out));
    assert_true(dedup_key(&dedup, 0, SLICE("5"), 0, &out));
    dedup_forget(&dedup, DEDUP_FORGET_MS);
    assert_int_equal(dedup.keys[0].count, 0);
    dedup_free(&dedup);
}

static void the_set_holds_what_was_added_and_nothing_else(void **state)
{
    (void)state;
    enum { N = 5000 };
    static bool in[N];
    struct subscribed set = {0};
    size_t count = 0;
    for (int round = 0; round < 60000; round++) {
        uint32_t i = rnd_below(N);
        uint64_t print = subscribed_print(i + 1, 0, i * 3);
        if (in[i]) {
            subscribed_remove(&set, print);
        } else {
            subscribed_add(&set, print);
        }
        in[i] = !in[i];
        count = in[i] ? count + 1 : count - 1;
        assert_int_equal(set.count, count);
    }
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(subscribed_has(&set, subscribed_print(i + 1, 0, i * 3)), in[i]);
        assert_false(subscribed_has(&set, subscribed_print(i + 1, 1, i * 3)));
    }
    for (uint32_t i = 0; i < N; i++) {
        if (in[i]) {
            subscribed_remove(&set, subscribed_print(i + 1, 0, i * 3));
        }
    }
    assert_int_equal(set.count, 0);
    assert_true(set.mask < 128);
    subscribed_free(&set);
}

static void socket_ids_are_read_back(void **state)
{
    (void)state;
    char text[SOCKET_ID_MAX];
    struct socket_ref ref = {.random = UINT64_MAX >> 12, .worker = 63, .slot = UINT32_MAX}, out;
    size_t len = socket_id_write(text, &ref);
    assert_true(socket_id_read((struct slice){text, len}, &out));
    assert_true(out.random == ref.random && out.worker == ref.worker && out.slot == ref.slot);
    const char *bad[] = {"",
                         ".",
                         "1.",
                         ".1",
                         "1",
                         "1.2.3",
                         "a.1",
                         "1.b",
                         "0.1",
                         "-1.1",
                         "1 .1",
                         "99999999999999999999.1",
                         "1.99999999999999999999",
                         "1.274877906944"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(socket_id_read((struct slice){bad[i], strlen(bad[i])}, &out));
        assert_int_equal(out.random, 0);
    }
    assert_false(socket_id_read((struct slice){NULL, 0}, &out));
}

/* ---- applications ---- */

static struct slice header(const char *value)
{
    return (struct slice){value, value != NULL ? strlen(value) : 0};
}

static bool allows_at(const char *entries, bool missing, const char *origin, const char *host)
{
    char copy[256];
    char *items[8];
    struct app_settings settings = {.id = (char *)"a",
                                    .key = (char *)"k",
                                    .secret = (char *)"s",
                                    .enabled = true,
                                    .allow_missing_origin = missing};
    snprintf(copy, sizeof(copy), "%s", entries);
    char *save = NULL;
    for (char *item = strtok_r(copy, " ", &save); item != NULL; item = strtok_r(NULL, " ", &save)) {
        items[settings.allowed_origins.count++] = item;
    }
    settings.allowed_origins.items = items;
    struct app_registry registry;
    struct limits limits = {0};
    app_registry_init(&registry);
    struct apps *apps = apps_new(&registry, &settings, 1, &limits);
    bool result = app_allows_origin(&apps->items[0], header(origin), header(host));
    apps_unref(apps);
    app_registry_free(&registry);
    return result;
}

static bool allows(const char *entries, bool missing, const char *origin)
{
    return allows_at(entries, missing, origin, "ws.example");
}

static void origins_of_apps_and_of_files(void **state)
{
    (void)state;
    assert_true(allows("null", true, "null"));
    assert_false(allows("null", true, "http://null"));
    assert_false(allows("null", true, "nul"));
    assert_false(allows("null", true, ""));
    assert_false(allows("null", false, NULL));
    assert_true(allows("a.example null", true, "null"));
    assert_true(allows("file://", true, "file://"));
    assert_false(allows("file://", true, "file:///"));
    assert_false(allows("file://", true, "file://a.example"));
    assert_false(allows("file://", true, "null"));
    assert_true(allows("app://", true, "app://"));
    assert_false(allows("app://", true, "app://a"));
    assert_true(allows("capacitor://localhost", true, "capacitor://localhost"));
    assert_false(allows("capacitor://localhost", true, "capacitor://localhost:80"));
    assert_false(allows("capacitor://localhost", true, "http://localhost"));
    assert_false(allows("capacitor://localhost", true, "capacitor://"));
    assert_true(allows("app://localhost:8080", true, "app://localhost:8080"));
    assert_true(allows("app://.", true, "app://."));
    assert_true(allows("localhost", true, "ionic://localhost"));
}

static void the_own_host_is_an_origin(void **state)
{
    (void)state;
    assert_true(allows_at("self", true, "https://a.example", "a.example"));
    assert_true(allows_at("self", true, "http://A.example", "a.Example"));
    assert_true(allows_at("self", true, "http://a.example:8080", "a.example:8080"));
    assert_true(allows_at("self", true, "https://a.example", "a.example:443"));
    assert_true(allows_at("self", true, "https://a.example:443", "a.example"));
    assert_true(allows_at("self", true, "http://[::1]:8080", "[::1]:8080"));
    assert_true(allows_at("self", true, "http://[::1]", "[::1]"));
    assert_true(allows_at("self b.example", true, "https://b.example", "a.example"));
    assert_false(allows_at("self", true, "https://a.example:8443", "a.example"));
    assert_false(allows_at("self", true, "https://a.example", "a.example:80"));
    assert_false(allows_at("self", true, "https://b.a.example", "a.example"));
    assert_false(allows_at("self", true, "https://evil.example", "a.example"));
    assert_false(allows_at("self", true, "capacitor://a.example", "a.example"));
    assert_false(allows_at("self", true, "http://self", "a.example"));
    assert_false(allows_at("self", true, "https://a.example", NULL));
    assert_false(allows_at("self", true, "https://a.example", ""));
    assert_false(allows_at("self", true, "null", "null"));
    assert_false(allows_at("self", true, "https://", ""));
    assert_true(allows_at("self", true, NULL, "a.example"));
    assert_false(allows_at("self", false, NULL, "a.example"));
}

static void origins_are_matched_by_host_or_exactly(void **state)
{
    (void)state;
    assert_true(allows("*", true, "http://anything.example:1234"));
    assert_true(allows("*", true, NULL));
    assert_false(allows("*", false, NULL));
    assert_true(allows("a.example", true, NULL));
    assert_false(allows("a.example", false, NULL));
    assert_true(allows("a.example", true, "http://a.example"));
    assert_true(allows("a.example", true, "https://A.Example:8443"));
    assert_false(allows("a.example", true, "http://b.a.example"));
    assert_false(allows("a.example", true, "http://a.example.evil"));
    assert_true(allows("*.a.example", true, "http://b.a.example"));
    assert_true(allows("*.a.example", true, "http://c.b.a.example"));
    assert_false(allows("*.a.example", true, "http://a.example"));
    assert_false(allows("*.a.example", true, "http://evila.example"));
    assert_true(allows("https://a.example", true, "https://a.example"));
    assert_true(allows("https://a.example:443", true, "https://a.example"));
    assert_false(allows("https://a.example", true, "http://a.example"));
    assert_false(allows("https://a.example", true, "https://a.example:444"));
    assert_true(allows("b http://a.example:81", true, "http://a.example:81"));
    assert_true(allows("[::1]", true, "http://[::1]:8000"));
    assert_true(allows("https://*.a.example", true, "https://b.a.example"));
    assert_true(allows("https://*.a.example:8443", true, "https://c.b.a.example:8443"));
    assert_false(allows("https://*.a.example", true, "https://a.example"));
    assert_false(allows("https://*.a.example", true, "http://b.a.example"));
    assert_false(allows("https://*.a.example", true, "https://b.a.example:8443"));
    assert_false(allows("https://*.a.example", true, "https://b.a.example.evil"));
    assert_true(allows("http://a.example:80", true, "http://a.example"));
    assert_false(allows("http://a.example:443", true, "https://a.example"));
    assert_true(allows("ionic://localhost", true, "ionic://localhost"));
    assert_true(allows("http://[::1]:3000", true, "http://[::1]:3000"));
    assert_false(allows("[::1]", true, "http://[::2]"));
    assert_false(allows("*.a.example", true, "https://evil.example/.a.example"));
    assert_false(allows("a.example", true, "https://evil.example@a.example"));
    assert_false(allows("a.example", true, "https://a.example/"));
    assert_false(allows("a.example", true, "https://a.example://"));
    assert_false(allows("a.example", true, "https://a.example:80@evil.example"));
    assert_false(allows("a.example", true, "https://a.example:x"));
    assert_false(allows("a.example", true, "a.example"));
    assert_false(allows("a.example", true, "https://"));
    assert_false(allows("a.example", true, "://a.example.b"));
    assert_false(allows("a.example", true, "http://b.example, http://a.example"));
    assert_false(allows("a.example", true, "null"));
    assert_false(allows("a.example", true, ""));
    assert_false(allows("", true, "http://a.example"));
}

static void quotas_are_exact(void **state)
{
    (void)state;
    struct app_settings settings[2] = {
        {.id = (char *)"a", .key = (char *)"k", .secret = (char *)"s", .max_connections = 2},
        {.id = (char *)"b", .key = (char *)"l", .secret = (char *)"s"}};
    struct app_registry registry;
    struct limits limits = {.max_connections = 3};
    app_registry_init(&registry);
    struct apps *apps = apps_new(&registry, settings, 2, &limits);
    struct app *a = apps_by_id(apps, "a", 1), *b = apps_by_key(apps, "l", 1);
    assert_int_equal(app_admit(apps, a), APP_ADMITTED);
    assert_int_equal(app_admit(apps, a), APP_ADMITTED);
    assert_int_equal(app_admit(apps, a), APP_OVER_QUOTA);
    assert_int_equal(app_admit(apps, b), APP_ADMITTED);
    assert_int_equal(app_admit(apps, b), APP_NODE_FULL);
    app_release(apps, a);
    assert_int_equal(app_admit(apps, b), APP_ADMITTED);
    assert_int_equal(apps_connections(apps), 3);
    assert_null(apps_by_id(apps, "k", 1));
    apps_unref(apps);
    app_registry_free(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_known_for_a_window_and_a_minute),
        cmocka_unit_test(a_batch_keeps_all_its_receipts),
        cmocka_unit_test(producers_are_bounded),
        cmocka_unit_test(a_key_counts_from_its_first_use),
        cmocka_unit_test(the_set_holds_what_was_added_and_nothing_else),
        cmocka_unit_test(socket_ids_are_read_back),
        cmocka_unit_test(origins_are_matched_by_host_or_exactly),
        cmocka_unit_test(origins_of_apps_and_of_files),
        cmocka_unit_test(the_own_host_is_an_origin),
        cmocka_unit_test(quotas_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
