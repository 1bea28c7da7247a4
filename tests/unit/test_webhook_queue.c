/* links/webhook_queue with a clock of its own: delays, who returns in time, counts, batches,
 * retries and their end, bounds. And proto/webhook: the JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "links/webhook_queue.h"
#include "proto/webhook.h"

#define ALL ((1u << ANNOUNCE_KINDS) - 1)

static uint64_t now; /* the wall clock is an hour ahead */

static uint64_t wall(void)
{
    return now + 3600000;
}

static struct slice text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

static uint64_t add(struct hook_queue *queue, enum announce_kind kind, const char *channel,
                    const char *user)
{
    struct announcement what = {.kind = kind, .channel = text(channel)};
    if (user != NULL) {
        what.user_id = text(user);
    }
    return hook_queue_add(queue, &what, now);
}

static uint64_t add_count(struct hook_queue *queue, const char *channel, uint32_t before,
                          uint32_t count)
{
    struct announcement what = {
        .kind = ANNOUNCE_COUNT, .channel = text(channel), .before = before, .count = count};
    return hook_queue_add(queue, &what, now);
}

/* The body that is due by `now`, NULL: none. */
static const char *taken(struct hook_queue *queue)
{
    static char body[1 << 20];
    assert_int_equal(hook_queue_tick(queue, now), 0);
    if (!hook_queue_take(queue, now, wall())) {
        return NULL;
    }
    assert_true(queue->body.len < sizeof(body));
    memcpy(body, queue->body.data, queue->body.len);
    body[queue->body.len] = '\0';
    return body;
}

/* The events alone. */
static const char *events(struct hook_queue *queue)
{
    const char *body = taken(queue);
    return body != NULL ? strchr(body, '[') : NULL;
}

/* Goes from due to due until a batch is there, and delivers it. */
static const char *next_events(struct hook_queue *queue)
{
    for (;;) {
        uint64_t due = hook_queue_due(queue);
        if (due == HOOK_NEVER) {
            return NULL;
        }
        now = due > now ? due : now;
        const char *got = events(queue);
        if (got != NULL) {
            assert_int_equal(hook_queue_done(queue, true, now), 0);
            return got;
        }
    }
}

static int setup(void **state)
{
    (void)state;
    now = 1000000;
    return 0;
}

static void test_ready_gathers(void **state)
{
    struct hook_queue queue;
    (void)state;
    hook_queue_init(&queue, 100, ALL);
    assert_int_equal(hook_queue_due(&queue), HOOK_NEVER);
    add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    assert_int_equal(hook_queue_due(&queue), now + HOOK_GATHER_MS);
    assert_null(taken(&queue));
    now += HOOK_GATHER_MS - 1;
    add(&queue, ANNOUNCE_MEMBER_ADDED, "presence-b", "7");
    assert_null(taken(&queue));
    now++;
    assert_int_equal(hook_queue_due(&queue), now);
    /* time_ms is when they are sent */
    assert_string_equal(
        taken(&queue),
        "{\"time_ms\":4600050,\"events\":["
        "{\"name\":\"channel_occupied\",\"channel\":\"a\"},"
        "{\"name\":\"member_added\",\"channel\":\"presence-b\",\"user_id\":\"7\"}]}");
    /* one at a time */
    add(&queue, ANNOUNCE_CACHE_MISS, "cache-c", NULL);
    now += 1000;
    assert_int_equal(hook_queue_due(&queue), HOOK_NEVER);
    assert_null(taken(&queue));
    assert_int_equal(hook_queue_waiting(&queue), 3);
    assert_int_equal(hook_queue_done(&queue, true, now), 0);
    assert_int_equal(hook_queue_waiting(&queue), 1);
    assert_string_equal(events(&queue), "[{\"name\":\"cache_miss\",\"channel\":\"cache-c\"}]}");
    hook_queue_free(&queue);
}

