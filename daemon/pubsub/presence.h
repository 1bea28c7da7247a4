/*
 * Who is on a presence channel: distinct users in the order in which they came, each with the
 * number of their connections by source: this node is one. Belongs to the hub.
 */
#ifndef FF_PUBSUB_PRESENCE_H
#define FF_PUBSUB_PRESENCE_H

#include <stdbool.h>

#include "proto/pusher.h"

/* The connections of this node. */
#define PRESENCE_HERE 0u

struct presence;

struct presence *presence_new(void);
void presence_free(struct presence *presence); /* NULL is fine */

/* One more connection of this user. True: the user is new here. The texts are copied. */
bool presence_join(struct presence *presence, uint32_t source, const struct pusher_member *member);

/* One connection less. True: it was the last, and *id_json is the user's id as it once came, valid
 * until the next call here; the user is gone. Unknown users are left alone. */
bool presence_leave(struct presence *presence, uint32_t source, struct slice user_id,
                    struct slice *id_json);

/* Whether this user is in. */
bool presence_has(const struct presence *presence, struct slice user_id);

size_t presence_count(const struct presence *presence);

/* The members for proto/pusher's writer; valid while the presence is not changed. */
struct presence_walk {
    const struct presence *presence;
    const void *at;
};
struct pusher_members presence_members(struct presence_walk *walk, const struct presence *presence);

#endif
