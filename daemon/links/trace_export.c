#include "links/trace_export.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "links/curl_library.h"
#include "shared/hex.h"

#define EXPORT_BODY_MAX   (2u << 20)
#define EXPORT_ANSWER_MAX (64u << 10) /* bytes of an answer that are read */
/* A wake takes what comes in this time, so that a flood of spans is not a wake for each. */
#define TRACE_GATHER_US   50000

struct trace_export {
    struct tracer tracer;
    const struct curl_library *curl;
    const struct trace_settings *settings;
    const char *ca_file, *ca_path; /* NULL: the system's */
    pthread_t thread;
    /* the thread's */
    struct counters counters;
    struct otlp_resource resource;
    char host[256], instance[37], error[CURL_ERROR_SIZE];
    char answer[TRACE_ANSWER_MAX];
    size_t nanswer;
    uint64_t after_ms; /* the last answer's Retry-After */
    CURLM *multi;
    struct curl_slist *headers;
    struct mail_list rest; /* taken, and not yet in a batch */
    struct otlp_span batch[TRACE_BATCH];
    size_t n;
    uint64_t since; /* when the first of the batch came, ms */
    struct buf body;
    size_t answered; /* bytes of an answer, its head among them */
    bool stop;
    bool away; /* the last attempt failed, which was logged */
};

/* ---- a request ---- */

static size_t trace_export_on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct trace_export *export = arg;
    size_t len = size * n, room = sizeof(export->answer) - export->nanswer;
    memcpy(export->answer + export->nanswer, bytes, len < room ? len : room);
    export->nanswer += len < room ? len : room;
    export->answered += len;
    return export->answered > EXPORT_ANSWER_MAX ? 0 : len; /* 0: the end; its status stands */
}

static size_t trace_export_on_head(char *bytes, size_t size, size_t n, void *arg)
{
    struct trace_export *export = arg;
    (void)bytes;
    export->answered += size * n;
    return export->answered > EXPORT_ANSWER_MAX ? 0 : size * n;
}