static void test_who_returns_in_time(void **state)
{
    struct hook_queue queue;
    (void)state;
    hook_queue_init(&queue, 100, ALL);
    add(&queue, ANNOUNCE_VACATED, "a", NULL);
    add(&queue, ANNOUNCE_MEMBER_REMOVED, "a", "1");
    add(&queue, ANNOUNCE_MEMBER_REMOVED, "a", "2");
    assert_int_equal(hook_queue_due(&queue), now + HOOK_DELAY_MS);
    now += HOOK_DELAY_MS - 1;
    assert_null(taken(&queue));
    add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    add(&queue, ANNOUNCE_MEMBER_ADDED, "a", "2");
    assert_string_equal(next_events(&queue),
                        "[{\"name\":\"member_removed\",\"channel\":\"a\",\"user_id\":\"1\"}]}");
    assert_null(next_events(&queue));
    assert_int_equal(hook_queue_waiting(&queue), 0);

    /* and who comes a moment too late causes both, in order, even if the clock was looked at late
     */
    add(&queue, ANNOUNCE_VACATED, "a", NULL);
    now += HOOK_DELAY_MS;
    add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    assert_string_equal(next_events(&queue), "[{\"name\":\"channel_vacated\",\"channel\":\"a\"},"
                                             "{\"name\":\"channel_occupied\",\"channel\":\"a\"}]}");
    /* again and again */
    for (int i = 0; i < 5; i++) {
        add(&queue, ANNOUNCE_VACATED, "a", NULL);
        now += 2000;
        add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    }
    assert_null(next_events(&queue));
    hook_queue_free(&queue);
}

/* What is not sent is still known: only a channel that was vacated for good is occupied anew. */
static void test_filter(void **state)
{
    struct hook_queue queue;
    unsigned int sends = ANNOUNCE_BIT(ANNOUNCE_OCCUPIED);
    (void)state;
    assert_int_equal(hook_queue_needs(sends), sends | ANNOUNCE_BIT(ANNOUNCE_VACATED));
    assert_int_equal(hook_queue_needs(ANNOUNCE_BIT(ANNOUNCE_MEMBER_REMOVED)),
                     ANNOUNCE_BIT(ANNOUNCE_MEMBER_REMOVED) | ANNOUNCE_BIT(ANNOUNCE_MEMBER_ADDED));
    assert_int_equal(hook_queue_needs(ANNOUNCE_BIT(ANNOUNCE_COUNT)), ANNOUNCE_BIT(ANNOUNCE_COUNT));
    assert_int_equal(hook_queue_needs(0), 0);
    hook_queue_init(&queue, 100, sends);
    add(&queue, ANNOUNCE_VACATED, "a", NULL);
    assert_int_equal(hook_queue_waiting(&queue), 0);
    add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    assert_null(next_events(&queue));
    add(&queue, ANNOUNCE_VACATED, "a", NULL);
    now += HOOK_DELAY_MS;
    add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    assert_string_equal(next_events(&queue),
                        "[{\"name\":\"channel_occupied\",\"channel\":\"a\"}]}");
    hook_queue_free(&queue);
}

#define COUNT(n)                                                                                   \
    "[{\"name\":\"subscription_count\",\"channel\":\"a\",\"subscription_count\":" n "}]}"

