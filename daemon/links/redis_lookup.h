/*
 * Addresses of a host's name, looked up on a thread of its own for each question: the C library
 * waits for name servers, and no loop may.
 *
 * Owns the thread, which ends by itself, and the descriptor that it answers through. Everything but
 * that thread runs on the loop of `base`.
 */
#ifndef FF_LINKS_REDIS_LOOKUP_H
#define FF_LINKS_REDIS_LOOKUP_H

#include <event2/event.h>
#include <stddef.h>

#include "base/check.h"

#define REDIS_ADDRESSES    8u  /* of a name that are used */
#define REDIS_ADDRESS_TEXT 64u /* room for one, with a zone */

struct redis_addresses {
    size_t count;
    char text[REDIS_ADDRESSES][REDIS_ADDRESS_TEXT];
};

struct redis_lookup;

/* why NULL: found at least one. Else what the C library says. Both are good for the call. The
 * lookup is gone by then. */
typedef void redis_lookup_fn(void *arg, const struct redis_addresses *found, const char *why);

/* NULL: no thread or descriptor can be had. */
struct redis_lookup *redis_lookup_start(struct event_base *base, const char *host,
                                        redis_lookup_fn *fn, void *arg) MUST_CHECK;
/* There will be no answer. Never waits for the thread. NULL is fine. */
void redis_lookup_cancel(struct redis_lookup *lookup);

#endif
