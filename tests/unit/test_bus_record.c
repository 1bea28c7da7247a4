/* proto/bus_record: every record there and back, entries of other formats, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/bus_record.h"

#include <stdio.h>

#define NODE 0x0123456789abcdefull

static void begin(struct buf *buf, bool numbered)
{
    struct bus_entry entry = {.numbered = numbered,
                              .node = NODE,
                              .incarnation = 3,
                              .lane = 2,
                              .lanes = 16,
                              .first = 1000,
                              .before = numbered ? 900 : 0};
    buf_init(buf, BUS_ENTRY_MAX);
    assert_int_equal(bus_entry_begin(buf, &entry), 0);
}

static void same(struct slice a, struct slice b)
{
    assert_true(slice_equal(a, b));
}

static void same_record(const struct bus_record *a, const struct bus_record *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->restated, b->restated);
    assert_int_equal(a->client, b->client);
    assert_int_equal(a->last, b->last);
    same(a->app, b->app);
    same(a->channel, b->channel);
    same(a->user_id, b->user_id);
    same(a->id_json, b->id_json);
    same(a->info_json, b->info_json);
    assert_int_equal(a->info_json.p == NULL, b->info_json.p == NULL);
    same(a->text, b->text);
    assert_int_equal(a->traced, b->traced);
    assert_memory_equal(&a->trace, &b->trace, sizeof(a->trace));
    same(a->list, b->list);
    assert_int_equal(a->socket.random, b->socket.random);
    assert_int_equal(a->socket.worker, b->socket.worker);
    assert_int_equal(a->socket.slot, b->socket.slot);
    assert_int_equal(a->node, b->node);
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->broadcasts, b->broadcasts);
    assert_int_equal(a->base, b->base);
    assert_int_equal(a->base_broadcasts, b->base_broadcasts);
}

static const struct bus_record numbered[] = {
    {.type = BUS_DELIVER,
     .app = {"shop", 4},
     .channel = {"orders.1", 8},
     .socket = {UINT64_MAX, 63, UINT32_MAX},
     .text = {"{\"event\":\"e\"}", 13}},
    {.type = BUS_DELIVER,
     .client = true,
     .app = {"shop", 4},
     .channel = {"private-x", 9},
     .text = {"", 0}},
    {.type = BUS_DELIVER,
     .traced = true,
     .app = {"shop", 4},
     .channel = {"orders.1", 8},
     .text = {"{}", 2},
     .trace = {.trace = {1, 2, [15] = 16}, .span = {17, [7] = 24}, .flags = 0xFF}},
    {.type = BUS_JOINED,
     .app = {"a", 1},
     .channel = {"presence-r", 10},
     .user_id = {"7", 1},
     .id_json = {"\"7\"", 3},
     .info_json = {"{}", 2}},
    {.type = BUS_JOINED,
     .restated = true,
     .app = {"a", 1},
     .channel = {"presence-r", 10},
     .user_id = {"7", 1},
     .id_json = {"7", 1}},
    {.type = BUS_LEFT, .app = {"a", 1}, .channel = {"presence-r", 10}, .user_id = {"7", 1}},
    {.type = BUS_COUNT, .app = {"a", 1}, .channel = {"c", 1}, .number = 1ull << 40},
    {.type = BUS_CACHED,
     .restated = true,
     .app = {"a", 1},
     .channel = {"cache-c", 7},
     .number = 1799999,
     .text = {"{}", 2}},
    {.type = BUS_TERMINATE_USER, .app = {"a", 1}, .user_id = {"u", 1}, .number = 5},
    {.type = BUS_TERMINATE_SOCKET, .app = {"a", 1}, .socket = {1, 0, 0}, .number = 6},
    {.type = BUS_GROUP,
     .restated = true,
     .app = {"a", 1},
     .channel = {"crm", 3},
     .number = 1,
     .base = 2047},
    {.type = BUS_QUEUED,
     .restated = true,
     .app = {"a", 1},
     .channel = {"crm", 3},
     .node = 9,
     .text = {"event", 5}},
    {.type = BUS_TOLD, .app = {"a", 1}, .text = {"event", 5}},
    {.type = BUS_SETTLED, .app = {"a", 1}, .channel = {"crm", 3}, .text = {"\3a-1", 4}},
    {.type = BUS_HELLO, .text = {"web-1", 5}},
    {.type = BUS_ASK, .node = 0x1020304050607080ull},
    {.type = BUS_END, .number = UINT64_MAX},
    {.type = BUS_GOODBYE},
    {.type = BUS_DEAD, .node = 1, .incarnation = 2},
};

static void test_every_record(void **state)
{
    struct buf buf, list;
    struct bus_entry entry;
    struct bus_record got;
    size_t cursor = 0, n = sizeof(numbered) / sizeof(numbered[0]);
    (void)state;

    begin(&buf, true);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(bus_record_write(&buf, &numbered[i]), 0);
    }
    assert_int_equal(bus_entry_read(buf.data, buf.len, &entry), BUS_FINE);
    assert_int_equal(entry.format, BUS_FORMAT);
    assert_true(entry.numbered);
    assert_int_equal(entry.node, NODE);
    assert_int_equal(entry.incarnation, 3);
    assert_int_equal(entry.lane, 2);
    assert_int_equal(entry.lanes, 16);
    assert_int_equal(entry.first, 1000);
    assert_int_equal(entry.before, 900);
    assert_int_equal(entry.count, n);
    assert_int_equal(entry.broadcasts, 3);
    for (size_t i = 0; i < n; i++) {
        assert_true(bus_record_next(&entry, &cursor, &got));
        same_record(&got, &numbered[i]);
    }
    assert_false(bus_record_next(&entry, &cursor, &got));

    /* Every shorter part is refused or is whole records. */
    for (size_t len = 0; len < buf.len; len++) {
        struct bus_entry part;
        if (bus_entry_read(buf.data, len, &part) == BUS_FINE) {
            assert_true(part.count < n);
        }
    }
    buf_free(&buf);

    buf_init(&list, 4096);
    struct bus_known known = {.node = NODE, .incarnation = 9, .alive = true}, has;
    assert_int_equal(bus_known_write(&list, &known), 0);
    known.alive = false;
    assert_int_equal(bus_known_write(&list, &known), 0);
    struct bus_record begins = {.type = BUS_BEGIN,
                                .number = 77,
                                .text = SLICE("web-1"),
                                .list = {(const char *)list.data, list.len}};
    begin(&buf, true);
    assert_int_equal(bus_record_write(&buf, &begins), 0);
    assert_int_equal(bus_entry_read(buf.data, buf.len, &entry), BUS_FINE);
    cursor = 0;
    assert_true(bus_record_next(&entry, &cursor, &got));
    same_record(&got, &begins);
    cursor = 0;
    assert_true(bus_known_next(got.list, &cursor, &has) && has.alive && has.node == NODE);
    assert_true(bus_known_next(got.list, &cursor, &has) && !has.alive && has.incarnation == 9);
    assert_false(bus_known_next(got.list, &cursor, &has));
    buf_free(&list);
    buf_free(&buf);
}

