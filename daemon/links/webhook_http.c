#include "links/webhook_http.h"

#include <event2/event_struct.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "links/curl_library.h"
#include "net/mailbox.h"

#define TIMEOUT_MS  10000L
#define ANSWER_MAX  65536u /* bytes of an answer that are read, to keep the connection */
#define CONNECTIONS 100L   /* kept open between requests */
#define HEADER_MAX  512u
#define POLL_MS     60000 /* libcurl's own times come first */

enum { MAIL_HOOK_JOB, MAIL_HOOK_STOP, MAIL_HOOK_ANSWER };

/* A request on the thread. */
struct job {
    struct mail mail;
    struct job *prev, *next;
    uint32_t app;
    uint64_t number;
    CURL *easy;
    struct curl_slist *headers;
    size_t answered;
    char error[CURL_ERROR_SIZE];
    const char *url, *key, *signature, *body; /* terminated, in bytes */
    size_t body_len;
    char bytes[];
};

struct mail_answer {
    struct mail mail;
    struct hook_answer answer;
};

struct hook_http {
    const struct curl_library *curl;
    struct mailbox jobs, answers;
    pthread_t thread;
    struct event wake; /* for answers */
    hook_answer_fn *fn;
    void *arg;
    const char *ca_file, *ca_path; /* NULL: the system's */
    /* the thread's */
    CURLM *multi;
    struct job *running;
    bool stop;
};

/* ---- a request, on the thread ---- */

static size_t hook_http_on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct job *job = arg;
    (void)bytes;
    job->answered += size * n;
    return job->answered > ANSWER_MAX ? 0 : size * n; /* 0 ends the transfer; its status stands */
}