static curl_socket_t trace_export_open_socket(void *arg, curlsocktype purpose,
                                              struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#define SET(option, value) (export->curl->easy_setopt(easy, (option), (value)) != CURLE_OK)

static CURL *trace_export_request(struct trace_export *export, long timeout)
{
    CURL *easy = export->curl->easy_init();
    if (easy == NULL) {
        return NULL;
    }
    export->error[0] = '\0';
    export->answered = 0;
    export->nanswer = 0;
    export->after_ms = 0;
#if LIBCURL_VERSION_NUM >= 0x075500
    bool failed = SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    bool failed = SET(CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    failed |= SET(CURLOPT_URL, export->settings->endpoint);
    failed |= SET(CURLOPT_HTTPHEADER, export->headers);
    failed |= SET(CURLOPT_POSTFIELDS, (const char *)export->body.data);
    failed |= SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) export->body.len);
    failed |= SET(CURLOPT_ERRORBUFFER, export->error);
    failed |= SET(CURLOPT_WRITEFUNCTION, trace_export_on_body);
    failed |= SET(CURLOPT_WRITEDATA, export);
    failed |= SET(CURLOPT_HEADERFUNCTION, trace_export_on_head);
    failed |= SET(CURLOPT_HEADERDATA, export);
    failed |= SET(CURLOPT_OPENSOCKETFUNCTION, trace_export_open_socket);
    failed |= SET(CURLOPT_USERAGENT, "Fanfare/" FANFARE_VERSION);
    failed |= SET(CURLOPT_TIMEOUT_MS, timeout);
    failed |= SET(CURLOPT_NOSIGNAL, 1L);
    failed |= SET(CURLOPT_PROXY, ""); /* not even one that the environment names */
    failed |= SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075700
    failed |= SET(CURLOPT_QUICK_EXIT, 1L);
#endif
    if (export->ca_file != NULL) {
        failed |= SET(CURLOPT_CAINFO, export->ca_file);
    }
    if (export->ca_path != NULL) {
        failed |= SET(CURLOPT_CAPATH, export->ca_path);
    }
    if (failed || export->curl->multi_add_handle(export->multi, easy) != CURLM_OK) {
        export->curl->easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

static void trace_export_take(struct trace_export *export);

/* The status, or 0 with export->error set. */
static long trace_export_send(struct trace_export *export, long timeout)
{
    CURL *easy = trace_export_request(export, timeout);
    CURLcode result = CURLE_FAILED_INIT;
    long status = 0;
    bool done = false, hurried = export->stop;
    if (easy == NULL) {
        snprintf(export->error, sizeof(export->error), "libcurl cannot be used");
        return 0;
    }
    while (!done) {
        int running, left;
        CURLMsg *message;
        struct curl_waitfd mail = {.fd = export->tracer.box.wake, .events = CURL_WAIT_POLLIN};
        export->curl->multi_perform(export->multi, &running);
        while ((message = export->curl->multi_info_read(export->multi, &left)) != NULL) {
            if (message->msg == CURLMSG_DONE) {
                result = message->data.result;
                done = true;
            }
        }
        if (!done) {
            export->curl->multi_poll(export->multi, &mail, 1, 1000, NULL);
            trace_export_take(export);
            if (export->stop && !hurried) {
                export->curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, TRACE_LAST_MS);
                break; /* a new attempt is made with less time */
            }
        }
    }
    curl_off_t after = 0;
    export->curl->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    export->curl->easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after);
    if (after > 0) {
        export->after_ms = after < (curl_off_t)(TRACE_AFTER_MAX_MS / 1000) ? (uint64_t)after * 1000
                                                                           : TRACE_AFTER_MAX_MS;
    }
    if (!done) {
        status = 0;
        snprintf(export->error, sizeof(export->error), "ending");
    } else if (status == 0 && export->error[0] == '\0') {
        snprintf(export->error, sizeof(export->error), "%s", export->curl->easy_strerror(result));
    }
    export->curl->multi_remove_handle(export->multi, easy);
    export->curl->easy_cleanup(easy);
    return status;
}

/* ---- the thread ---- */

/* Empties the box, so that it wakes again for the next one. */
static void trace_export_take(struct trace_export *export)
{
    uint64_t count;
    ssize_t ignored = read(export->tracer.box.wake, &count, sizeof(count));
    (void)ignored;
    struct mail_list urgent = {NULL, NULL};
    mailbox_take(&export->tracer.box, LANE_ORDERED, &export->rest);
    while (mailbox_take(&export->tracer.box, LANE_URGENT, &urgent)) {
        export->stop = true;
        while (urgent.head != NULL) {
            struct mail *next = urgent.head->next;
            mailbox_done(&export->tracer.box, urgent.head);
            urgent.head = next;
        }
        urgent.tail = NULL;
    }
}

static void trace_export_fill(struct trace_export *export)
{
    while (export->n < TRACE_BATCH && export->rest.head != NULL) {
        struct mail *mail = export->rest.head;
        export->rest.head = mail->next;
        if (export->rest.head == NULL) {
            export->rest.tail = NULL;
        }
        if (export->n == 0) {
            export->since = clock_mono_ms();
        }
        export->batch[export->n++] = ((struct mail_span *)mail)->span;
        mailbox_done(&export->tracer.box, mail);
    }
}

/* Until there is something to do, for `ms` at most. */
static void trace_export_wait(struct trace_export *export, uint64_t ms)
{
    struct pollfd box = {.fd = export->tracer.box.wake, .events = POLLIN};
    poll(&box, 1, ms > INT32_MAX ? -1 : (int)ms);
    trace_export_take(export);
}

static void trace_export_done(struct trace_export *export, enum counter counter)
{
    counter_add(&export->counters, counter, export->n);
    atomic_fetch_sub_explicit(&export->tracer.waiting, (uint32_t) export->n, memory_order_relaxed);
    export->n = 0;
}

static bool trace_export_again(long status)
{
    return status == 0 || status == 429 || (status >= 502 && status <= 504);
}

