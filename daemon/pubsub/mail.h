/*
 * What hub and workers say to each other. One struct a message; whoever handles it also lets go of
 * the frame in it.
 */
#ifndef FF_PUBSUB_MAIL_H
#define FF_PUBSUB_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "net/frame.h"
#include "net/mailbox.h"
#include "proto/slice.h"
#include "pubsub/apps.h"
#include "pubsub/socket_id.h"

enum mail_type {
    /* to a worker */
    MAIL_DELIVER,   /* a frame for the subscribers of a channel */
    MAIL_JOINED,    /* the answer to a join */
    MAIL_DRAIN,     /* stop accepting; end all clients within a period */
    MAIL_RESPONSE,  /* the answer to a request of the HTTP API */
    MAIL_TERMINATE, /* end the connections of a user, or one by its socket id */
    MAIL_TELL,      /* a frame for one connection */
    MAIL_RELOAD,    /* another generation of the configuration */
    MAIL_STOP,      /* end the loop */
    /* to the hub */
    MAIL_COUNT,      /* so many of my connections are on that channel now */
    MAIL_JOIN,       /* a member wants to join a presence channel */
    MAIL_LEAVE,      /* one connection of a member has left it */
    MAIL_PUBLISH,    /* a client event */
    MAIL_REQUEST,    /* a request of the HTTP API */
    MAIL_RELOADED,   /* I use the new generation */
    MAIL_TERMINATED, /* so many connections were ended, for who asked */
    MAIL_WATCH,      /* one of my connections wants to know which of these users are there */
};

/* A channel's name in front of whatever else a message carries behind it. */
struct mail_channel {
    uint32_t app, hash, len;
};

struct mail_deliver {
    struct mail mail;
    struct frame *frame;
    struct socket_ref except;
    struct mail_channel channel;
    char name[];
};

struct mail_change {
    uint64_t random : 63, joined : 1; /* of the connection's id */
};

struct mail_count {
    struct mail mail;
    uint32_t worker, n;
    uint32_t nchanges; /* who came and went since the last count, in that order */
    struct mail_channel channel;
    char bytes[]; /* struct mail_change[nchanges], name */
};

struct mail_publish {
    struct mail mail;
    struct frame *frame;
    struct socket_ref except;
    struct mail_channel channel;
    char name[];
};

struct mail_leave {
    struct mail mail;
    struct mail_channel channel;
    uint32_t user_len;
    char bytes[]; /* name, user id */
};

struct mail_join {
    struct mail mail;
    uint32_t worker, slot, gen, number,
        n; /* n: of that worker's connections, this one included. number 0: joins nobody, wants the
              members told again */
    struct mail_channel channel;
    uint32_t user_len, id_len, info_len; /* info_len 0: none */
    char bytes[];                        /* name, user id, its JSON, user_info's JSON */
};

struct mail_joined {
    struct mail mail;
    uint32_t slot, gen, number;
    bool refused;         /* the channel is full: `frame` says so, and nobody has joined */
    struct frame *frame;  /* what the joiner is told; NULL: memory ran out */
    struct frame *second; /* and behind it, on cache channels: the last event, or that there is
                             none. NULL: nothing */
    struct mail_channel channel;
    uint32_t
        user_len; /* of who has joined, 0: nobody. Who left meanwhile is taken out again by it */
    char bytes[]; /* name, user id */
};

struct mail_drain {
    struct mail mail;
    uint64_t period_ms; /* 0: all at once */
};

/* A connection of the hub that waits for an answer. */
struct asker {
    uint32_t slot, gen;
};

struct mail_terminate {
    struct mail mail;
    uint32_t app, len;
    struct socket_ref socket; /* .random != 0: this one alone */
    bool asked;               /* by whom: answer with a mail_terminated */
    struct asker asker;
    char user_id[];
};

struct mail_terminated {
    struct mail mail;
    struct asker asker;
    uint32_t n;
};

struct mail_reload {
    struct mail mail;
    struct apps *apps;  /* a reference, which the worker takes over */
    uint64_t period_ms; /* over which connections that must go are closed */
};

struct mail_request {
    struct mail mail;
    struct request *request; /* pubsub/request.h */
};

struct mail_response {
    struct mail mail;
    uint32_t slot, gen;
    int status;
    struct frame *body; /* JSON; NULL: memory ran out */
};

struct mail_tell {
    struct mail mail;
    uint32_t slot, gen;
    struct frame *frame;
};

struct mail_watch {
    struct mail mail;
    uint32_t worker, slot, gen, app;
    uint32_t n, len; /* ids; bytes of all of them */
    char bytes[];    /* each id behind a byte that holds its length */
};

/* Frees a message that nobody will handle any more. */
void mail_dispose(struct mail *mail);

#endif