/* As libcurl opens them itself, but not for what this process may execute. */
static curl_socket_t hook_http_open_socket(void *arg, curlsocktype purpose,
                                           struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int hook_http_add_header(const struct hook_http *http, struct job *job, const char *line)
{
    struct curl_slist *more = http->curl->slist_append(job->headers, line);
    if (more == NULL) {
        return -1;
    }
    job->headers = more;
    return 0;
}

static int hook_http_add_headers(const struct hook_http *http, struct job *job)
{
    char key[HEADER_MAX], signature[HEADER_MAX];
    snprintf(key, sizeof(key), "X-Pusher-Key: %s", job->key);
    snprintf(signature, sizeof(signature), "X-Pusher-Signature: %s", job->signature);
    return hook_http_add_header(http, job, "Content-Type: application/json") |
           hook_http_add_header(http, job, key) | hook_http_add_header(http, job, signature) |
           hook_http_add_header(http, job, "Expect:"); /* no 100-continue */
}

#define SET(easy, option, value) (http->curl->easy_setopt((easy), (option), (value)) != CURLE_OK)

static bool hook_http_set_protocols(const struct hook_http *http, CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    return SET(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static int hook_http_prepare(struct hook_http *http, struct job *job)
{
    CURL *easy = job->easy = http->curl->easy_init();
    if (easy == NULL || hook_http_add_headers(http, job) != 0) {
        return -1;
    }
    bool failed = hook_http_set_protocols(http, easy);
    failed |= SET(easy, CURLOPT_URL, job->url);
    failed |= SET(easy, CURLOPT_HTTPHEADER, job->headers);
    failed |= SET(easy, CURLOPT_POSTFIELDS, job->body);
    failed |= SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->body_len);
    failed |= SET(easy, CURLOPT_PRIVATE, job);
    failed |= SET(easy, CURLOPT_ERRORBUFFER, job->error);
    failed |= SET(easy, CURLOPT_WRITEFUNCTION, hook_http_on_body);
    failed |= SET(easy, CURLOPT_WRITEDATA, job);
    failed |= SET(easy, CURLOPT_OPENSOCKETFUNCTION, hook_http_open_socket);
    failed |= SET(easy, CURLOPT_USERAGENT, "Fanfare/" FANFARE_VERSION);
    failed |= SET(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    failed |= SET(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= SET(easy, CURLOPT_PROXY, ""); /* not even one that the environment names */
    failed |= SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Do not wait for another thread that still looks up a name when its request is over. */
    failed |= SET(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (http->ca_file != NULL) {
        failed |= SET(easy, CURLOPT_CAINFO, http->ca_file);
    }
    if (http->ca_path != NULL) {
        failed |= SET(easy, CURLOPT_CAPATH, http->ca_path);
    }
    return failed ? -1 : 0;
}

static void hook_http_job_free(struct hook_http *http, struct job *job)
{
    if (job->easy != NULL) {
        http->curl->easy_cleanup(job->easy);
    }
    http->curl->slist_free_all(job->headers);
    mailbox_done(&http->jobs, &job->mail);
}

/* why NULL: delivered. */
static void hook_http_tell(struct hook_http *http, const struct job *job, const char *why)
{
    struct mail_answer *mail = mem_zalloc(sizeof(*mail));
    mail->mail = (struct mail){.type = MAIL_HOOK_ANSWER, .weight = (uint32_t)sizeof(*mail)};
    mail->answer =
        (struct hook_answer){.app = job->app, .number = job->number, .delivered = why == NULL};
    if (why != NULL) {
        snprintf(mail->answer.why, sizeof(mail->answer.why), "%s", why);
    }
    mailbox_post(&http->answers, &mail->mail);
}

static void hook_http_start(struct hook_http *http, struct job *job)
{
    if (http->multi == NULL || hook_http_prepare(http, job) != 0 ||
        http->curl->multi_add_handle(http->multi, job->easy) != CURLM_OK) {
        hook_http_tell(http, job, "libcurl cannot be used, or memory has run out");
        hook_http_job_free(http, job);
        return;
    }
    job->next = http->running;
    if (job->next != NULL) {
        job->next->prev = job;
    }
    http->running = job;
}

static void hook_http_leave(struct hook_http *http, struct job *job)
{
    http->curl->multi_remove_handle(http->multi, job->easy);
    if (job->prev != NULL) {
        job->prev->next = job->next;
    } else {
        http->running = job->next;
    }
    if (job->next != NULL) {
        job->next->prev = job->prev;
    }
}

static void hook_http_finish(struct hook_http *http, CURL *easy, CURLcode result)
{
    struct job *job = NULL;
    long status = 0;
    char why[HOOK_WHY];
    http->curl->easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&job);
    http->curl->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    hook_http_leave(http, job);
    if (status >= 200) {
        /* Said before the rest went wrong, if it did: the endpoint has taken the events or not. */
        snprintf(why, sizeof(why), "status %ld", status);
    } else {
        snprintf(why, sizeof(why), "%.*s", (int)HOOK_WHY - 1,
                 job->error[0] != '\0' ? job->error : http->curl->easy_strerror(result));
    }
    hook_http_tell(http, job, status >= 200 && status < 300 ? NULL : why);
    hook_http_job_free(http, job);
}

/* ---- the thread ---- */

static void hook_http_take_jobs(struct hook_http *http)
{
    uint64_t count;
    ssize_t ignored = read(http->jobs.wake, &count, sizeof(count));
    (void)ignored;
    struct mail_list list = {NULL, NULL};
    mailbox_take(&http->jobs, LANE_ORDERED, &list);
    struct mail *mail = list.head;
    while (mail != NULL) {
        struct mail *next = mail->next;
        if (mail->type == MAIL_HOOK_STOP) {
            http->stop = true;
            mailbox_done(&http->jobs, mail);
        } else {
            hook_http_start(http, (struct job *)mail);
        }
        mail = next;
    }
}

static void *hook_http_run(void *arg)
{
    struct hook_http *http = arg;
    mailbox_adopt(&http->jobs);
    bool usable = http->curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    http->multi = usable ? http->curl->multi_init() : NULL;
    if (http->multi != NULL) {
        http->curl->multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS);
    }
    for (;;) {
        hook_http_take_jobs(http);
        if (http->stop) {
            break;
        }
        int running, left;
        CURLMsg *message;
        struct curl_waitfd mail = {.fd = http->jobs.wake, .events = CURL_WAIT_POLLIN};
        if (http->multi == NULL) { /* each job is answered so */
            struct pollfd job = {.fd = http->jobs.wake, .events = POLLIN};
            poll(&job, 1, -1);
            continue;
        }
        http->curl->multi_perform(http->multi, &running);
        while ((message = http->curl->multi_info_read(http->multi, &left)) != NULL) {
            if (message->msg == CURLMSG_DONE) {
                hook_http_finish(http, message->easy_handle, message->data.result);
            }
        }
        http->curl->multi_poll(http->multi, &mail, 1, POLL_MS, NULL);
    }
    while (http->running != NULL) {
        struct job *job = http->running;
        hook_http_leave(http, job);
        hook_http_job_free(http, job);
    }
    if (http->multi != NULL) {
        http->curl->multi_cleanup(http->multi);
    }
    if (usable) {
        http->curl->global_cleanup();
    }
    return NULL;
}

/* ---- the hub's side ---- */

static void hook_http_on_answers(evutil_socket_t fd, short what, void *arg)
{
    struct hook_http *http = arg;
    uint64_t count;
    (void)what;
    ssize_t ignored = read(fd, &count, sizeof(count));
    (void)ignored;
    struct mail_list list = {NULL, NULL};
    mailbox_take(&http->answers, LANE_ORDERED, &list);
    struct mail *mail = list.head;
    while (mail != NULL) {
        struct mail *next = mail->next;
        http->fn(http->arg, &((struct mail_answer *)mail)->answer);
        mailbox_done(&http->answers, mail);
        mail = next;
    }
}

static const char *hook_http_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

struct hook_http *hook_http_new(struct event_base *base, hook_answer_fn *fn, void *arg)
{
    const char *why;
    const struct curl_library *curl = curl_library(&why);
    if (curl == NULL) {
        return NULL; /* unlikely: the configuration would have been refused */
    }
    struct hook_http *http = mem_zalloc(sizeof(*http));
    http->curl = curl;
    http->fn = fn;
    http->arg = arg;
    http->ca_file = hook_http_environment("SSL_CERT_FILE");
    http->ca_path = hook_http_environment("SSL_CERT_DIR");
    if (mailbox_init(&http->jobs) != 0) {
        goto no_jobs;
    }
    if (mailbox_init(&http->answers) != 0) {
        goto no_answers;
    }
    mailbox_adopt(&http->answers);
    check(event_assign(&http->wake, base, http->answers.wake, EV_READ | EV_PERSIST,
                       hook_http_on_answers, http) == 0);
    check(event_add(&http->wake, NULL) == 0);
    if (pthread_create(&http->thread, NULL, hook_http_run, http) == 0) {
        pthread_setname_np(http->thread, "webhooks");
        return http;
    }
    event_del(&http->wake);
    mailbox_free(&http->answers, NULL);
no_answers:
    mailbox_free(&http->jobs, NULL);
no_jobs:
    mem_free(http);
    return NULL;
}

/* Copies a text with its terminator. */
static char *hook_http_put(char **at, struct slice text)
{
    char *copy = *at;
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

int hook_http_send(struct hook_http *http, const struct hook_request *request)
{
    size_t bytes = sizeof(struct job) + request->url.len + request->key.len +
                   request->signature.len + request->body.len + 4;
    struct job *job = mem_try_alloc(bytes);
    if (job == NULL) {
        return -1;
    }
    char *at = job->bytes;
    *job = (struct job){.mail = {.type = MAIL_HOOK_JOB, .weight = (uint32_t)bytes},
                        .app = request->app,
                        .number = request->number,
                        .body_len = request->body.len};
    job->url = hook_http_put(&at, request->url);
    job->key = hook_http_put(&at, request->key);
    job->signature = hook_http_put(&at, request->signature);
    job->body = hook_http_put(&at, request->body);
    mailbox_post(&http->jobs, &job->mail);
    return 0;
}

static void hook_http_dispose(struct mail *mail)
{
    mem_free(mail);
}

void hook_http_free(struct hook_http *http)
{
    if (http == NULL) {
        return;
    }
    struct mail *stop = mem_zalloc(sizeof(*stop));
    *stop = (struct mail){.type = MAIL_HOOK_STOP, .weight = sizeof(*stop)};
    mailbox_post(&http->jobs, stop);
    pthread_join(http->thread, NULL);
    event_del(&http->wake);
    mailbox_free(&http->jobs, hook_http_dispose);
    mailbox_free(&http->answers, hook_http_dispose);
    mem_free(http);
}
