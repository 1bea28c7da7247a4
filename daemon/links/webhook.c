#include "links/webhook.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/webhook_queue.h"
#include "proto/sign.h"

#define TIMEOUT_MS  10000L
#define ANSWER_MAX  65536u /* bytes of an answer that are read, to keep the connection */
#define CONNECTIONS 100L   /* kept open between requests */
#define HEADER_MAX  320u

/* An application with a URL. */
struct hook {
    struct webhooks *all;
    uint32_t app;
    char *id, *url, *key, *secret;
    struct hook_queue queue;
    struct event timer;
    uint64_t armed; /* what the timer is set to, HOOK_NEVER: it is not */
    CURL *easy;     /* made with the first request */
    struct curl_slist *headers;
    size_t answered;
    bool failing;
    char error[CURL_ERROR_SIZE];
};

/* A socket that libcurl wants to be told of. */
struct hook_socket {
    struct event event;
    struct webhooks *all;
};

struct webhooks {
    struct hub *hub;
    uint32_t consumer;
    struct hook **hooks; /* by application index; NULL: no URL */
    size_t nhooks;
    CURLM *multi; /* NULL until an application has a URL */
    struct event timeout;
    const char *ca_file, *ca_path; /* NULL: the system's */
};

static void count(struct webhooks *webhooks, enum counter counter, uint64_t n)
{
    if (n > 0) {
        counter_add(webhooks->hub->loop->counters, counter, n);
    }
}

static void count_full(struct hook *hook, uint64_t n)
{
    if (n > 0) {
        count(hook->all, COUNTER_WEBHOOK_DROPPED_FULL, n);
        log_limited(LOG_LEVEL_WARN, "webhook",
                    "app %s: events are dropped, webhook_queue is full (%" PRIu64 " wait)",
                    hook->id, hook_queue_waiting(&hook->queue));
    }
}

/* ---- one request ---- */

static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
    struct hook *hook = arg;
    (void)bytes;
    hook->answered += size * n;
    return hook->answered > ANSWER_MAX ? 0 : size * n; /* 0 ends the transfer; its status stands */
}

static int add_header(struct hook *hook, const char *name, const char *value)
{
    char line[HEADER_MAX];
    int len = snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *more =
        len > 0 && (size_t)len < sizeof(line) ? curl_slist_append(hook->headers, line) : NULL;
    if (more == NULL) {
        return -1;
    }
    hook->headers = more;
    return 0;
}

static int write_headers(struct hook *hook)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t mac[SIGN_LEN];
    char signature[2 * SIGN_LEN + 1];
    struct slice body = {(const char *)hook->queue.body.data, hook->queue.body.len};
    sign_hmac((struct slice){hook->secret, strlen(hook->secret)}, &body, 1, mac);
    for (size_t i = 0; i < SIGN_LEN; i++) {
        signature[2 * i] = hex[mac[i] >> 4];
        signature[2 * i + 1] = hex[mac[i] & 15];
    }
    signature[2 * SIGN_LEN] = '\0';
    curl_slist_free_all(hook->headers);
    hook->headers = NULL;
    if (add_header(hook, "Content-Type", "application/json") != 0 ||
        add_header(hook, "X-Pusher-Key", hook->key) != 0 ||
        add_header(hook, "X-Pusher-Signature", signature) != 0) {
        return -1;
    }
    struct curl_slist *more = curl_slist_append(hook->headers, "Expect:"); /* no 100-continue */
    hook->headers = more != NULL ? more : hook->headers;
    return 0;
}

#define SET(easy, option, value) (curl_easy_setopt((easy), (option), (value)) != CURLE_OK)

