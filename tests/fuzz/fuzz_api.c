/*
 * The bytes as a body, a query and a chunked body of the HTTP API.
 *
 * Holds: what is read as an event or a batch was valid JSON, its names and data are within reach
 * and its channels are counted right; a query's parameters never hold more than it had; a chunked
 * body that is whole stays the same when more follows it, and of a shorter part more is wanted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/api.h"
#include "proto/chunked.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(struct slice text)
{
    volatile unsigned int sum = 0;
    for (size_t i = 0; text.p != NULL && i < text.len; i++) {
        sum = sum + (unsigned char)text.p[i];
    }
}

static void bodies(struct slice body)
{
    size_t events, channels, count = 0;
    struct api_fault fault;
    api_count(body, &events, &channels);
    char *scratch = malloc(2 * body.len + 1);
    struct api_event *out = malloc(events * sizeof(*out));
    struct ff_slice *names = malloc(channels * sizeof(*names));
    check(scratch != NULL && out != NULL && names != NULL);
    for (int batch = 0; batch < 2; batch++) {
        struct api_reader reader = {.scratch = scratch,
                                    .channels = names,
                                    .max_channels = channels,
                                    .channels_per_event = 100};
        fault = (struct api_fault){0, NULL};
        int result = batch ? api_batch_read(body, &reader, out, events, &count, &fault)
                           : api_event_read(body, &reader, out, &fault);
        check((result == 0) == (fault.status == 0));
        if (result != 0) {
            check(fault.why != NULL);
            continue;
        }
        check(json_valid(body.p, body.len));
        count = batch ? count : 1;
        size_t total = 0;
        for (size_t i = 0; i < count; i++) {
            touch(out[i].name);
            touch(out[i].data);
            touch(out[i].socket_id);
            check(out[i].first == total && out[i].count > 0 && out[i].count <= 100);
            total += out[i].count;
        }
        check(total == reader.nchannels);
        for (size_t i = 0; i < total; i++) {
            touch((struct slice){names[i].p, names[i].len});
        }
    }
    free(scratch);
    free(out);
    free(names);
}

static void queries(struct slice text)
{
    struct api_query query;
    char *room = malloc(text.len + 1);
    check(room != NULL);
    if (api_query_read(text, room, &query) == 0) {
        size_t total = 0;
        for (size_t i = 0; i < query.count; i++) {
            touch(query.params[i].key);
            touch(query.params[i].value);
            total += query.params[i].key.len + query.params[i].value.len;
        }
        check(total <= text.len);
        (void)api_signed(&query, SLICE("POST"), SLICE("/apps/a/events"), SLICE("k"), SLICE("s"), 1);
        (void)api_body_matches(&query, text);
        (void)api_info(api_param(&query, "info"));
    }
    free(room);
}

static enum http_result dechunk(const uint8_t *data, size_t size, size_t *body_len, size_t *used)
{
    int status = 0;
    uint8_t *copy = malloc(size + 1);
    check(copy != NULL);
    memcpy(copy, data, size);
    enum http_result result = http_dechunk(copy, size, 4096, body_len, used, &status);
    check(result != HTTP_BAD || status == 400 || status == 413);
    check(result == HTTP_DONE || memcmp(copy, data, size) == 0);
    free(copy);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    size_t body_len, used, again_len, again_used;
    bodies(text);
    queries(text);
    if (dechunk(data, size, &body_len, &used) == HTTP_DONE) {
        check(used <= size && body_len <= used);
        check(dechunk(data, used, &again_len, &again_used) == HTTP_DONE && again_len == body_len &&
              again_used == used);
        check(dechunk(data, used - 1, &again_len, &again_used) == HTTP_MORE);
    }
    return 0;
}
