/*
 * When it is not worth a wait: what a peer's last calls say about the daemon.
 *
 * Plain data of one peer, on its thread; makes no system calls. Times are nanoseconds of the monotonic clock. Two
 * ways of being gone are told apart, because asking costs differently:
 *
 * - Slow: it takes connections and does not answer. Asking costs the whole time of a call, so after `threshold` calls
 * in a row that used it up nobody asks for a second; after that one call asks, and its failure begins the next second.
 *   Only an answer proves the contrary: a write proves nothing, as the kernel takes it for a daemon that hangs.
 * - Away: nobody listens. Asking costs microseconds, so every call asks, and the first one after the daemon is back
 *   succeeds. What costs is waiting for it to come back: after one call that waited in vain nobody waits again until
 *   there was a connection, or no call for ten seconds.
 *
 * A threshold of 0 switches both off.
 */
#ifndef FANFARE_BREAKER_H
#define FANFARE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct fanfare_breaker {
	unsigned int failures; /* calls in a row that used up their time */
	uint64_t wasted;       /* time without an answer that is not yet one of these failures */
	uint64_t slow_until;
	uint64_t away_until;
};

/* Whether a call is to fail without being tried. */
bool fanfare_breaker_open(const struct fanfare_breaker *breaker, int64_t threshold, uint64_t now);

/* Whether a call that finds nobody may wait for the daemon to come back. */
bool fanfare_breaker_waits(const struct fanfare_breaker *breaker, int64_t threshold, uint64_t now);

/* `spent` has passed without an answer; when it comes to `limit`, in one call or in many short ones, that is a
 * failure. With an open breaker it is one in any case. */
void fanfare_breaker_slow(struct fanfare_breaker *breaker, int64_t threshold, uint64_t spent, uint64_t limit,
                          uint64_t now);

/* A call has found nobody, after it waited or because it must not. */
void fanfare_breaker_away(struct fanfare_breaker *breaker, uint64_t now);

void fanfare_breaker_connected(struct fanfare_breaker *breaker);
void fanfare_breaker_answered(struct fanfare_breaker *breaker);

#endif
