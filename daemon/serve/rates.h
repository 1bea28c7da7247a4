/*
 * How many handshakes each address may begin a second, over all workers together.
 *
 * One table for the process, of fixed size, under locks that are held for a look at eight buckets.
 * An address has a bucket that holds one second's worth and fills evenly. IPv6 addresses count by
 * their /64, which is what one client has.
 *
 * Addresses are hashed with a secret key into sets of eight. A set that is full of addresses active
 * in this very second gives up the least active of them, so a flood from many addresses costs
 * neither memory nor those who are over their rate their place. The rate is exact over all threads,
 * whichever of their clocks is behind.
 */
#ifndef FF_SERVE_RATES_H
#define FF_SERVE_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct rates;

struct rates *rates_new(void); /* 512 KiB, of which the kernel gives what is used */
void rates_free(struct rates *rates);

/* Takes one out of the address's bucket: `rate` a second, not 0, at this time of the monotonic
 * clock. False: there is none left. */
bool rates_take(struct rates *rates, const struct address *address, uint64_t rate,
                uint64_t now_us) MUST_CHECK;

#endif
