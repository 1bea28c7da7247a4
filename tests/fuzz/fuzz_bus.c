/*
 * The bytes as an entry of the cluster's log, and as records to be written into one.
 *
 * Holds: every view lies inside of the entry; what was understood is understood as the same when it
 * is written again; the counts are those of the records; a list is walked to its end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bus_ask.h"
#include "proto/bus_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void in_bounds(struct slice slice, const uint8_t *bytes, size_t len)
{
    if (slice.len > 0) {
        const uint8_t *p = (const uint8_t *)slice.p;
        check(p >= bytes && slice.len <= len && p + slice.len <= bytes + len);
    }
}

static void same(struct slice a, struct slice b)
{
    check(slice_equal(a, b));
}

static void same_record(const struct bus_record *a, const struct bus_record *b)
{
    check(a->type == b->type && a->restated == b->restated && a->client == b->client);
    check(a->last == b->last && a->socket.random == b->socket.random);
    check(a->socket.random == 0 ||
          (a->socket.worker == b->socket.worker && a->socket.slot == b->socket.slot));
    check(a->node == b->node && a->incarnation == b->incarnation && a->number == b->number);
    check(a->broadcasts == b->broadcasts && a->base == b->base);
    check(a->base_broadcasts == b->base_broadcasts);
    check((a->info_json.p == NULL) == (b->info_json.p == NULL));
    same(a->app, b->app);
    same(a->channel, b->channel);
    same(a->user_id, b->user_id);
    same(a->id_json, b->id_json);
    same(a->info_json, b->info_json);
    same(a->text, b->text);
    same(a->list, b->list);
}

static bool is_known(uint8_t type)
{
    return type == BUS_DELIVER || (type >= BUS_JOINED && type < BUS_STATE_END) ||
           (type >= BUS_TERMINATE_USER && type <= BUS_SETTLED) ||
           (type >= BUS_HELLO && type <= BUS_DEAD) || (type >= BUS_BEAT && type <= BUS_DECLARED);
}

static void check_lists(const struct bus_record *record)
{
    struct bus_applied applied;
    struct bus_known known;
    size_t cursor = 0;
    if (record->type == BUS_APPLIED) {
        while (bus_applied_next(record->list, &cursor, &applied)) {
        }
        check(cursor == record->list.len);
    } else if (record->type == BUS_BEGIN) {
        while (bus_known_next(record->list, &cursor, &known)) {
        }
        check(cursor == record->list.len);
    }
}

/* What a question asks or an answer says, taken for each of its forms; what was read whole is
 * written as the same. */
static void check_text(struct slice text)
{
    struct slice rest = text, name;
    struct buf buf;
    uint32_t subscriptions;
    uint64_t number;
    buf_init(&buf, text.len + 1);
    while (bus_ask_channel_next(&rest, &name, &subscriptions)) {
        in_bounds(name, (const uint8_t *)text.p, text.len);
        check(bus_ask_channel(&buf, name, subscriptions) == 0);
    }
    check(rest.len == 0 && buf.len <= text.len);
    check(buf.len == 0 || memcmp(buf.data, text.p, buf.len) == 0);
    buf_clear(&buf);
    for (rest = text; bus_ask_name_next(&rest, &name);) {
        check(bus_ask_name(&buf, name) == 0);
    }
    check(buf.len == 0 || memcmp(buf.data, text.p, buf.len) == 0);
    buf_clear(&buf);
    for (rest = text; bus_ask_number_next(&rest, &number);) {
        check(bus_ask_number(&buf, number) == 0);
    }
    check(buf.len == text.len / 8 * 8);
    buf_free(&buf);
}