static void test_counts(void **state)
{
    struct hook_queue queue;
    (void)state;
    hook_queue_init(&queue, 100, ALL);
    uint64_t start = now;
    add_count(&queue, "a", 0, 1);
    assert_string_equal(next_events(&queue), COUNT("1"));
    assert_true(now - start < 1000);
    for (uint32_t n = 2; n <= 50; n++) {
        add_count(&queue, "a", n - 1, n);
    }
    assert_string_equal(next_events(&queue), COUNT("50"));
    assert_true(now - start >= HOOK_COUNT_MS);
    start = now - HOOK_GATHER_MS;
    add_count(&queue, "a", 50, 49);
    add_count(&queue, "a", 49, 50); /* as it was told: nothing new */
    assert_null(next_events(&queue));
    assert_int_equal(queue.counts.count, 0);
    assert_int_equal(queue.bytes, 0);

    /* the last one waits, and may return */
    add_count(&queue, "a", 1, 0);
    now += 4000;
    add_count(&queue, "a", 0, 1);
    assert_null(next_events(&queue));
    /* even when the time is nearly over */
    add_count(&queue, "a", 1, 2);
    assert_string_equal(next_events(&queue), COUNT("2"));
    now += 4900;
    add_count(&queue, "a", 2, 0);
    now += 2500;
    add_count(&queue, "a", 0, 2);
    assert_null(next_events(&queue));
    add_count(&queue, "a", 2, 0);
    assert_string_equal(next_events(&queue), COUNT("0"));
    assert_null(next_events(&queue));
    assert_int_equal(queue.bytes, 0);
    hook_queue_free(&queue);
}

static void test_batches(void **state)
{
    struct hook_queue queue;
    char name[16];
    (void)state;
    hook_queue_init(&queue, 1000, ALL);
    for (int i = 0; i < 250; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(add(&queue, ANNOUNCE_OCCUPIED, name, NULL), 0);
    }
    assert_int_equal(hook_queue_due(&queue), 0); /* enough for a request: no need to gather */
    int next = 0;
    const int sizes[] = {100, 100, 50};
    for (int b = 0; b < 3; b++) {
        const char *at = taken(&queue);
        assert_non_null(at);
        for (int i = 0; i < sizes[b]; i++, next++) {
            char event[64];
            snprintf(event, sizeof(event), "\"channel\":\"c%d\"}", next);
            at = strstr(at, event);
            assert_non_null(at);
        }
        assert_null(strstr(at + 12, "channel"));
        assert_int_equal(queue.batch, sizes[b]);
        assert_int_equal(hook_queue_done(&queue, true, now), 0);
    }
    assert_null(taken(&queue));
    /* and not too many bytes */
    static char data[100001], message[100100];
    memset(data, 'x', sizeof(data) - 1);
    snprintf(message, sizeof(message), "{\"event\":\"client-e\",\"data\":\"%s\"}", data);
    struct socket_ref sender = {.random = 5};
    struct announcement what = {.kind = ANNOUNCE_CLIENT_EVENT,
                                .channel = text("private-a"),
                                .message = text(message),
                                .sender = &sender};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(hook_queue_add(&queue, &what, now), 0);
    }
    now += HOOK_GATHER_MS;
    assert_non_null(taken(&queue));
    assert_int_equal(queue.batch, 2);
    assert_true(queue.body.len < HOOK_BODY);
    hook_queue_free(&queue);
}

static void assert_says(const char *body, uint64_t time_ms, const char *rest)
{
    char expected[400];
    snprintf(expected, sizeof(expected), "{\"time_ms\":%llu%s", (unsigned long long)time_ms, rest);
    assert_string_equal(body, expected);
}

/* The machine's clock is set between two tries: what it says then is what receivers compare. */
static void test_retry_when_the_clock_was_set(void **state)
{
    static const uint64_t steps[] = {0, 900, 10000000000000000u, 1};
    struct hook_queue queue;
    (void)state;
    hook_queue_init(&queue, 100, ALL);
    add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    now += HOOK_GATHER_MS;
    assert_int_equal(hook_queue_tick(&queue, now), 0);
    assert_true(hook_queue_take(&queue, now, 1700000000000));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(hook_queue_done(&queue, false, now), 0);
        now = hook_queue_due(&queue);
        assert_true(hook_queue_take(&queue, now, steps[i]));
        assert_int_equal(buf_append(&queue.body, "", 1), 0);
        assert_says((char *)queue.body.data, i == 1 ? 0 : steps[i],
                    ",\"events\":[{\"name\":\"channel_occupied\",\"channel\":\"a\"}]}");
        queue.body.len--;
    }
    hook_queue_free(&queue);
}

