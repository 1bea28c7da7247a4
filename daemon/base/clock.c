#include "base/clock.h"

#include <time.h>

#include "base/check.h"

static struct timespec clock_now(clockid_t id)
{
    struct timespec ts;
    check(clock_gettime(id, &ts) == 0);
    return ts;
}

uint64_t clock_mono_ns(void)
{
    struct timespec ts = clock_now(CLOCK_MONOTONIC);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000u;
}

uint64_t clock_wall_ms(void)
{
    struct timespec ts = clock_now(CLOCK_REALTIME);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}
