#include "proto/pusher.h"

#include <stdio.h>

#include "proto/json.h"

/*
 * Each function writes all of its message or nothing: `full` remembers that something did not fit,
 * and pusher_finish() then puts the buffer back to where it was.
 */
struct writer {
    struct buf *out;
    size_t mark;
    bool full;
};

static struct writer pusher_begin(struct buf *out)
{
    return (struct writer){.out = out, .mark = out->len};
}

static int pusher_finish(struct writer *w)
{
    if (w->full) {
        w->out->len = w->mark;
        return -1;
    }
    return 0;
}

/* Bytes as they are. */
static void pusher_put(struct writer *w, struct slice text)
{
    w->full = w->full || buf_append(w->out, text.p, text.len) != 0;
}

#define PUT(w, literal) pusher_put((w), SLICE(literal))

/* A quoted string. */
static void pusher_put_string(struct writer *w, struct slice text)
{
    w->full = w->full || json_write_string(w->out, text.p, text.len) != 0;
}

/* JSON inside the string that `data` is. */
static void pusher_put_inner(struct writer *w, struct slice json)
{
    w->full = w->full || json_write_part(w->out, json.p, json.len) != 0;
}

static void pusher_put_number(struct writer *w, uint32_t number)
{
    char digits[10];
    size_t i = sizeof(digits);

    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    pusher_put(w, (struct slice){digits + i, sizeof(digits) - i});
}

/* A plain text as a string inside the string that `data` is: escaped twice, a byte at a time, as
 * these are short. */
static void pusher_put_inner_string(struct writer *w, const char *text)
{
    PUT(w, "\\\"");
    for (; *text != '\0'; text++) {
        char escaped[8];
        struct buf once = {
            .data = (uint8_t *)escaped, .cap = sizeof(escaped), .max = sizeof(escaped)};

        w->full = w->full || json_write_part(&once, text, 1) != 0;
        pusher_put_inner(w, (struct slice){escaped, once.len});
    }
    PUT(w, "\\\"");
}

/* Behind data: closes the envelope with the channel. */
static int pusher_finish_channel(struct writer *w, struct slice channel)
{
    PUT(w, "\",\"channel\":");
    pusher_put_string(w, channel);
    PUT(w, "}");
    return pusher_finish(w);
}

int pusher_established(struct buf *out, struct slice socket_id, uint32_t activity_timeout)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":\\\"");
    pusher_put(&w, socket_id);
    PUT(&w, "\\\",\\\"activity_timeout\\\":");
    pusher_put_number(&w, activity_timeout);
    PUT(&w, "}\"}");
    return pusher_finish(&w);
}

int pusher_error(struct buf *out, int code, const char *message)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":\"pusher:error\",\"data\":{\"code\":");
    if (code > 0) {
        pusher_put_number(&w, (uint32_t)code);
    } else {
        PUT(&w, "null");
    }
    PUT(&w, ",\"message\":");
    pusher_put_string(&w, (struct slice){message, strlen(message)});
    PUT(&w, "}}");
    return pusher_finish(&w);
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
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{}");
    return pusher_finish_channel(&w, channel);
}

int pusher_subscription_error(struct buf *out, struct slice channel, const char *type,
                              const char *error, int status)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":\"pusher:subscription_error\",\"data\":\"{\\\"type\\\":");
    pusher_put_inner_string(&w, type);
    PUT(&w, ",\\\"error\\\":");
    pusher_put_inner_string(&w, error);
    PUT(&w, ",\\\"status\\\":");
    pusher_put_number(&w, (uint32_t)status);
    PUT(&w, "}");
    return pusher_finish_channel(&w, channel);
}

int pusher_member_added(struct buf *out, struct slice channel, const struct pusher_member *member)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":\"pusher_internal:member_added\",\"data\":\"{\\\"user_id\\\":");
    pusher_put_inner(&w, member->id_json);
    if (member->info_json.p != NULL) {
        PUT(&w, ",\\\"user_info\\\":");
        pusher_put_inner(&w, member->info_json);
    }
    PUT(&w, "}");
    return pusher_finish_channel(&w, channel);
}

int pusher_member_removed(struct buf *out, struct slice channel, struct slice id_json)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":\"pusher_internal:member_removed\",\"data\":\"{\\\"user_id\\\":");
    pusher_put_inner(&w, id_json);
    PUT(&w, "}");
    return pusher_finish_channel(&w, channel);
}

/* A member of an object needs a string for its name; an id that is one already goes in as it came.
 */