static void trace_export_failed(struct trace_export *export, long status)
{
    char why[CURL_ERROR_SIZE + 32];
    if (status != 0) {
        snprintf(why, sizeof(why), "status %ld", status);
    } else {
        snprintf(why, sizeof(why), "%s", export->error);
    }
    if (!export->away) {
        log_with(LOG_LEVEL_WARN, "trace", LOG_FIELDS(.endpoint = export->settings->endpoint),
                 "the collector at %s takes no spans: %s. They are dropped and counted "
                 "(fanfare_trace_spans_dropped_total) until it does; see [trace] endpoint",
                 export->settings->endpoint, why);
    }
    export->away = true;
}

/* What was taken, but for what the collector says that it has not kept. */
static void trace_export_taken(struct trace_export *export)
{
    struct slice why;
    uint64_t rejected = otlp_rejected((struct slice){export->answer, export->nanswer}, &why);
    rejected = rejected < export->n ? rejected : export->n;
    if (export->away) {
        log_with(LOG_LEVEL_INFO, "trace", LOG_FIELDS(.endpoint = export->settings->endpoint),
                 "the collector at %s takes spans again", export->settings->endpoint);
    }
    export->away = false;
    if (rejected > 0) {
        struct log_text shown = log_cut(why.p != NULL ? why.p : "no reason given",
                                        why.p != NULL ? why.len : strlen("no reason given"));
        log_limited_with(LOG_LEVEL_WARN, "trace",
                         LOG_FIELDS(.endpoint = export->settings->endpoint),
                         "the collector at %s has not kept %u of %u spans: " LOG_TEXT,
                         export->settings->endpoint, (unsigned int)rejected,
                         (unsigned int)export->n, LOG_ARGS(shown));
        counter_add(&export->counters, COUNTER_SPANS_DROPPED_COLLECTOR, rejected);
        atomic_fetch_sub_explicit(&export->tracer.waiting, (uint32_t)rejected,
                                  memory_order_relaxed);
        export->n -= rejected;
    }
    trace_export_done(export, COUNTER_SPANS_EXPORTED);
}

/* The batch, until it is taken or given up. */
static void trace_export_batch(struct trace_export *export)
{
    uint64_t pause = TRACE_PAUSE_MIN_MS;
    buf_clear(&export->body);
    if (otlp_write(&export->body, &export->resource, export->batch, export->n) != 0) {
        trace_export_done(export, COUNTER_SPANS_DROPPED_COLLECTOR);
        return;
    }
    for (unsigned int attempt = 1;; attempt++) {
        bool last = export->stop;
        long status = trace_export_send(export, last ? TRACE_LAST_MS : TRACE_TIMEOUT_MS);
        if (status >= 200 && status < 300) {
            trace_export_taken(export);
            return;
        }
        if (!export->stop || last) {
            trace_export_failed(export, status);
        }
        if (!trace_export_again(status) || attempt == TRACE_ATTEMPTS || last) {
            trace_export_done(export, COUNTER_SPANS_DROPPED_COLLECTOR);
            return;
        }
        uint64_t until = clock_mono_ms() + (export->after_ms > pause ? export->after_ms : pause),
                 now;
        while (!export->stop && (now = clock_mono_ms()) < until) {
            trace_export_wait(export, until - now);
        }
        pause = pause * 2 < TRACE_PAUSE_MAX_MS ? pause * 2 : TRACE_PAUSE_MAX_MS;
    }
}

