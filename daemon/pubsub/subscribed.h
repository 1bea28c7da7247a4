/*
 * Who is subscribed to what, as nothing but a set of fingerprints: 64 bits of a connection's random
 * id and a channel. It lets the hub say whether a socket that a publisher excludes would have been
 * a recipient at all. Belongs to the hub; about 16 bytes a subscription.
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

/* The random id of a connection is unique on this node, so two pairs share a fingerprint only by a
 * chance of 2^-64. */
uint64_t subscribed_print(uint64_t random, uint32_t app, uint32_t channel_hash);

void subscribed_add(struct subscribed *set, uint64_t print);
void subscribed_remove(struct subscribed *set, uint64_t print); /* shrinks when mostly empty */
bool subscribed_has(const struct subscribed *set, uint64_t print);
void subscribed_free(struct subscribed *set);

#endif