static void pusher_put_hash_key(struct writer *w, struct slice id_json)
{
    bool quoted = json_type(id_json) == JSON_STRING;

    if (!quoted) {
        PUT(w, "\\\"");
    }
    pusher_put_inner(w, id_json);
    if (!quoted) {
        PUT(w, "\\\"");
    }
}

int pusher_presence_subscribed(struct buf *out, struct slice channel,
                               const struct pusher_members *members)
{
    struct writer w = pusher_begin(out);
    struct pusher_member member;
    bool first = true;

    PUT(&w, "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{\\\"presence\\\":{"
            "\\\"count\\\":");
    pusher_put_number(&w, (uint32_t)members->count);
    PUT(&w, ",\\\"ids\\\":[");
    members->rewind(members->arg);
    while (!w.full && members->next(members->arg, &member)) {
        if (!first) {
            PUT(&w, ",");
        }
        pusher_put_inner(&w, member.id_json);
        first = false;
    }
    PUT(&w, "],\\\"hash\\\":{");
    members->rewind(members->arg);
    first = true;
    while (!w.full && members->next(members->arg, &member)) {
        if (!first) {
            PUT(&w, ",");
        }
        pusher_put_hash_key(&w, member.id_json);
        PUT(&w, ":");
        pusher_put_inner(&w, member.info_json.p != NULL ? member.info_json : SLICE("null"));
        first = false;
    }
    PUT(&w, "}}}");
    return pusher_finish_channel(&w, channel);
}

int pusher_event_head(struct buf *out, struct slice event, struct slice data)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":");
    pusher_put_string(&w, event);
    PUT(&w, ",\"data\":");
    pusher_put_string(&w, data);
    PUT(&w, ",\"channel\":");
    return pusher_finish(&w);
}

int pusher_event_tail(struct buf *out, struct slice channel)
{
    struct writer w = pusher_begin(out);

    pusher_put_string(&w, channel);
    PUT(&w, "}");
    return pusher_finish(&w);
}

int pusher_client_event(struct buf *out, struct slice event, struct slice channel,
                        struct slice data, struct slice user_id)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":");
    pusher_put_string(&w, event);
    PUT(&w, ",\"channel\":");
    pusher_put_string(&w, channel);
    if (data.p != NULL) {
        PUT(&w, ",\"data\":");
        if (json_type(data) == JSON_STRING) {
            pusher_put(&w, data);
        } else {
            pusher_put_string(&w, data);
        }
    }
    if (user_id.p != NULL) {
        PUT(&w, ",\"user_id\":");
        pusher_put_string(&w, user_id);
    }
    PUT(&w, "}");
    return pusher_finish(&w);
}

int pusher_cache_miss(struct buf *out, struct slice channel)
{
    struct writer w = pusher_begin(out);

    PUT(&w, "{\"event\":\"pusher:cache_miss\",\"data\":\"{}");
    return pusher_finish_channel(&w, channel);
}

int pusher_signed_in(struct buf *out, struct slice user_data)
{
    struct writer w = pusher_begin(out);

    struct buf quoted; /* text in a string in an object in a string */

    PUT(&w, "{\"event\":\"pusher:signin_success\",\"data\":\"{\\\"user_data\\\":");
    buf_init(&quoted, out->max);
    w.full = w.full || json_write_string(&quoted, user_data.p, user_data.len) != 0;
    pusher_put_inner(&w, (struct slice){(const char *)quoted.data, quoted.len});
    buf_free(&quoted);
    PUT(&w, "}\"}");
    return pusher_finish(&w);
}

int pusher_subscription_count(struct buf *out, struct slice channel, uint32_t count)
{
    struct writer w = pusher_begin(out);
    char text[16];
    int len = snprintf(text, sizeof(text), "%u", count);

    PUT(&w, "{\"event\":\"pusher_internal:subscription_count\",\"data\":\"{\\\"subscription_"
            "count\\\":");
    pusher_put(&w, (struct slice){text, (size_t)len});
    PUT(&w, "}");
    return pusher_finish_channel(&w, channel);
}

/* {"name":"online","user_ids":["1","2"]}, behind a comma unless it is the first. */
static bool pusher_write_watched(struct buf *out, bool *first, const char *name,
                                 const struct slice *ids, size_t n)
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
    struct writer w = pusher_begin(out);
    struct buf events;
    bool first = true;

    PUT(&w, "{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[");
    buf_init(&events, out->max);
    w.full = w.full || !pusher_write_watched(&events, &first, "online", online, nonline) ||
             !pusher_write_watched(&events, &first, "offline", offline, noffline);
    pusher_put_inner(&w, (struct slice){(const char *)events.data, events.len});
    buf_free(&events);
    PUT(&w, "]}\"}");
    return pusher_finish(&w);
}