static void test_retries(void **state)
{
    struct hook_queue queue;
    (void)state;
    hook_queue_init(&queue, 100, ALL);
    add(&queue, ANNOUNCE_OCCUPIED, "a", NULL);
    now += HOOK_GATHER_MS;
    char first[200];
    snprintf(first, sizeof(first), "%s", taken(&queue));
    assert_int_equal(hook_queue_done(&queue, false, now), 0);
    add(&queue, ANNOUNCE_OCCUPIED, "b", NULL); /* waits behind it */

    uint64_t start = now, wait = 1000;
    while (now < start + 255000) {
        assert_int_equal(hook_queue_due(&queue), now + wait);
        now += wait - 1;
        assert_null(taken(&queue));
        now += 1;
        const char *body = taken(&queue);
        if (now - start <= HOOK_FRESH_MS) {
            assert_string_equal(body, first); /* the very same bytes */
        } else {
            assert_says(body, wall(), strchr(first, ','));
        }
        assert_int_equal(hook_queue_done(&queue, false, now), 0);
        wait *= 2;
    }
    /* a last time when the five minutes are over */
    assert_int_equal(hook_queue_due(&queue), start + HOOK_GIVE_UP_MS);
    now = start + HOOK_GIVE_UP_MS;
    assert_string_equal(strchr(taken(&queue), ','), strchr(first, ','));
    now += 10000; /* it hangs, too */
    assert_int_equal(hook_queue_done(&queue, false, now), 1);
    /* The next has its own time, however long it has waited, and starts at once: whoever was down
     * for long must not refuse what is sent to him when he is back. */
    assert_int_equal(hook_queue_due(&queue), now);
    assert_says(taken(&queue), wall(),
                ",\"events\":[{\"name\":\"channel_occupied\",\"channel\":\"b\"}]}");
    assert_int_equal(hook_queue_done(&queue, false, now), 0);
    assert_int_equal(hook_queue_due(&queue), now + 1000);
    now += 1000;
    assert_non_null(taken(&queue));
    assert_int_equal(hook_queue_done(&queue, true, now), 0);
    assert_int_equal(hook_queue_waiting(&queue), 0);
    assert_int_equal(queue.bytes, 0);
    hook_queue_free(&queue);
}

static void test_bound(void **state)
{
    struct hook_queue queue;
    char name[16];
    (void)state;
    hook_queue_init(&queue, 3, ALL);
    assert_int_equal(add(&queue, ANNOUNCE_OCCUPIED, "a", NULL), 0);
    now += HOOK_GATHER_MS;
    assert_non_null(taken(&queue)); /* what is under way counts */
    assert_int_equal(add(&queue, ANNOUNCE_OCCUPIED, "b", NULL), 0);
    assert_int_equal(add(&queue, ANNOUNCE_VACATED, "a", NULL), 0); /* and what is held back */
    assert_int_equal(add(&queue, ANNOUNCE_OCCUPIED, "c", NULL), 1);
    assert_int_equal(add(&queue, ANNOUNCE_VACATED, "b", NULL), 1);
    assert_int_equal(add_count(&queue, "c", 0, 1), 1);
    assert_int_equal(hook_queue_waiting(&queue), 3);
    assert_int_equal(hook_queue_done(&queue, true, now), 0);
    assert_int_equal(add(&queue, ANNOUNCE_OCCUPIED, "d", NULL), 0);
    assert_string_equal(next_events(&queue), "[{\"name\":\"channel_occupied\",\"channel\":\"b\"},"
                                             "{\"name\":\"channel_occupied\",\"channel\":\"d\"}]}");
    assert_string_equal(next_events(&queue), "[{\"name\":\"channel_vacated\",\"channel\":\"a\"}]}");
    /* channels whose counts wait are bounded, too */
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        add_count(&queue, name, 1, 0);
    }
    assert_true(queue.counts.count <= 3);
    hook_queue_free(&queue);
}

