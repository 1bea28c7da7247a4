/*
 * What a struct cluster is made of: data for its parts (cluster.c, cluster_lane.c, cluster_say.c,
 * cluster_hear.c, cluster_ask.c, cluster_report.c), and what they call of each other. For nobody
 * else. On the hub.
 */
#ifndef FF_LINKS_CLUSTER_STATE_H
#define FF_LINKS_CLUSTER_STATE_H

#include <event2/event_struct.h>

#include "base/strmap.h"
#include "links/bus_log.h"
#include "links/redis.h"
#include "pubsub/cluster.h"
#include "pubsub/hub.h"

#define CLUSTER_LANES_MAX REDIS_KEYS_MAX
#define CLUSTER_SAMPLES   512u /* of the log's growth, over the time that it keeps */
#define CLUSTER_STRANGERS 16u

/* Another node in one lane, for as long as it is alive there. bus_node.data. */
struct cluster_source {
    uint32_t number; /* pubsub/elsewhere.h */
    uint32_t stamp;
    uint64_t came_ms;
};

/* How far the log had grown when an entry was read. */
struct cluster_sample {
    uint64_t id_ms; /* by Redis' clock */
    uint64_t bytes, entries;
};

struct cluster_growth {
    struct cluster_sample samples[CLUSTER_SAMPLES]; /* a ring */
    uint32_t first, n;
    struct cluster_sample now; /* what was read last */
    uint64_t covers_ms;        /* what Redis has kept of it, as far as it was asked */
};

struct cluster_lane {
    struct cluster *cluster;
    struct redis_key *key;
    struct bus_log log;
    uint32_t number;
    uint32_t stale;  /* answers to what was sent before the last cut */
    uint32_t flying; /* of XADD, answers awaited, the stale ones included */
    uint64_t look;   /* counts questions to the log; answers to older ones are void */
    uint64_t said;   /* number of the last record, 0: it could not be taken */
    uint64_t dropped_from, dropped_to;
    uint64_t asked_at; /* ms: when Redis was asked how much it has kept */
    struct cluster_growth growth;
    bool up;        /* commands are taken */
    bool state_due; /* it is to be said what this node owns */
    bool reborn;    /* for the others it owns nothing: it was declared dead */
    bool reread;    /* what is to be read is to be asked anew */
    bool maxlen;    /* this Redis knows no MINID: it trims by number */
};

/* Losses by the name of who sent, over incarnations and restarts. */
struct cluster_loss {
    struct cluster_loss *next;
    uint64_t broadcasts, records; /* records: all that are no broadcasts */
    char name[BUS_NAME_MAX + 1];
};

struct cluster_question {
    struct cluster_question *prev, *next; /* in the order of their deadlines */
    uint64_t number, until, pending, sum;
    struct gathered *gathered; /* NULL: a termination, for hub->pendings */
    enum cluster_ask kind;
    cluster_answer_fn *fn;
    void *arg;
    bool whole;
    uint32_t nnodes;
    uint64_t nodes[]; /* who has not answered */
};

/* Who writes into the log what this node cannot read. */
struct cluster_stranger {
    uint64_t node, told_ms, heard_ms;
    char name[BUS_NAME_MAX + 1];
};

struct cluster {
    struct hub *hub;
    struct redis *redis;
    struct event timer;
    uint64_t id; /* of this process */
    char name[BUS_NAME_MAX + 1];
    bool require, paused, leaving;
    bool twin;   /* somebody else has this process' id: it needs another */
    bool dirty;  /* something is to be sent or asked, at the latest at the end of the turn */
    bool notice; /* something has become confirmed, or was dropped */
    bool ready;  /* it was once: all lanes have heard what others own */
    uint64_t started_ms, window_ms, max_bytes, node_timeout_ms, deadline_ms;
    uint32_t sources;
    uint32_t nlanes;
    struct cluster_lane *lanes;
    bool *counting; /* by application: whether the others know its counts */
    size_t ncounting;
    /* The application that was named last: most records in a row name the same. */
    uint32_t app;
    const struct apps *app_of; /* the generation in which it was looked up */
    struct cluster_question *first, *last;
    uint64_t asked;
    struct cluster_loss *losses;
    struct cluster_stranger strangers[CLUSTER_STRANGERS];
    uint32_t nstrangers;
    uint64_t unsaid;  /* own records for which there was no memory */
    uint64_t dropped; /* own broadcasts that are kept no more and not known to be in the log */
};

/* ---- lanes: between the log and Redis ---- */

void cluster_lane_open(struct cluster *cluster, uint32_t number, const char *prefix);
void cluster_lane_close(struct cluster_lane *lane);
/* Begins anew, as another node. */
void cluster_lane_renew(struct cluster_lane *lane);
/* Sends what is due, and asks the log what it wants to read. Returns when to call it again. */
uint64_t cluster_lane_run(struct cluster_lane *lane, uint64_t now);
extern const struct redis_handler cluster_redis_handler;

/* Does what is due in all lanes, if anything is. */
void cluster_run(struct cluster *cluster);

/* ---- saying ---- */

extern const struct cluster_ops cluster_say_ops;
struct cluster_lane *cluster_lane_of(struct cluster *cluster, uint32_t app, struct slice channel);
uint64_t cluster_say(struct cluster_lane *lane, const struct bus_record *record);
/* All that this node owns in the lane. False: no memory, again later. */
bool cluster_say_state(struct cluster_lane *lane);

/* Says the counts of applications that are new in this, or have to be taken back. */
void cluster_say_counts(struct cluster *cluster);

/* ---- hearing ---- */

extern const struct bus_callbacks cluster_hear_callbacks; /* but for arg, the lane */
void cluster_hear_end(struct cluster_lane *lane);
/* There are other nodes, and none of them understands this one. */
bool cluster_among_strangers(const struct cluster *cluster);

/* ---- asking ---- */

enum cluster_asked cluster_ask_others(void *cluster, enum cluster_ask kind, uint32_t app,
                                      const struct slice *names, size_t n, cluster_answer_fn *fn,
                                      void *arg);
/* For a termination: the number of a question that ends in hub->pendings. 0: nobody is asked. */
uint64_t cluster_ask_begin(struct cluster *cluster, uint64_t pending);
void cluster_ask_heard(struct cluster *cluster, const struct bus_node *node,
                       const struct bus_record *query);
void cluster_ask_answered(struct cluster *cluster, const struct bus_node *node,
                          const struct bus_record *answer);
void cluster_ask_terminate(struct cluster *cluster, const struct bus_node *node,
                           const struct bus_record *order, uint32_t app);
void cluster_ask_gone(struct cluster *cluster, const struct bus_node *node);
/* Ends what has waited too long; returns when the next one has, UINT64_MAX: none. */
uint64_t cluster_ask_expire(struct cluster *cluster, uint64_t now);
void cluster_ask_end(struct cluster *cluster); /* all of them */

/* False: this node has no such application. */
bool cluster_app(struct cluster *cluster, struct slice id, uint32_t *app);
struct slice cluster_app_id(const struct cluster *cluster, uint32_t app);

#endif
