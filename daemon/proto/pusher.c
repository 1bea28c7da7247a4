#include "proto/pusher.h"

#include <stdio.h>

#include "proto/json.h"

/* ---- reading ---- */

static bool is_null(struct slice value)
{
    return value.p == NULL || json_type(value) == JSON_NULL;
}

static bool is_string(struct slice value)
{
    return value.p != NULL && json_type(value) == JSON_STRING;
}

/* Unescapes into the scratch space and moves on behind what it took of it. */
static struct slice take_text(struct slice raw, char **scratch)
{
    struct slice text = json_unescape(raw, *scratch);

    if (text.p == *scratch) {
        *scratch += text.len;
    }
    return text;
}

/* The data of a pusher: event, as an object: itself, or the text of one in a string. .p == NULL: it
 * is neither. */
static struct slice take_object(struct slice data, char **scratch)
{
    const struct slice none = {NULL, 0};

    if (is_string(data)) {
        data = take_text(data, scratch);
        if (!json_valid(data.p, data.len)) {
            return none;
        }
        data = json_trim(data);
    }
    return data.p != NULL && json_type(data) == JSON_OBJECT ? data : none;
}

static int read_subscription(struct slice data, char *scratch, struct pusher_message *out)
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
    if (!is_string(channel)) {
        return -1;
    }
    out->channel = take_text(channel, &scratch);
    if (out->kind == PUSHER_UNSUBSCRIBE) {
        return 0;
    }
    if (!is_null(auth)) {
        if (!is_string(auth)) {
            return -1;
        }
        out->auth = take_text(auth, &scratch);
    }
    if (!is_null(channel_data)) {
        if (!is_string(channel_data)) {
            return -1;
        }
        out->channel_data = take_text(channel_data, &scratch);
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
static int read_signin(struct slice data, char *scratch, struct pusher_message *out)
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
    if (!is_string(auth) || !is_string(user_data)) {
        return -1;
    }
    out->auth = take_text(auth, &scratch);
    out->user_data = take_text(user_data, &scratch);
    return json_valid(out->user_data.p, out->user_data.len) ? 0 : -1;
}

static int read_pusher_event(struct slice data, char *scratch, struct pusher_message *out)
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
    data = take_object(data, &scratch);
    if (data.p == NULL) {
        return -1;
    }
    return out->kind == PUSHER_SIGNIN ? read_signin(data, scratch, out)
                                      : read_subscription(data, scratch, out);
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
    if (!is_string(event)) {
        return -1;
    }
    out->event = take_text(event, &scratch);
    if (slice_starts(out->event, "pusher:")) {
        return read_pusher_event(data, scratch, out);
    }
    if (!is_string(channel)) {
        return -1;
    }
    out->channel = take_text(channel, &scratch);
    if (slice_starts(out->event, "client-")) {
        out->kind = PUSHER_CLIENT_EVENT;
        out->data = data;
    }
    return 0;
}

