/* links/bus_log: nodes on a simulated log, and faults one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "links/bus_log.h"

#include "bus_sim.h"

/* Waits until it is so, for at most so many ms. */
#define wait_for(sim, ms, load, condition)                                                         \
    do {                                                                                           \
        for (uint64_t wait_end = (sim)->now + (ms); !(condition);) {                               \
            sim_check((sim)->now < wait_end);                                                      \
            sim_step((sim), (load));                                                               \
        }                                                                                          \
    } while (0)

static uint64_t received(const struct sim *sim, uint32_t by, uint32_t from)
{
    return sim->processes[by]->peers[from].received;
}

/* Everybody hears everybody, from now on. */
static bool all_hear(struct sim *sim, const uint64_t *since)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        for (uint32_t j = 0; j < sim->count; j++) {
            if (i != j && sim->processes[i]->running && sim->processes[j]->running &&
                received(sim, i, j) < since[i * SIM_PROCESSES + j] + 5) {
                return false;
            }
        }
    }
    return true;
}

static void all_must_hear(struct sim *sim, uint64_t ms)
{
    static uint64_t since[SIM_PROCESSES * SIM_PROCESSES];
    for (uint32_t i = 0; i < sim->count; i++) {
        for (uint32_t j = 0; j < sim->count; j++) {
            since[i * SIM_PROCESSES + j] = received(sim, i, j);
        }
    }
    wait_for(sim, ms, true, all_hear(sim, since));
}

static void test_first_node_is_soon_ready(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 1, true, 1);
    wait_for(&sim, 1500, false, sim.processes[0]->log.ready);
    sim_start(&sim, "b");
    wait_for(&sim, 1500, true, sim.processes[1]->log.ready);
    sim_end(&sim);
}

/* Published as socketio/socket.io-redis-streams-adapter 32: after a restart the ids begin lower
 * than what the nodes wait for, and they hear nothing while their heartbeats still go out. */
static void test_ids_begin_lower(void **state)
{
    struct sim sim;
    (void)state;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        sim_begin(&sim, seed, true, 3);
        sim_run(&sim, 5000, true);
        sim_cut(&sim); /* a restart */
        sim_lose_newest(&sim, sim.nentries);
        sim.skew -= 3600000;
        all_must_hear(&sim, 3000);
        sim_lose_newest(&sim, sim.nentries); /* FLUSHALL: every connection stays */
        sim.skew -= 3600000;
        all_must_hear(&sim, 1200);
        sim_end(&sim);
    }
}

/* Published as 31: questions took 200 ms, because one loop reads with a pause. Here a question is
 * answered without that any time passes. */
static void test_question_needs_no_time(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 7, true, 3);
    sim_run(&sim, 5000, true);
    struct sim_process *asker = sim.processes[0];
    struct bus_record query = {
        .type = BUS_QUERY, .app = SLICE("a"), .number = asker->question = 99, .text = SLICE("?")};
    assert_int_equal(bus_log_add_loose(&asker->log, &query), 0);
    for (int turns = 0; asker->answers < 2; turns++) {
        sim_check(turns < 200);
        sim_serve(&sim);
        for (uint32_t i = 0; i < sim.count; i++) {
            sim_turn(sim.processes[i]);
        }
    }
    sim_end(&sim);
    /* Without a log nobody waits for answers that cannot come. */
    sim_begin(&sim, 7, true, 1);
    sim.down = true;
    sim_run(&sim, 1000, false);
    assert_int_equal(bus_log_add_loose(&sim.processes[0]->log, &query), -1);
    sim.down = false;
    sim_end(&sim);
}

/* Published as pull request 47: one unbounded range read fills the output buffer of the server. */
static void test_reads_are_bounded(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 3, false, 3);
    sim_run(&sim, 3000, true);
    sim.processes[2]->paused_until = sim.now + SIM_WINDOW / 2;
    sim_run(&sim, SIM_WINDOW / 2, true);
    assert_true(sim_after(&sim, sim.processes[2]->log.reader.at) + 5 * SIM_COUNT < sim.nentries);
    all_must_hear(&sim, 3000);
    assert_int_equal(sim.processes[2]->peers[0].lost, 0);
    assert_true(sim.count_max <= SIM_COUNT && BUS_READ_COUNT >= SIM_COUNT);
    sim_end(&sim);
}

