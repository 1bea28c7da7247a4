/*
 * links/bus_log: several nodes on a simulated log, under faults by chance. A run
 * that breaks prints its seed; BUS_SIM_SEED=n runs that one alone, BUS_SIM_RUNS=n more of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "links/bus_log.h"

#include "bus_sim.h"

/* ---- by chance ---- */

enum { REDIS = 1, NODES = 2, BEYOND = 4 };

static void fault_redis(struct sim *sim, bool beyond)
{
    struct sim_process *process = sim->processes[sim_below(sim, sim->count)];
    uint32_t most = beyond ? 2 * SIM_WINDOW : SIM_WINDOW / 4;
    switch (sim_below(sim, 10)) {
    case 0:
        sim_cut_writer(process);
        break;
    case 1:
        sim_cut_reader(process);
        break;
    case 2:
        sim_cut(sim);
        break;
    case 3: /* failover, with another clock */
        sim_cut(sim);
        sim_lose_newest(sim, sim_below(sim, 30));
        sim->skew = (int64_t)sim_below(sim, 7200000) - 3600000;
        break;
    case 4: /* FLUSHALL, or the stream is deleted */
        sim_lose_newest(sim, sim->nentries);
        break;
    case 5: /* the same, and the clock is set back */
        sim_lose_newest(sim, sim->nentries);
        sim->skew -= sim_below(sim, 3600000);
        break;
    case 6: /* killed, and empty when it is back */
        sim->down = true;
        sim_cut(sim);
        sim_run(sim, sim_below(sim, most), true);
        sim_lose_newest(sim, sim_below(sim, 2) == 0 ? 0 : sim->nentries);
        sim->skew = (int64_t)sim_below(sim, 7200000) - 3600000;
        sim->down = false;
        break;
    case 7: /* SIGSTOP */
        sim->stopped = true;
        sim_run(sim, sim_below(sim, most), true);
        sim->stopped = false;
        break;
    case 8: /* OOM */
        sim->refuse = 1 + sim_below(sim, 4);
        sim_run(sim, sim_below(sim, most / 2), true);
        sim->refuse = 0;
        break;
    case 9: /* what was read long ago is trimmed */
        if (sim->nentries > 2000) {
            sim_trim_oldest(sim, sim->nentries - 2000);
        }
        break;
    }
}

static struct sim_process *some_running(struct sim *sim)
{
    for (;;) {
        struct sim_process *process = sim->processes[sim_below(sim, sim->count)];
        if (process->running) {
            return process;
        }
    }
}

static uint32_t running(const struct sim *sim)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < sim->count; i++) {
        n += sim->processes[i]->running ? 1 : 0;
    }
    return n;
}

static void fault_nodes(struct sim *sim)
{
    struct sim_process *process = some_running(sim);
    switch (sim_below(sim, 5)) {
    case 0:
        if (running(sim) > 2) {
            sim_kill(process);
        }
        break;
    case 1:
        if (running(sim) > 2 && !process->log.leaving) {
            sim_check(bus_log_leave(&process->log, sim_clock(process)) != 0);
            process->own = 0;
        }
        break;
    case 2:
        process->paused_until = sim->now + sim_below(sim, 3 * SIM_TIMEOUT);
        break;
    default:
        if (running(sim) < SIM_NODES && sim->count < SIM_PROCESSES) {
            sim_start(sim, sim_names[sim_below(sim, SIM_NODES)]);
        }
        break;
    }
}

static void fault_beyond(struct sim *sim)
{
    struct sim_process *process = some_running(sim);
    if (sim_below(sim, 2) == 0) {
        process->paused_until = sim->now + sim_below(sim, 2 * SIM_WINDOW);
    } else {
        sim_trim_oldest(sim, sim_below(sim, (uint32_t)sim->nentries + 1));
    }
}

static void run(uint64_t seed, unsigned int kinds)
{
    struct sim sim;
    sim_begin(&sim, seed, kinds == REDIS, SIM_NODES);
    if ((kinds & BEYOND) != 0) {
        sim.max_bytes = sim_below(&sim, 2) == 0 ? 20000 : 8u << 20;
    }
    sim_run(&sim, 2000, true);
    for (int i = 0; i < 40; i++) {
        sim_run(&sim, sim_below(&sim, 2500), true);
        if ((kinds & REDIS) != 0 && sim_below(&sim, 2) == 0) {
            fault_redis(&sim, (kinds & BEYOND) != 0);
        }
        if ((kinds & NODES) != 0 && sim_below(&sim, 2) == 0) {
            fault_nodes(&sim);
        }
        if ((kinds & BEYOND) != 0 && sim_below(&sim, 4) == 0) {
            fault_beyond(&sim);
        }
    }
    sim_end(&sim);
}

static void runs(unsigned int kinds, int count)
{
    const char *seed = getenv("BUS_SIM_SEED"), *more = getenv("BUS_SIM_RUNS");
    if (seed != NULL) {
        uint64_t only = strtoull(seed, NULL, 10);
        if (only % 8 == kinds) {
            run(only, kinds);
        }
        return;
    }
    count = more != NULL ? (int)strtol(more, NULL, 10) : count;
    for (int i = 0; i < count; i++) {
        run((uint64_t)i * 8 + kinds, kinds);
    }
}

/* The log breaks in every way, for less than the window: nobody loses anything, nobody is given
 * up, nobody flickers. */
static void test_redis_breaks(void **state)
{
    (void)state;
    runs(REDIS, 12);
}

static void test_nodes_break(void **state)
{
    (void)state;
    runs(NODES, 12);
}

static void test_both_break(void **state)
{
    (void)state;
    runs(REDIS | NODES, 12);
}

/* For longer than the window, and with too little room: what is lost is counted. */
static void test_beyond(void **state)
{
    (void)state;
    runs(REDIS | NODES | BEYOND, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redis_breaks),
        cmocka_unit_test(test_nodes_break),
        cmocka_unit_test(test_both_break),
        cmocka_unit_test(test_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
