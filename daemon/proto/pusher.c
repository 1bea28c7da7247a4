#include "proto/pusher.h"

#include "proto/json.h"

static bool pusher_is_null(struct slice value)
{
    return value.p == NULL || json_type(value) == JSON_NULL;
}

static bool pusher_is_string(struct slice value)
{
    return value.p != NULL && json_type(value) == JSON_STRING;
}

/* Unescapes into the scratch space and moves on behind what it took of it. */
static struct slice pusher_take_text(struct slice raw, char **scratch)
{
    struct slice text = json_unescape(raw, *scratch);

    if (text.p == *scratch) {
        *scratch += text.len;
    }
    return text;
}

/* The data of a pusher: event, as an object: itself, or the text of one in a string. .p == NULL: it
 * is neither. */
static struct slice pusher_take_object(struct slice data, char **scratch)
{
    const struct slice none = {NULL, 0};

    if (pusher_is_string(data)) {
        data = pusher_take_text(data, scratch);
        if (!json_valid(data.p, data.len)) {
            return none;
        }
        data = json_trim(data);
    }
    return data.p != NULL && json_type(data) == JSON_OBJECT ? data : none;
}

static int pusher_read_subscription(struct slice data, char *scratch, struct pusher_message *out)
{
    struct slice key, value, channel = {0}, auth = {0}, channel_data = {0};
    size_t cursor = 0;

    while (json_next(data, &cursor, &key, &value)) {
        if (json_string_is(key, "channel")) {
            channel = value;
        } else if (json_string_is(key, "auth")) {
            auth = value;
        } else if (json_string_is(key, "channel_data")) {
            channel_data = value;
        }
    }
    if (!pusher_is_string(channel)) {
        return -1;
    }
    out->channel = pusher_take_text(channel, &scratch);
    if (out->kind == PUSHER_UNSUBSCRIBE) {
        return 0;
    }
    if (!pusher_is_null(auth)) {
        if (!pusher_is_string(auth)) {
            return -1;
        }
        out->auth = pusher_take_text(auth, &scratch);
    }
    if (!pusher_is_null(channel_data)) {
        if (!pusher_is_string(channel_data)) {
            return -1;
        }
        out->channel_data = pusher_take_text(channel_data, &scratch);
        if (out->channel_data.len == 0) {
            out->channel_data.p =
                NULL; /* some clients send "" for none, and Pusher takes it as that */
        } else if (!json_valid(out->channel_data.p, out->channel_data.len)) {
            return -1;
        }
    }
    return 0;
}

/* auth and user_data; the latter holds JSON. */
static int pusher_read_signin(struct slice data, char *scratch, struct pusher_message *out)
{
    struct slice key, value, auth = {0}, user_data = {0};
    size_t cursor = 0;

    while (json_next(data, &cursor, &key, &value)) {
        if (json_string_is(key, "auth")) {
            auth = value;
        } else if (json_string_is(key, "user_data")) {
            user_data = value;
        }
    }
    if (!pusher_is_string(auth) || !pusher_is_string(user_data)) {
        return -1;
    }
    out->auth = pusher_take_text(auth, &scratch);
    out->user_data = pusher_take_text(user_data, &scratch);
    return json_valid(out->user_data.p, out->user_data.len) ? 0 : -1;
}

static int pusher_read_own(struct slice data, char *scratch, struct pusher_message *out)
{
    if (slice_is(out->event, "pusher:subscribe")) {
        out->kind = PUSHER_SUBSCRIBE;
    } else if (slice_is(out->event, "pusher:unsubscribe")) {
        out->kind = PUSHER_UNSUBSCRIBE;
    } else if (slice_is(out->event, "pusher:signin")) {
        out->kind = PUSHER_SIGNIN;
    } else if (slice_is(out->event, "pusher:ping")) {
        out->kind = PUSHER_PING;
    } else if (slice_is(out->event, "pusher:pong")) {
        out->kind = PUSHER_PONG;
    } else {
        return -1;
    }
    if (out->kind == PUSHER_PING || out->kind == PUSHER_PONG) {
        return 0; /* SDKs send {}, "{}", "", [], null or nothing with these, and mean the same */
    }
    data = pusher_take_object(data, &scratch);
    if (data.p == NULL) {
        return -1;
    }
    return out->kind == PUSHER_SIGNIN ? pusher_read_signin(data, scratch, out)
                                      : pusher_read_subscription(data, scratch, out);
}

