/* links/webhook: a name that cannot be looked up holds up neither the loop nor the end. */
#include <netdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "links/webhook.h"
#include "pubsub/hub_mail.h"
#include "pubsub/mail_dispose.h"

static sem_t asked, answer, answered;

/* Takes the place of the C library's for libcurl as well: waits as if no name server answered. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    (void)name;
    (void)service;
    (void)hints;
    *found = NULL;
    sem_post(&asked);
    sem_wait(&answer);
    sem_post(&answered);
    return EAI_AGAIN;
}

struct scene {
    struct limits limits;
    struct app_settings settings;
    struct app_registry registry;
    struct counters counters;
    struct loop loop;
    struct flow flow;
    struct hub hub;
};

static char *event_names[] = {(char *)"channel_occupied"};

static struct scene *scene_new(const char *url)
{
    struct scene *scene = mem_zalloc(sizeof(*scene));
    struct loop_limits limits = {.output_hard = 1 << 20};
    scene->limits.webhook_queue = 10;
    scene->settings = (struct app_settings){
        .id = (char *)"a",
        .key = (char *)"key-a",
        .secret = (char *)"secret",
        .enabled = true,
        .webhook_url = (char *)(uintptr_t)url,
        .webhook_events = {event_names, 1},
    };
    app_registry_init(&scene->registry);
    struct apps *apps = apps_new(&scene->registry, &scene->settings, 1, &scene->limits);
    assert_int_equal(loop_init(&scene->loop, &scene->counters, &limits), 0);
    assert_int_equal(mailbox_init(&scene->hub.box), 0);
    hub_init(&scene->hub, &scene->loop, &scene->flow, apps);
    apps_unref(apps);
    hub_attach(&scene->hub);
    webhooks_new(&scene->hub);
    return scene;
}

static void scene_free(struct scene *scene)
{
    webhooks_free(scene->hub.webhooks);
    loop_close(&scene->loop);
    loop_free(&scene->loop, mail_dispose);
    hub_free(&scene->hub);
    app_registry_free(&scene->registry);
    mem_free(scene);
}

static void occupied(struct scene *scene)
{
    struct announcement what = {.kind = ANNOUNCE_OCCUPIED, .channel = SLICE("c")};
    announce(&scene->hub.announcer, &what);
}

static uint64_t counted(const struct scene *scene, enum counter counter)
{
    return counter_get(&scene->counters, counter);
}

static void test_a_name_server_that_is_silent(void **state)
{
    struct scene *scene = scene_new("http://silent.example/hook");
    (void)state;
    sem_init(&asked, 0, 0);
    sem_init(&answer, 0, 0);
    sem_init(&answered, 0, 0);
    occupied(scene);
    while (sem_trywait(&asked) != 0) {
        loop_turn(&scene->loop);
    }
    for (int i = 0; i < 1000; i++) {
        loop_turn(&scene->loop);
    }
    assert_int_equal(counted(scene, COUNTER_WEBHOOK_REQUESTS), 1);
    assert_int_equal(counted(scene, COUNTER_WEBHOOK_FAILED), 0);
    assert_int_equal(webhooks_waiting(scene->hub.webhooks), 1);
    scene_free(scene); /* would never return if it waited for the look-up */
    sem_post(&answer);
    sem_wait(&answered);
}

/* Without a URL nothing is announced; one that goes away takes along what waits. */
static void test_settings_that_change(void **state)
{
    struct scene *scene = scene_new("");
    (void)state;
    assert_false(announce_wanted(&scene->hub.announcer, 0, ANNOUNCE_OCCUPIED));
    occupied(scene);
    assert_int_equal(webhooks_waiting(scene->hub.webhooks), 0);

    scene->settings.webhook_url = (char *)"http://127.0.0.1:9/";
    webhooks_configure(scene->hub.webhooks);
    assert_true(announce_wanted(&scene->hub.announcer, 0, ANNOUNCE_OCCUPIED));
    assert_true(announce_wanted(&scene->hub.announcer, 0, ANNOUNCE_VACATED));
    assert_false(announce_wanted(&scene->hub.announcer, 0, ANNOUNCE_CLIENT_EVENT));
    assert_false(announce_wanted(&scene->hub.announcer, 1, ANNOUNCE_OCCUPIED));
    occupied(scene);
    assert_int_equal(webhooks_waiting(scene->hub.webhooks), 1);
    webhooks_configure(scene->hub.webhooks); /* nothing has changed */
    assert_int_equal(webhooks_waiting(scene->hub.webhooks), 1);

    scene->settings.webhook_url = (char *)"";
    webhooks_configure(scene->hub.webhooks);
    assert_false(announce_wanted(&scene->hub.announcer, 0, ANNOUNCE_OCCUPIED));
    assert_int_equal(webhooks_waiting(scene->hub.webhooks), 0);
    assert_int_equal(counted(scene, COUNTER_WEBHOOK_DROPPED_ENDED), 1);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_server_that_is_silent),
        cmocka_unit_test(test_settings_that_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