/* Published as 39: whoever reconnects twice without anything new in between gets the same once
 * more, because the place where he stopped was not moved on. */
static void test_reconnect_repeats_nothing(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 4, true, 2);
    sim_run(&sim, 5000, true);
    sim_run(&sim, 2000, false);
    struct bus_log *log = &sim.processes[0]->log;
    for (int i = 0; i < 5; i++) {
        struct bus_id at = log->reader.at;
        uint64_t duplicates = log->duplicates, got = received(&sim, 0, 1);
        sim_cut_reader(sim.processes[0]);
        wait_for(&sim, 2000, false, bus_id_after(log->reader.at, at));
        assert_int_equal(log->duplicates, duplicates);
        assert_int_equal(received(&sim, 0, 1), got);
        assert_int_equal(log->rewinds, 0);
    }
    sim_end(&sim);
}

/* Published as 7: messages of an hour ago arrive out of nowhere. A log that was restored from an
 * old copy has what nodes said that are no more. */
static void test_old_log_comes_back(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 5, false, 3);
    sim_run(&sim, 3000, true);
    size_t then = sim.nentries;
    sim_kill(sim.processes[2]);
    sim_run(&sim, 2 * SIM_TIMEOUT, true);
    sim_start(&sim, "new");
    wait_for(&sim, 3000, true, sim.processes[3]->log.ready);
    sim_run(&sim, 3000, true);
    sim_cut(&sim);
    sim_lose_newest(&sim, sim.nentries - then);
    all_must_hear(&sim, 5000);
    sim_run(&sim, 5000, true);
    assert_int_equal(received(&sim, 3, 2), 0);
    assert_int_equal(sim.processes[3]->peers[0].lost + sim.processes[3]->peers[1].lost, 0);
    sim_end(&sim);
}

/* A stop of the server, and one node that is stopped: time does not leap. */
static void test_stopped_log_expires_nobody(void **state)
{
    struct sim sim;
    (void)state;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        sim_begin(&sim, seed, true, 4);
        sim_run(&sim, 3000, true);
        sim.stopped = true;
        sim_run(&sim, 3 * SIM_TIMEOUT, true); /* shorter than the window, or it loses something */
        sim.stopped = false;
        /* One comes back later than the others. */
        sim_cut_writer(sim.processes[3]);
        sim.processes[3]->writer_at = sim.now + 400;
        all_must_hear(&sim, 3000);
        sim_end(&sim);
    }
}

/* What does not fit is lost for the others to the last one, and they know how many. */
static void test_loss_is_exact(void **state)
{
    struct sim sim;
    const uint32_t said = 4 * BUS_FLIGHTS; /* more than leaves before the first answer */
    (void)state;

    sim_begin(&sim, 6, false, 3);
    sim_run(&sim, 3000, true);
    sim_run(&sim, 3000, false);
    sim.stopped = true;
    struct sim_process *from = sim.processes[0];
    uint64_t before = from->total;
    bus_log_set(&from->log, SIM_WINDOW, 4000, SIM_TIMEOUT);
    for (uint32_t i = 0; i < said; i++) {
        sim_broadcast(from);
        sim_step(&sim, false);
    }
    assert_true(from->dropped > 100 && from->dropped < said);
    sim.stopped = false;
    sim_run(&sim, 5000, false);
    for (uint32_t i = 1; i < 3; i++) {
        const struct sim_peer *peer = &sim.processes[i]->peers[0];
        assert_true(peer->lost > 0 && peer->lost <= from->dropped);
        assert_int_equal(peer->start + peer->received + peer->lost, before + said);
        assert_int_equal(sim.processes[i]->log.lost, peer->lost);
    }
    sim_end(&sim);
}