static void test_bytes_are_bounded(void **state)
{
    struct hook_queue queue;
    static char message[(1 << 20) + 100];
    uint64_t dropped = 0;
    (void)state;
    hook_queue_init(&queue, 1000000, ALL);
    memcpy(message, "{\"data\":\"", 9);
    memset(message + 9, 'x', 1 << 20);
    memcpy(message + 9 + (1 << 20), "\"}", 3);
    struct socket_ref sender = {.random = 5};
    struct announcement what = {.kind = ANNOUNCE_CLIENT_EVENT,
                                .channel = text("private-a"),
                                .message = text(message),
                                .sender = &sender};
    for (int i = 0; i < 100; i++) {
        dropped += hook_queue_add(&queue, &what, now);
    }
    assert_int_equal(dropped, 100 - 63);
    now += HOOK_GATHER_MS;
    assert_int_equal(hook_queue_tick(&queue, now), 0);
    assert_true(
        hook_queue_take(&queue, now, wall())); /* one that is larger than a batch goes alone */
    assert_int_equal(queue.batch, 1);
    assert_true(queue.body.len > HOOK_BODY);
    hook_queue_free(&queue);
}

static void test_hurry(void **state)
{
    struct hook_queue queue;
    (void)state;
    hook_queue_init(&queue, 100, ALL);
    add(&queue, ANNOUNCE_VACATED, "a", NULL);
    add_count(&queue, "a", 1, 0);
    hook_queue_hurry(&queue);
    assert_int_equal(hook_queue_due(&queue), 0);
    assert_string_equal(
        events(&queue),
        "[{\"name\":\"channel_vacated\",\"channel\":\"a\"},"
        "{\"name\":\"subscription_count\",\"channel\":\"a\",\"subscription_count\":0}]}");
    add(&queue, ANNOUNCE_VACATED, "b", NULL);
    hook_queue_tick(&queue, now);
    assert_int_equal(queue.ready.count, 1);
    hook_queue_free(&queue); /* with a batch under way and one that is ready */
}

/* ---- the JSON ---- */

static void client_event(const char *message, const char *expected)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(webhook_client_event(&out, text("private-a"), text(message), text("1.2")), 0);
    assert_int_equal(buf_append(&out, "", 1), 0);
    assert_string_equal((char *)out.data, expected);
    buf_free(&out);
}

#define HEAD                                                                                       \
    "{\"name\":\"client_event\",\"channel\":\"private-a\",\"event\":\"client-\\u00e9\",\"data\":"

static void test_client_event(void **state)
{
    (void)state;
    client_event(
        "{\"event\":\"client-\\u00e9\",\"channel\":\"private-a\",\"data\":{\"a\": [1, \"\\n\"]}}",
        HEAD "\"{\\\"a\\\": [1, \\\"\\\\n\\\"]}\",\"socket_id\":\"1.2\"}");
    client_event(
        "{\"event\":\"client-\\u00e9\",\"channel\":\"private-a\",\"data\":\"{\\\"a\\\":1}\","
        "\"user_id\":\"\\\"7\"}",
        HEAD "\"{\\\"a\\\":1}\",\"socket_id\":\"1.2\",\"user_id\":\"\\\"7\"}");
    client_event("{\"event\":\"client-\\u00e9\",\"channel\":\"private-a\",\"data\":12}",
                 HEAD "\"12\",\"socket_id\":\"1.2\"}");
    client_event("{\"event\":\"client-\\u00e9\",\"channel\":\"private-a\",\"data\":null}",
                 HEAD "\"null\",\"socket_id\":\"1.2\"}");
    client_event("{\"event\":\"client-\\u00e9\",\"channel\":\"private-a\"}",
                 HEAD "\"null\",\"socket_id\":\"1.2\"}");
}

