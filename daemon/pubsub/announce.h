/*
 * What happens on the hub that others may want to hear of: channels that become occupied or
 * vacated, members, client events, cache misses, counts. The hub announces it here, whatever
 * consumes it.
 *
 * Owns the list of consumers, and for each application which kinds somebody wants: what nobody
 * wants costs one look. Runs on the hub. It never waits, and an announcement is gone when its
 * consumers have returned.
 */
#ifndef FF_PUBSUB_ANNOUNCE_H
#define FF_PUBSUB_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/frame.h"
#include "proto/slice.h"
#include "pubsub/socket_id.h"

#define ANNOUNCE_CONSUMERS 4

/* The channels of signed-in users, #server-to-user-ID, are never announced as such: ANNOUNCE_ONLINE
 * says that there is somebody on one. */
enum announce_kind {
    ANNOUNCE_OCCUPIED,       /* the first connection has subscribed */
    ANNOUNCE_VACATED,        /* the last one has left */
    ANNOUNCE_MEMBER_ADDED,   /* the first connection of a user is on a presence channel */
    ANNOUNCE_MEMBER_REMOVED, /* the last one has left it */
    ANNOUNCE_CLIENT_EVENT,   /* of a connection that is on the channel */
    ANNOUNCE_CACHE_MISS,     /* somebody subscribed to a cache channel that has no event */
    ANNOUNCE_COUNT,          /* another number of connections; not of presence channels */
    ANNOUNCE_OPENED,         /* a connection was established */
    ANNOUNCE_CLOSED,         /* it has ended */
    ANNOUNCE_ONLINE,         /* the first connection of a user has signed in */
    ANNOUNCE_OFFLINE,        /* the last one has gone */
    ANNOUNCE_KINDS
};

#define ANNOUNCE_BIT(kind) (1u << (kind))

/* Everything in it is good until the consumer returns. */
struct announcement {
    enum announce_kind kind;
    bool theirs; /* another node tells of it; whoever keeps account must know it, and tell nobody */
    uint32_t teller;        /* theirs: that node (pubsub/elsewhere.h), unless it died of it */
    uint32_t app;           /* its index */
    struct slice channel;   /* .p NULL: of none */
    struct slice user_id;   /* as text; of members and users, and of who is CLOSED */
    uint32_t before, count; /* connections; COUNT only */
    struct slice info;      /* user_info's JSON; .p NULL: none, or not known; MEMBER_ADDED only */
    struct slice message;   /* the event's JSON as clients get it; CLIENT_EVENT only */
    const struct socket_ref *sender; /* CLIENT_EVENT, OPENED and CLOSED */
};

typedef void announce_fn(void *arg, const struct announcement *announcement);

struct announce_consumer {
    announce_fn *fn;
    void *arg;
    bool here;       /* it is content with what this node knows */
    uint16_t *wants; /* bits, by application index */
};

struct announcer {
    struct announce_consumer consumers[ANNOUNCE_CONSUMERS];
    uint32_t nconsumers;
    uint16_t *wanted; /* what any of them wants */
    uint16_t *needed; /* the same without those that are content with what this node knows */
    uint32_t napps;
    uint64_t silence_ms; /* a node of which nothing was heard for so long is known to be dead */
};

_Static_assert(ANNOUNCE_KINDS <= 16, "the kinds must fit into their bits");

/* One more consumer, which wants nothing yet. Returns its number. `here`: it only looks; for its
 * sake the nodes of a cluster do not tell each other how many are on each channel, as they do for
 * consumers that must know. */
uint32_t announce_register(struct announcer *announcer, announce_fn *fn, void *arg, bool here);

/* What a consumer wants to hear of an application: bits of ANNOUNCE_BIT, 0 for nothing. */
void announce_want(struct announcer *announcer, uint32_t consumer, uint32_t app, unsigned int bits);

static inline bool announce_wanted(const struct announcer *announcer, uint32_t app,
                                   enum announce_kind kind)
{
    return app < announcer->napps && (announcer->wanted[app] & ANNOUNCE_BIT(kind)) != 0;
}

/* The same of those that must know what is so in the whole cluster. */
static inline bool announce_needed(const struct announcer *announcer, uint32_t app,
                                   enum announce_kind kind)
{
    return app < announcer->napps && (announcer->needed[app] & ANNOUNCE_BIT(kind)) != 0;
}

/* Tells those who want it. Callers ask announce_wanted first, where putting it together costs. */
void announce(const struct announcer *announcer, const struct announcement *announcement);

void announce_free(struct announcer *announcer);

#endif