static bool set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    return SET(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static CURL *make_easy(struct hook *hook)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        return NULL;
    }
    bool failed = set_protocols(easy);
    failed |= SET(easy, CURLOPT_PRIVATE, hook);
    failed |= SET(easy, CURLOPT_ERRORBUFFER, hook->error);
    failed |= SET(easy, CURLOPT_WRITEFUNCTION, on_answer);
    failed |= SET(easy, CURLOPT_WRITEDATA, hook);
    failed |= SET(easy, CURLOPT_USERAGENT, "Fanfare/" FANFARE_VERSION);
    failed |= SET(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    failed |= SET(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= SET(easy, CURLOPT_PROXY, ""); /* not even one that the environment names */
    failed |= SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= SET(easy, CURLOPT_BUFFERSIZE, 4096L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Do not wait for a thread that still resolves a name when its request is over. */
    failed |= SET(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (hook->all->ca_file != NULL) {
        failed |= SET(easy, CURLOPT_CAINFO, hook->all->ca_file);
    }
    if (hook->all->ca_path != NULL) {
        failed |= SET(easy, CURLOPT_CAPATH, hook->all->ca_path);
    }
    if (failed) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

/* -1: no memory. */
static int start(struct hook *hook)
{
    const struct buf *body = &hook->queue.body;
    if (hook->easy == NULL) {
        hook->easy = make_easy(hook);
    }
    if (hook->easy == NULL || write_headers(hook) != 0) {
        return -1;
    }
    hook->answered = 0;
    hook->error[0] = '\0';
    if (SET(hook->easy, CURLOPT_URL, hook->url) ||
        SET(hook->easy, CURLOPT_HTTPHEADER, hook->headers) ||
        SET(hook->easy, CURLOPT_POSTFIELDS, (const char *)body->data) ||
        SET(hook->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len)) {
        return -1;
    }
    return curl_multi_add_handle(hook->all->multi, hook->easy) == CURLM_OK ? 0 : -1;
}

static void arm(struct hook *hook)
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

static void finished(struct hook *hook, bool delivered, const char *why)
{
    uint32_t batch = hook->queue.batch;
    uint64_t given_up = hook_queue_done(&hook->queue, delivered, clock_mono_ms());
    if (delivered) {
        count(hook->all, COUNTER_WEBHOOK_SENT, batch);
        if (hook->failing) {
            log_info("webhook", "app %s: webhooks are delivered again", hook->id);
        }
        hook->failing = false;
        return;
    }
    count(hook->all, COUNTER_WEBHOOK_FAILED, 1);
    if (!hook->failing) {
        log_warn("webhook", "app %s: a webhook failed and will be retried: %s", hook->id, why);
    }
    hook->failing = true;
    if (given_up > 0) {
        count(hook->all, COUNTER_WEBHOOK_DROPPED_EXPIRED, given_up);
        log_limited(LOG_LEVEL_WARN, "webhook",
                    "app %s: %" PRIu64 " events were given up after %u s: %s", hook->id, given_up,
                    HOOK_GIVE_UP_MS / 1000, why);
    }
}

/* Sends what is due, and sets the timer for what comes next. */
static void advance(struct hook *hook)
{
    uint64_t now = clock_mono_ms();
    count_full(hook, hook_queue_tick(&hook->queue, now, clock_wall_ms()));
    if (hook_queue_take(&hook->queue, now)) {
        count(hook->all, COUNTER_WEBHOOK_REQUESTS, 1);
        count(hook->all, COUNTER_WEBHOOK_RETRIED, hook->queue.attempts > 0 ? 1 : 0);
        if (start(hook) != 0) {
            finished(hook, false, "no memory");
        }
    }
    arm(hook);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct hook *hook = arg;
    (void)fd;
    (void)what;
    hook->armed = HOOK_NEVER;
    advance(hook);
}

/* ---- libcurl on the loop ---- */

static void transfer_over(CURL *easy, CURLcode result)
{
    struct hook *hook = NULL;
    long status = 0;
    char why[CURL_ERROR_SIZE + 32];
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&hook);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(hook->all->multi, easy);
    if (status >= 200) {
        /* Said before the rest went wrong, if it did: the endpoint has taken the events or not. */
        snprintf(why, sizeof(why), "status %ld", status);
    } else {
        snprintf(why, sizeof(why), "%s",
                 hook->error[0] != '\0' ? hook->error : curl_easy_strerror(result));
    }
    finished(hook, status >= 200 && status < 300, why);
    advance(hook);
}

static void collect(struct webhooks *webhooks)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(webhooks->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            transfer_over(message->easy_handle, message->data.result);
        }
    }
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct hook_socket *socket = arg;
    struct webhooks *webhooks = socket->all; /* socket may be freed by what follows */
    int running, mask = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                        ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(webhooks->multi, fd, mask, &running);
    collect(webhooks);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct webhooks *webhooks = arg;
    int running;
    (void)fd;
    (void)what;
    curl_multi_socket_action(webhooks->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(webhooks);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct webhooks *webhooks = arg;
    struct hook_socket *socket = known;
    (void)easy;
    if (socket != NULL) {
        event_del(&socket->event);
    }
    if (what == CURL_POLL_REMOVE) {
        mem_free(socket);
        curl_multi_assign(webhooks->multi, fd, NULL);
        return 0;
    }
    if (socket == NULL) {
        socket = mem_zalloc(sizeof(*socket));
        socket->all = webhooks;
        curl_multi_assign(webhooks->multi, fd, socket);
    }
    short events = (short)(EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                           ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    check(event_assign(&socket->event, webhooks->hub->loop->base, fd, events, on_socket, socket) ==
          0);
    event_add(&socket->event, NULL);
    return 0;
}

static int want_timeout(CURLM *multi, long ms, void *arg)
{
    struct webhooks *webhooks = arg;
    (void)multi;
    if (ms < 0) {
        event_del(&webhooks->timeout);
        return 0;
    }
    struct timeval in = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(&webhooks->timeout, &in);
    return 0;
}

static int open_curl(struct webhooks *webhooks)
{
    if (webhooks->multi != NULL) {
        return 0;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return -1;
    }
    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) == 0) {
        log_warn("webhook", "this libcurl resolves names while the daemon waits; "
                            "give webhook_url an address");
    }
    webhooks->multi = curl_multi_init();
    if (webhooks->multi == NULL) {
        curl_global_cleanup();
        return -1;
    }
    check(event_assign(&webhooks->timeout, webhooks->hub->loop->base, -1, 0, on_timeout,
                       webhooks) == 0);
    curl_multi_setopt(webhooks->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(webhooks->multi, CURLMOPT_SOCKETDATA, webhooks);
    curl_multi_setopt(webhooks->multi, CURLMOPT_TIMERFUNCTION, want_timeout);
    curl_multi_setopt(webhooks->multi, CURLMOPT_TIMERDATA, webhooks);
    curl_multi_setopt(webhooks->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS);
    return 0;
}

/* ---- applications ---- */

static unsigned int wanted_by(const struct app_settings *settings)
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

static void replace(char **text, const char *with)
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
        count(webhooks, COUNTER_WEBHOOK_DROPPED_ENDED, left);
        log_warn("webhook", "app %s: %" PRIu64 " webhook events were not delivered in time",
                 hook->id, left);
    }
    if (hook->easy != NULL) {
        curl_multi_remove_handle(webhooks->multi, hook->easy);
        curl_easy_cleanup(hook->easy);
    }
    curl_slist_free_all(hook->headers);
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
    check(event_assign(&hook->timer, webhooks->hub->loop->base, -1, 0, on_timer, hook) == 0);
    webhooks->hooks[app] = hook;
    return hook;
}