static void test_a_full_buffer_fails(void **state)
{
    struct buf out;
    (void)state;
    for (size_t max = 1; max < 70; max++) {
        buf_init(&out, max);
        assert_int_equal(webhook_member(&out, "member_removed", text("presence-channel"),
                                        text("a user\" with a long name")),
                         -1);
        buf_free(&out);
    }
}

/* ---- several nodes ---- */

static uint64_t add_theirs(struct hook_queue *queue, enum announce_kind kind, const char *channel,
                           uint32_t count)
{
    struct announcement what = {
        .kind = kind, .theirs = true, .teller = 7, .channel = text(channel), .count = count};
    return hook_queue_add(queue, &what, now);
}

static void what_others_tell_is_not_told_here(void **state)
{
    (void)state;
    struct hook_queue queue;
    hook_queue_init(&queue, 100, ALL);
    add_theirs(&queue, ANNOUNCE_OCCUPIED, "c", 1);
    add_theirs(&queue, ANNOUNCE_VACATED, "c", 0);
    add_theirs(&queue, ANNOUNCE_COUNT, "c", 3);
    assert_int_equal(hook_queue_waiting(&queue), 0);
    now += 2 * HOOK_COUNT_MS;
    assert_null(taken(&queue));
    hook_queue_free(&queue);
}

static void who_goes_there_and_returns_here_causes_nothing(void **state)
{
    (void)state;
    struct hook_queue queue;
    hook_queue_init(&queue, 100, ALL);
    add_theirs(&queue, ANNOUNCE_VACATED, "c", 0);
    now += HOOK_DELAY_MS / 2;
    add(&queue, ANNOUNCE_OCCUPIED, "c", NULL); /* there it is cancelled as well */
    now += HOOK_DELAY_MS;
    assert_null(taken(&queue));
    /* And the other way round: what was for this node to tell is cancelled by their word. */
    add(&queue, ANNOUNCE_VACATED, "c", NULL);
    add_theirs(&queue, ANNOUNCE_OCCUPIED, "c", 1);
    now += 2 * HOOK_DELAY_MS;
    assert_null(taken(&queue));
    hook_queue_free(&queue);
}

static void a_return_at_the_last_moment_is_told(void **state)
{
    (void)state;
    struct hook_queue queue;
    hook_queue_init(&queue, 100, ALL);
    add_theirs(&queue, ANNOUNCE_VACATED, "c", 0);
    now += HOOK_DELAY_MS - HOOK_CLOSE_MS / 2; /* there it may have been sent already */
    add(&queue, ANNOUNCE_OCCUPIED, "c", NULL);
    now += HOOK_GATHER_MS;
    assert_non_null(strstr(taken(&queue), "channel_occupied"));
    hook_queue_free(&queue);
}

static void a_count_told_later_knows_theirs(void **state)
{
    (void)state;
    struct hook_queue queue;
    hook_queue_init(&queue, 100, ALL);
    add_count(&queue, "c", 0, 1);
    now += HOOK_GATHER_MS;
    assert_non_null(strstr(taken(&queue), "\"subscription_count\":1"));
    hook_queue_done(&queue, true, now);
    add_count(&queue, "c", 1, 2);
    add_theirs(&queue, ANNOUNCE_COUNT, "c", 5); /* they tell that */
    now += 2 * HOOK_COUNT_MS;
    assert_null(taken(&queue));
    hook_queue_free(&queue);
}

static void who_finds_a_teller_dead_tells_what_it_held_back(void **state)
{
    (void)state;
    struct hook_queue queue;
    hook_queue_init(&queue, 100, ALL);
    queue.keep_ms = 30000;
    add_theirs(&queue, ANNOUNCE_VACATED, "c", 0);
    now += 1000;
    hook_queue_take_over(&queue, 8, now, now); /* somebody else */
    hook_queue_take_over(&queue, 7, now, now);
    assert_int_equal(hook_queue_waiting(&queue), 1);
    assert_null(taken(&queue));
    now += HOOK_DELAY_MS;
    (void)hook_queue_tick(&queue, now);
    now += HOOK_GATHER_MS;
    assert_non_null(strstr(taken(&queue), "channel_vacated"));
    hook_queue_free(&queue);
}