static void *trace_export_run(void *arg)
{
    struct trace_export *export = arg;
    mailbox_adopt(&export->tracer.box);
    bool usable = export->curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    export->multi = usable ? export->curl->multi_init() : NULL;
    export->headers = export->curl->slist_append(NULL, "Content-Type: application/json");
    if (export->headers != NULL) {
        export->curl->slist_append(export->headers, "Expect:"); /* no 100-continue */
    }
    for (size_t i = 0; export->headers != NULL && i < export->settings->headers.count; i++) {
        export->curl->slist_append(export->headers, export->settings->headers.items[i]);
    }
    for (;;) {
        trace_export_fill(export);
        uint64_t age = export->n > 0 ? clock_mono_ms() - export->since : 0;
        if (export->n == TRACE_BATCH ||
            (export->n > 0 && (age >= TRACE_BATCH_MS || export->stop))) {
            if (export->multi == NULL) {
                trace_export_done(export, COUNTER_SPANS_DROPPED_COLLECTOR);
            } else {
                trace_export_batch(export);
            }
            if (export->stop && export->away) {
                break; /* it has had its time */
            }
            continue;
        }
        if (export->stop) {
            break;
        }
        trace_export_wait(export, export->n > 0 ? TRACE_BATCH_MS - age : UINT64_MAX);
        if (!export->stop) {
            usleep(TRACE_GATHER_US);
        }
    }
    export->curl->slist_free_all(export->headers);
    if (export->multi != NULL) {
        export->curl->multi_cleanup(export->multi);
    }
    if (usable) {
        export->curl->global_cleanup();
    }
    return NULL;
}

/* ---- from beginning to end ---- */

static const char *trace_export_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A UUID, drawn anew at each start: a process that takes another one's place, with the same host
 * and pid, is another one. */
static void trace_export_name(char out[37])
{
    static const uint8_t parts[] = {4, 2, 2, 2, 6};
    uint8_t bytes[16], *p = bytes;
    rnd_bytes(bytes, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    for (size_t i = 0; i < sizeof(parts); i++) {
        out = ff_hex_write(out, p, parts[i]);
        *out++ = i + 1 < sizeof(parts) ? '-' : '\0';
        p += parts[i];
    }
}

struct trace_export *trace_export_new(const struct trace_settings *settings, const char *node)
{
    const char *why;
    const struct curl_library *curl = curl_library(&why);
    if (curl == NULL) {
        errno = ELIBACC; /* unlikely: the configuration would have been refused */
        return NULL;
    }
    struct trace_export *export = mem_zalloc(sizeof(*export));
    export->curl = curl;
    export->settings = settings;
    export->ca_file = settings->ca_file[0] != '\0' ? settings->ca_file
                                                   : trace_export_environment("SSL_CERT_FILE");
    export->ca_path = trace_export_environment("SSL_CERT_DIR");
    if (gethostname(export->host, sizeof(export->host) - 1) != 0) {
        export->host[0] = '\0';
    }
    trace_export_name(export->instance);
    export->resource = (struct otlp_resource){.service = settings->service,
                                              .instance = export->instance,
                                              .node = node,
                                              .version = FANFARE_VERSION,
                                              .host = export->host,
                                              .pid = getpid()};
    export->tracer.sample = settings->sample;
    buf_init(&export->body, EXPORT_BODY_MAX);
    if (mailbox_init(&export->tracer.box) != 0) {
        mem_free(export);
        return NULL;
    }
    int error = pthread_create(&export->thread, NULL, trace_export_run, export);
    if (error != 0) {
        mailbox_free(&export->tracer.box, NULL);
        mem_free(export);
        errno = error;
        return NULL;
    }
    pthread_setname_np(export->thread, "traces");
    return export;
}

struct tracer *trace_export_tracer(struct trace_export *export)
{
    return &export->tracer;
}

const struct counters *trace_export_counters(const struct trace_export *export)
{
    return &export->counters;
}

static void trace_export_dispose(struct mail *mail)
{
    mem_free(mail);
}

void trace_export_free(struct trace_export *export)
{
    if (export == NULL) {
        return;
    }
    struct mail *stop = mem_zalloc(sizeof(*stop));
    *stop = (struct mail){.type = MAIL_SPAN_STOP, .weight = sizeof(*stop)};
    mailbox_post_urgent(&export->tracer.box, stop);
    pthread_join(export->thread, NULL);
    while (export->rest.head != NULL) {
        struct mail *next = export->rest.head->next;
        mem_free(export->rest.head);
        export->rest.head = next;
    }
    mailbox_free(&export->tracer.box, trace_export_dispose);
    buf_free(&export->body);
    mem_free(export);
}
