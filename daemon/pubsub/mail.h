/*
 * What hub and workers say to each other. One struct a message; whoever handles it also lets go of
 * the frame in it. Those marked urgent are posted so (net/mailbox.h).
 */
#ifndef FF_PUBSUB_MAIL_H
#define FF_PUBSUB_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "net/frame.h"
#include "net/mailbox.h"
#include "proto/slice.h"
#include "pubsub/apps.h"
#include "pubsub/cache.h"
#include "pubsub/socket_id.h"

struct trace_part;

enum mail_type {
    /* to a worker */
    MAIL_DELIVER,      /* a frame for the subscribers of a channel */
    MAIL_JOINED,       /* the answer to a join */
    MAIL_DRAIN,        /* urgent: stop accepting, and end all clients within a period */
    MAIL_DRAINED,      /* all deliveries from before the drain are handled */
    MAIL_RESPONSE,     /* the answer to a request of the HTTP API */
    MAIL_TERMINATE,    /* urgent: end the connections of a user, or one by its socket id */
    MAIL_TELL,         /* a frame for one connection */
    MAIL_RELOAD,       /* urgent: another generation of the configuration */
    MAIL_STOP,         /* urgent: end the loop */
    MAIL_LIST_SOCKETS, /* urgent: which connections are there */
    /* to the hub */
    MAIL_COUNT,      /* so many of my connections are on that channel now */
    MAIL_JOIN,       /* a member wants to join a presence channel */
    MAIL_LEAVE,      /* one connection of a member has left it */
    MAIL_PUBLISH,    /* a client event */
    MAIL_REQUEST,    /* a request of the HTTP API */
    MAIL_RELOADED,   /* urgent: I use the new generation */
    MAIL_TERMINATED, /* urgent: so many connections were ended, for who asked */
    MAIL_SESSION,    /* a connection was established, or has ended: where somebody wants to know */
    MAIL_WATCH,      /* one of my connections wants to know which of these users are there */
    MAIL_SOCKETS,    /* urgent: these of my connections are there */
};

/* A channel's name in front of whatever else a message carries behind it. */
struct mail_channel {
    uint32_t app, hash, len;
};

struct mail_deliver {
    struct mail mail;
    struct frame *frame;
    struct trace_part *trace; /* pubsub/trace.h; NULL: it is not traced */
    struct socket_ref except;
    uint64_t since_ns; /* when it was taken in, for net/latency.h; 0: nobody measures it */
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
    uint64_t since_ns;
    struct mail_channel channel;
    char name[];
};

struct mail_leave {
    struct mail mail;
    struct mail_channel channel;
    uint32_t user_len;
    uint64_t lined; /* as in mail_join */
    char bytes[];   /* name, user id */
};

struct mail_join {
    struct mail mail;
    uint64_t lined; /* the hub's: which of all that have waited in a line this is */
    uint32_t worker, slot, gen, number,
        n; /* n: of that worker's connections, this one included. number 0: joins nobody, wants the
              members told again */
    struct mail_channel channel;
    uint32_t user_len, id_len, info_len; /* info_len 0: none */
    char bytes[];                        /* name, user id, its JSON, user_info's JSON */
};

/* The confirmation, and the history of a cache channel. */
#define MAIL_JOINED_FRAMES (1 + CACHE_HISTORY)

struct mail_joined {
    struct mail mail;
    uint32_t slot, gen, number;
    bool refused;  /* the channel is full: the frame says so, and nobody has joined */
    bool shared;   /* the first frame is the same for all who joined together */
    uint8_t count; /* of frames; 0: memory ran out */
    struct frame *frames[MAIL_JOINED_FRAMES]; /* what the joiner is told, in this order */
    struct mail_channel channel;
    uint32_t
        user_len; /* of who has joined, 0: nobody. Who left meanwhile is taken out again by it */
    char bytes[]; /* name, user id */
};

static inline void mail_joined_free(struct mail_joined *mail)
{
    for (uint8_t i = 0; i < mail->count; i++) {
        frame_unref(mail->frames[i]);
    }
}

struct mail_drain {
    struct mail mail;
    uint64_t period_ms; /* 0: all at once */
};

struct mail_terminate {
    struct mail mail;
    uint32_t app, len;
    struct socket_ref socket; /* .random != 0: this one alone */
    uint64_t question;        /* whose answer is a mail_terminated; 0: nobody asked */
    char user_id[];
};

struct mail_terminated {
    struct mail mail;
    uint64_t question;
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

struct mail_session {
    struct mail mail;
    uint32_t app, user_len; /* user_len 0: nobody had signed in */
    bool opened;
    struct socket_ref socket;
    uint64_t behind; /* the hub's: the newest of those lines when it had ended */
    char user_id[];
};

struct mail_watch {
    struct mail mail;
    uint32_t worker, slot, gen, app;
    uint32_t n, len; /* ids; bytes of all of them */
    char bytes[];    /* each id behind a byte that holds its length */
};

/* Slots that a worker looks at for one letter, and connections that it lists in one. */
#define SOCKETS_LOOK 4096u
#define SOCKETS_LIST 256u

struct mail_list_sockets {
    struct mail mail;
    uint64_t question;
    uint32_t app;
    uint32_t first; /* the slot to begin at */
    uint32_t limit; /* how many are wanted at most */
};

struct mail_socket {
    struct socket_ref ref;
    uint32_t opened; /* seconds since 1970 */
    uint32_t subscriptions;
    uint32_t unread;               /* bytes that it does not take, at most UINT32_MAX */
    uint8_t user_len, address_len; /* of what stands behind it; 0: not known */
};

struct mail_sockets {
    struct mail mail;
    uint64_t question;
    uint32_t worker, n, len;
    uint32_t next; /* the slot to go on at */
    bool more;     /* there are slots behind those that were looked at */
    char bytes[];  /* of `len`: each a struct mail_socket, user id, address */
};

#endif
