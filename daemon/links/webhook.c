#include "links/webhook.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/webhook_http.h"
#include "links/webhook_queue.h"
#include "proto/sign.h"
#include "shared/hex.h"

/* An application with a URL. */
struct hook {
    struct webhooks *all;
    uint32_t app;
    char *id, *url, *key, *secret;
    struct hook_queue queue;
    struct event timer;
    uint64_t armed;  /* what the timer is set to, HOOK_NEVER: it is not */
    uint64_t number; /* of the request that is under way, or was */
    bool failing;
};

struct webhooks {
    struct hub *hub;
    uint32_t consumer;
    struct hook **hooks; /* by application index; NULL: no URL */
    size_t nhooks;
    struct hook_http *http; /* NULL until the first request */
    uint64_t requests;      /* gives them numbers */
};

static void webhooks_count(struct webhooks *webhooks, enum counter counter, uint64_t n)
{
    if (n > 0) {
        counter_add(webhooks->hub->loop->counters, counter, n);
    }
}

static void hook_count_full(struct hook *hook, uint64_t n)
{
    if (n > 0) {
        webhooks_count(hook->all, COUNTER_WEBHOOK_DROPPED_FULL, n);
        log_limited_with(LOG_LEVEL_WARN, "webhook", LOG_FIELDS(.app = hook->id),
                         "app %s: events are dropped, webhook_queue is full (%" PRIu64 " wait)",
                         hook->id, hook_queue_waiting(&hook->queue));
    }
}

/* ---- requests ---- */

static void webhooks_on_answer(void *arg, const struct hook_answer *answer);

static void hook_sign(const struct hook *hook, char out[2 * SIGN_LEN])
{
    uint8_t mac[SIGN_LEN];
    struct slice body = {(const char *)hook->queue.body.data, hook->queue.body.len};
    sign_hmac((struct slice){hook->secret, strlen(hook->secret)}, &body, 1, mac);
    ff_hex_write(out, mac, SIGN_LEN);
}

/* -1: there will be no answer. */
static int hook_start(struct hook *hook)
{
    struct webhooks *webhooks = hook->all;
    char signature[2 * SIGN_LEN];
    if (webhooks->http == NULL) {
        webhooks->http = hook_http_new(webhooks->hub->loop->base, webhooks_on_answer, webhooks);
    }
    if (webhooks->http == NULL) {
        return -1;
    }
    hook_sign(hook, signature);
    hook->number = ++webhooks->requests;
    struct hook_request request = {
        .app = hook->app,
        .number = hook->number,
        .url = {hook->url, strlen(hook->url)},
        .key = {hook->key, strlen(hook->key)},
        .signature = {signature, sizeof(signature)},
        .body = {(const char *)hook->queue.body.data, hook->queue.body.len},
    };
    return hook_http_send(webhooks->http, &request);
}

static void hook_arm(struct hook *hook)
{
    uint64_t due = hook_queue_due(&hook->queue);
    if (due == hook->armed) {
        return;
    }
    hook->armed = due;
    if (due == HOOK_NEVER) {
        event_del(&hook->timer);
        return;
    }
    uint64_t now = clock_mono_ms(), wait = due > now ? due - now : 1;
    struct timeval in = {.tv_sec = (time_t)(wait / 1000),
                         .tv_usec = (suseconds_t)(wait % 1000 * 1000)};
    event_add(&hook->timer, &in);
}

static void hook_finished(struct hook *hook, bool delivered, const char *why)
{
    uint32_t batch = hook->queue.batch;
    uint64_t given_up = hook_queue_done(&hook->queue, delivered, clock_mono_ms());
    if (delivered) {
        webhooks_count(hook->all, COUNTER_WEBHOOK_SENT, batch);
        if (hook->failing) {
            log_with(LOG_LEVEL_INFO, "webhook", LOG_FIELDS(.app = hook->id),
                     "app %s: webhooks are delivered again", hook->id);
        }
        hook->failing = false;
        return;
    }
    webhooks_count(hook->all, COUNTER_WEBHOOK_FAILED, 1);
    if (!hook->failing) {
        log_with(LOG_LEVEL_WARN, "webhook", LOG_FIELDS(.app = hook->id),
                 "app %s: a webhook failed and will be retried: %s", hook->id, why);
    }
    hook->failing = true;
    if (given_up > 0) {
        webhooks_count(hook->all, COUNTER_WEBHOOK_DROPPED_EXPIRED, given_up);
        log_limited_with(LOG_LEVEL_WARN, "webhook", LOG_FIELDS(.app = hook->id),
                         "app %s: %" PRIu64 " events were given up after %u s: %s", hook->id,
                         given_up, HOOK_GIVE_UP_MS / 1000, why);
    }
}