static void test_without_numbers(void **state)
{
    struct buf buf, list;
    struct bus_entry entry;
    struct bus_record got;
    struct bus_applied applied = {.node = 5, .number = 1000, .seen = 17}, has;
    size_t cursor = 0;
    (void)state;

    buf_init(&list, 100);
    assert_int_equal(bus_applied_write(&list, &applied), 0);
    const struct bus_record records[] = {
        {.type = BUS_BEAT, .number = 100, .broadcasts = 50, .base = 90, .base_broadcasts = 45},
        {.type = BUS_APPLIED, .list = {(const char *)list.data, list.len}},
        {.type = BUS_QUERY, .app = {"a", 1}, .number = 1, .base = 2, .text = {"c", 1}},
        {.type = BUS_ANSWER, .last = true, .node = NODE, .number = 1, .text = {"c", 1}},
        {.type = BUS_DECLARED, .node = NODE, .incarnation = 4},
    };
    begin(&buf, false);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(bus_record_write(&buf, &records[i]), 0);
    }
    assert_int_equal(bus_entry_read(buf.data, buf.len, &entry), BUS_FINE);
    assert_false(entry.numbered);
    assert_int_equal(entry.count, 5);
    assert_int_equal(entry.broadcasts, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_true(bus_record_next(&entry, &cursor, &got));
        same_record(&got, &records[i]);
        if (got.type == BUS_APPLIED) {
            size_t at = 0;
            assert_true(bus_applied_next(got.list, &at, &has));
            assert_int_equal(has.node, 5);
            assert_int_equal(has.number, 1000);
            assert_int_equal(has.seen, 17);
            assert_false(bus_applied_next(got.list, &at, &has));
        }
    }
    buf_free(&buf);
    buf_free(&list);
}

