/* links/bus_reader: marks, and what is found again of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "links/bus_reader.h"

/* The entry with this number, at the id that is the same number. */
static struct bus_entry entry_of(uint64_t n)
{
    return (struct bus_entry){.numbered = true, .node = 7, .first = n};
}

static void read_some(struct bus_reader *reader, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n <= to; n++) {
        struct bus_entry entry = entry_of(n);
        bus_reader_read(reader, (struct bus_id){n, 0}, &entry, n * BUS_MARK_MS);
    }
}

/* Answers as a log that has the entries from `oldest` to `newest`; returns the last verdict. */
static enum bus_looked look(struct bus_reader *reader, uint64_t oldest, uint64_t newest, int *asked)
{
    enum bus_looked looked = BUS_LOOK_ON;
    struct bus_id id;
    for (*asked = 0; looked == BUS_LOOK_ON; ++*asked) {
        assert_int_equal(bus_reader_next(reader, &id), BUS_READ_LOOK);
        struct bus_entry entry = entry_of(id.ms);
        looked = bus_reader_look(reader, id.ms >= oldest && id.ms <= newest ? &entry : NULL);
    }
    return looked;
}

static void start(struct bus_reader *reader)
{
    struct bus_id id;
    bus_reader_init(reader);
    bus_reader_doubt(reader); /* nothing to doubt yet */
    assert_int_equal(bus_reader_next(reader, &id), BUS_READ_TAIL);
    struct bus_entry tail = entry_of(100);
    bus_reader_tail(reader, (struct bus_id){100, 0}, &tail);
    assert_int_equal(bus_reader_next(reader, &id), BUS_READ_AFTER);
    assert_int_equal(id.ms, 100);
}

static void test_same_log(void **state)
{
    struct bus_reader reader;
    struct bus_id id;
    int asked;
    (void)state;

    start(&reader);
    bus_reader_doubt(&reader);
    assert_int_equal(look(&reader, 0, 100, &asked), BUS_SAME); /* where it began is a mark, too */
    read_some(&reader, 101, 5000);
    bus_reader_doubt(&reader);
    bus_reader_doubt(&reader);
    assert_int_equal(look(&reader, 0, 5000, &asked), BUS_SAME);
    assert_int_equal(asked, 1);
    assert_int_equal(bus_reader_next(&reader, &id), BUS_READ_AFTER);
    assert_int_equal(id.ms, 5000);
    struct bus_entry entry = entry_of(5001);
    assert_false(bus_reader_read(&reader, (struct bus_id){5001, 0}, &entry, 0));
}

/* However much was read, some mark is not much older than what is still there. */
static void test_some_are_lost(void **state)
{
    struct bus_reader reader;
    struct bus_id id;
    int asked;
    (void)state;

    for (uint64_t lost = 1; lost < 4900; lost += 7) {
        start(&reader);
        read_some(&reader, 101, 5000);
        bus_reader_doubt(&reader);
        assert_int_equal(look(&reader, 0, 5000 - lost, &asked), BUS_REWOUND);
        assert_true(asked <= (int)BUS_MARKS + 1);
        assert_int_equal(bus_reader_next(&reader, &id), BUS_READ_AFTER);
        assert_true(id.ms <= 5000 - lost && 5000 - id.ms <= lost + lost / 2 + 4);
        /* What follows may have been read before, up to where it was. */
        struct bus_entry entry = entry_of(5000);
        assert_true(bus_reader_read(&reader, (struct bus_id){5000, 0}, &entry, 0));
        entry = entry_of(5001);
        assert_false(bus_reader_read(&reader, (struct bus_id){5001, 0}, &entry, 0));
        bus_reader_fresh(&reader);
        entry = entry_of(4000);
        assert_false(bus_reader_read(&reader, (struct bus_id){4000, 0}, &entry, 0));
    }
}

static void test_all_is_lost(void **state)
{
    struct bus_reader reader;
    struct bus_id id;
    int asked;
    (void)state;

    start(&reader);
    read_some(&reader, 101, 5000);
    for (int i = 0; i < 3; i++) { /* and again before anything was read */
        bus_reader_doubt(&reader);
        if (i == 0) {
            assert_int_equal(look(&reader, 1, 0, &asked), BUS_REWOUND);
        }
        assert_int_equal(bus_reader_next(&reader, &id), BUS_READ_AFTER);
        assert_int_equal(id.ms, 0);
    }
    struct bus_entry entry = entry_of(3);
    assert_true(bus_reader_read(&reader, (struct bus_id){3, 0}, &entry, 0));
    assert_int_equal(bus_reader_next(&reader, &id), BUS_READ_AFTER);
    assert_int_equal(id.ms, 3);
}

/* The same id, in another log. */
static void test_another_entry_is_not_the_same(void **state)
{
    struct bus_reader reader;
    struct bus_entry other[] = {entry_of(100), entry_of(100), entry_of(101)};
    (void)state;

    other[0].node = 8;
    other[1].numbered = false;
    for (size_t i = 0; i < 3; i++) {
        start(&reader);
        bus_reader_doubt(&reader);
        assert_int_equal(bus_reader_look(&reader, &other[i]), BUS_REWOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_log),
        cmocka_unit_test(test_some_are_lost),
        cmocka_unit_test(test_all_is_lost),
        cmocka_unit_test(test_another_entry_is_not_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
