/*
 * The bytes as a text message of a client, and as the channel_data of a presence channel.
 *
 * Holds: what is accepted is a JSON object; names are valid UTF-8; data and channel_data are valid
 * JSON; every view lies in the text or in the scratch space; a message written again from what was
 * read reads the same; everything written from accepted input is valid JSON, and its double-encoded
 * data holds JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/json.h"
#include "proto/pusher.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *text;
static char *scratch;
static size_t text_len;

static void check_view(struct slice view, bool needed)
{
    if (view.p == NULL) {
        check(!needed);
        return;
    }
    check((view.p >= text && view.p + view.len <= text + text_len) ||
          (view.p >= scratch && view.p + view.len <= scratch + 2 * text_len));
    check(ff_utf8_valid(view.p, view.len));
}

static struct slice written(const struct buf *out)
{
    return (struct slice){(const char *)out->data, out->len};
}

/* Valid JSON, an object whose `data`, if it is a string and `doubled`, holds JSON again. */
static void check_written(const struct buf *out, bool doubled)
{
    struct slice key, value, all = written(out);
    size_t cursor = 0;
    bool seen = false;

    check(json_valid(all.p, all.len) && json_type(all) == JSON_OBJECT);
    while (json_next(all, &cursor, &key, &value)) {
        if (doubled && slice_is(key, "\"data\"")) {
            char *plain = malloc(value.len);
            check(plain != NULL && json_type(value) == JSON_STRING);
            struct slice inner = json_unescape(value, plain);
            check(json_valid(inner.p, inner.len) && json_type(inner) == JSON_OBJECT);
            seen = true;
            free(plain);
        }
    }
    check(!doubled || seen);
}

static void check_client_event(const struct pusher_message *message)
{
    struct pusher_message again;
    struct buf out;

    buf_init(&out, 16 * text_len + 256);
    check(pusher_client_event(&out, message->event, message->channel, message->data,
                              message->channel) == 0);
    check_written(&out, false);
    char *space = malloc(2 * out.len);
    check(space != NULL);
    check(pusher_read((char *)out.data, out.len, space, &again) == 0);
    check(again.kind == PUSHER_CLIENT_EVENT && slice_equal(again.event, message->event));
    check(slice_equal(again.channel, message->channel));
    check((again.data.p == NULL) == (message->data.p == NULL));
    if (again.data.p != NULL && json_type(message->data) != JSON_STRING) {
        char *plain = malloc(again.data.len);
        check(plain != NULL && json_type(again.data) == JSON_STRING);
        check(slice_equal(json_unescape(again.data, plain), message->data));
        free(plain);
    } else {
        check(slice_equal(again.data, message->data));
    }
    free(space);
    buf_free(&out);
}

static void check_answers(const struct pusher_message *message)
{
    struct buf out;

    buf_init(&out, 16 * text_len + 512);
    check(pusher_subscribed(&out, message->channel) == 0);
    check_written(&out, true);
    buf_clear(&out);
    check(pusher_subscription_error(&out, message->channel, "AuthError", "a \"b\"\n", 401) == 0);
    check_written(&out, true);
    buf_clear(&out);
    check(pusher_cache_miss(&out, message->channel) == 0);
    check_written(&out, true);
    buf_clear(&out);
    check(pusher_event_head(&out, message->event, message->channel) == 0);
    check(pusher_event_tail(&out, message->channel) == 0);
    check_written(&out, false);
    buf_free(&out);
}

struct one {
    const struct pusher_member *member;
    int left;
};

static void rewind_one(void *arg)
{
    ((struct one *)arg)->left = 2;
}

static bool next_one(void *arg, struct pusher_member *out)
{
    struct one *one = arg;
    *out = *one->member;
    return one->left-- > 0;
}

typedef int read_member(struct slice text, char *scratch, struct pusher_member *out);

