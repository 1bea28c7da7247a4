/* pubsub/sockets and serve/sockets: pages of connections out of several letters, workers that do
 * not answer, and questions that nobody waits for any more. */
#include "rig.h"

#include "pubsub/sockets.h"
#include "serve/sockets.h"

#define MANY 700 /* more than one letter lists */

struct seen {
    int calls;
    uint32_t n;
    bool more, whole;
    struct sockets_item items[MANY];
};

static void on_page(void *arg, const struct sockets_page *page)
{
    struct seen *seen = arg;
    assert_true(page->n <= MANY);
    *seen = (struct seen){
        .calls = seen->calls + 1, .n = page->n, .more = page->more, .whole = page->whole};
    for (uint32_t i = 0; i < page->n; i++) {
        seen->items[i] = page->items[i];
        seen->items[i].user_id = seen->items[i].address = (struct slice){NULL, 0};
    }
}

static struct seen seen;
static const struct socket_ref beginning;

static int fresh(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    return 0;
}

static void rises(const struct seen *page, const struct socket_ref *after)
{
    uint64_t last = after->random != 0 ? (uint64_t)after->worker << 32 | after->slot : 0;
    for (uint32_t i = 0; i < page->n; i++) {
        const struct socket_ref *ref = &page->items[i].ref;
        uint64_t place = (uint64_t)ref->worker << 32 | ref->slot;
        assert_true((i == 0 && after->random == 0) || place > last);
        last = place;
    }
}

static void pages_of_any_size(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    static struct rig_client *clients[MANY];
    for (int i = 0; i < MANY; i++) {
        clients[i] = client_open(rig, i % 10 == 0 ? 1 : 0, i % 2 == 0 ? "key-a" : "key-b");
    }
    static const uint32_t sizes[] = {1, 100, 256, 349, 350, 351, 10000};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct socket_ref after = beginning;
        uint32_t sum = 0;
        do {
            seen.calls = 0;
            sockets_ask(&rig->hub, 0, &after, sizes[s], on_page, &seen);
            assert_int_equal(seen.calls, 0); /* never from within */
            for (int i = 0; i < 4 && seen.calls == 0; i++) {
                rig_settle(rig);
            }
            assert_int_equal(seen.calls, 1);
            assert_true(seen.whole && seen.n <= sizes[s]);
            rises(&seen, &after);
            sum += seen.n;
            if (seen.n > 0) {
                after = seen.items[seen.n - 1].ref;
            }
        } while (seen.more);
        assert_int_equal(sum, MANY / 2);
    }
    assert_null(rig->hub.sockets_first);
    for (int i = 0; i < MANY; i++) {
        client_free(clients[i]);
    }
    rig_free(rig);
}

/* One worker has answered, the other never does: what came is told, and that it is not all. */
static void a_worker_that_is_stopped(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *first = client_open(rig, 0, "key-a"), *second = client_open(rig, 1, "key-a");
    sockets_ask(&rig->hub, 0, &beginning, 100, on_page, &seen);
    for (int i = 0; i < 4; i++) {
        loop_turn(&rig->loops[0]);
        loop_turn(&rig->hub_loop);
    }
    sockets_expire(&rig->hub);
    assert_int_equal(seen.calls, 0);
    rig->hub_loop.now += 5000;
    sockets_expire(&rig->hub);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.n, 1);
    assert_false(seen.whole || seen.more);
    rig_settle(rig); /* its answer comes, too late */
    assert_int_equal(seen.calls, 1);
    client_free(first);
    client_free(second);
    rig_free(rig);
}

static void nobody_waits_any_more(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 0);
    client_subscribe(rig, client, "presence-x", "{\"user_id\":7}");
    static struct seen others;
    memset(&others, 0, sizeof(others));
    struct sockets_query *first = sockets_ask(&rig->hub, 0, &beginning, 1, on_page, &seen);
    struct sockets_query *middle = sockets_ask(&rig->hub, 0, &beginning, 1, on_page, &others);
    struct sockets_query *last = sockets_ask(&rig->hub, 0, &beginning, 1, on_page, &seen);
    sockets_cancel(&rig->hub, first);
    sockets_cancel(&rig->hub, last);
    (void)middle;
    rig_settle(rig);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(others.calls, 1);
    assert_int_equal(others.n, 1);
    assert_int_equal(others.items[0].subscriptions, 1);
    client_free(client);
    rig_free(rig);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh)
    const struct CMUnitTest tests[] = {
        TEST(pages_of_any_size),
        TEST(a_worker_that_is_stopped),
        TEST(nobody_waits_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