static void configure_app(struct webhooks *webhooks, uint32_t app,
                          const struct app_settings *settings)
{
    struct hook *hook = webhooks->hooks[app];
    bool wanted =
        settings != NULL && settings->webhook_url != NULL && settings->webhook_url[0] != '\0';
    if (!wanted || open_curl(webhooks) != 0) {
        if (wanted) {
            log_error("webhook", "app %s: libcurl cannot be initialised", settings->id);
        }
        if (hook != NULL) {
            hook_drop(hook);
        }
        return;
    }
    if (hook == NULL) {
        hook = hook_new(webhooks, app);
    }
    replace(&hook->id, settings->id);
    replace(&hook->url, settings->webhook_url);
    replace(&hook->key, settings->key);
    replace(&hook->secret, settings->secret);
    hook->queue.max = webhooks->hub->limits->webhook_queue;
    hook->queue.sends = wanted_by(settings);
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
        configure_app(webhooks, i, i < apps->count ? apps->items[i].settings : NULL);
    }
}

static void on_announcement(void *arg, const struct announcement *announcement)
{
    struct webhooks *webhooks = arg;
    struct hook *hook = webhooks->hooks[announcement->app];
    count_full(hook, hook_queue_add(&hook->queue, announcement, clock_mono_ms(), clock_wall_ms()));
    arm(hook);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

struct webhooks *webhooks_new(struct hub *hub)
{
    struct webhooks *webhooks = mem_zalloc(sizeof(*webhooks));
    webhooks->hub = hub;
    webhooks->ca_file = environment("SSL_CERT_FILE");
    webhooks->ca_path = environment("SSL_CERT_DIR");
    webhooks->consumer = announce_register(&hub->announcer, on_announcement, webhooks);
    hub->webhooks = webhooks;
    webhooks_configure(webhooks);
    return webhooks;
}

void webhooks_hurry(struct webhooks *webhooks)
{
    for (size_t i = 0; i < webhooks->nhooks; i++) {
        if (webhooks->hooks[i] != NULL) {
            hook_queue_hurry(&webhooks->hooks[i]->queue);
            advance(webhooks->hooks[i]);
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
    if (webhooks->multi != NULL) {
        curl_multi_cleanup(webhooks->multi);
        event_del(&webhooks->timeout);
        curl_global_cleanup();
    }
    webhooks->hub->webhooks = NULL;
    mem_free(webhooks->hooks);
    mem_free(webhooks);
}