/* Sends what is due, and sets the timer for what comes next. */
static void hook_advance(struct hook *hook)
{
    uint64_t now = clock_mono_ms();
    hook_count_full(hook, hook_queue_tick(&hook->queue, now));
    if (hook_queue_take(&hook->queue, now, clock_wall_ms())) {
        webhooks_count(hook->all, COUNTER_WEBHOOK_REQUESTS, 1);
        webhooks_count(hook->all, COUNTER_WEBHOOK_RETRIED, hook->queue.attempts > 0 ? 1 : 0);
        if (hook_start(hook) != 0) {
            hook_finished(hook, false, "it cannot be sent: no thread, or no memory");
        }
    }
    hook_arm(hook);
}

static void hook_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct hook *hook = arg;
    (void)fd;
    (void)what;
    hook->armed = HOOK_NEVER;
    hook_advance(hook);
}

static void webhooks_on_answer(void *arg, const struct hook_answer *answer)
{
    struct webhooks *webhooks = arg;
    struct hook *hook = answer->app < webhooks->nhooks ? webhooks->hooks[answer->app] : NULL;
    if (hook == NULL || !hook->queue.under_way || hook->number != answer->number) {
        return; /* the URL has gone meanwhile */
    }
    hook_finished(hook, answer->delivered, answer->why);
    hook_advance(hook);
}

/* ---- applications ---- */

static unsigned int hook_wanted_by(const struct app_settings *settings)
{
    static const struct {
        const char *name;
        enum announce_kind kind;
    } names[] = {
        {"channel_occupied", ANNOUNCE_OCCUPIED}, {"channel_vacated", ANNOUNCE_VACATED},
        {"member_added", ANNOUNCE_MEMBER_ADDED}, {"member_removed", ANNOUNCE_MEMBER_REMOVED},
        {"client_event", ANNOUNCE_CLIENT_EVENT}, {"cache_miss", ANNOUNCE_CACHE_MISS},
        {"subscription_count", ANNOUNCE_COUNT},
    };
    unsigned int bits = 0;
    for (size_t i = 0; i < settings->webhook_events.count; i++) {
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            if (strcmp(settings->webhook_events.items[i], names[j].name) == 0) {
                bits |= ANNOUNCE_BIT(names[j].kind);
            }
        }
    }
    return bits;
}

static void hook_replace(char **text, const char *with)
{
    if (*text == NULL || strcmp(*text, with) != 0) {
        mem_free(*text);
        *text = mem_strndup(with, strlen(with));
    }
}

static void hook_drop(struct hook *hook)
{
    struct webhooks *webhooks = hook->all;
    uint64_t left = hook_queue_waiting(&hook->queue);
    if (left > 0) {
        webhooks_count(webhooks, COUNTER_WEBHOOK_DROPPED_ENDED, left);
        log_with(LOG_LEVEL_WARN, "webhook", LOG_FIELDS(.app = hook->id),
                 "app %s: %" PRIu64 " webhook events were dropped undelivered", hook->id, left);
    }
    event_del(&hook->timer);
    hook_queue_free(&hook->queue);
    announce_want(&webhooks->hub->announcer, webhooks->consumer, hook->app, 0);
    webhooks->hooks[hook->app] = NULL;
    mem_free(hook->id);
    mem_free(hook->url);
    mem_free(hook->key);
    mem_free(hook->secret);
    mem_free(hook);
}

