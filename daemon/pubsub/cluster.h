/*
 * The other nodes, as the hub sees them: what it says to them and what it asks them. links/cluster
 * is behind it; hub->cluster is NULL on a node that stands alone and pays nothing then. On the hub.
 *
 * Nothing here waits or fails for the caller: own subscribers were served before, and what cannot
 * reach the others is kept for them, or counted as lost there.
 */
#ifndef FF_PUBSUB_CLUSTER_H
#define FF_PUBSUB_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pusher.h"
#include "proto/slice.h"
#include "pubsub/socket_id.h"

struct broadcast;
struct dirent;
struct gathered;
struct hub;

/* What others are asked for, of one application. */
enum cluster_ask {
    CLUSTER_ASK_CHANNELS,    /* their occupied channels with this prefix (.p NULL: all) */
    CLUSTER_ASK_COUNTS,      /* their subscribers of these channels */
    CLUSTER_ASK_CONNECTIONS, /* their connections */
};

enum cluster_asked {
    CLUSTER_ALONE, /* there is nobody else: what this node knows is all. Nothing will be called */
    CLUSTER_AWAY,  /* nobody can be asked now: what it knows is a part. Nothing will be called */
    CLUSTER_ASKED, /* the answer comes */
};

/* Called once and never from within the question. `gathered` is good for the call. */
typedef void cluster_answer_fn(void *arg, const struct gathered *gathered);

enum cluster_fate {
    CLUSTER_PENDING,
    CLUSTER_CONFIRMED,
    CLUSTER_DROPPED, /* it is kept no more, and whether Redis has it is not known */
};

struct cluster_ops {
    /* A message for the channel's subscribers everywhere. */
    void (*deliver)(void *cluster, const struct broadcast *broadcast);
    /* This node's first connection of a user is on a presence channel, or its last has left. */
    void (*joined)(void *cluster, uint32_t app, struct slice channel,
                   const struct pusher_member *member);
    void (*left)(void *cluster, uint32_t app, struct slice channel, struct slice user_id);
    /* This node's subscribers on a channel are so many now; where counts are kept everywhere. */
    void (*counted)(void *cluster, uint32_t app, struct slice channel, uint32_t n);
    /* Whoever has them ends them. question != 0: of hub->pendings, one part of which is awaited. */
    void (*terminate_user)(void *cluster, uint32_t app, struct slice user_id, uint64_t question);
    void (*terminate_socket)(void *cluster, uint32_t app, const struct socket_ref *socket,
                             uint64_t question);
    enum cluster_asked (*ask)(void *cluster, enum cluster_ask kind, uint32_t app,
                              const struct slice *names, size_t n, cluster_answer_fn *fn,
                              void *arg);
    /* The place in the log of what was said last of this channel, to be waited for: confirmed when
     * Redis has it. Never 0. */
    uint64_t (*place)(void *cluster, uint32_t app, struct slice channel);
    enum cluster_fate (*fate)(void *cluster, uint64_t place);
    /* Listeners (links/listen_far.h). A group, "" for those without one, has listeners here and
     * wants such types; an event, as an EVENT frame, for whoever wants it; ids that are dealt with.
     */
    void (*group)(void *cluster, uint32_t app, struct slice name, bool listeners, uint32_t types);
    void (*told)(void *cluster, uint32_t app, struct slice event);
    void (*settled)(void *cluster, uint32_t app, struct slice group, struct slice ids);
    /* What is announced of applications has changed: the others may want counts, or no more. */
    void (*wanted)(void *cluster);
    /* Whether this node knows what the others own. */
    bool (*joined_all)(void *cluster);
    /* The hub's turn is over: what was said may go. */
    void (*turn)(void *cluster);
};

#endif
