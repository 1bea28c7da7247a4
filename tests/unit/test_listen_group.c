/* links/listen_group with a clock of its own: windows, turns, redelivery, bounds, what other nodes
 * deliver; and random orders of everything, held to what must be so at any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "links/listen_group.h"

static struct listen_group group;
static uint64_t now, orders;
static bool refuses; /* what takes() says */

static bool takes(const struct group_listener *listener)
{
    (void)listener;
    return !refuses;
}

static int begin(void **state)
{
    (void)state;
    now = 1000;
    orders = 0;
    refuses = false;
    listen_group_init(&group, false, takes);
    return 0;
}

static int begin_indexed(void **state)
{
    begin(state);
    listen_group_init(&group, true, takes);
    return 0;
}

static int end(void **state)
{
    (void)state;
    listen_group_free(&group);
    assert_int_equal(group.events, 0);
    assert_int_equal(group.bytes, 0);
    return 0;
}

static struct listen_event *event(unsigned int n)
{
    char id[16];
    struct ff_ipc_event view = {.type = FF_IPC_MEMBER_ADDED, .unix_ms = n};
    view.id = (struct ff_slice){id, (unsigned int)snprintf(id, sizeof(id), "e%u", n)};
    view.channel = (struct ff_slice){"presence-a", 10};
    return listen_event_new(&view);
}

static uint64_t add(unsigned int n)
{
    struct listen_event *one = event(n);
    uint64_t dropped = listen_group_add(&group, one, ++orders, 0);
    listen_event_unref(one);
    return dropped;
}

static struct group_listener listener(uint32_t window, uint32_t ack_ms)
{
    return (struct group_listener){.window = window, .ack_ms = ack_ms};
}

/* The next delivery must be this event, to this listener; returns its number. */
static uint64_t expect(const struct group_listener *to, unsigned int n)
{
    const struct group_item *item = listen_group_next(&group, now);
    assert_non_null(item);
    assert_int_equal(item->event->view.unix_ms, n);
    assert_ptr_equal(item->holder, to);
    return item->number;
}

static void expect_none(void)
{
    assert_null(listen_group_next(&group, now));
}

static void test_turns_and_windows(void **state)
{
    struct group_listener a = listener(2, 1000), b = listener(1, 1000);
    (void)state;
    for (unsigned int i = 1; i <= 5; i++) {
        add(i);
    }
    expect_none();
    assert_false(listen_group_ready(&group));
    listen_group_join(&group, &a);
    listen_group_join(&group, &b);
    assert_true(listen_group_ready(&group));
    assert_int_equal(expect(&a, 1), 1);
    assert_int_equal(expect(&b, 2), 1);
    assert_int_equal(expect(&a, 3), 2);
    expect_none();
    assert_false(listen_group_ready(&group));
    assert_true(listen_group_settle(&b, 1, true));
    assert_false(listen_group_settle(&b, 1, true));
    assert_false(listen_group_settle(&b, 2, true));
    expect_none(); /* nobody has said yet that it may get more */
    listen_group_revive(&b);
    assert_int_equal(expect(&b, 4), 2);
    assert_true(listen_group_settle(&a, 2, true)); /* the later one first */
    assert_true(listen_group_settle(&a, 1, true));
    listen_group_revive(&a);
    assert_int_equal(expect(&a, 5), 3);
    assert_int_equal(listen_group_leave(&a), 1);
    assert_int_equal(listen_group_leave(&b), 1);
    assert_int_equal(listen_group_waiting(&group), 2);
    assert_false(listen_group_holds(&group));
}