static void check_member(struct slice channel_data, read_member *read)
{
    struct pusher_member member;
    struct buf out;
    char *space = malloc(channel_data.len + 1);

    check(space != NULL);
    if (read(channel_data, space, &member) == 0) {
        struct one one = {&member, 0};
        const struct pusher_members members = {&one, 2, rewind_one, next_one};

        check(member.user_id.len != 0 && ff_utf8_valid(member.user_id.p, member.user_id.len));
        check(json_valid(member.id_json.p, member.id_json.len));
        check(member.info_json.p == NULL || json_valid(member.info_json.p, member.info_json.len));
        buf_init(&out, 64 * channel_data.len + 1024);
        check(pusher_member_added(&out, SLICE("presence-a"), &member) == 0);
        check_written(&out, true);
        buf_clear(&out);
        check(pusher_member_removed(&out, SLICE("presence-a"), member.id_json) == 0);
        check_written(&out, true);
        buf_clear(&out);
        check(pusher_presence_subscribed(&out, SLICE("presence-a"), &members) == 0);
        check_written(&out, true);
        buf_free(&out);
    }
    free(space);
}

/* The ids of a watchlist, each in the scratch behind the one before it, all told as online and as
 * offline. */
static void check_watchlist(struct slice user_data, char *space)
{
    struct slice list, id, ids[8];
    struct buf out;
    size_t cursor = 0, n = 0;

    if (pusher_watchlist_read(user_data, &list) != 0 || list.p == NULL) {
        return;
    }
    while (n < 8 && pusher_watchlist_next(list, &cursor, space, &id)) {
        if (id.len != 0) {
            check(ff_utf8_valid(id.p, id.len));
            ids[n++] = id;
            space += id.len;
        }
    }
    buf_init(&out, 64 * user_data.len + 1024);
    check(pusher_watchlist_events(&out, ids, n, ids, n) == 0);
    check_written(&out, true);
    buf_free(&out);
}

static void check_user(struct slice user_data)
{
    struct slice id;
    struct buf out;
    char *space = malloc(user_data.len + 1);

    check(space != NULL && json_valid(user_data.p, user_data.len));
    if (pusher_user_read(user_data, space, &id) == 0) {
        check(id.len != 0 && ff_utf8_valid(id.p, id.len));
        check_watchlist(user_data, space);
    }
    free(space);
    buf_init(&out, 64 * user_data.len + 1024);
    check(pusher_signed_in(&out, user_data) == 0);
    check_written(&out, true);
    buf_free(&out);
}

static void check_message(const struct pusher_message *message)
{
    bool signin = message->kind == PUSHER_SIGNIN;
    bool named = message->kind != PUSHER_PING && message->kind != PUSHER_PONG && !signin;
    bool client = message->kind == PUSHER_CLIENT_EVENT;

    check(json_valid(text, text_len));
    check_view(message->event, true);
    check_view(message->channel, named);
    check_view(message->auth, false);
    check_view(message->channel_data, false);
    check_view(message->data, false);
    check_view(message->user_data, signin);
    check(message->kind == PUSHER_SUBSCRIBE || message->channel_data.p == NULL);
    check(message->kind == PUSHER_SUBSCRIBE || signin || message->auth.p == NULL);
    check(client == slice_starts(message->event, "client-"));
    check(slice_starts(message->event, "pusher:") == (!client && message->kind != PUSHER_IGNORED));
    check(message->data.p == NULL || (client && json_valid(message->data.p, message->data.len)));
    if (message->channel_data.p != NULL) {
        check(json_valid(message->channel_data.p, message->channel_data.len));
        check_member(message->channel_data, pusher_member_read);
    }
    if (signin) {
        check_user(message->user_data);
    }
    if (client) {
        check_client_event(message);
    }
    if (named) {
        check_answers(message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pusher_message message;
    char *block = malloc(size + 1);

    scratch = malloc(2 * size + (size == 0));
    check(block != NULL && scratch != NULL);
    if (size != 0) {
        memcpy(block + 1, data, size);
    }
    text = block + 1;
    text_len = size;
    if (pusher_read(text, size, scratch, &message) == 0) {
        check_message(&message);
    }
    if (json_valid(text, size)) {
        check_member((struct slice){text, size}, pusher_member_read);
        check_member((struct slice){text, size}, pusher_user_member_read);
    }
    free(scratch);
    free(block);
    return 0;
}
