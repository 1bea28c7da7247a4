/* pubsub/apps: generations, what outlives them, and quotas over several of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "pubsub/apps.h"

#define APP(name)                                                                                  \
    {                                                                                              \
        .id = (char *)(name), .key = (char *)("key-" name), .secret = (char *)("secret-" name),    \
        .enabled = true                                                                            \
    }

static const struct limits limits = {.max_connections = 1000000};

static unsigned int disposed;

static void count_dispose(struct apps *apps)
{
    (void)apps;
    disposed++;
}

static void an_index_is_kept_for_an_id(void **state)
{
    (void)state;
    struct app_settings first[] = {APP("a"), APP("b")}, second[] = {APP("c"), APP("b")},
                        third[] = {APP("a"), APP("c")};
    struct app_registry registry;
    app_registry_init(&registry);
    struct apps *one = apps_new(&registry, first, 2, &limits);
    struct apps *two = apps_new(&registry, second, 2, &limits);
    struct apps *three = apps_new(&registry, third, 2, &limits);
    assert_int_equal(apps_by_id(one, "a", 1)->index, 0);
    assert_int_equal(apps_by_id(one, "b", 1)->index, 1);
    assert_null(apps_by_id(one, "c", 1));
    assert_int_equal(two->count, 3);
    assert_int_equal(apps_by_id(two, "b", 1)->index, 1);
    assert_int_equal(apps_by_key(two, "key-c", 5)->index, 2);
    assert_int_equal(apps_by_id(three, "a", 1)->index, 0);
    assert_int_equal(three->count, 3);
    assert_int_equal(atomic_load(&registry.generations), 3);
    apps_unref(one);
    apps_unref(two);
    apps_unref(three);
    assert_int_equal(atomic_load(&registry.generations), 0);
    app_registry_free(&registry);
}

/* Connections may still have its index: whatever they look at must be there, and allow nothing. */
static void a_removed_application_stays_as_a_stub(void **state)
{
    (void)state;
    struct app_settings first[] = {APP("a"), APP("b")};
    struct app_registry registry;
    app_registry_init(&registry);
    struct apps *one = apps_new(&registry, first, 2, &limits);
    assert_int_equal(app_admit(one, &one->items[1]), APP_ADMITTED);
    struct apps *two = apps_new(&registry, first, 1, &limits);
    apps_unref(one);
    const struct app *gone = &two->items[1];
    assert_true(gone->removed);
    assert_false(app_serves(gone));
    assert_null(apps_by_id(two, "b", 1));
    assert_null(apps_by_key(two, "key-b", 5));
    assert_null(apps_by_key(two, "", 0));
    assert_string_equal(gone->settings->id, "b");
    assert_int_equal(gone->secret.len, 0);
    assert_int_equal(app_connections(gone), 1);
    assert_false(app_allows_origin(gone, SLICE("http://x"), SLICE("x")));
    assert_true(app_serves(&two->items[0]));

    /* It comes back, disabled, and has not forgotten who is there. */
    first[1].enabled = false;
    first[1].max_connections = 1;
    struct apps *three = apps_new(&registry, first, 2, &limits);
    const struct app *back = apps_by_id(three, "b", 1);
    assert_false(back->removed);
    assert_false(app_serves(back));
    assert_int_equal(app_admit(three, back), APP_OVER_QUOTA);
    app_release(two, gone);
    assert_int_equal(app_admit(three, back), APP_ADMITTED);
    app_release(three, back);
    assert_int_equal(apps_connections(three), 0);
    apps_unref(two);
    apps_unref(three);
    app_registry_free(&registry);
}

static void the_last_reference_frees(void **state)
{
    (void)state;
    struct app_settings settings[] = {APP("a")};
    struct app_registry registry;
    app_registry_init(&registry);
    struct apps *apps = apps_new(&registry, settings, 1, &limits);
    apps->dispose = count_dispose;
    disposed = 0;
    assert_ptr_equal(apps_ref(apps), apps);
    apps_unref(apps);
    assert_int_equal(disposed, 0);
    apps_unref(apps);
    assert_int_equal(disposed, 1);
    apps_unref(NULL);
    app_registry_free(&registry);
}

/* ---- many threads, and generations that come and go ---- */

#define THREADS 4
#define ROUNDS  20000
#define QUOTA   3

struct shared {
    pthread_mutex_t lock; /* around the pointer, as a mailbox is in the daemon */
    struct apps *current;
    _Atomic uint32_t inside;
    _Atomic bool over;
};

static struct apps *take(struct shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    struct apps *apps = apps_ref(shared->current);
    pthread_mutex_unlock(&shared->lock);
    return apps;
}

static void *come_and_go(void *arg)
{
    struct shared *shared = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct apps *in = take(shared);
        const struct app *app = apps_by_key(in, "key-a", 5);
        enum app_admission admission = app_admit(in, app);
        apps_unref(in);
        if (admission != APP_ADMITTED) {
            continue;
        }
        if (atomic_fetch_add(&shared->inside, 1) >= QUOTA) {
            atomic_store(&shared->over, true);
        }
        atomic_fetch_sub(&shared->inside, 1);
        struct apps *out = take(shared);
        app_release(out, &out->items[0]);
        apps_unref(out);
    }
    return NULL;
}

static void a_quota_is_exact_over_generations(void **state)
{
    (void)state;
    struct app_settings settings[] = {APP("a")};
    struct app_registry registry;
    pthread_t threads[THREADS];
    struct shared shared = {.over = false};
    settings[0].max_connections = QUOTA;
    app_registry_init(&registry);
    pthread_mutex_init(&shared.lock, NULL);
    shared.current = apps_new(&registry, settings, 1, &limits);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &shared), 0);
    }
    for (int i = 0; i < 500; i++) {
        struct apps *next = apps_new(&registry, settings, 1, &limits);
        pthread_mutex_lock(&shared.lock);
        struct apps *old = shared.current;
        shared.current = next;
        pthread_mutex_unlock(&shared.lock);
        apps_unref(old);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_false(atomic_load(&shared.over));
    assert_int_equal(apps_connections(shared.current), 0);
    assert_int_equal(app_connections(&shared.current->items[0]), 0);
    assert_int_equal(atomic_load(&registry.generations), 1);
    apps_unref(shared.current);
    pthread_mutex_destroy(&shared.lock);
    app_registry_free(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_kept_for_an_id),
        cmocka_unit_test(a_removed_application_stays_as_a_stub),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(a_quota_is_exact_over_generations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
