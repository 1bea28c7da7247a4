/*
 * Who is on a presence channel: distinct users in the order in which they came, each with what is
 * known of them by source: this node, or another one. Belongs to the hub.
 *
 * A user is in as long as one source has them, and keeps the user_info with which they came.
 */
#ifndef FF_PUBSUB_PRESENCE_H
#define FF_PUBSUB_PRESENCE_H

#include <stdbool.h>

#include "proto/pusher.h"

/* The connections of this node. Other sources are numbers of other nodes. */
#define PRESENCE_HERE 0u

/* What a change has changed. */
#define PRESENCE_SOURCE 1u /* this source has the user now, or has the user no more */
#define PRESENCE_USER   2u /* nobody had the user before, or nobody has any more */

struct presence;

struct presence *presence_new(void);
void presence_free(struct presence *presence); /* NULL is fine */

/* One more connection of this node's. The texts are copied. Returns what has changed. */
unsigned int presence_join(struct presence *presence, const struct pusher_member *member);
/* One connection less. With PRESENCE_USER *id_json is the user's id as it once came, valid until
 * the next change here. Unknown users are left alone. */
unsigned int presence_leave(struct presence *presence, struct slice user_id, struct slice *id_json);

/* Another node has the user, said with this stamp (not 0); it may be said again. */
unsigned int presence_hold(struct presence *presence, uint32_t source, uint32_t stamp,
                           const struct pusher_member *member);
/* It has not. */
unsigned int presence_drop(struct presence *presence, uint32_t source, struct slice user_id,
                           struct slice *id_json);

/* Whether this user is in; whether this node has them; whether another one has. */
/* What was told of the user who is here or elsewhere: user_info's JSON, good until they leave. .p
 * NULL: nothing, or there is no such user. */
struct slice presence_info(const struct presence *presence, struct slice user_id);
bool presence_has(const struct presence *presence, struct slice user_id);
bool presence_here(const struct presence *presence, struct slice user_id);
bool presence_elsewhere(const struct presence *presence, struct slice user_id);

size_t presence_count(const struct presence *presence);

/* The members for proto/pusher's writer; valid while the presence is not changed. */
struct presence_walk {
    const struct presence *presence;
    const void *at;
};
struct pusher_members presence_members(struct presence_walk *walk, const struct presence *presence);

/* A walk over all members in pieces, between which they may come and go: who is there from its
 * beginning to its end is met once. Registered with the presence in between, which it may outlive:
 * then it is at its end. */
struct presence_pager {
    struct presence *presence; /* NULL: it is over */
    const void *at;
    struct presence_pager *next;
};
void presence_page_begin(struct presence *presence, struct presence_pager *pager);
bool presence_page_next(struct presence_pager *pager, struct pusher_member *out);
void presence_page_end(struct presence_pager *pager); /* any number of times */

/* The next user whom this node has; begin with *cursor = NULL. */
bool presence_next_here(const struct presence *presence, const void **cursor,
                        struct pusher_member *out);
/* The next user whom the source has by another stamp than this one (0: by any). May be dropped
 * before the walk goes on. */
bool presence_next_stale(const struct presence *presence, uint32_t source, uint32_t stamp,
                         const void **cursor, struct slice *user_id);

#endif
