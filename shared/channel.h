/*
 * Rules for channel names, event names and socket ids, the same for the daemon and for the
 * extension.
 *
 * Pure; runs anywhere. Lengths are bytes.
 */
#ifndef FF_CHANNEL_H
#define FF_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "utf8.h"

#define FF_USER_CHANNEL_PREFIX  "#server-to-user-"
#define FF_MAX_USER_ID          128u
/* Of the daemon's own: who watches a user is subscribed to this with the user's id behind it. No
 * name that comes from outside begins with it. */
#define FF_WATCH_CHANNEL_PREFIX "#watch-"

/* Bits, so that a test reads `type & FF_CHANNEL_PRESENCE`. Presence and encrypted channels are
 * private as well. */
enum ff_channel_type {
    FF_CHANNEL_PUBLIC = 0,
    FF_CHANNEL_PRIVATE = 1,
    FF_CHANNEL_PRESENCE = 2,
    FF_CHANNEL_ENCRYPTED = 4,
    FF_CHANNEL_CACHE = 16, /* with any of the others: the last published event is kept */
    FF_CHANNEL_USER = 8,   /* #server-to-user-ID: may be published to; a sign-in subscribes to it */
    FF_CHANNEL_WATCH = 32, /* #watch-ID */
    FF_CHANNEL_HIDDEN =
        FF_CHANNEL_USER | FF_CHANNEL_WATCH, /* in no list, and in no count of channels */
};

/* By exact prefix with its dash: private-, private-encrypted-, presence-, each with cache- behind
 * it or not, cache-, else public. Does not check the name. */
unsigned int ff_channel_type(const char *name, size_t len);

/* 1..max bytes (0 = no limit) of [-a-zA-Z0-9_=@,.;]. */
bool ff_channel_name_valid(const char *name, size_t len, size_t max);

/* A valid name, or FF_USER_CHANNEL_PREFIX with a valid user id behind it. */
bool ff_channel_publishable(const char *name, size_t len, size_t max);

/* 1..FF_MAX_USER_ID bytes of valid UTF-8. */
static inline bool ff_user_id_valid(const char *id, size_t len)
{
    return len != 0 && len <= FF_MAX_USER_ID && ff_utf8_valid(id, len);
}

/* 1..max bytes (0 = no limit) of valid UTF-8. */
bool ff_event_name_valid(const char *name, size_t len, size_t max);

/* Starts with pusher: or pusher_internal: and so belongs to the server alone. */
bool ff_event_name_reserved(const char *name, size_t len);

/* digits "." digits, at most 64 bytes. */
bool ff_socket_id_valid(const char *id, size_t len);

#endif
