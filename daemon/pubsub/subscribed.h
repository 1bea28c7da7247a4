/*
 * Who is subscribed to what, as nothing but a set of fingerprints: 64 bits of a connection's random
 * id and a channel. It lets the hub say whether a socket that a publisher excludes would have been
 * a recipient at all. Belongs to the hub; about 16 bytes a subscription.
 *
 * That is its price for one thing: that a receipt's `recipients` is exact for a publish that leaves
 * its own sender out, as nearly every one of Laravel's toOthers() does. "Nobody else is here" is
 * what an application asks a receipt, and a count that is one too high would always say no.
 */
#ifndef FF_PUBSUB_SUBSCRIBED_H
#define FF_PUBSUB_SUBSCRIBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subscribed {
    uint64_t *slots; /* 0: free; NULL until the first one */
    size_t mask, count;
};

/* Two pairs of connection and channel may share a fingerprint: with a million subscriptions there
 * is one such pair with a chance of about 2^-25. Then a receipt may be off by one. */
uint64_t subscribed_print(uint64_t random, uint32_t app, uint32_t channel_hash);

void subscribed_add(struct subscribed *set, uint64_t print);
void subscribed_remove(struct subscribed *set, uint64_t print); /* shrinks when mostly empty */
bool subscribed_has(const struct subscribed *set, uint64_t print);
void subscribed_free(struct subscribed *set);

#endif
