/* proto/pusher: what a client may send, and the exact text of everything that the server sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/json.h"
#include "proto/pusher.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct slice slice(const char *text)
{
    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

/* NULL stands for an absent slice. */
static bool same(struct slice s, const char *text)
{
    return text == NULL ? s.p == NULL : slice_is(s, text);
}

/* The text and the scratch space lie in blocks of exactly their size. */
struct reading {
    char *text, *scratch;
    struct pusher_message message;
    int rc;
};

static struct reading read_bytes(const char *text, size_t len)
{
    struct reading r = {.text = malloc(len + (len == 0)), .scratch = malloc(2 * len + (len == 0))};

    assert_non_null(r.text);
    assert_non_null(r.scratch);
    memcpy(r.text, text, len);
    r.rc = pusher_read(r.text, len, r.scratch, &r.message);
    return r;
}

static void done(struct reading *r)
{
    free(r->text);
    free(r->scratch);
}

struct sample {
    const char *text;
    enum pusher_kind kind;
    const char *event, *channel, *auth, *channel_data, *data;
};

#define SUBSCRIBE   "pusher:subscribe"
#define UNSUBSCRIBE "pusher:unsubscribe"

static const struct sample accepted[] = {
    /* heartbeat, whatever its data is */
    {"{\"event\":\"pusher:ping\",\"data\":[]}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL, NULL},
    {"{\"event\":\"pusher:pong\",\"data\":[]}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL, NULL},
    {"{\"event\":\"pusher:ping\",\"data\":5}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL, NULL},
    {"{\"event\":\"pusher:pong\",\"data\":5}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL, NULL},
    {"{\"event\":\"pusher:ping\",\"data\":true}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":true}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":[1]}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":[1]}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\"x\"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":\"x\"}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\"5\"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":\"5\"}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\" \"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":\" \"}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\"[]\"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":\"[]\"}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\"\\\"{}\\\"\"}", PUSHER_PING, "pusher:ping", NULL, NULL,
     NULL, NULL},
    {"{\"event\":\"pusher:pong\",\"data\":\"\\\"{}\\\"\"}", PUSHER_PONG, "pusher:pong", NULL, NULL,
     NULL, NULL},
    {"{\"event\":\"pusher:ping\",\"data\":null}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":null}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\"\"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\",\"data\":\"\"}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":{}}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL, NULL},
    {"{\"event\":\"pusher:ping\"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL, NULL},
    {" {\"data\":null,\"event\":\"pusher:ping\"}\n", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\"\"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:ping\",\"data\":\"{}\"}", PUSHER_PING, "pusher:ping", NULL, NULL, NULL,
     NULL},
    {"{\"event\":\"pusher:pong\"}", PUSHER_PONG, "pusher:pong", NULL, NULL, NULL, NULL},
    {"{\"event\":\"pusher:pong\",\"data\":{\"a\":[1]},\"channel\":5}", PUSHER_PONG, "pusher:pong",
     NULL, NULL, NULL, NULL},
    /* subscribe */
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}", PUSHER_SUBSCRIBE, SUBSCRIBE,
     "c", NULL, NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"auth\":\"\",\"channel\":\"c\"}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "c", "", NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"auth\":null,\"channel\":\"c\",\"channel_data\":"
     "null}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "c", NULL, NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"auth\":\"k:s\",\"channel\":\"\",\"channel_data\":"
     "\"\"}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "", "k:s", NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"presence-a\",\"auth\":\"k:s\","
     "\"channel_data\":\"{\\\"user_id\\\":1}\"}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "presence-a", "k:s", "{\"user_id\":1}", NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":\"5\"}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "c", NULL, "5", NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":\" {} \"}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "c", NULL, " {} ", NULL},
    /* data as a string that holds the object */
    {"{\"event\":\"pusher:subscribe\",\"data\":\"{\\\"channel\\\":\\\"c\\\"}\"}", PUSHER_SUBSCRIBE,
     SUBSCRIBE, "c", NULL, NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":\" {\\\"channel\\\" : \\\"c\\\" }\\n\"}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "c", NULL, NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":\"{\\\"channel\\\":\\\"\\\\u0063\\\",\\\"auth\\\":"
     "\\\"\\\\u006b:s\\\",\\\"channel_data\\\":\\\"{\\\\\\\"user_id\\\\\\\":"
     "\\\\\\\"\\\\u0031\\\\\\\"}\\\"}\"}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "c", "k:s", "{\"user_id\":\"1\"}", NULL},
    /* unicode escapes in names and values, repeated members, unknown ones */
    {"{\"\\u0065vent\":\"pusher\\u003asubscribe\",\"d\\u0061ta\":{\"ch\\u0061nnel\":"
     "\"\\u0063\\u00e9\"}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "c\xC3\xA9", NULL, NULL, NULL},
    {"{\"event\":5,\"data\":7,\"event\":\"pusher:subscribe\",\"data\":{\"channel\":[],\"channel\":"
     "\"a\",\"channel\":\"b\",\"auth\":[],\"auth\":\"x\"}}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "b", "x", NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"channel\":\"outer\",\"data\":{\"channel\":\"inner\",\"x\":{"
     "\"channel\":\"y\"}},\"z\":[{\"event\":1}]}",
     PUSHER_SUBSCRIBE, SUBSCRIBE, "inner", NULL, NULL, NULL},
    {"{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"a\\u0000b\"}}", PUSHER_SUBSCRIBE,
     SUBSCRIBE, NULL, NULL, NULL, NULL},
    /* unsubscribe looks at nothing but the channel */
    {"{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"c\",\"auth\":5,\"channel_data\":[]}"
     "}",
     PUSHER_UNSUBSCRIBE, UNSUBSCRIBE, "c", NULL, NULL, NULL},
    {"{\"event\":\"pusher:unsubscribe\",\"data\":\"{\\\"channel\\\":\\\"c\\\"}\"}",
     PUSHER_UNSUBSCRIBE, UNSUBSCRIBE, "c", NULL, NULL, NULL},
    /* client events keep their data byte for byte */
    {"{\"event\":\"client-a\",\"channel\":\"c\",\"data\":{ \"x\" : 1.0 ,\"\\u00e9\":[ ]}}",
     PUSHER_CLIENT_EVENT, "client-a", "c", NULL, NULL, "{ \"x\" : 1.0 ,\"\\u00e9\":[ ]}"},
    {"{\"event\":\"client-a\",\"channel\":\"c\",\"data\": \"t\\/x\" }", PUSHER_CLIENT_EVENT,
     "client-a", "c", NULL, NULL, "\"t\\/x\""},
    {"{\"event\":\"client-a\",\"channel\":\"c\",\"data\":12345678901234567890.10}",
     PUSHER_CLIENT_EVENT, "client-a", "c", NULL, NULL, "12345678901234567890.10"},
    {"{\"event\":\"client-a\",\"channel\":\"c\",\"data\":null}", PUSHER_CLIENT_EVENT, "client-a",
     "c", NULL, NULL, "null"},
    {"{\"event\":\"client-a\",\"channel\":\"c\",\"data\":false}", PUSHER_CLIENT_EVENT, "client-a",
     "c", NULL, NULL, "false"},
    {"{\"event\":\"client-a\",\"channel\":\"c\",\"data\":[]}", PUSHER_CLIENT_EVENT, "client-a", "c",
     NULL, NULL, "[]"},
    {"{\"event\":\"client-a\",\"channel\":\"c\",\"data\":1,\"data\":2}", PUSHER_CLIENT_EVENT,
     "client-a", "c", NULL, NULL, "2"},
    {"{\"event\":\"client-a\",\"channel\":\"c\"}", PUSHER_CLIENT_EVENT, "client-a", "c", NULL, NULL,
     NULL},
    {"{\"event\":\"client-\",\"channel\":\"\"}", PUSHER_CLIENT_EVENT, "client-", "", NULL, NULL,
     NULL},
    {"{\"event\":\"\\u0063lient-\\u00e9\",\"channel\":\"\\u0063\",\"data\":1,\"user_id\":\"9\"}",
     PUSHER_CLIENT_EVENT, "client-\xC3\xA9", "c", NULL, NULL, "1"},
    /* others are ignored when they name a channel */
    {"{\"event\":\"x\",\"channel\":\"c\",\"data\":5}", PUSHER_IGNORED, "x", "c", NULL, NULL, NULL},
    {"{\"event\":\"client\",\"channel\":\"c\"}", PUSHER_IGNORED, "client", "c", NULL, NULL, NULL},
    {"{\"event\":\"Client-a\",\"channel\":\"c\"}", PUSHER_IGNORED, "Client-a", "c", NULL, NULL,
     NULL},
    {"{\"event\":\"\",\"channel\":\"c\"}", PUSHER_IGNORED, "", "c", NULL, NULL, NULL},
    {"{\"event\":\"pusher_internal:member_added\",\"channel\":\"c\"}", PUSHER_IGNORED,
     "pusher_internal:member_added", "c", NULL, NULL, NULL},
    {"{\"event\":\"Pusher:ping\",\"channel\":\"c\"}", PUSHER_IGNORED, "Pusher:ping", "c", NULL,
     NULL, NULL},
};

static const char *const refused[] = {
    /* not JSON, not an object */
    "",
    " ",
    "hello",
    "{",
    "{\"event\":\"pusher:ping\"",
    "{\"event\":\"pusher:ping\"}}",
    "{\"event\":\"pusher:ping\",}",
    "{\"event\":\"pusher:p\xFFing\"}",
    "{\"event\":\"pusher:ping\",\"data\":\"\\uD800\"}",
    "{'event':'pusher:ping'}",
    "null",
    "5",
    "\"pusher:ping\"",
    "[]",
    "[{\"event\":\"pusher:ping\"}]",
    /* event */
    "{}",
    "{\"data\":{}}",
    "{\"event\":null}",
    "{\"event\":5}",
    "{\"event\":true,\"channel\":\"c\"}",
    "{\"event\":[\"pusher:ping\"]}",
    "{\"event\":{},\"channel\":\"c\"}",
    "{\"Event\":\"pusher:ping\"}",
    "{\"event \":\"pusher:ping\"}",
    "{\"event\":\"pusher:ping\",\"event\":null}",
    /* data of pusher: events */
    "{\"event\":\"pusher:subscribe\"}",
    "{\"event\":\"pusher:subscribe\",\"data\":null}",
    "{\"event\":\"pusher:subscribe\",\"data\":\"\"}",
    "{\"event\":\"pusher:subscribe\",\"data\":\"c\"}",
    "{\"event\":\"pusher:subscribe\",\"data\":\"{\"}",
    "{\"event\":\"pusher:subscribe\",\"data\":[]}",
    "{\"event\":\"pusher:subscribe\",\"data\":[\"channel\",\"c\"]}",
    "{\"event\":\"pusher:subscribe\",\"data\":5}",
    "{\"event\":\"pusher:subscribe\",\"channel\":\"c\"}",
    "{\"event\":\"pusher:unsubscribe\"}",
    "{\"event\":\"pusher:unsubscribe\",\"data\":\"x\"}",
    /* channel */
    "{\"event\":\"pusher:subscribe\",\"data\":{}}",
    "{\"event\":\"pusher:subscribe\",\"channel\":\"c\",\"data\":{}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":null}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":5}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":[]}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":{}}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel\":null}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"Channel\":\"c\"}}",
    "{\"event\":\"pusher:unsubscribe\",\"data\":{}}",
    "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":[\"c\"]}}",
    /* auth */
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"auth\":[]}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"auth\":{}}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"auth\":5}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"auth\":true}}",
    /* channel_data */
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":{}}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":[]}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":5}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":\"x\"}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":\" \"}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":\"{\"}}",
    "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"channel_data\":\"{\\\"a\\\":"
    "\\\"\\\\ud800\\\"}\"}}",
    /* unknown pusher: events */
    "{\"event\":\"pusher:\",\"channel\":\"c\"}",
    "{\"event\":\"pusher:signin\",\"data\":{}}",
    "{\"event\":\"pusher:subscribed\",\"data\":{\"channel\":\"c\"},\"channel\":\"c\"}",
    "{\"event\":\"pusher:Ping\"}",
    "{\"event\":\"pusher:ping\\u0000\"}",
    "{\"event\":\"pusher:error\",\"data\":{}}",
    /* client events, and events without a channel */
    "{\"event\":\"client-a\"}",
    "{\"event\":\"client-a\",\"data\":{}}",
    "{\"event\":\"client-a\",\"channel\":null,\"data\":{}}",
    "{\"event\":\"client-a\",\"channel\":5}",
    "{\"event\":\"client-a\",\"channel\":[\"c\"]}",
    "{\"event\":\"client-a\",\"data\":{\"channel\":\"c\"}}",
    "{\"event\":\"x\"}",
    "{\"event\":\"\"}",
    "{\"event\":\"x\",\"channel\":null}",
    "{\"event\":\"x\",\"channel\":1}",
    "{\"event\":\"pusher_internal:x\"}",
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const struct sample *s = &accepted[i];
        struct reading r = read_bytes(s->text, strlen(s->text));
        const struct pusher_message *m = &r.message;
        bool nul = strstr(s->text, "a\\u0000b") != NULL;

        if (r.rc != 0 || m->kind != s->kind || !same(m->event, s->event) ||
            !(nul ? m->channel.len == 3 && memcmp(m->channel.p, "a\0b", 3) == 0
                  : same(m->channel, s->channel)) ||
            !same(m->auth, s->auth) || !same(m->channel_data, s->channel_data) ||
            !same(m->data, s->data)) {
            fail_msg("sample %zu: %s", i, s->text);
        }
        done(&r);
    }
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct reading r = read_bytes(refused[i], strlen(refused[i]));
        if (r.rc != -1) {
            fail_msg("accepted: %s", refused[i]);
        }
        done(&r);
    }
}

