/*
 * A worker: one loop's part of the pub/sub engine. It owns its connections and, per application,
 * the channels that they are subscribed to; the hub owns what is known of a channel over all
 * workers. Runs on its own thread, or on the hub's when there is only one.
 *
 * Here is its data and what all that speak to clients need of it; pubsub/worker_mail.h has its
 * beginning and its mail.
 */
#ifndef FF_PUBSUB_WORKER_H
#define FF_PUBSUB_WORKER_H

#include <stdint.h>

#include "base/settings.h"
#include "base/strmap.h"
#include "net/loop.h"
#include "pubsub/apps.h"
#include "pubsub/flow.h"
#include "pubsub/mail.h"

struct chan;
struct front;
struct networks;
struct rates;
struct trace_part;
struct worker;

/* The kinds of connections; their handlers are set by who starts the loops. */
enum conn_kind {
    KIND_HTTP,
    KIND_SESSION,
    KIND_IPC,
    KIND_ADMIN,
    KIND_CONTROL,
    KIND_ECHO,
    KIND_CONSOLE
};

/* What the layer that knows the clients does when the hub says so. One table for all workers. */
struct worker_ops {
    /* Accept nobody any more, and end all clients within a period once worker_ops.drained was
     * called. */
    void (*drain)(struct worker *worker, uint64_t period_ms);
    void (*drained)(struct worker *worker);
    /* End connections; returns how many there were. */
    uint32_t (*terminate_user)(struct worker *worker, uint32_t app, struct slice user_id);
    uint32_t (*terminate_socket)(struct worker *worker, uint32_t app,
                                 const struct socket_ref *socket);
    void (*respond)(struct worker *worker, const struct mail_response *response);
    /* Posts the answer to the hub. */
    void (*list_sockets)(struct worker *worker, const struct mail_list_sockets *mail);
    /* Another generation is in use. period_ms: over how long whatever must end because of it is
     * spread. */
    void (*reloaded)(struct worker *worker, uint64_t period_ms);
};

/* A list of members on its way to several who joined together: as one delivery a form, so that it
 * weighs once. Of the turn. */
struct worker_list {
    struct frame *frame;
    struct delivery *deliveries[FRAME_FORMS];
};

struct worker {
    uint32_t id;
    struct loop *loop;
    struct mailbox box;
    struct flow *flow;
    struct flow_gate gate;
    struct apps *apps;                   /* the generation in use; a reference */
    const struct limits *limits;         /* its limits */
    struct strmap *channels;             /* by application index */
    size_t napps;                        /* of channels */
    struct chan *changed, *changed_last; /* to be counted to the hub before the next flush */
    struct mail_list ended;              /* sessions of which the hub is told behind those counts */
    uint32_t next_join;
    struct worker_list list;
    const char *path_prefix;        /* this and the next two are of the generation */
    const struct networks *proxies; /* that may speak for others; NULL: none */
    struct rates *handshakes;       /* by address, of all workers (serve/rates.h) */
    struct deflater *deflater;      /* of all its connections */
    bool permessage_deflate;        /* offers of it are taken */
    char *scratch;                  /* room for unescaping one message, see worker_scratch */
    size_t scratch_size;
    const struct worker_ops *ops;
    struct front *front;        /* what the layer of ops keeps */
    struct trace_part **traces; /* by mark, less one; NULL: none yet. See pubsub/trace.h */
    uint32_t next_trace;
    bool draining;
    _Atomic uint32_t clients; /* its public connections as of its last turn, for others to read */
};

static inline struct worker *worker_of(const struct conn *conn)
{
    check(conn->loop->worker != NULL);
    return conn->loop->worker;
}

/* At least `len` bytes, good until the next call. NULL: no memory. */
char *worker_scratch(struct worker *worker, size_t len) MUST_CHECK;

/* Queues a frame to one connection in the form that it takes (net/frame.h); takes over the
 * reference. NULL as of conn_send. */
void worker_send(struct conn *conn, struct frame *frame);
/* The same for a list that many get in one turn; the caller keeps its reference. */
void worker_send_list(struct conn *conn, struct frame *frame);
void worker_list_done(struct worker *worker); /* at the end of the turn */

/* Mail to the hub about a session that has ended. It comes behind everything that its end causes,
 * which listeners hear first. */
void worker_ended(struct worker *worker, struct mail *mail);
void worker_tell_ended(struct worker *worker); /* before the flush */
/* A delivery in the form, of a frame that `plain` delivers. Returns `plain` when there is no other.
 */
struct delivery *worker_delivery(struct worker *worker, struct delivery *plain, unsigned int form);

/* Asked before a message of a client is handled that ends in deliveries. False: not now; the
 * connection is held, and the same message is to come again. */
bool worker_admits(struct conn *conn) MUST_CHECK;
/* The same for what only the hub has work with. */
bool worker_hub_admits(struct conn *conn) MUST_CHECK;

#endif