static struct hook *hook_new(struct webhooks *webhooks, uint32_t app)
{
    struct hook *hook = mem_zalloc(sizeof(*hook));
    hook->all = webhooks;
    hook->app = app;
    hook->armed = HOOK_NEVER;
    hook_queue_init(&hook->queue, webhooks->hub->limits->webhook_queue, 0);
    check(event_assign(&hook->timer, webhooks->hub->loop->base, -1, 0, hook_on_timer, hook) == 0);
    webhooks->hooks[app] = hook;
    return hook;
}

static void webhooks_configure_app(struct webhooks *webhooks, uint32_t app,
                                   const struct app_settings *settings)
{
    struct hook *hook = webhooks->hooks[app];
    bool wanted =
        settings != NULL && settings->webhook_url != NULL && settings->webhook_url[0] != '\0';
    if (!wanted) {
        if (hook != NULL) {
            hook_drop(hook);
        }
        return;
    }
    if (hook == NULL) {
        hook = hook_new(webhooks, app);
    }
    hook_replace(&hook->id, settings->id);
    hook_replace(&hook->url, settings->webhook_url);
    hook_replace(&hook->key, settings->key);
    hook_replace(&hook->secret, settings->secret);
    hook->queue.max = webhooks->hub->limits->webhook_queue;
    hook->queue.sends = hook_wanted_by(settings);
    announce_want(&webhooks->hub->announcer, webhooks->consumer, app,
                  hook_queue_needs(hook->queue.sends));
}

void webhooks_configure(struct webhooks *webhooks)
{
    const struct apps *apps = webhooks->hub->apps;
    if (apps->count > webhooks->nhooks) {
        webhooks->hooks = mem_realloc(webhooks->hooks, apps->count * sizeof(struct hook *));
        memset(webhooks->hooks + webhooks->nhooks, 0,
               (apps->count - webhooks->nhooks) * sizeof(struct hook *));
        webhooks->nhooks = apps->count;
    }
    for (uint32_t i = 0; i < webhooks->nhooks; i++) {
        webhooks_configure_app(webhooks, i, i < apps->count ? apps->items[i].settings : NULL);
    }
}

static void webhooks_on_announcement(void *arg, const struct announcement *announcement)
{
    struct webhooks *webhooks = arg;
    struct hook *hook = webhooks->hooks[announcement->app];
    hook->queue.keep_ms = webhooks->hub->announcer.silence_ms;
    hook_count_full(hook, hook_queue_add(&hook->queue, announcement, clock_mono_ms()));
    hook_arm(hook);
}

void webhooks_teller_gone(struct webhooks *webhooks, uint32_t teller, uint64_t heard_ms)
{
    for (size_t i = 0; i < webhooks->nhooks; i++) {
        struct hook *hook = webhooks->hooks[i];
        if (hook != NULL) {
            hook_queue_take_over(&hook->queue, teller, heard_ms, clock_mono_ms());
            hook_arm(hook);
        }
    }
}

struct webhooks *webhooks_new(struct hub *hub)
{
    struct webhooks *webhooks = mem_zalloc(sizeof(*webhooks));
    webhooks->hub = hub;
    webhooks->consumer =
        announce_register(&hub->announcer, webhooks_on_announcement, webhooks, false);
    hub->webhooks = webhooks;
    webhooks_configure(webhooks);
    return webhooks;
}

void webhooks_hurry(struct webhooks *webhooks)
{
    for (size_t i = 0; i < webhooks->nhooks; i++) {
        if (webhooks->hooks[i] != NULL) {
            hook_queue_hurry(&webhooks->hooks[i]->queue);
            hook_advance(webhooks->hooks[i]);
        }
    }
}

uint64_t webhooks_waiting(const struct webhooks *webhooks)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < webhooks->nhooks; i++) {
        sum += webhooks->hooks[i] != NULL ? hook_queue_waiting(&webhooks->hooks[i]->queue) : 0;
    }
    return sum;
}

void webhooks_free(struct webhooks *webhooks)
{
    for (size_t i = 0; i < webhooks->nhooks; i++) {
        if (webhooks->hooks[i] != NULL) {
            hook_drop(webhooks->hooks[i]);
        }
    }
    hook_http_free(webhooks->http);
    webhooks->hub->webhooks = NULL;
    mem_free(webhooks->hooks);
    mem_free(webhooks);
}
