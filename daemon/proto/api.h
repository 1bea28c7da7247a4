/*
 * The HTTP API of Pusher: what a request says and whether its caller may say it. Pure; views point
 * into the request.
 */
#ifndef FF_PROTO_API_H
#define FF_PROTO_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/http.h"
#include "proto/slice.h"
#include "shared/ipc_proto.h"

#define API_MAX_PARAMS       32
#define API_MAX_SKEW_SECONDS 600
#define API_MAX_PATHS        6
#define API_WHY_MAX          192

/* ---- the query ---- */

struct api_param {
    struct slice key, value; /* decoded */
};

struct api_query {
    struct api_param params[API_MAX_PARAMS];
    size_t count;
};

/* Splits and decodes a query; the names of parameters become lower case, as they are signed. `room`
 * needs query.len bytes. -1: too many parameters or a broken escape. */
int api_query_read(struct slice query, char *room, struct api_query *out) MUST_CHECK;
struct slice api_param(const struct api_query *query, const char *key); /* .p == NULL: absent */

/* Decodes %XX (and nothing else) into `room`, which needs text.len bytes. -1: a broken escape. */
int api_unescape(struct slice text, char *room, struct slice *out) MUST_CHECK;

/* What a signature is held against. */
struct api_signer {
    struct slice key, secret; /* of the application */
    struct slice method;
    struct slice paths[API_MAX_PATHS]; /* ways to write the path, each of them right */
    size_t npaths;
    uint64_t now; /* Unix seconds */
};

/*
 * Whether the query is signed by the application: auth_key is its key, auth_version 1.0,
 * auth_timestamp within API_MAX_SKEW_SECONDS of now, auth_signature the HMAC of method, path and
 * the other parameters in order of their names. If not, `why` says which of these fails. The body
 * is covered by body_md5, which api_body_matches looks at.
 */
bool api_signed(const struct api_query *query, const struct api_signer *signer,
                char why[API_WHY_MAX]);
/* A body needs a body_md5 (.p == NULL: there is none) that is its MD5 in hex; an empty body may go
 * without. */
bool api_body_matches(struct slice md5, struct slice body);

/* ---- what is asked for ---- */

enum api_info {
    API_INFO_SUBSCRIPTION_COUNT = 1,
    API_INFO_USER_COUNT = 2,
    API_INFO_CACHE = 4,
};
unsigned int
api_info(struct slice list); /* of a comma-separated list; unknown words are left out */

/* ---- bodies ---- */

/* Which configured limit a fault is, if it is one. */
enum api_limit { API_NO_LIMIT, API_LIMIT_CHANNELS, API_LIMIT_BATCH };

/* The status to refuse with, and a sentence that says why. */
struct api_fault {
    int status;
    const char *why;
    enum api_limit limit;
};

struct api_event {
    struct slice name, data; /* data: the text that clients get */
    struct slice socket_id;  /* .p == NULL: absent */
    unsigned int info;
    size_t first, count; /* its channels, in the reader's list */
};

/* A reader brings room for what it finds. */
struct api_reader {
    char *scratch; /* 2 * the body's length */
    struct ff_slice *channels;
    size_t nchannels, max_channels; /* max: room in the list */
    size_t channels_per_event;      /* limit, 0 = none */
};

/* An object with name, data, channel or channels, socket_id and info. 0 or -1 with *fault: 400 not
 * JSON or too many channels, 422 a field that is missing or of another type. Names and sizes are
 * not judged here. */
int api_event_read(struct slice body, struct api_reader *reader, struct api_event *out,
                   struct api_fault *fault) MUST_CHECK;
/* {"batch":[event...]}; at most `max` events into `out`. */
int api_batch_read(struct slice body, struct api_reader *reader, struct api_event *out, size_t max,
                   size_t *count, struct api_fault *fault) MUST_CHECK;
/* How many events a batch has at most, and channels a body names at most: upper bounds for the
 * reader's room. */
void api_count(struct slice body, size_t *events, size_t *channels);

#endif
