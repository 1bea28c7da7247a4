#include "serve/rates.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/strmap.h"

#define SETS      8192u
#define WAYS      8u
#define LOCKS     64u
#define TIME_BITS 40u
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define SECOND    UINT64_C(1000000)

/*
 * A bucket in 64 bits: who (24 bits of the hash, never 0; the set is other bits of it) and when it
 * will be full again, in microseconds. That one time is all of it: as far as it lies ahead, so much
 * is taken. It goes round in 12 days; what lies more than a second ahead is in the past.
 *
 * To look for an address and to give it a place is one step under a lock. Without it two workers
 * with clocks a little apart find different places free, and the address has two buckets.
 */
struct rates_lock {
    pthread_mutex_t mutex;
    uint64_t now; /* the latest time that anybody came with: for a clock that is behind, a bucket
                     just emptied would lie more than a second ahead, in the past, and be full */
};

struct rates {
    struct rates_lock locks[LOCKS];
    uint64_t sets[SETS][WAYS];
};

struct rates *rates_new(void)
{
    struct rates *rates = mem_zalloc(sizeof(struct rates));
    for (size_t i = 0; i < LOCKS; i++) {
        check(pthread_mutex_init(&rates->locks[i].mutex, NULL) == 0);
    }
    return rates;
}

void rates_free(struct rates *rates)
{
    for (size_t i = 0; rates != NULL && i < LOCKS; i++) {
        pthread_mutex_destroy(&rates->locks[i].mutex);
    }
    mem_free(rates);
}

/* How much of the bucket is taken, as the time that it needs to fill. */
static uint64_t rates_taken(uint64_t bucket, uint64_t now)
{
    uint64_t ahead = (bucket - now) & TIME_MASK;
    return bucket != 0 && ahead <= SECOND ? ahead : 0;
}

/* The bucket with this tag, or else the one of the set with the least taken, emptied of who had it.
 */
static uint64_t *rates_bucket(uint64_t set[WAYS], uint64_t tag, uint64_t now, uint64_t *taken)
{
    uint64_t *least = NULL, least_taken = UINT64_MAX;
    for (size_t i = 0; i < WAYS; i++) {
        *taken = rates_taken(set[i], now);
        if (set[i] >> TIME_BITS == tag) {
            return &set[i];
        }
        if (*taken < least_taken) {
            least_taken = *taken;
            least = &set[i];
        }
    }
    *taken = 0;
    return least;
}

bool rates_take(struct rates *rates, const struct address *address, uint64_t rate, uint64_t now_us)
{
    size_t significant = address_is_v4(address) ? 16 : 8;
    uint64_t hash = strmap_hash64((const char *)address->bytes, significant);
    uint64_t tag = hash >> TIME_BITS, taken;
    tag = tag != 0 ? tag : 1;
    uint64_t one = rate < SECOND ? SECOND / rate : 1;
    uint64_t full = rate < SECOND ? rate * one : SECOND;
    struct rates_lock *lock = &rates->locks[hash % LOCKS];
    pthread_mutex_lock(&lock->mutex);
    if (now_us > lock->now) {
        lock->now = now_us;
    }
    uint64_t *bucket = rates_bucket(rates->sets[hash % SETS], tag, lock->now, &taken);
    bool left = taken + one <= full;
    if (left) {
        *bucket = tag << TIME_BITS | ((lock->now + taken + one) & TIME_MASK);
    }
    pthread_mutex_unlock(&lock->mutex);
    return left;
}
