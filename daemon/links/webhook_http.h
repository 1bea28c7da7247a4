/*
 * The requests of webhooks: libcurl on a thread of its own.
 *
 * Owns that thread, the mailboxes to and from it, and whatever libcurl holds. Sending and answers
 * are the hub's; they never wait. The thread is for what libcurl does not do in slices: reading the
 * certificates of the system takes 20 ms of a processor, and each TLS handshake some. It looks at
 * nothing of the hub's, and knows neither applications nor retries.
 */
#ifndef FF_LINKS_WEBHOOK_HTTP_H
#define FF_LINKS_WEBHOOK_HTTP_H

#include <event2/event.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/slice.h"

#define HOOK_WHY 128u

struct hook_http;

struct hook_request {
    uint32_t app; /* both come back with the answer */
    uint64_t number;
    struct slice url, key, signature, body; /* copied */
};

struct hook_answer {
    uint32_t app;
    uint64_t number;
    bool delivered;
    char why[HOOK_WHY]; /* not, why not */
};

typedef void hook_answer_fn(void *arg, const struct hook_answer *answer);

/* Starts the thread, with libcurl loaded. Answers are given on the loop of `base`. NULL: it cannot
 * be started. */
struct hook_http *hook_http_new(struct event_base *base, hook_answer_fn *fn, void *arg) MUST_CHECK;

/* -1: no memory; there will be no answer. */
int hook_http_send(struct hook_http *http, const struct hook_request *request) MUST_CHECK;

/* Breaks off what is under way. NULL is fine. */
void hook_http_free(struct hook_http *http);

#endif
