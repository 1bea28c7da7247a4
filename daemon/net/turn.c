#include "net/turn.h"

#include "base/clock.h"

#define STALL_MS 1000 /* between two looks at the clock: the process did not run */
#define UNLOOKED 8    /* pieces of work between two looks at the clock */

void budget_begin(struct budget *budget, uint64_t us)
{
    *budget = (struct budget){.until_ns = clock_mono_ns() + us * 1000, .unlooked = UNLOOKED};
}

bool budget_spent(struct budget *budget)
{
    if (budget->unlooked > 0) {
        budget->unlooked--;
        return false;
    }
    if (clock_mono_ns() >= budget->until_ns) {
        return true;
    }
    budget->unlooked = UNLOOKED;
    return false;
}

/*
 * WHY: a process that was stopped must not hold that time against its clients: their answers may
 * wait in more sockets than one poll reports. So the loop's time stands still meanwhile, and the
 * first tick behind the gap judges nobody. The second one does, so that a loop whose every turn is
 * that long still has time-outs.
 */
void turn_look_at_clock(struct loop *loop)
{
    uint64_t ns = clock_mono_ns();
    uint64_t clock = ns / 1000000u;
    uint64_t passed = clock - loop->looked;
    loop->looked = clock;
    if (passed >= STALL_MS) {
        loop->stalled = true;
        passed = TURN_TICK_MS;
    }
    loop->now += passed;
    if (loop->turn_ns == 0) {
        loop->turn_ns = ns;
    }
}

void turn_awake(struct loop *loop)
{
    if (!loop->awake) {
        loop->awake = true;
        turn_look_at_clock(loop);
        budget_begin(&loop->input, LOOP_INPUT_US);
    }
}
