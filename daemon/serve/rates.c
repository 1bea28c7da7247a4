#include "serve/rates.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

#define SETS      8192u
#define WAYS      8u
#define TIME_BITS 40u
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define SECOND    UINT64_C(1000000)

/*
 * A bucket in 64 bits: who (24 bits of the hash, never 0; the set is other bits of it) and when it
 * will be full again, in microseconds. That one time is all of it: as far as it lies ahead, so much
 * is taken. It goes round in 12 days; what lies more than a second ahead is in the past.
 */
struct rates {
    _Atomic uint64_t sets[SETS][WAYS];
};

struct rates *rates_new(void)
{
    return mem_zalloc(sizeof(struct rates));
}

void rates_free(struct rates *rates)
{
    mem_free(rates);
}

/* How much of the bucket is taken, as the time that it needs to fill. */
static uint64_t taken(uint64_t bucket, uint64_t now)
{
    uint64_t ahead = (bucket - now) & TIME_MASK;
    return bucket != 0 && ahead <= SECOND ? ahead : 0;
}

bool rates_take(struct rates *rates, const struct address *address, uint64_t rate, uint64_t now_us)
{
    size_t significant = address_is_v4(address) ? 16 : 8;
    uint64_t hash = strmap_hash64((const char *)address->bytes, significant);
    _Atomic uint64_t *set = rates->sets[hash % SETS];
    uint64_t tag = hash >> TIME_BITS;
    tag = tag != 0 ? tag : 1;
    uint64_t one = rate < SECOND ? SECOND / rate : 1;
    uint64_t full = rate < SECOND ? rate * one : SECOND;
    for (;;) {
        size_t place = 0;
        uint64_t least = UINT64_MAX, found = 0, used = 0;
        for (size_t i = 0; i < WAYS; i++) {
            uint64_t bucket = atomic_load_explicit(&set[i], memory_order_relaxed);
            uint64_t now_taken = taken(bucket, now_us);
            if (bucket >> TIME_BITS == tag) {
                place = i;
                found = bucket;
                used = now_taken;
                break;
            }
            if (now_taken < least) {
                least = now_taken;
                place = i;
                found = bucket;
            }
        }
        if (used + one > full) {
            return false;
        }
        uint64_t next = tag << TIME_BITS | ((now_us + used + one) & TIME_MASK);
        if (atomic_compare_exchange_weak_explicit(&set[place], &found, next, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
}