/* It reads of its own death, and is there again with all it owns. */
static void test_stopped_node_returns(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 8, false, 3);
    sim_run(&sim, 5000, true);
    struct sim_process *process = sim.processes[1];
    process->paused_until = sim.now + 3 * SIM_TIMEOUT;
    sim_run(&sim, SIM_TIMEOUT + SIM_TIMEOUT / 2, true);
    for (uint32_t i = 0; i < 3; i += 2) {
        assert_int_equal(sim.processes[i]->gones, 1); /* in time */
        assert_int_equal(sim.processes[i]->peers[1].view, 0);
    }
    sim_run(&sim, 3 * SIM_TIMEOUT, true);
    assert_int_equal(process->deaths, 1);
    assert_int_equal(process->log.out.incarnation, 2);
    assert_int_equal(process->gones, 0);
    sim_end(&sim);
}

static void test_goodbye_is_at_once(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 9, true, 3);
    sim_run(&sim, 5000, true);
    assert_true(bus_log_leave(&sim.processes[1]->log, sim_clock(sim.processes[1])) != 0);
    sim.processes[1]->own = 0;
    wait_for(&sim, 500, true, sim.processes[0]->gones == 1 && sim.processes[2]->gones == 1);
    sim_end(&sim);
}

/* Started again under its name: the one before is given up sooner. A twin is not. */
static void test_same_name(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 10, false, 3);
    sim_run(&sim, 5000, true);
    sim_kill(sim.processes[1]);
    sim_start(&sim, "b");
    wait_for(&sim, SIM_TIMEOUT * 3 / 4, true,
             sim.processes[0]->gones == 1 && sim.processes[2]->gones == 1);
    sim_start(&sim, "b");
    sim_run(&sim, 4 * SIM_TIMEOUT, true);
    assert_true(sim.processes[0]->namesakes >= 2);
    assert_int_equal(sim.processes[0]->gones, 1);
    assert_int_equal(sim.processes[3]->deaths + sim.processes[4]->deaths, 0);
    sim_end(&sim);
}

/* The hello itself is lost. */
static void test_hello_is_lost(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 11, false, 2);
    sim_run(&sim, 3000, true);
    sim_start(&sim, "c");
    wait_for(&sim, 1000, true, sim.processes[2]->log.started);
    sim.stopped = true;
    sim_run(&sim, 2 * SIM_WINDOW, true);
    sim_cut_writer(sim.processes[2]);
    sim_empty(&sim.ghosts);
    sim.stopped = false;
    wait_for(&sim, 3 * SIM_TIMEOUT, true, sim.processes[2]->log.ready);
    sim_end(&sim);
}

/* Somebody joins while another one is stopped, though not for long: he waits for it, and his many
 * beats of that time are no time. */
static void test_join_with_a_stopped_node(void **state)
{
    struct sim sim;
    (void)state;

    for (uint64_t seed = 1; seed <= 10; seed++) {
        sim_begin(&sim, seed, true, 3);
        sim_run(&sim, 3000, true);
        sim.processes[2]->paused_until = sim.now + SIM_TIMEOUT * 3 / 4;
        sim_start(&sim, "d");
        sim_run(&sim, SIM_TIMEOUT / 2, true);
        assert_false(sim.processes[3]->log.ready);
        sim_run(&sim, SIM_TIMEOUT / 2, true);
        assert_true(sim.processes[3]->log.ready);
        assert_true(received(&sim, 3, 2) > 0);
        sim_end(&sim);
    }
}

