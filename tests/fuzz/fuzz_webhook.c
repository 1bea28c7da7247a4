/*
 * The bytes as a client's message, told to a webhook when it is a client event.
 *
 * Holds: what is written is valid JSON with each member once and every one a string; the data is
 * the client's own, as text or as its JSON; a user id comes from the server alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/pusher.h"
#include "proto/webhook.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX (1u << 20)

static void check_event(const struct buf *out, const struct pusher_message *message, bool user)
{
    static const char *const names[] = {"name", "channel", "event", "data", "socket_id", "user_id"};
    struct slice json = {(const char *)out->data, out->len}, key, value;
    size_t cursor = 0, i = 0;
    check(json_valid(json.p, json.len) && json_type(json) == JSON_OBJECT);
    while (json_next(json, &cursor, &key, &value)) {
        check(i < (user ? 6 : 5) && json_string_is(key, names[i]));
        check(json_type(value) == JSON_STRING);
        if (i == 3 && message->data.p != NULL) {
            char *room = malloc(value.len);
            check(room != NULL);
            struct slice text = json_unescape(value, room);
            check(json_type(message->data) == JSON_STRING ? slice_equal(value, message->data)
                                                          : slice_equal(text, message->data));
            free(room);
        } else if (i == 3) {
            check(slice_is(value, "\"null\""));
        }
        i++;
    }
    check(i == (user ? 6 : 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pusher_message message;
    const char *text = (const char *)data;
    if (size > 65536 || !ff_utf8_valid(text, size)) {
        return 0;
    }
    char *scratch = malloc(2 * size + 1);
    check(scratch != NULL);
    if (pusher_read(text, size, scratch, &message) == 0 && message.kind == PUSHER_CLIENT_EVENT) {
        for (int user = 0; user < 2; user++) {
            struct buf told, out;
            struct slice user_id = {user ? "7\"" : NULL, user ? 2 : 0};
            buf_init(&told, MAX);
            buf_init(&out, MAX);
            check(pusher_client_event(&told, message.event, message.channel, message.data,
                                      user_id) == 0);
            struct slice said = {(const char *)told.data, told.len};
            check(webhook_client_event(&out, message.channel, said, SLICE("1.2")) == 0);
            check_event(&out, &message, user);
            buf_free(&told);
            buf_free(&out);
        }
    }
    free(scratch);
    return 0;
}
