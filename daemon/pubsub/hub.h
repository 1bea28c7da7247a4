/*
 * The hub: the one place that knows every channel of the node, gives each its one order of events,
 * and answers joins.
 *
 * Owns the directory (how many subscribers each worker has on a channel, and the members of
 * presence channels), what was published recently (pubsub/dedup), and the way to each worker. Runs
 * on its own thread, or on the worker's when there is only one. It reaches connections only by
 * mail.
 */
#ifndef FF_PUBSUB_HUB_H
#define FF_PUBSUB_HUB_H

#include <stdint.h>

#include "base/settings.h"
#include "base/strmap.h"
#include "net/loop.h"
#include "pubsub/announce.h"
#include "pubsub/apps.h"
#include "pubsub/cache.h"
#include "pubsub/dedup.h"
#include "pubsub/mail.h"
#include "pubsub/subscribed.h"

#define HUB_MAX_WORKERS 64

struct presence;
struct webhooks;

/* A channel that somebody on this node is subscribed to. */
struct dirent {
    uint64_t last_publish;     /* the number of the publish that was routed here last */
    struct presence *presence; /* presence channels only */
    uint32_t total;            /* sum of counts */
    uint32_t len;
    const char *name;  /* behind counts */
    uint32_t counts[]; /* by worker */
};

/* The channels of an application. */
struct directory {
    struct strmap entries; /* struct dirent */
    size_t hidden;         /* of them: users' own channels and watchlists */
};

struct hub {
    struct loop *loop;
    struct mailbox box;
    struct mailbox *workers[HUB_MAX_WORKERS];
    uint32_t nworkers;
    struct apps *apps;           /* the generation in use; a reference */
    const struct limits *limits; /* its limits */
    struct directory *channels;  /* by application index */
    struct cache *caches;        /* by application index */
    size_t napps;                /* of both */
    struct subscribed subscribed;
    struct announcer announcer;
    uint64_t publishes; /* counts them, for message ids */
    uint32_t node;      /* random, first part of message ids */
    struct dedup dedup;
    uint64_t started_ms;
    bool draining;
    void *ipc;                         /* links/ipc keeps its own here */
    uint32_t reloading;                /* workers that do not use the generation yet */
    void (*reloaded)(struct hub *hub); /* all of them do; NULL: nobody wants to know */
    void *reload;                      /* ops/reload keeps its own here */
    void (*terminated)(struct hub *hub, const struct asker *asker, uint32_t n);
    struct webhooks *webhooks; /* links/webhook; NULL: none */
    const struct counters *counters[HUB_MAX_WORKERS + 1];
    uint32_t ncounters;
};

void hub_init(struct hub *hub, struct loop *loop, struct apps *apps); /* a reference of its own */
void hub_attach(struct hub *hub); /* on the hub's thread, before its loop runs */
void hub_free(struct hub *hub);

/* Another generation of the configuration from now on, for the hub and, as soon as they read their
 * mail, for all workers: then hub->reloaded is called. Not before that has come of an earlier call.
 * Takes over the reference. The old one is returned, with the reference that the hub had, for who
 * must compare. */
struct apps *hub_reload(struct hub *hub, struct apps *apps, uint64_t period_ms) MUST_CHECK;

/* The channel's entry, or NULL when nobody is subscribed. */
struct dirent *hub_find(struct hub *hub, uint32_t app, uint32_t hash, struct slice name);

/* Post a frame to every worker that has subscribers. The hub keeps no reference. Returns the number
 * of subscribers known. */
uint32_t hub_deliver(struct hub *hub, struct dirent *entry, uint32_t app, uint32_t hash,
                     struct frame *frame, const struct socket_ref *except);

/* End all connections of a user, signed in or known by presence; or the one with this socket id.
 * Both with 4009, on every worker. If `asker` is not NULL, so many answers as is returned will come
 * to hub->terminated, each with the number of connections that one worker has ended. */
uint32_t hub_terminate_user(struct hub *hub, const struct app *app, struct slice user_id,
                            const struct asker *asker);
uint32_t hub_disconnect(struct hub *hub, const struct app *app, const struct socket_ref *socket,
                        const struct asker *asker);

/* True while a worker has more to do than it should: stop taking broadcasts in. */
bool hub_held(const struct hub *hub);

uint64_t hub_counter(const struct hub *hub, enum counter counter); /* summed over all loops */
/* Occupied channels, of all applications and of one; without those that nobody can subscribe to. */
size_t hub_channels(const struct hub *hub);
size_t hub_app_channels(const struct hub *hub, uint32_t app);

#endif