/* What a node said is missing for another one, and it is no more: nobody can say it again. */
static void test_dead_node_leaves_a_gap(void **state)
{
    struct sim sim;
    (void)state;

    sim_begin(&sim, 12, false, 3);
    sim_run(&sim, 3000, true);
    sim_run(&sim, 1000, false);
    struct sim_process *from = sim.processes[0];
    sim.processes[1]->paused_until = sim.now + 1500;
    uint64_t confirmed = from->total;
    for (int i = 0; i < 20; i++) {
        sim_broadcast(from);
        sim_step(&sim, false);
    }
    sim_run(&sim, 200, false);
    sim_lose_newest(&sim, sim.nentries);
    for (int i = 0; i < 20; i++) {
        sim_broadcast(from);
        sim_step(&sim, false);
    }
    sim_run(&sim, 400, false);
    sim_kill(from);
    sim_run(&sim, SIM_TIMEOUT + SIM_WINDOW / 2, false);
    const struct sim_peer *peer = &sim.processes[1]->peers[0];
    assert_int_equal(peer->lost, 0); /* it might still come */
    sim_run(&sim, SIM_TIMEOUT + SIM_WINDOW, false);
    assert_true(peer->lost >= 15);
    assert_int_equal(peer->start + peer->received + peer->lost, confirmed + 40);
    assert_int_equal(sim.processes[2]->peers[0].lost, 0);
    sim_end(&sim);
}

/* The word that declared it dead is trimmed before it can read it, and as nobody keeps anything for
 * the dead, it falls behind with every beat. */
static void test_dead_node_lost_that_word(void **state)
{
    struct sim sim;
    (void)state;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        sim_begin(&sim, seed, false, 4);
        sim_run(&sim, 3000, true);
        struct sim_process *process = sim.processes[2];
        process->paused_until = sim.now + 3 * SIM_TIMEOUT;
        sim_run(&sim, 3 * SIM_TIMEOUT - 100, true);
        sim_trim_oldest(&sim, sim.nentries);
        wait_for(&sim, 2 * SIM_TIMEOUT, true, process->deaths == 1);
        sim_end(&sim);
    }
}

/* ---- two logs without a world ---- */

struct heard {
    enum bus_event_kind last;
    uint32_t records;
};

static void heard_apply(void *arg, struct bus_node *node, const struct bus_record *record)
{
    (void)record;
    ((struct heard *)arg)->records += node != NULL ? 1 : 0;
}

static void heard_event(void *arg, const struct bus_event *event)
{
    ((struct heard *)arg)->last = event->kind;
}

static void lone_log(struct bus_log *log, struct heard *heard, uint64_t node, uint32_t lanes)
{
    struct bus_log_settings settings = {.node = node,
                                        .name = "x",
                                        .lanes = lanes,
                                        .window_ms = 60000,
                                        .max_bytes = 1u << 20,
                                        .node_timeout_ms = 15000};
    struct bus_callbacks callbacks = {heard_apply, heard_event, heard};
    *heard = (struct heard){.records = 0};
    bus_log_init(log, &settings, &callbacks);
    bus_log_writable(log);
    bus_log_tail(log, (struct bus_id){0, 0}, (struct slice){NULL, 0});
}

static void say(struct bus_log *log, uint32_t times, uint64_t now)
{
    static char text[1024];
    struct bus_record record = {.type = BUS_DELIVER,
                                .app = SLICE("a"),
                                .channel = SLICE("c"),
                                .text = {text, sizeof(text)}};
    while (times-- > 0) {
        assert_int_not_equal(bus_log_add(log, &record, now), 0);
    }
}

/* How many entries go now, and how many records they hold. */
static uint32_t sent(struct bus_log *log, uint64_t now, uint32_t *records)
{
    struct bus_entry entry;
    struct slice bytes;
    uint32_t n = 0;
    *records = 0;
    for (; bus_log_take(log, now, &bytes); n++) {
        assert_int_equal(bus_entry_read((const uint8_t *)bytes.p, bytes.len, &entry), BUS_FINE);
        *records += entry.numbered ? entry.count : 0;
    }
    return n;
}

