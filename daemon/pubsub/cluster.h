/*
 * The other nodes, as the hub sees them: what it says to them, what it asks them, and by whom it is
 * told what they have. links/cluster is behind it; hub->cluster is NULL on a node that stands alone
 * and pays nothing then. On the hub.
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

struct app;
struct broadcast;
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
    /* The hub's turn is over: what was said may go. */
    void (*turn)(void *cluster);
};

enum cluster_fate {
    CLUSTER_PENDING,
    CLUSTER_CONFIRMED,
    CLUSTER_DROPPED, /* it is kept no more, and whether Redis has it is not known */
};

/* Whether the counts of this application's channels are kept on every node: where occupancy causes
 * something everywhere (subscription_count, watchlists, webhooks). For others they are asked for. */
bool cluster_counts(const struct hub *hub, uint32_t app);

/* ---- what others have said ---- */

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
