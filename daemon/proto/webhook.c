#include "proto/webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/json.h"

#define TIME_MS "{\"time_ms\":"

static int webhook_put_string(struct buf *out, struct slice text)
{
    return json_write_string(out, text.p, text.len);
}

static int webhook_put_raw(struct buf *out, struct slice text)
{
    return buf_append(out, text.p, text.len);
}

static int webhook_begin(struct buf *out, const char *name, struct slice channel)
{
    return buf_printf(out, "{\"name\":\"%s\",\"channel\":", name) |
           webhook_put_string(out, channel);
}

int webhook_channel(struct buf *out, const char *name, struct slice channel)
{
    return webhook_begin(out, name, channel) | buf_text(out, "}");
}

int webhook_member(struct buf *out, const char *name, struct slice channel, struct slice user_id)
{
    return webhook_begin(out, name, channel) | buf_text(out, ",\"user_id\":") |
           webhook_put_string(out, user_id) | buf_text(out, "}");
}

int webhook_count(struct buf *out, struct slice channel, uint32_t count)
{
    return webhook_begin(out, "subscription_count", channel) |
           buf_printf(out, ",\"subscription_count\":%" PRIu32 "}", count);
}

int webhook_client_event(struct buf *out, struct slice channel, struct slice message,
                         struct slice socket_id)
{
    struct slice event = SLICE("\"\""), data = SLICE("null"), user_id = {NULL, 0}, key, value;
    size_t cursor = 0;
    while (json_next(message, &cursor, &key, &value)) {
        if (json_string_is(key, "event")) {
            event = value;
        } else if (json_string_is(key, "data")) {
            data = value;
        } else if (json_string_is(key, "user_id")) {
            user_id = value;
        }
    }
    int failed = webhook_begin(out, "client_event", channel) | buf_text(out, ",\"event\":") |
                 webhook_put_raw(out, event) | buf_text(out, ",\"data\":");
    failed |=
        json_type(data) == JSON_STRING ? webhook_put_raw(out, data) : webhook_put_string(out, data);
    failed |= buf_text(out, ",\"socket_id\":") | webhook_put_string(out, socket_id);
    if (user_id.p != NULL) {
        failed |= buf_text(out, ",\"user_id\":") | webhook_put_raw(out, user_id);
    }
    return failed | buf_text(out, "}");
}

int webhook_open(struct buf *out, uint64_t time_ms)
{
    return buf_printf(out, TIME_MS "%" PRIu64 ",\"events\":[", time_ms);
}

int webhook_retime(struct buf *body, uint64_t time_ms)
{
    const size_t at = sizeof(TIME_MS) - 1;
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, time_ms);
    const uint8_t *comma = body->len > at ? memchr(body->data + at, ',', body->len - at) : NULL;
    check(comma != NULL);
    size_t old = (size_t)(comma - body->data) - at, rest = body->len - at - old;
    if (len > old && buf_reserve(body, len - old) != 0) {
        return -1;
    }
    memmove(body->data + at + len, body->data + at + old, rest);
    memcpy(body->data + at, digits, len);
    body->len = at + len + rest;
    return 0;
}
