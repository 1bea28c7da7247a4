/*
 * The hub: the one place that knows every channel of the node, gives each its one order of events,
 * and answers joins.
 *
 * Owns the directory (how many subscribers each worker has on a channel), the rooms of presence
 * channels, what was published recently (pubsub/dedup), and the way to each worker. Runs on its own
 * thread, or on the worker's when there is only one. It reaches connections only by mail. Here is
 * its data and what changes it as a whole; pubsub/hub_mail.h reads its mail.
 */
#ifndef FF_PUBSUB_HUB_H
#define FF_PUBSUB_HUB_H

#include <stdint.h>

#include "base/settings.h"
#include "net/loop.h"
#include "pubsub/announce.h"
#include "pubsub/apps.h"
#include "pubsub/cache.h"
#include "pubsub/dedup.h"
#include "pubsub/directory.h"
#include "pubsub/flow.h"
#include "pubsub/pending.h"
#include "pubsub/subscribed.h"

struct broadcast;
struct cluster_ops;
struct consoles;
struct admin_guard;
struct control_ops;
struct gathered;
struct inflight;
struct listens;
struct process_facts;
struct sockets_query;
struct webhooks;

/* Presence channels where somebody waits to be let in, in order of their asking, and lists of
 * members that are out of date and still on their way to somebody. See pubsub/rooms.h. */
struct rooms {
    struct room *first, *last;         /* with joins or leaves that wait */
    struct room *listed, *listed_last; /* with a list of members, used longest ago first */
    struct frame *stale[64];           /* each with a reference */
    uint32_t nstale;
    uint64_t members;      /* of all rooms, here and elsewhere */
    uint64_t waited_since; /* loop time in ms; 0: nobody waits */
    uint64_t lined;        /* counts those that have waited */
};

/* See pubsub/occupancy.h. */
struct count_list {
    struct count_due *first, *last;
};
struct counts {
    struct count_list fresh; /* channels to be told of their subscription_count */
    struct count_list told;  /* those told within the last second, longest ago first */
};

struct hub {
    struct loop *loop;
    struct mailbox box;
    struct flow *flow;
    struct flow_gate gate;
    struct apps *apps;           /* the generation in use; a reference */
    const struct limits *limits; /* its limits */
    struct directory *channels;  /* by application index */
    struct cache *caches;        /* by application index */
    size_t napps;                /* of both */
    struct subscribed subscribed;
    struct announcer announcer;
    struct rooms rooms;
    struct mail_list ended; /* sessions that are told when their members have left; in order */
    struct counts counts;
    struct pendings pendings;
    struct sockets_query *sockets_first, *sockets_last; /* pubsub/sockets.h */
    uint64_t sockets_asked;
    uint64_t publishes; /* counts them, for message ids */
    uint32_t node;      /* random, first part of message ids */
    struct dedup dedup;
    uint64_t started_ms, started_wall_ms;
    bool draining;
    void *ipc;                             /* links/ipc keeps its own here */
    uint32_t reloading;                    /* workers that do not use the generation yet */
    void (*reloaded)(struct hub *hub);     /* all of them do; NULL: nobody wants to know */
    void *reload;                          /* ops/reload keeps its own here */
    struct webhooks *webhooks;             /* links/webhook; NULL: none */
    const struct process_facts *facts;     /* pubsub/control.h; NULL: nobody knows */
    const struct control_ops *control_ops; /* pubsub/control.h; NULL: nobody takes orders */
    void *controller;                      /* ops/control */
    const struct cluster_ops *cluster_ops; /* pubsub/cluster.h; NULL: this node is alone */
    void *cluster;                         /* links/cluster */
    struct inflight *inflight;             /* pubsub/inorder.h */
    struct listens *listens;               /* links/listen; NULL: none */
    struct consoles *consoles;             /* links/console; NULL: none */
    struct admin_guard *admin_guard;       /* links/admin_auth; NULL: no sessions */
    uint64_t admin_turn_ns, admin_ns;      /* of links/admin: a turn, and what it has taken of it */
    /* Each broadcast that comes by, with the number of its subscribers here; NULL: nobody looks. */
    void (*looked)(struct hub *hub, const struct broadcast *broadcast, uint32_t here);
    void (*turned)(struct hub *hub);    /* the turn is over, before the flush; NULL: nobody waits */
    void (*confirmed)(struct hub *hub); /* something has become confirmed, or was dropped; NULL:
                                           nobody waits */
    const struct gathered *gathered;    /* what others have answered, for the time of an answer */
    const struct counters *counters[FLOW_WORKERS + 2];
    uint32_t ncounters;
};

/* A reference of its own to the applications. `flow` must know how many workers there are, and be
 * told of their mailboxes before the hub's loop runs. */
void hub_init(struct hub *hub, struct loop *loop, struct flow *flow, struct apps *apps);
void hub_free(struct hub *hub);

static inline uint32_t hub_workers(const struct hub *hub)
{
    return hub->flow->nworkers;
}

/* Another generation of the configuration from now on, for the hub and, as soon as they read their
 * mail, for all workers: then hub->reloaded is called. Not before that has come of an earlier call.
 * Takes over the reference. The old one is returned, with the reference that the hub had, for who
 * must compare. */
struct apps *hub_reload(struct hub *hub, struct apps *apps, uint64_t period_ms) MUST_CHECK;

/* The channel's entry, or NULL when nobody is subscribed. */
struct dirent *hub_find(const struct hub *hub, uint32_t app, uint32_t hash, struct slice name);

/* End all connections of a user, signed in or known by presence; or the one with this socket id.
 * Both with 4009, on every worker of every node. True: `asker` was not NULL, and `done` will be
 * called once with the number of connections that were ended. False: nobody asked, or there is none
 * to be ended. */
bool hub_terminate_user(struct hub *hub, const struct app *app, struct slice user_id,
                        const struct asker *asker, pending_fn *done);
bool hub_terminate_socket(struct hub *hub, const struct app *app, const struct socket_ref *socket,
                          const struct asker *asker, pending_fn *done);

/* The same on this node alone. Returns how many parts the question (0: nobody asked) gets. */
uint32_t hub_terminate_user_here(struct hub *hub, const struct app *app, struct slice user_id,
                                 uint64_t question);
uint32_t hub_terminate_socket_here(struct hub *hub, const struct app *app,
                                   const struct socket_ref *socket, uint64_t question);

/* False while the workers have more to do than they should: take no broadcasts in. */
bool hub_open(struct hub *hub) MUST_CHECK;

uint64_t hub_counter(const struct hub *hub, enum counter counter); /* summed over all loops */
/* Occupied channels, of all applications and of one; without those that nobody can subscribe to. */
size_t hub_channels(const struct hub *hub);
size_t hub_app_channels(const struct hub *hub, uint32_t app);

#endif