/* A message of no trace is as long as it was before there were any, and what a reader of that
 * format knows stands where it did. */
static void test_trace_costs_nothing(void **state)
{
    struct bus_record record = {.type = BUS_DELIVER,
                                .app = {"shop", 4},
                                .channel = {"c", 1},
                                .text = {"{}", 2},
                                .trace = {.trace = {1}, .span = {2}}};
    struct buf buf;
    (void)state;
    buf_init(&buf, 1000);
    assert_int_equal(bus_record_write(&buf, &record), 0);
    assert_int_equal(buf.len, 13);
    assert_memory_equal(buf.data,
                        "\x01\x0b\x00\x04shop\x01"
                        "c\x02{}",
                        13);
    record.traced = true;
    assert_int_equal(bus_record_write(&buf, &record), 0);
    assert_int_equal(buf.len, 13 + 13 + TRACE_ID + TRACE_SPAN_ID + 1);
    assert_memory_equal(buf.data + 13,
                        "\x01\x24\x20\x04shop\x01"
                        "c\x02{}\x01",
                        14);
    buf_free(&buf);
}

/* What comes from a format after this one. */
static void test_newer(void **state)
{
    struct buf buf;
    struct bus_entry entry;
    struct bus_record got, bye = {.type = BUS_GOODBYE};
    size_t cursor = 0;
    (void)state;

    begin(&buf, true);
    buf.data[1] = BUS_FORMAT + 1;                               /* still readable by this one */
    assert_int_equal(buf_append(&buf, "\x0f\x03new", 5), 0);    /* a broadcast of a kind unknown */
    assert_int_equal(buf_append(&buf, "\x34\x05\0more", 7), 0); /* a goodbye with another field */
    assert_int_equal(bus_record_write(&buf, &bye), 0);
    assert_int_equal(bus_entry_read(buf.data, buf.len, &entry), BUS_FINE);
    assert_int_equal(entry.format, BUS_FORMAT + 1);
    assert_int_equal(entry.count, 3);
    assert_int_equal(entry.broadcasts, 1);
    assert_true(bus_record_next(&entry, &cursor, &got));
    assert_int_equal(got.type, 15);
    assert_true(bus_record_next(&entry, &cursor, &got));
    assert_int_equal(got.type, BUS_GOODBYE);
    assert_true(bus_record_next(&entry, &cursor, &got));
    assert_int_equal(got.type, BUS_GOODBYE);
    assert_false(bus_record_next(&entry, &cursor, &got));

    buf.data[2] = BUS_FORMAT + 1; /* not readable */
    assert_int_equal(bus_entry_read(buf.data, buf.len, &entry), BUS_FOREIGN);
    assert_int_equal(entry.format, BUS_FORMAT + 1);
    assert_int_equal(entry.node, NODE);
    assert_int_equal(entry.count, 0);
    buf_free(&buf);
}

#define HEADER "\xfa\1\1\1\0\0\0\0\0\0\0\7"