static void also_when_its_time_had_come(void **state)
{
    (void)state;
    struct hook_queue queue;
    hook_queue_init(&queue, 100, ALL);
    queue.keep_ms = 30000;
    add_theirs(&queue, ANNOUNCE_VACATED, "told", 0);
    now += HOOK_TOLD_MS + HOOK_DELAY_MS;
    add_theirs(&queue, ANNOUNCE_VACATED, "untold", 0);
    add_theirs(&queue, ANNOUNCE_VACATED, "occupied", 0);
    now += HOOK_DELAY_MS;
    add_theirs(&queue, ANNOUNCE_OCCUPIED, "occupied", 1);
    uint64_t heard = now - HOOK_DELAY_MS / 2;
    now += 15000;
    assert_null(taken(&queue));
    hook_queue_take_over(&queue, 7, heard, now);
    assert_int_equal(hook_queue_waiting(&queue), 1);
    now += HOOK_GATHER_MS;
    const char *body = taken(&queue);
    assert_non_null(strstr(body, "\"channel_vacated\",\"channel\":\"untold\""));
    assert_null(strstr(body, "\"told\""));
    hook_queue_done(&queue, true, now);
    hook_queue_free(&queue);
}

static void what_was_told_is_forgotten(void **state)
{
    (void)state;
    struct hook_queue queue;
    hook_queue_init(&queue, 2, ALL);
    queue.keep_ms = 30000;
    for (const char *c = "abcdef"; *c != '\0'; c++) {
        char name[2] = {*c, '\0'};
        add_theirs(&queue, ANNOUNCE_VACATED, name, 0);
        now += HOOK_DELAY_MS;
        (void)hook_queue_tick(&queue, now);
        assert_true(queue.past.count <= 2);
    }
    add(&queue, ANNOUNCE_VACATED, "f",
        NULL); /* it was occupied meanwhile: now it is for this node */
    assert_int_equal(hook_queue_waiting(&queue), 1);
    now += 40000;
    (void)hook_queue_tick(&queue, now);
    assert_int_equal(queue.past.count, 0);
    now += HOOK_GATHER_MS;
    assert_non_null(taken(&queue));
    hook_queue_done(&queue, true, now);
    assert_int_equal(queue.bytes, 0);
    hook_queue_free(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ready_gathers, setup),
        cmocka_unit_test_setup(test_who_returns_in_time, setup),
        cmocka_unit_test_setup(test_filter, setup),
        cmocka_unit_test_setup(test_counts, setup),
        cmocka_unit_test_setup(test_batches, setup),
        cmocka_unit_test_setup(test_retries, setup),
        cmocka_unit_test_setup(test_retry_when_the_clock_was_set, setup),
        cmocka_unit_test_setup(test_bound, setup),
        cmocka_unit_test_setup(test_bytes_are_bounded, setup),
        cmocka_unit_test_setup(test_hurry, setup),
        cmocka_unit_test(test_client_event),
        cmocka_unit_test(test_a_full_buffer_fails),
        cmocka_unit_test(what_others_tell_is_not_told_here),
        cmocka_unit_test(who_goes_there_and_returns_here_causes_nothing),
        cmocka_unit_test(a_return_at_the_last_moment_is_told),
        cmocka_unit_test(a_count_told_later_knows_theirs),
        cmocka_unit_test(who_finds_a_teller_dead_tells_what_it_held_back),
        cmocka_unit_test(also_when_its_time_had_come),
        cmocka_unit_test(what_was_told_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