/* A user id: any JSON scalar, as the text by which users are compared. */
static int read_id(struct slice raw, char *scratch, struct slice *id)
{
    if (is_null(raw)) {
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
static bool loses_digits(struct slice number)
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
static int read_member(struct slice id, struct slice info, char *scratch, struct pusher_member *out)
{
    *out = (struct pusher_member){.id_json = id, .info_json = info};
    if (read_id(id, scratch, &out->user_id) != 0) {
        return -1;
    }
    if (json_type(id) == JSON_NUMBER && loses_digits(id)) {
        scratch[0] = '"';
        memcpy(scratch + 1, id.p, id.len);
        scratch[id.len + 1] = '"';
        out->id_json = (struct slice){scratch, id.len + 2};
    }
    return 0;
}

int pusher_member_read(struct slice channel_data, char *scratch, struct pusher_member *out)
{
    struct slice key, value, id = {0}, info = {0};
    size_t cursor = 0;

    *out = (struct pusher_member){0};
    channel_data = json_trim(channel_data);
    if (channel_data.len == 0 || json_type(channel_data) != JSON_OBJECT) {
        return -1;
    }
    while (json_next(channel_data, &cursor, &key, &value)) {
        if (json_string_is(key, "user_id")) {
            id = value;
        } else if (json_string_is(key, "user_info")) {
            info = value;
        }
    }
    return read_member(id, info, scratch, out);
}

int pusher_user_read(struct slice user_data, char *scratch, struct slice *id)
{
    struct slice key, value, raw = {0};
    size_t cursor = 0;

    user_data = json_trim(user_data);
    if (user_data.len == 0 || json_type(user_data) != JSON_OBJECT) {
        return -1;
    }
    while (json_next(user_data, &cursor, &key, &value)) {
        if (json_string_is(key, "id")) {
            raw = value;
        }
    }
    return read_id(raw, scratch, id);
}

int pusher_watchlist_read(struct slice user_data, struct slice *list)
{
    struct slice key, value, raw = {0};
    size_t cursor = 0;

    user_data = json_trim(user_data);
    while (json_next(user_data, &cursor, &key, &value)) {
        if (json_string_is(key, "watchlist")) {
            raw = value;
        }
    }
    *list = (struct slice){0};
    if (is_null(raw)) {
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
    if (read_id(raw, scratch, id) != 0) {
        *id = (struct slice){0};
    }
    return true;
}

/* ---- writing ---- */

/*
 * Each function writes all of its message or nothing: `full` remembers that something did not fit,
 * and finish() then puts the buffer back to where it was.
 */
struct writer {
    struct buf *out;
    size_t mark;
    bool full;
};

static struct writer begin(struct buf *out)
{
    return (struct writer){.out = out, .mark = out->len};
}

static int finish(struct writer *w)
{
    if (w->full) {
        w->out->len = w->mark;
        return -1;
    }
    return 0;
}

/* Bytes as they are. */
static void put(struct writer *w, struct slice text)
{
    w->full = w->full || buf_append(w->out, text.p, text.len) != 0;
}

#define PUT(w, literal) put((w), SLICE(literal))

/* A quoted string. */
static void put_string(struct writer *w, struct slice text)
{
    w->full = w->full || json_write_string(w->out, text.p, text.len) != 0;
}

/* JSON inside the string that `data` is. */
static void put_inner(struct writer *w, struct slice json)
{
    w->full = w->full || json_write_part(w->out, json.p, json.len) != 0;
}

static void put_number(struct writer *w, uint32_t number)
{
    char digits[10];
    size_t i = sizeof(digits);

    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    put(w, (struct slice){digits + i, sizeof(digits) - i});
}

/* A plain text as a string inside the string that `data` is: escaped twice, a byte at a time, as
 * these are short. */
static void put_inner_string(struct writer *w, const char *text)
{
    PUT(w, "\\\"");
    for (; *text != '\0'; text++) {
        char escaped[8];
        struct buf once = {
            .data = (uint8_t *)escaped, .cap = sizeof(escaped), .max = sizeof(escaped)};

        w->full = w->full || json_write_part(&once, text, 1) != 0;
        put_inner(w, (struct slice){escaped, once.len});
    }
    PUT(w, "\\\"");
}

/* Behind data: closes the envelope with the channel. */
static int finish_channel(struct writer *w, struct slice channel)
{
    PUT(w, "\",\"channel\":");
    put_string(w, channel);
    PUT(w, "}");
    return finish(w);
}

int pusher_established(struct buf *out, struct slice socket_id, uint32_t activity_timeout)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":\\\"");
    put(&w, socket_id);
    PUT(&w, "\\\",\\\"activity_timeout\\\":");
    put_number(&w, activity_timeout);
    PUT(&w, "}\"}");
    return finish(&w);
}

int pusher_error(struct buf *out, int code, const char *message)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":\"pusher:error\",\"data\":{\"code\":");
    if (code > 0) {
        put_number(&w, (uint32_t)code);
    } else {
        PUT(&w, "null");
    }
    PUT(&w, ",\"message\":");
    put_string(&w, (struct slice){message, strlen(message)});
    PUT(&w, "}}");
    return finish(&w);
}

int pusher_ping(struct buf *out)
{
    return buf_text(out, "{\"event\":\"pusher:ping\"}");
}

int pusher_pong(struct buf *out)
{
    return buf_text(out, "{\"event\":\"pusher:pong\"}");
}

int pusher_subscribed(struct buf *out, struct slice channel)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{}");
    return finish_channel(&w, channel);
}

int pusher_subscription_error(struct buf *out, struct slice channel, const char *type,
                              const char *error, int status)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":\"pusher:subscription_error\",\"data\":\"{\\\"type\\\":");
    put_inner_string(&w, type);
    PUT(&w, ",\\\"error\\\":");
    put_inner_string(&w, error);
    PUT(&w, ",\\\"status\\\":");
    put_number(&w, (uint32_t)status);
    PUT(&w, "}");
    return finish_channel(&w, channel);
}

int pusher_member_added(struct buf *out, struct slice channel, const struct pusher_member *member)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":\"pusher_internal:member_added\",\"data\":\"{\\\"user_id\\\":");
    put_inner(&w, member->id_json);
    if (member->info_json.p != NULL) {
        PUT(&w, ",\\\"user_info\\\":");
        put_inner(&w, member->info_json);
    }
    PUT(&w, "}");
    return finish_channel(&w, channel);
}

int pusher_member_removed(struct buf *out, struct slice channel, struct slice id_json)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":\"pusher_internal:member_removed\",\"data\":\"{\\\"user_id\\\":");
    put_inner(&w, id_json);
    PUT(&w, "}");
    return finish_channel(&w, channel);
}

/* A member of an object needs a string for its name; an id that is one already goes in as it came.
 */