static void test_broken(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
#define BAD(text) {text, sizeof(text) - 1}
        BAD(""),
        BAD("{\"type\":\"message\",\"payload\":{}}"),
        BAD("\xfb\1\1\1\0\0\0\0\0\0\0\7\0\1\1\1\0\x34\1\0"), /* another first byte */
        BAD("\xfa\1\0\1\0\0\0\0\0\0\0\7\0\1\1\1\0\x34\1\0"), /* readable by format 0 */
        BAD("\xfa\1\2\1\0\0\0\0\0\0\0\7\0\1\1\1\0\x34\1\0"), /* by a later one only */
        BAD(HEADER "\1\1\1\1\0\x34\1\0"),                    /* lane 1 of 1 */
        BAD(HEADER "\0\0\1\1\0\x34\1\0"),                    /* of 0 */
        BAD(HEADER "\0\x81\x08\1\1\0\x34\1\0"),              /* of 1025 */
        BAD(HEADER "\0\1\1\0\0\x34\1\0"),                    /* number 0 */
        BAD(HEADER "\0\1\1\1\1\x34\1\0"),                    /* a broadcast before it */
        BAD(HEADER "\0\1\1\1\0"),                            /* no record */
        BAD(HEADER "\0\1\1\1\0\x34"),                        /* no length */
        BAD(HEADER "\0\1\1\1\0\x34\1"),                      /* no body */
        BAD(HEADER "\0\1\1\1\0\x34\0"),                      /* no flags */
        BAD(HEADER "\0\1\1\1\0\x34\2\0"),                    /* longer than there is */
        BAD(HEADER "\0\1\1\1\0\x34\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0"),
        BAD(HEADER "\0\1\1\1\0\x34\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\0"), /* 65 bits */
        BAD(HEADER "\0\1\1\1\0\x1f\1\0\x11\3\0\1"),                           /* a text cut off */
        BAD(HEADER "\0\1\1\1\0\x40\5\0\1\0\1\0"),                  /* a beat with numbers */
        BAD("\xfa\1\1\0\0\0\0\0\0\0\0\7\0\1\1\1\x34\1\0"),         /* a goodbye without */
        BAD("\xfa\1\1\0\0\0\0\0\0\0\0\7\0\1\1\1\x40\5\0\1\0\0\0"), /* nothing kept begins with 0 */
        BAD("\xfa\1\1\0\0\0\0\0\0\0\0\7\0\1\1\1\x40\5\0\1\0\2\0"), /* kept, but not appended */
        BAD("\xfa\1\1\0\0\0\0\0\0\0\0\7\0\1\1\1\x40\5\0\2\2\1\0"), /* more broadcasts than records
                                                                    */
        BAD("\xfa\1\1\0\0\0\0\0\0\0\0\7\0\1\1\1\x41\6\0\4\0\0\0\0"), /* half an element */
    };
    struct bus_entry entry;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (bus_entry_read((const uint8_t *)bad[i].bytes, bad[i].len, &entry) != BUS_BAD) {
            fail_msg("broken entry %zu was taken", i);
        }
    }
    assert_int_equal(bus_entry_read((const uint8_t *)HEADER "\0\1\1\1\0\x34\1\0", 20, &entry),
                     BUS_FINE);
}

static void test_full(void **state)
{
    struct buf buf;
    struct bus_record record = numbered[0];
    struct bus_entry header = {.numbered = true, .node = NODE, .lanes = 1, .first = 1};
    (void)state;

    buf_init(&buf, 60);
    assert_int_equal(bus_entry_begin(&buf, &header), 0);
    size_t len = buf.len;
    record.text = SLICE("more than there is room for in what is left of it");
    assert_int_equal(bus_record_write(&buf, &record), -1);
    assert_int_equal(buf.len, len);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_record),
        cmocka_unit_test(test_without_numbers),
        cmocka_unit_test(test_trace_costs_nothing),
        cmocka_unit_test(test_newer),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
