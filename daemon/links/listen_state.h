/*
 * What the server's end of listening is made of: data alone, for the modules beside it. On the hub.
 */
#ifndef FF_LINKS_LISTEN_STATE_H
#define FF_LINKS_LISTEN_STATE_H

#include "links/listen_group.h"
#include "pubsub/hub.h"
#include "shared/ipc_proto.h"

struct listen_snapshot;

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
    struct listen_named *dirty_next;
};

/* An application that has groups, or had some. */
struct listen_app {
    struct listens *all;
    uint32_t index;
    struct listen_named *groups;
    uint32_t ngroups;
    uint32_t types; /* that any of them wants */
    uint64_t order; /* of the newest event */
};

struct listener {
    struct group_listener member; /* first: found by it */
    struct listen_named *of;
    struct conn *conn;
    struct listen_snapshot *snapshot;             /* NULL: none, or it was told */
    struct listener *telling_prev, *telling_next; /* of those with one */
};

struct listens {
    struct hub *hub;
    uint32_t consumer;
    struct listen_app **apps; /* by application index; NULL: never had a group */
    uint32_t napps;
    struct listen_named *dirty, *dirty_last;
    struct listener *telling;
    uint64_t listeners;
    uint64_t boot;   /* random, first part of events' ids */
    uint64_t events; /* counts them */
    struct event timer;
    uint32_t armed_ms; /* 0: it is not */
    msgpack_sbuffer out;
    struct buf text; /* room to unescape a client event in */
};

#endif