int pusher_read(const char *text, size_t len, char *scratch, struct pusher_message *out)
{
    struct slice key, value, object, event = {0}, channel = {0}, data = {0};
    size_t cursor = 0;

    *out = (struct pusher_message){.kind = PUSHER_IGNORED};
    if (!json_valid(text, len)) {
        return -1;
    }
    object = json_trim((struct slice){text, len});
    if (json_type(object) != JSON_OBJECT) {
        return -1;
    }
    while (json_next(object, &cursor, &key, &value)) {
        if (json_string_is(key, "event")) {
            event = value;
        } else if (json_string_is(key, "channel")) {
            channel = value;
        } else if (json_string_is(key, "data")) {
            data = value;
        }
    }
    if (!pusher_is_string(event)) {
        return -1;
    }
    out->event = pusher_take_text(event, &scratch);
    if (slice_starts(out->event, "pusher:")) {
        return pusher_read_own(data, scratch, out);
    }
    if (!pusher_is_string(channel)) {
        return -1;
    }
    out->channel = pusher_take_text(channel, &scratch);
    if (slice_starts(out->event, "client-")) {
        out->kind = PUSHER_CLIENT_EVENT;
        out->data = data;
    }
    return 0;
}

/* A user id: any JSON scalar, as the text by which users are compared. */
static int pusher_read_id(struct slice raw, char *scratch, struct slice *id)
{
    if (pusher_is_null(raw)) {
        return -1;
    }
    switch (json_type(raw)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return -1;
    case JSON_STRING:
        *id = json_unescape(raw, scratch);
        return id->len != 0 ? 0 : -1;
    default:
        *id = raw;
        return 0;
    }
}

/* Whether clients whose numbers are doubles would read another integer than this one. */
static bool pusher_loses_digits(struct slice number)
{
    static const char most[] = "9007199254740992"; /* 2^53 */
    size_t len = sizeof(most) - 1;

    if (number.p[0] == '-') {
        number.p++;
        number.len--;
    }
    for (size_t i = 0; i < number.len; i++) {
        if (number.p[i] < '0' || number.p[i] > '9') {
            return false;
        }
    }
    return number.len > len || (number.len == len && memcmp(number.p, most, len) > 0);
}

/* A member out of its two raw values. An integer that would not survive is told as a string. */
static int pusher_read_member(struct slice id, struct slice info, char *scratch,
                              struct pusher_member *out)
{
    *out = (struct pusher_member){.id_json = id, .info_json = info};
    if (pusher_read_id(id, scratch, &out->user_id) != 0) {
        return -1;
    }
    if (json_type(id) == JSON_NUMBER && pusher_loses_digits(id)) {
        scratch[0] = '"';
        memcpy(scratch + 1, id.p, id.len);
        scratch[id.len + 1] = '"';
        out->id_json = (struct slice){scratch, id.len + 2};
    }
    return 0;
}

/* The member that an object tells of, whose id has this name. */
static int pusher_member_named(struct slice object, const char *id_name, char *scratch,
                               struct pusher_member *out)
{
    struct slice key, value, id = {0}, info = {0};
    size_t cursor = 0;

    *out = (struct pusher_member){0};
    object = json_trim(object);
    if (object.len == 0 || json_type(object) != JSON_OBJECT) {
        return -1;
    }
    while (json_next(object, &cursor, &key, &value)) {
        if (json_string_is(key, id_name)) {
            id = value;
        } else if (json_string_is(key, "user_info")) {
            info = value;
        }
    }
    return pusher_read_member(id, info, scratch, out);
}

int pusher_member_read(struct slice channel_data, char *scratch, struct pusher_member *out)
{
    return pusher_member_named(channel_data, "user_id", scratch, out);
}

int pusher_user_member_read(struct slice user_data, char *scratch, struct pusher_member *out)
{
    return pusher_member_named(user_data, "id", scratch, out);
}

int pusher_user_read(struct slice user_data, char *scratch, struct slice *id)
{
    struct pusher_member member;
    int rc = pusher_member_named(user_data, "id", scratch, &member);

    *id = member.user_id;
    return rc;
}

int pusher_watchlist_read(struct slice user_data, struct slice *list)
{
    struct slice key, value, raw = {0};
    size_t cursor = 0;

    *list = (struct slice){0};
    user_data = json_trim(user_data);
    if (user_data.len == 0 || json_type(user_data) != JSON_OBJECT) {
        return -1;
    }
    while (json_next(user_data, &cursor, &key, &value)) {
        if (json_string_is(key, "watchlist")) {
            raw = value;
        }
    }
    if (pusher_is_null(raw)) {
        return 0;
    }
    if (json_type(raw) != JSON_ARRAY) {
        return -1;
    }
    *list = raw;
    return 0;
}

bool pusher_watchlist_next(struct slice list, size_t *cursor, char *scratch, struct slice *id)
{
    struct slice raw;
    if (!json_element(list, cursor, &raw)) {
        return false;
    }
    if (pusher_read_id(raw, scratch, id) != 0) {
        *id = (struct slice){0};
    }
    return true;
}