static void put_hash_key(struct writer *w, struct slice id_json)
{
    bool quoted = json_type(id_json) == JSON_STRING;

    if (!quoted) {
        PUT(w, "\\\"");
    }
    put_inner(w, id_json);
    if (!quoted) {
        PUT(w, "\\\"");
    }
}

int pusher_presence_subscribed(struct buf *out, struct slice channel,
                               const struct pusher_members *members)
{
    struct writer w = begin(out);
    struct pusher_member member;
    bool first = true;

    PUT(&w, "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{\\\"presence\\\":{"
            "\\\"count\\\":");
    put_number(&w, (uint32_t)members->count);
    PUT(&w, ",\\\"ids\\\":[");
    members->rewind(members->arg);
    while (!w.full && members->next(members->arg, &member)) {
        if (!first) {
            PUT(&w, ",");
        }
        put_inner(&w, member.id_json);
        first = false;
    }
    PUT(&w, "],\\\"hash\\\":{");
    members->rewind(members->arg);
    first = true;
    while (!w.full && members->next(members->arg, &member)) {
        if (!first) {
            PUT(&w, ",");
        }
        put_hash_key(&w, member.id_json);
        PUT(&w, ":");
        put_inner(&w, member.info_json.p != NULL ? member.info_json : SLICE("null"));
        first = false;
    }
    PUT(&w, "}}}");
    return finish_channel(&w, channel);
}

int pusher_event_head(struct buf *out, struct slice event, struct slice data)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":");
    put_string(&w, event);
    PUT(&w, ",\"data\":");
    put_string(&w, data);
    PUT(&w, ",\"channel\":");
    return finish(&w);
}

int pusher_event_tail(struct buf *out, struct slice channel)
{
    struct writer w = begin(out);

    put_string(&w, channel);
    PUT(&w, "}");
    return finish(&w);
}

int pusher_client_event(struct buf *out, struct slice event, struct slice channel,
                        struct slice data, struct slice user_id)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":");
    put_string(&w, event);
    PUT(&w, ",\"channel\":");
    put_string(&w, channel);
    if (data.p != NULL) {
        PUT(&w, ",\"data\":");
        if (json_type(data) == JSON_STRING) {
            put(&w, data);
        } else {
            put_string(&w, data);
        }
    }
    if (user_id.p != NULL) {
        PUT(&w, ",\"user_id\":");
        put_string(&w, user_id);
    }
    PUT(&w, "}");
    return finish(&w);
}

int pusher_cache_miss(struct buf *out, struct slice channel)
{
    struct writer w = begin(out);

    PUT(&w, "{\"event\":\"pusher:cache_miss\",\"data\":\"{}");
    return finish_channel(&w, channel);
}

int pusher_signed_in(struct buf *out, struct slice user_data)
{
    struct writer w = begin(out);

    struct buf quoted; /* text in a string in an object in a string */

    PUT(&w, "{\"event\":\"pusher:signin_success\",\"data\":\"{\\\"user_data\\\":");
    buf_init(&quoted, out->max);
    w.full = w.full || json_write_string(&quoted, user_data.p, user_data.len) != 0;
    put_inner(&w, (struct slice){(const char *)quoted.data, quoted.len});
    buf_free(&quoted);
    PUT(&w, "}\"}");
    return finish(&w);
}

int pusher_subscription_count(struct buf *out, struct slice channel, uint32_t count)
{
    struct writer w = begin(out);
    char text[16];
    int len = snprintf(text, sizeof(text), "%u", count);

    PUT(&w, "{\"event\":\"pusher_internal:subscription_count\",\"data\":\"{\\\"subscription_"
            "count\\\":");
    put(&w, (struct slice){text, (size_t)len});
    PUT(&w, "}");
    return finish_channel(&w, channel);
}

/* {"name":"online","user_ids":["1","2"]}, behind a comma unless it is the first. */
static bool write_watched(struct buf *out, bool *first, const char *name, const struct slice *ids,
                          size_t n)
{
    if (n == 0) {
        return true;
    }
    bool fits = buf_printf(out, "%s{\"name\":\"%s\",\"user_ids\":[", *first ? "" : ",", name) == 0;
    *first = false;
    for (size_t i = 0; fits && i < n; i++) {
        fits = (i == 0 || buf_text(out, ",") == 0) &&
               json_write_string(out, ids[i].p, ids[i].len) == 0;
    }
    return fits && buf_text(out, "]}") == 0;
}

int pusher_watchlist_events(struct buf *out, const struct slice *online, size_t nonline,
                            const struct slice *offline, size_t noffline)
{
    struct writer w = begin(out);
    struct buf events;
    bool first = true;

    PUT(&w, "{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[");
    buf_init(&events, out->max);
    w.full = w.full || !write_watched(&events, &first, "online", online, nonline) ||
             !write_watched(&events, &first, "offline", offline, noffline);
    put_inner(&w, (struct slice){(const char *)events.data, events.len});
    buf_free(&events);
    PUT(&w, "]}\"}");
    return finish(&w);
}