/* A message cut short is never accepted, whatever it would have been. */
static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        size_t whole = strlen(accepted[i].text);

        while (accepted[i].text[whole - 1] == '\n') {
            whole--;
        }
        for (size_t len = 0; len < whole; len++) {
            struct reading r = read_bytes(accepted[i].text, len);
            assert_int_equal(r.rc, -1);
            done(&r);
        }
    }
}

/* Everything escaped twice over: the scratch space of 2 * len is enough, and it is needed. */
static void test_scratch(void **state)
{
    char text[512], channel[64] = "", *p = text;

    (void)state;
    p += snprintf(p, sizeof(text),
                  "{\"event\":\"\\u0070usher:subscribe\",\"data\":\"{\\\"channel\\\":\\\"");
    for (int i = 0; i < 40; i++) {
        p += snprintf(p, 16, "\\\\u00%02x", 'A' + i % 26);
        channel[i] = (char)('A' + i % 26);
    }
    snprintf(p, 8, "\\\"}\"}");
    struct reading r = read_bytes(text, strlen(text));
    assert_int_equal(r.rc, 0);
    assert_true(same(r.message.event, SUBSCRIBE));
    assert_true(same(r.message.channel, channel));
    done(&r);
}

static void test_depth(void **state)
{
    char text[512];

    (void)state;
    for (size_t depth = 62; depth <= 65; depth++) {
        size_t len = (size_t)snprintf(text, sizeof(text),
                                      "{\"event\":\"client-a\",\"channel\":\"c\",\"data\":");
        memset(text + len, '[', depth);
        memset(text + len + depth, ']', depth);
        len += 2 * depth;
        text[len++] = '}';
        struct reading r = read_bytes(text, len);
        assert_int_equal(r.rc, depth + 1 <= JSON_MAX_DEPTH ? 0 : -1);
        assert_true(r.rc != 0 || r.message.data.len == 2 * depth);
        done(&r);
    }
}

