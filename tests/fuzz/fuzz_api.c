/*
 * The bytes as a body, a query and a chunked body of the HTTP API.
 *
 * Holds: what is read as an event or a batch was valid JSON, its names and data are within reach
 * and its channels are counted right; a query's parameters never hold more than it had, and their
 * names are in lower case; a chunked body means the same whatever the pieces are that it comes in,
 * and what was used of it and no less is that body.
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
        fault = (struct api_fault){0};
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
            for (size_t j = 0; j < query.params[i].key.len; j++) {
                check(query.params[i].key.p[j] < 'A' || query.params[i].key.p[j] > 'Z');
            }
            total += query.params[i].key.len + query.params[i].value.len;
        }
        check(total <= text.len);
        struct api_signer signer = {.key = SLICE("k"),
                                    .secret = SLICE("s"),
                                    .method = SLICE("POST"),
                                    .paths = {SLICE("/apps/a/events"), text},
                                    .npaths = 2,
                                    .now = 1};
        char why[API_WHY_MAX] = "";
        check(api_signed(&query, &signer, why) == (why[0] == '\0'));
        (void)api_body_matches(api_param(&query, "body_md5"), text);
        (void)api_info(api_param(&query, "info"));
    }
    free(room);
}

#define MAX_DATA 4096

struct reading {
    enum http_result result;
    int status;
    uint8_t data[MAX_DATA];
    size_t data_len, used;
};

/* In pieces whose sizes follow from `step`; each is a block of its own. */
static void read_chunks(const uint8_t *bytes, size_t size, size_t step, struct reading *out)
{
    struct chunked body = {0};
    *out = (struct reading){.result = HTTP_MORE};
    for (size_t n = 0; out->used < size && out->result == HTTP_MORE; n++) {
        size_t some = step == 0 ? size : 1 + (n * 7 + step) % step, data_len, used;
        some = some < size - out->used ? some : size - out->used;
        uint8_t *copy = malloc(some);
        check(copy != NULL);
        memcpy(copy, bytes + out->used, some);
        out->result = chunked_read(&body, copy, some, MAX_DATA, &data_len, &used, &out->status);
        check(used <= some && data_len <= used && out->data_len + data_len <= MAX_DATA);
        check(out->result != HTTP_MORE || used == some);
        check((out->result == HTTP_BAD) == (out->status == 400 || out->status == 413));
        memcpy(out->data + out->data_len, copy, data_len);
        out->data_len += data_len;
        out->used += used;
        free(copy);
    }
}

static void chunks(const uint8_t *bytes, size_t size)
{
    static const size_t steps[] = {1, 2, 3, 17, 64};
    struct reading whole, part;
    read_chunks(bytes, size, 0, &whole);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        read_chunks(bytes, size, steps[i], &part);
        check(part.result == whole.result && part.status == whole.status);
        check(part.used == whole.used && part.data_len == whole.data_len);
        check(memcmp(part.data, whole.data, whole.data_len) == 0);
    }
    if (whole.result == HTTP_DONE) {
        read_chunks(bytes, whole.used, 0, &part);
        check(part.result == HTTP_DONE && part.used == whole.used);
        read_chunks(bytes, whole.used - 1, 0, &part);
        check(part.result == HTTP_MORE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    bodies(text);
    queries(text);
    chunks(data, size);
    return 0;
}
