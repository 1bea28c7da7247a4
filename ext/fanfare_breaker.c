#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "fanfare_breaker.h"

#include <limits.h>

#define BREAKER_COOLDOWN_NS 1000000000u
#define BREAKER_AWAY_NS     10000000000u

static bool breaker_tripped(const struct fanfare_breaker *breaker, int64_t threshold)
{
	return threshold > 0 && (int64_t) breaker->failures >= threshold;
}

bool fanfare_breaker_open(const struct fanfare_breaker *breaker, int64_t threshold, uint64_t now)
{
	return breaker_tripped(breaker, threshold) && now < breaker->slow_until;
}

bool fanfare_breaker_waits(const struct fanfare_breaker *breaker, int64_t threshold, uint64_t now)
{
	return threshold <= 0 || now >= breaker->away_until;
}

void fanfare_breaker_slow(struct fanfare_breaker *breaker, int64_t threshold, uint64_t spent, uint64_t limit,
                          uint64_t now)
{
	breaker->wasted += spent;
	/* a deadline is met a little early or late */
	if (breaker->wasted < limit - limit / 8 && !breaker_tripped(breaker, threshold)) {
		return;
	}
	breaker->wasted = 0;
	if (breaker->failures < UINT_MAX) {
		breaker->failures++;
	}
	breaker->slow_until = now + BREAKER_COOLDOWN_NS;
}

void fanfare_breaker_away(struct fanfare_breaker *breaker, uint64_t now)
{
	breaker->away_until = now + BREAKER_AWAY_NS;
}

void fanfare_breaker_connected(struct fanfare_breaker *breaker)
{
	breaker->away_until = 0;
}

void fanfare_breaker_answered(struct fanfare_breaker *breaker)
{
	breaker->failures = 0;
	breaker->wasted = 0;
}