static void check_entry(const uint8_t *bytes, size_t len)
{
    struct bus_entry entry, copy;
    enum bus_result result = bus_entry_read(bytes, len, &entry);
    if (result != BUS_FINE) {
        check(entry.records == NULL || result == BUS_BAD);
        return;
    }
    struct bus_record record, again;
    struct buf buf;
    size_t cursor = 0, at = 0;
    uint32_t count = 0, broadcasts = 0, written = 0;
    buf_init(&buf, 2 * len + BUS_HEADER_MAX + 64);
    check(bus_entry_begin(&buf, &entry) == 0);
    while (bus_record_next(&entry, &cursor, &record)) {
        in_bounds(record.app, bytes, len);
        in_bounds(record.channel, bytes, len);
        in_bounds(record.user_id, bytes, len);
        in_bounds(record.id_json, bytes, len);
        in_bounds(record.info_json, bytes, len);
        in_bounds(record.text, bytes, len);
        in_bounds(record.list, bytes, len);
        check_lists(&record);
        check_text(record.text);
        count++;
        broadcasts += bus_type_broadcast(record.type) ? 1 : 0;
        if (is_known(record.type)) {
            check(bus_record_write(&buf, &record) == 0);
            written++;
        }
    }
    check(count == entry.count && broadcasts == entry.broadcasts);
    if (written > 0) {
        check(bus_entry_read(buf.data, buf.len, &copy) == BUS_FINE);
        check(copy.node == entry.node && copy.incarnation == entry.incarnation);
        check(copy.lane == entry.lane && copy.lanes == entry.lanes && copy.first == entry.first);
        check(copy.before == entry.before && copy.numbered == entry.numbered);
        check(copy.count == written);
        cursor = 0;
        while (bus_record_next(&entry, &cursor, &record)) {
            if (is_known(record.type)) {
                check(bus_record_next(&copy, &at, &again));
                same_record(&record, &again);
            }
        }
    }
    buf_free(&buf);
}

/* Records made of the bytes come back as they were. */
static void check_records(const uint8_t *data, size_t size)
{
    struct bus_entry entry = {.numbered = true, .node = 9, .lanes = 1, .first = size + 1};
    struct bus_record records[8], got;
    struct buf buf;
    size_t n = 0, cursor = 0;
    buf_init(&buf, 1u << 20);
    check(bus_entry_begin(&buf, &entry) == 0);
    while (size >= 8 && n < 8) {
        uint8_t type = data[0];
        size_t a = data[1] % (size - 7), b = data[2] % (size - 7);
        struct slice one = {(const char *)data + 8, a < size - 8 ? a : size - 8};
        struct slice two = {(const char *)data + 8, b < size - 8 ? b : size - 8};
        if (is_known(type) && !bus_type_unnumbered(type) && type != BUS_BEGIN &&
            (type != BUS_HELLO || two.len <= BUS_NAME_MAX)) {
            records[n] =
                (struct bus_record){.type = type,
                                    .restated = (data[3] & 1) != 0,
                                    .app = one,
                                    .channel = two,
                                    .user_id = one,
                                    .id_json = two,
                                    .info_json = (data[3] & 2) != 0 ? one : (struct slice){0},
                                    .text = two,
                                    .socket = {data[4], data[5], data[6]},
                                    .node = data[4],
                                    .incarnation = data[5],
                                    .number = (uint64_t)data[6] << (data[7] & 31)};
            check(bus_record_write(&buf, &records[n++]) == 0);
        }
        data += 8;
        size -= 8;
    }
    if (n > 0) {
        check(bus_entry_read(buf.data, buf.len, &entry) == BUS_FINE && entry.count == n);
        for (size_t i = 0; i < n; i++) {
            check(bus_record_next(&entry, &cursor, &got) && got.type == records[i].type);
            check(got.restated == records[i].restated);
            check(got.app.p == NULL || slice_equal(got.app, records[i].app));
            check(got.channel.p == NULL || slice_equal(got.channel, records[i].channel));
            check(got.text.p == NULL || slice_equal(got.text, records[i].text));
        }
    }
    buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* On a copy that ends where the bytes end. */
    uint8_t *block = malloc(size + 1);
    check(block != NULL);
    if (size > 0) {
        memcpy(block + 1, data, size);
    }
    check_entry(block + 1, size);
    free(block);
    check_records(data, size);
    return 0;
}
