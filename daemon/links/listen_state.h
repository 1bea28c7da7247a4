/*
 * What the server's end of listening is made of: data alone, for the modules beside it. On the hub.
 */
#ifndef FF_LINKS_LISTEN_STATE_H
#define FF_LINKS_LISTEN_STATE_H

#include "base/buf.h"
#include "links/listen_group.h"
#include "pubsub/hub.h"
#include "shared/ipc_unpack.h"

struct listen_snapshot;

/* A node that has listeners of a group, or of none, by what stands in the log. */
struct listen_member {
    uint64_t node;          /* the id that all nodes know it by */
    uint32_t source, stamp; /* as in pubsub/elsewhere.h; 0: this node */
    uint32_t types;
    bool listeners;
};

/* In the order of their ids. */
struct listen_members {
    struct listen_member *items;
    uint32_t n, cap;
};

/* A group with what it belongs to. */
struct listen_named {
    struct listen_named *next; /* of its application */
    struct listen_app *app;
    struct listen_group group;
    uint32_t types; /* bits of FF_IPC_EVENT_BIT */
    bool named;     /* else it ends with its listener */
    char name[FF_IPC_MAX_GROUP + 1];
    uint64_t away_since; /* loop time in ms when its last listener went; while it has none */
    bool dirty;          /* something may be delivered */
    /* In a cluster only. */
    struct listen_members members;
    bool said, ours; /* it was said that there are listeners here; that stands in the log */
    uint32_t said_types;
    uint32_t flying;    /* such words that have not come back */
    struct buf settled; /* ids to be said, each behind its length */
    struct listen_named *dirty_next;
};

/* An application that has groups, or had some. */
struct listen_app {
    struct listens *all;
    uint32_t index;
    struct listen_named *groups;
    uint32_t ngroups;
    uint32_t types;                /* that any of them wants */
    uint64_t order;                /* of the newest event */
    struct listen_members without; /* listeners without a group, elsewhere */
    uint32_t said_without;         /* what was said of those here */
};

struct listener {
    struct group_listener member; /* first: found by it */
    struct listen_named *of;
    struct conn *conn;
    struct listen_snapshot *snapshot;             /* NULL: none, or it was told */
    uint32_t asks;                                /* questions to other nodes before that */
    struct listener *telling_prev, *telling_next; /* of those with one */
    struct listener *broken_next;
    bool broken;
};

/* What the modules beside it call of listen.c. */
void listen_named_soil(struct listen_named *named);
void listen_app_want(struct listen_app *app);
void listen_app_queue(struct listen_app *app, const struct ff_ipc_event *view);
struct listen_app *listens_app(struct listens *listens, uint32_t index);
struct listen_named *listen_named_new(struct listen_app *app, struct ff_slice name);
struct listen_named *listen_app_find(const struct listen_app *app, struct ff_slice name);

struct listens {
    struct hub *hub;
    uint32_t consumer;
    struct listen_app **apps; /* by application index; NULL: never had a group */
    uint32_t napps;
    struct listen_named *dirty, *dirty_last;
    struct listener *telling;
    struct listener *broken; /* there was no memory for what they were to get: they end */
    uint64_t listeners;
    uint64_t boot;   /* random, first part of events' ids */
    uint64_t events; /* counts them */
    struct event timer;
    uint32_t armed_ms; /* 0: it is not */
    msgpack_sbuffer out;
    struct buf text; /* room to unescape a client event in */
    uint64_t node;   /* this one's id among others */
    struct ff_ipc_unpacker unpacker;
};

#endif