static void test_member(void **state)
{
    static const struct {
        const char *text;
        const char *user_id, *id_json, *info; /* user_id NULL: refused */
    } cases[] = {
        {"{\"user_id\":\"1\",\"user_info\":{\"name\":\"A\"}}", "1", "\"1\"", "{\"name\":\"A\"}"},
        {"{\"user_id\":1}", "1", "1", NULL},
        {"{\"user_id\":0}", "0", "0", NULL},
        {"{\"user_id\":\"0\"}", "0", "\"0\"", NULL},
        {"{\"user_id\":1.5}", "1.5", "1.5", NULL},
        {"{\"user_id\":-7}", "-7", "-7", NULL},
        {"{\"user_id\":true}", "true", "true", NULL},
        {"{\"user_id\":false}", "false", "false", NULL},
        {" {\"user_info\": [] , \"user_id\" : \"\\u0061\\\"b\" } ", "a\"b", "\"\\u0061\\\"b\"",
         "[]"},
        {"{\"user_id\":\"1\",\"user_info\":null}", "1", "\"1\"", "null"},
        {"{\"user_id\":\"1\",\"user_info\":\"\"}", "1", "\"1\"", "\"\""},
        {"{\"user_id\":null,\"user_id\":2,\"user_info\":1,\"user_info\":{ \"a\":1.0 }}", "2", "2",
         "{ \"a\":1.0 }"},
        {"{\"user\\u005fid\":3,\"other\":{\"user_id\":4}}", "3", "3", NULL},
        /* an integer that a double does not hold is told as a string */
        {"{\"user_id\":9007199254740992}", "9007199254740992", "9007199254740992", NULL},
        {"{\"user_id\":9007199254740993}", "9007199254740993", "\"9007199254740993\"", NULL},
        {"{\"user_id\":-9007199254740992}", "-9007199254740992", "-9007199254740992", NULL},
        {"{\"user_id\":-9007199254740993}", "-9007199254740993", "\"-9007199254740993\"", NULL},
        {"{\"user_id\":12345678901234567890,\"user_info\":1}", "12345678901234567890",
         "\"12345678901234567890\"", "1"},
        {"{\"user_id\":\"12345678901234567890\"}", "12345678901234567890",
         "\"12345678901234567890\"", NULL},
        {"{\"user_id\":12345678901234567890.5}", "12345678901234567890.5", "12345678901234567890.5",
         NULL},
        {"{\"user_id\":1e30}", "1e30", "1e30", NULL},
        {"{}", NULL, NULL, NULL},
        {"{\"user_id\":null}", NULL, NULL, NULL},
        {"{\"user_id\":\"\"}", NULL, NULL, NULL},
        {"{\"user_id\":{}}", NULL, NULL, NULL},
        {"{\"user_id\":[]}", NULL, NULL, NULL},
        {"{\"user_id\":[1]}", NULL, NULL, NULL},
        {"{\"user_info\":{\"user_id\":1}}", NULL, NULL, NULL},
        {"{\"User_id\":1}", NULL, NULL, NULL},
        {"[]", NULL, NULL, NULL},
        {"[1]", NULL, NULL, NULL},
        {"\"1\"", NULL, NULL, NULL},
        {"1", NULL, NULL, NULL},
        {"null", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice text = slice(cases[i].text);
        char *scratch = malloc(text.len + 1);
        struct pusher_member member;

        assert_non_null(scratch);
        assert_true(text.p == NULL || json_valid(text.p, text.len));
        int rc = pusher_member_read(text, scratch, &member);
        if (rc != (cases[i].user_id != NULL ? 0 : -1) ||
            (rc == 0 &&
             (!same(member.user_id, cases[i].user_id) || !same(member.id_json, cases[i].id_json) ||
              !same(member.info_json, cases[i].info)))) {
            fail_msg("case %zu: %s", i, cases[i].text != NULL ? cases[i].text : "nothing");
        }
        free(scratch);
    }
}

/* The id of a sign-in goes by another name, and all else is as in channel_data. */
static void test_user(void **state)
{
    static const struct {
        const char *text;
        const char *user_id, *id_json, *info; /* user_id NULL: refused */
    } cases[] = {
        {"{\"id\":\"7\",\"user_info\":{\"n\":1.0},\"watchlist\":[]}", "7", "\"7\"", "{\"n\":1.0}"},
        {"{\"id\":7,\"user_id\":8}", "7", "7", NULL},
        {"{\"id\":9007199254740993}", "9007199254740993", "\"9007199254740993\"", NULL},
        {" {\"id\":\"\\u0061\"} ", "a", "\"\\u0061\"", NULL},
        {"{\"user_id\":8}", NULL, NULL, NULL},
        {"{\"id\":\"\"}", NULL, NULL, NULL},
        {"{\"id\":{}}", NULL, NULL, NULL},
        {"{\"id\":null}", NULL, NULL, NULL},
        {"[]", NULL, NULL, NULL},
        {"7", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice text = slice(cases[i].text), id;
        char *scratch = malloc(text.len);
        struct pusher_member member;

        assert_non_null(scratch);
        assert_int_equal(pusher_user_read(text, scratch, &id), cases[i].user_id != NULL ? 0 : -1);
        assert_true(cases[i].user_id == NULL || same(id, cases[i].user_id));
        int rc = pusher_user_member_read(text, scratch, &member);
        if (rc != (cases[i].user_id != NULL ? 0 : -1) ||
            (rc == 0 &&
             (!same(member.user_id, cases[i].user_id) || !same(member.id_json, cases[i].id_json) ||
              !same(member.info_json, cases[i].info)))) {
            fail_msg("case %zu: %s", i, cases[i].text);
        }
        free(scratch);
    }
}

/* ---- writers: each is called into a buffer with too little room first ---- */

static struct slice event_of, channel_of, data_of, user_of;
static struct pusher_member member_of;

struct list {
    const struct pusher_member *members;
    size_t count, at, rewinds;
};

static void list_rewind(void *arg)
{
    struct list *list = arg;
    list->at = 0;
    list->rewinds++;
}

static bool list_next(void *arg, struct pusher_member *out)
{
    struct list *list = arg;
    if (list->at == list->count) {
        return false;
    }
    *out = list->members[list->at++];
    return true;
}

static struct list list_of;

static int write_established(struct buf *out)
{
    return pusher_established(out, slice("123.456"), 30);
}

static int write_error(struct buf *out)
{
    return pusher_error(out, 4009, "Connection is unauthorized");
}

static int write_error_without_code(struct buf *out)
{
    return pusher_error(out, 0, "a \"quoted\" \\ text\n\x01");
}

static int write_subscribed(struct buf *out)
{
    return pusher_subscribed(out, channel_of);
}

static int write_cache_miss(struct buf *out)
{
    return pusher_cache_miss(out, channel_of);
}

static int write_subscription_error(struct buf *out)
{
    return pusher_subscription_error(out, channel_of, "AuthError", "no \"access\"", 401);
}

static int write_member_added(struct buf *out)
{
    return pusher_member_added(out, channel_of, &member_of);
}

static int write_member_removed(struct buf *out)
{
    return pusher_member_removed(out, channel_of, member_of.id_json);
}

static int write_presence(struct buf *out)
{
    const struct pusher_members members = {&list_of, list_of.count, list_rewind, list_next};
    return pusher_presence_subscribed(out, channel_of, &members);
}

static int write_event(struct buf *out)
{
    size_t mark = out->len;
    if (pusher_event_head(out, event_of, data_of) != 0) {
        return -1;
    }
    if (pusher_event_tail(out, channel_of) != 0) {
        out->len = mark;
        return -1;
    }
    return 0;
}

static int write_client_event(struct buf *out)
{
    return pusher_client_event(out, event_of, channel_of, data_of, user_of);
}

static void expect(int (*write)(struct buf *), const char *wanted)
{
    size_t len = strlen(wanted);
    struct buf out;

    for (size_t max = 1; max <= len; max++) { /* one byte is taken by what was there before */
        buf_init(&out, max);
        assert_int_equal(buf_text(&out, "<"), 0);
        assert_int_equal(write(&out), -1);
        assert_int_equal(out.len, 1);
        assert_int_equal(out.data[0], '<');
        buf_free(&out);
    }
    buf_init(&out, len);
    assert_int_equal(write(&out), 0);
    if (out.len != len || memcmp(out.data, wanted, len) != 0) {
        fail_msg("%.*s\ninstead of\n%s", (int)out.len, out.data, wanted);
    }
    assert_true(json_valid(wanted, len));
    buf_free(&out);
}

static void test_system_messages(void **state)
{
    (void)state;
    expect(write_established,
           "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":"
           "\\\"123.456\\\",\\\"activity_timeout\\\":30}\"}");
    expect(write_error, "{\"event\":\"pusher:error\",\"data\":{\"code\":4009,\"message\":"
                        "\"Connection is unauthorized\"}}");
    expect(write_error_without_code, "{\"event\":\"pusher:error\",\"data\":{\"code\":null,"
                                     "\"message\":\"a \\\"quoted\\\" \\\\ text\\n\\u0001\"}}");
    expect(pusher_ping, "{\"event\":\"pusher:ping\"}");
    expect(pusher_pong, "{\"event\":\"pusher:pong\"}");
    channel_of = slice("private-a");
    expect(write_subscribed,
           "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{}\","
           "\"channel\":\"private-a\"}");
    expect(write_cache_miss,
           "{\"event\":\"pusher:cache_miss\",\"data\":\"{}\",\"channel\":\"private-a\"}");
    expect(write_subscription_error,
           "{\"event\":\"pusher:subscription_error\",\"data\":\"{\\\"type\\\":\\\"AuthError\\\","
           "\\\"error\\\":\\\"no "
           "\\\\\\\"access\\\\\\\"\\\",\\\"status\\\":401}\",\"channel\":\"private-a\"}");
    channel_of = slice("bad \"name\"\n"); /* refused names are named in the refusal */
    expect(write_subscription_error,
           "{\"event\":\"pusher:subscription_error\",\"data\":\"{\\\"type\\\":\\\"AuthError\\\","
           "\\\"error\\\":\\\"no \\\\\\\"access\\\\\\\"\\\",\\\"status\\\":401}\","
           "\"channel\":\"bad \\\"name\\\"\\n\"}");
}

static void test_presence(void **state)
{
    static const struct pusher_member members[] = {
        {{"0", 1}, {"0", 1}, {"{\"name\":\"A\"}", 12}},
        {{"a\"b", 3}, {"\"a\\\"b\"", 6}, {NULL, 0}},
        {{"1.5", 3}, {"1.5", 3}, {"[]", 2}},
        {{"true", 4}, {"true", 4}, {"\"x\"", 3}},
    };

    (void)state;
    channel_of = slice("presence-r");
    member_of = members[0];
    expect(write_member_added,
           "{\"event\":\"pusher_internal:member_added\",\"data\":\"{\\\"user_id\\\":0,"
           "\\\"user_info\\\":{\\\"name\\\":\\\"A\\\"}}\",\"channel\":\"presence-r\"}");
    expect(write_member_removed, "{\"event\":\"pusher_internal:member_removed\",\"data\":"
                                 "\"{\\\"user_id\\\":0}\",\"channel\":\"presence-r\"}");
    member_of = members[1];
    expect(write_member_added,
           "{\"event\":\"pusher_internal:member_added\",\"data\":\"{\\\"user_id\\\":"
           "\\\"a\\\\\\\"b\\\"}\",\"channel\":\"presence-r\"}");
    list_of = (struct list){.members = members, .count = COUNT(members)};
    expect(write_presence, "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{"
                           "\\\"presence\\\":{\\\"count\\\":4,"
                           "\\\"ids\\\":[0,\\\"a\\\\\\\"b\\\",1.5,true],\\\"hash\\\":{\\\"0\\\":{"
                           "\\\"name\\\":\\\"A\\\"},"
                           "\\\"a\\\\\\\"b\\\":null,\\\"1.5\\\":[],\\\"true\\\":\\\"x\\\"}}}\","
                           "\"channel\":\"presence-r\"}");
    list_of = (struct list){.members = members, .count = 0};
    expect(write_presence,
           "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{\\\"presence\\\":"
           "{\\\"count\\\":0,\\\"ids\\\":[],\\\"hash\\\":{}}}\",\"channel\":\"presence-r\"}");
}

static void test_events(void **state)
{
    (void)state;
    event_of = slice("App\\Events\\X");
    channel_of = slice("c");
    data_of = slice("{\"foo\":\"b\xC3\xA4r/\"}");
    expect(write_event,
           "{\"event\":\"App\\\\Events\\\\X\",\"data\":\"{\\\"foo\\\":\\\"b\xC3\xA4r/\\\"}\","
           "\"channel\":\"c\"}");
    event_of = slice("e");
    data_of = slice("plain \"text\"\t");
    channel_of = slice("#server-to-user-\"\xC3\xA9");
    expect(write_event, "{\"event\":\"e\",\"data\":\"plain \\\"text\\\"\\t\","
                        "\"channel\":\"#server-to-user-\\\"\xC3\xA9\"}");
    data_of = slice("");
    channel_of = slice("c");
    expect(write_event, "{\"event\":\"e\",\"data\":\"\",\"channel\":\"c\"}");
}

static void test_client_event(void **state)
{
    (void)state;
    event_of = slice("client-\"\\");
    channel_of = slice("presence-r");
    data_of = slice("{}");
    user_of = slice("a\"1");
    expect(write_client_event, "{\"event\":\"client-\\\"\\\\\",\"channel\":\"presence-r\",\"data\":"
                               "\"{}\",\"user_id\":\"a\\\"1\"}");
    event_of = slice("client-a");
    user_of = slice(NULL);
    /* a string as it came, anything else as its own bytes in a string, nothing as nothing */
    data_of = slice("{ \"x\" : 1.0,\"\\u00e9\\/\":{}}");
    expect(write_client_event, "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"{ "
                               "\\\"x\\\" : 1.0,\\\"\\\\u00e9\\\\/\\\":{}}\"}");
    data_of = slice("\"a \\u00e9\\/\\n\"");
    expect(write_client_event,
           "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"a \\u00e9\\/\\n\"}");
    data_of = slice("\"\"");
    expect(write_client_event, "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"\"}");
    data_of = slice("\"5\"");
    expect(write_client_event,
           "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"5\"}");
    data_of = slice("5");
    expect(write_client_event,
           "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"5\"}");
    data_of = slice("12345678901234567890.10");
    expect(
        write_client_event,
        "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"12345678901234567890.10\"}");
    data_of = slice("null");
    expect(write_client_event,
           "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"null\"}");
    data_of = slice("false");
    expect(write_client_event,
           "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"false\"}");
    data_of = slice("[]");
    expect(write_client_event,
           "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"[]\"}");
    data_of = slice("{\"a\":\n\t\"\\\\\"}");
    expect(write_client_event, "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"data\":\"{"
                               "\\\"a\\\":\\n\\t\\\"\\\\\\\\\\\"}\"}");
    data_of = slice(NULL);
    expect(write_client_event, "{\"event\":\"client-a\",\"channel\":\"presence-r\"}");
    user_of = slice("");
    expect(write_client_event,
           "{\"event\":\"client-a\",\"channel\":\"presence-r\",\"user_id\":\"\"}");
}

static int write_watchlist(struct buf *out)
{
    const struct slice online[] = {SLICE("1"), SLICE("a \"b\" \xC3\xA9")}, offline[] = {SLICE("2")};
    return pusher_watchlist_events(out, online, 2, offline, 1);
}

static int write_offline(struct buf *out)
{
    const struct slice offline[] = {SLICE("2")};
    return pusher_watchlist_events(out, NULL, 0, offline, 1);
}

static void test_watchlist(void **state)
{
    (void)state;
    char scratch[64];
    struct slice list, id;
    size_t cursor = 0;
    const char *wanted[] = {"1", "a\"b", "3", "", ""};

    assert_int_equal(pusher_watchlist_read(SLICE("{\"id\":\"1\"}"), &list), 0);
    assert_null(list.p);
    assert_int_equal(pusher_watchlist_read(SLICE("{\"watchlist\":null}"), &list), 0);
    assert_null(list.p);
    assert_int_equal(pusher_watchlist_read(SLICE("{\"watchlist\":{}}"), &list), -1);
    for (const char *const *p = (const char *const[]){"", "[]", "[1]", "\"x\"", "5", "null", NULL};
         *p != NULL; p++) {
        assert_int_equal(pusher_watchlist_read(slice(*p), &list), -1);
        assert_null(list.p);
    }
    assert_int_equal(
        pusher_watchlist_read(SLICE(" {\"watchlist\": [\"1\",\"a\\\"b\",3,[],\"\"],\"id\":\"1\"} "),
                              &list),
        0);
    for (size_t i = 0; i < 5; i++) {
        assert_true(pusher_watchlist_next(list, &cursor, scratch, &id));
        assert_int_equal(id.len, strlen(wanted[i]));
        assert_memory_equal(id.p == NULL ? "" : id.p, wanted[i], id.len);
    }
    assert_false(pusher_watchlist_next(list, &cursor, scratch, &id));
    expect(
        write_watchlist,
        "{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[{\\\"name\\\":"
        "\\\"online\\\",\\\"user_ids\\\":[\\\"1\\\",\\\"a \\\\\\\"b\\\\\\\" \xC3\xA9\\\"]},"
        "{\\\"name\\\":\\\"offline\\\",\\\"user_ids\\\":[\\\"2\\\"]}]}\"}");
    expect(write_offline,
           "{\"event\":\"pusher_internal:watchlist_events\",\"data\":\"{\\\"events\\\":[{"
           "\\\"name\\\":\\\"offline\\\",\\\"user_ids\\\":[\\\"2\\\"]}]}\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_prefixes),        cmocka_unit_test(test_scratch),
        cmocka_unit_test(test_depth),           cmocka_unit_test(test_member),
        cmocka_unit_test(test_system_messages), cmocka_unit_test(test_presence),
        cmocka_unit_test(test_events),          cmocka_unit_test(test_client_event),
        cmocka_unit_test(test_watchlist),       cmocka_unit_test(test_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
