/*
 * What other nodes have answered to one question, as far as it came: connections, and channels with
 * their subscribers elsewhere. Pure; belongs to who made it.
 */
#ifndef FF_PUBSUB_GATHERED_H
#define FF_PUBSUB_GATHERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/slice.h"

struct gathered;

/* Answers from others, as far as they came. */
bool gathered_whole(const struct gathered *gathered);
uint64_t gathered_connections(const struct gathered *gathered);
uint32_t gathered_subscriptions(const struct gathered *gathered, struct slice channel);
/* Walks the channels that others have named; start with *cursor = 0. */
bool gathered_next(const struct gathered *gathered, size_t *cursor, struct slice *name,
                   uint32_t *subscriptions);

struct gathered *gathered_new(void);
void gathered_free(struct gathered *gathered); /* NULL is fine */
void gathered_add(struct gathered *gathered, struct slice channel, uint32_t subscriptions);
void gathered_add_connections(struct gathered *gathered, uint64_t n);
void gathered_end(struct gathered *gathered, bool whole);

#endif