static void test_redelivery(void **state)
{
    struct group_listener a = listener(10, 100), b = listener(10, 100);
    (void)state;
    listen_group_join(&group, &a);
    listen_group_join(&group, &b);
    add(1);
    expect(&a, 1);
    assert_true(listen_group_holds(&group));
    now += 99;
    assert_int_equal(listen_group_expire(&group, now), 0);
    now += 1;
    assert_int_equal(listen_group_expire(&group, now), 1);
    assert_false(listen_group_settle(&a, 1, true)); /* too late */
    add(2);
    expect(&b, 1);
    expect(&b, 2); /* a has let one lie, and another one is there */
    refuses = true;
    add(3);
    expect_none();
    refuses = false;
    listen_group_revive(&a);
    assert_int_equal(a.place, LISTENER_READY);
    expect(&a, 3);
    assert_true(listen_group_settle(&a, 2, false)); /* given back: b gets it */
    listen_group_revive(&b);
    expect(&b, 3);
    listen_group_leave(&b);
    assert_int_equal(group.again.count, 3);
    const struct group_item *item = listen_group_next(&group, now);
    assert_ptr_equal(item->holder, &a);  /* alone */
    assert_int_equal(item->attempts, 3); /* a, b, a */
    listen_group_leave(&a);
}

static void test_alone_it_gets_it_again(void **state)
{
    struct group_listener a = listener(1, 100);
    (void)state;
    listen_group_join(&group, &a);
    add(1);
    for (uint32_t attempt = 1; attempt < 5; attempt++) {
        const struct group_item *item = listen_group_next(&group, now);
        assert_int_equal(item->attempts, attempt);
        assert_int_equal(item->number, attempt);
        now += 100;
        assert_int_equal(listen_group_expire(&group, now), 1);
        assert_true(listen_group_ready(&group));
    }
    listen_group_leave(&a);
}

static void test_bounds(void **state)
{
    struct group_listener a = listener(2, 100);
    (void)state;
    assert_int_equal(listen_group_bound(&group, 4, 0), 0);
    for (unsigned int i = 1; i <= 4; i++) {
        assert_int_equal(add(i), 0);
    }
    assert_int_equal(add(5), 1);
    assert_int_equal(group.lost, 1);
    listen_group_join(&group, &a);
    expect(&a, 2);
    expect(&a, 3); /* held: these are not dropped */
    assert_int_equal(add(6), 1);
    assert_int_equal(add(7), 1);
    assert_int_equal(add(8), 1);
    assert_int_equal(group.lost, 4);
    assert_int_equal(group.events, 4);
    listen_group_settle(&a, 1, true);
    listen_group_settle(&a, 2, true);
    listen_group_revive(&a);
    expect(&a, 7);
    expect(&a, 8);
    listen_group_leave(&a);
    /* A word of losses that is dropped itself is said again with what it said. */
    struct ff_ipc_event lost = {
        .id = {"l", 1}, .type = FF_IPC_EVENTS_LOST, .has_count = true, .count = group.lost};
    struct listen_event *word = listen_event_new(&lost);
    group.lost = 0;
    listen_group_add_first(&group, word, orders, 0);
    listen_event_unref(word);
    assert_int_equal(listen_group_bound(&group, 1, 0), 1);
    assert_int_equal(group.lost, 5);
    /* By bytes: nothing at all fits. */
    assert_int_equal(listen_group_bound(&group, 0, 10), 1);
    assert_int_equal(add(9), 1);
    assert_int_equal(group.events, 0);
}

static uint64_t owner_of(void *arg, const struct group_item *item)
{
    (void)item;
    return *(uint64_t *)arg;
}