static void test_what_is_said_meanwhile_is_joined(void **state)
{
    struct bus_log log;
    struct heard heard;
    uint32_t records;
    uint64_t now = 1000;
    (void)state;
    lone_log(&log, &heard, 1, 1);
    assert_int_equal(sent(&log, now, &records), 1); /* the beat; hello waits for its answer */
    assert_int_equal(records, 0);
    bus_log_appended(&log, (struct bus_id){1, 0}, now);
    assert_int_equal(sent(&log, now, &records), 1);
    bus_log_appended(&log, (struct bus_id){1, 1}, now);

    /* Nothing is on its way: at once. */
    say(&log, 1, now);
    assert_int_equal(sent(&log, now, &records), 1);
    assert_int_equal(records, 1);
    /* Something is: with its answer, all together, and the owner is told no time before that. */
    say(&log, 1, now);
    assert_int_equal(sent(&log, now, &records), 0);
    say(&log, 2, now);
    assert_int_equal(sent(&log, now, &records), 0);
    assert_int_equal(bus_log_tick(&log, now), now + BUS_HOLD_MS);
    bus_log_appended(&log, (struct bus_id){1, 2}, now);
    assert_int_equal(sent(&log, now, &records), 1);
    assert_int_equal(records, 3);
    /* The answer does not come: when the time is up. */
    say(&log, 1, now);
    now += BUS_HOLD_MS;
    assert_int_equal(sent(&log, now, &records), 1);
    assert_int_equal(records, 1);
    /* What is full waits for nothing, what is begun behind it does. */
    say(&log, BUS_JOIN / 1024 + 1, now);
    assert_int_equal(sent(&log, now, &records), 1);
    assert_in_range(records, BUS_JOIN / 1024 - 1, BUS_JOIN / 1024);
    /* What is sent again neither. */
    bus_log_cut(&log);
    bus_log_writable(&log);
    assert_true(sent(&log, now, &records) >= 5);
    bus_log_free(&log);
}

static void test_others_are_refused(void **state)
{
    struct bus_log one, other;
    struct heard heard, ignored;
    struct bus_record record = {
        .type = BUS_DELIVER, .app = SLICE("a"), .channel = SLICE("c"), .text = SLICE("{}")};
    struct slice entry;
    uint8_t bytes[256];
    (void)state;

    for (int i = 0; i < 4; i++) {
        lone_log(&one, &heard, 1, 1);
        lone_log(&other, &ignored, i == 3 ? 1 : 2, i == 1 ? 4 : 1);
        assert_int_equal(bus_log_add(&other, &record, 0), 1);
        assert_true(bus_log_take(&other, 0, &entry));
        assert_true(bus_log_take(&other, BUS_HOLD_MS, &entry));
        assert_true(entry.len <= sizeof(bytes));
        memcpy(bytes, entry.p, entry.len);
        if (i == 2) {
            bytes[1] = bytes[2] = BUS_FORMAT + 1;
        }
        bus_log_entry(&one, (struct bus_id){1, 0}, (struct slice){(char *)bytes, entry.len}, 5);
        assert_int_equal(heard.records, i == 0 ? 1 : 0);
        assert_int_equal(one.foreign, i == 1 || i == 2 ? 1 : 0);
        if (i > 0) {
            assert_int_equal(heard.last, i == 3 ? BUS_EVENT_TWIN : BUS_EVENT_FOREIGN);
        }
        bus_log_entry(&one, (struct bus_id){1, 1}, SLICE("garbage"), 5);
        assert_int_equal(heard.last, BUS_EVENT_BAD);
        bus_log_free(&one);
        bus_log_free(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_node_is_soon_ready),
        cmocka_unit_test(test_ids_begin_lower),
        cmocka_unit_test(test_question_needs_no_time),
        cmocka_unit_test(test_reads_are_bounded),
        cmocka_unit_test(test_reconnect_repeats_nothing),
        cmocka_unit_test(test_old_log_comes_back),
        cmocka_unit_test(test_stopped_log_expires_nobody),
        cmocka_unit_test(test_loss_is_exact),
        cmocka_unit_test(test_stopped_node_returns),
        cmocka_unit_test(test_goodbye_is_at_once),
        cmocka_unit_test(test_same_name),
        cmocka_unit_test(test_hello_is_lost),
        cmocka_unit_test(test_join_with_a_stopped_node),
        cmocka_unit_test(test_dead_node_leaves_a_gap),
        cmocka_unit_test(test_dead_node_lost_that_word),
        cmocka_unit_test(test_what_is_said_meanwhile_is_joined),
        cmocka_unit_test(test_others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
