/*
 * The channels that watchlists are made of: one of those who watch a user, beside the user's own.
 * Pure.
 */
#ifndef FF_PUBSUB_WATCH_NAME_H
#define FF_PUBSUB_WATCH_NAME_H

#include <string.h>

#include "proto/slice.h"
#include "shared/channel.h"

#define WATCH_MAX      100u /* users on one list */
#define WATCH_NAME_MAX (sizeof(FF_USER_CHANNEL_PREFIX) + FF_MAX_USER_ID)

_Static_assert(sizeof(FF_WATCH_CHANNEL_PREFIX) <= sizeof(FF_USER_CHANNEL_PREFIX),
               "fits WATCH_NAME_MAX");

/* The channel with this prefix of a user, in `room` of WATCH_NAME_MAX bytes. */
static inline struct slice watch_channel(char *room, struct slice prefix, struct slice id)
{
    memcpy(mempcpy(room, prefix.p, prefix.len), id.p, id.len);
    return (struct slice){room, prefix.len + id.len};
}

#endif