static void test_of_other_nodes(void **state)
{
    struct group_listener a = listener(10, 100);
    uint64_t owner = 7;
    (void)state;
    for (unsigned int i = 1; i <= 6; i++) {
        struct listen_event *one = event(i);
        if (i <= 2) {
            listen_group_add(&group, one, i, 7);
        } else {
            listen_group_keep(&group, one, i, i <= 4 ? 8 : 0);
        }
        assert_int_equal(listen_group_add(&group, one, i, 7), 0); /* known by its id */
        listen_event_unref(one);
    }
    assert_int_equal(group.events, 6);
    listen_group_join(&group, &a);
    expect(&a, 1);
    expect(&a, 2);
    expect_none();
    assert_true(listen_group_settle_id(&group, (struct ff_slice){"e1", 2})); /* held */
    assert_true(listen_group_settle_id(&group, (struct ff_slice){"e3", 2})); /* kept */
    assert_false(listen_group_settle_id(&group, (struct ff_slice){"e3", 2}));
    assert_false(listen_group_settle(&a, 1, true));
    assert_non_null(listen_group_held(&a, 2));
    /* The other one is no more: what it had may have been delivered, what was nobody's was not. */
    listen_group_assign(&group, 7, owner_of, &owner);
    const struct group_item *item = listen_group_next(&group, now);
    assert_int_equal(item->event->view.unix_ms, 4);
    assert_int_equal(item->attempts, 2);
    item = listen_group_next(&group, now);
    assert_int_equal(item->event->view.unix_ms, 5);
    assert_int_equal(item->attempts, 1);
    listen_group_leave(&a);
    owner = 8;
    listen_group_assign(&group, 7, owner_of, &owner);
    assert_int_equal(listen_group_waiting(&group), 0);
    assert_int_equal(group.kept.count, 4);
    /* What another one delivers is counted by that one when it is dropped, nobody's by all. */
    assert_int_equal(listen_group_bound(&group, 3, 0), 0);
    owner = 0;
    listen_group_assign(&group, 7, owner_of, &owner);
    assert_int_equal(listen_group_bound(&group, 2, 0), 1);
    assert_int_equal(group.lost, 1);
}

/* Whatever comes in whatever order: nothing is delivered to two at a time, windows hold, and all
 * that was added is settled, dropped or there. */
static void test_random(void **state)
{
    struct group_listener *all[6] = {NULL};
    uint64_t added = 0, dropped = 0, settled = 0;
    (void)state;
    srandom(7);
    listen_group_bound(&group, 40, 0);
    for (int step = 0; step < 200000; step++) {
        size_t i = (size_t)random() % 6;
        struct group_item *item;
        switch (random() % 8) {
        case 0:
            if (all[i] == NULL) {
                all[i] = mem_zalloc(sizeof(struct group_listener));
                *all[i] = listener((uint32_t)random() % 5 + 1, (uint32_t)random() % 50 + 1);
                listen_group_join(&group, all[i]);
            } else if (random() % 3 == 0) {
                listen_group_leave(all[i]);
                mem_free(all[i]);
                all[i] = NULL;
            }
            break;
        case 1:
        case 2:
            dropped += add((unsigned int)added++);
            break;
        case 3:
        case 4:
            item = listen_group_next(&group, now);
            if (item != NULL) {
                assert_true(item->holder->live <= item->holder->window);
                assert_null(item->list);
            }
            break;
        case 5:
        case 6:
            if (all[i] != NULL && all[i]->number > 0) {
                bool done = random() % 4 != 0;
                uint64_t number = all[i]->number - (uint64_t)random() % 8;
                bool known = listen_group_settle(all[i], number, done);
                settled += known && done ? 1 : 0;
                listen_group_revive(all[i]);
            }
            break;
        default:
            now += (uint64_t)random() % 20;
            listen_group_expire(&group, now);
        }
        refuses = random() % 10 == 0;
        uint64_t held = 0;
        for (size_t k = 0; k < 6; k++) {
            held += all[k] != NULL ? all[k]->live : 0;
        }
        assert_int_equal(group.events, listen_group_waiting(&group) + held);
        assert_int_equal(added, group.events + settled + dropped);
        assert_true(group.events <= 40 || listen_group_waiting(&group) == 0);
        assert_int_equal(group.lost, dropped);
    }
    for (size_t k = 0; k < 6; k++) {
        if (all[k] != NULL) {
            listen_group_leave(all[k]);
            mem_free(all[k]);
        }
    }
    assert_true(settled > 1000 && dropped > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns_and_windows, begin, end),
        cmocka_unit_test_setup_teardown(test_redelivery, begin, end),
        cmocka_unit_test_setup_teardown(test_alone_it_gets_it_again, begin, end),
        cmocka_unit_test_setup_teardown(test_bounds, begin, end),
        cmocka_unit_test_setup_teardown(test_of_other_nodes, begin_indexed, end),
        cmocka_unit_test_setup_teardown(test_random, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
