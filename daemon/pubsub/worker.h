/*
 * A worker: one loop's part of the pub/sub engine. It owns its connections and, per application,
 * the channels that they are subscribed to; the hub owns what is known of a channel over all
 * workers. Runs on its own thread, or on the hub's when there is only one.
 */
#ifndef FF_PUBSUB_WORKER_H
#define FF_PUBSUB_WORKER_H

#include <stdint.h>

#include "base/settings.h"
#include "base/strmap.h"
#include "net/loop.h"
#include "pubsub/apps.h"
#include "pubsub/mail.h"

struct chan;
struct networks;
struct rates;

/* The kinds of connections; their handlers are set by who starts the loops. */
enum conn_kind { KIND_HTTP, KIND_SESSION, KIND_IPC, KIND_ADMIN, KIND_ECHO };

struct worker {
    uint32_t id;
    struct loop *loop;
    struct mailbox box;
    struct mailbox *hub;
    struct apps *apps;           /* the generation in use; a reference */
    const struct limits *limits; /* its limits */
    struct strmap *channels;     /* by application index */
    size_t napps;                /* of channels */
    struct chan *changed;        /* to be counted to the hub before the next flush */
    uint32_t next_join;
    const char *path_prefix;        /* this and the next two are of the generation */
    const struct networks *proxies; /* that may speak for others; NULL: none */
    struct rates *handshakes;       /* by address, of all workers (serve/rates.h) */
    struct deflater *deflater;      /* of all its connections */
    bool permessage_deflate;        /* offers of it are taken */
    char *scratch;                  /* room for unescaping one message, see worker_scratch */
    size_t scratch_size;
    void (*drain)(struct worker *worker,
                  uint64_t period_ms); /* set by the layer that knows its clients */
    uint32_t (*terminate)(struct worker *worker, uint32_t app, struct slice user_id);
    uint32_t (*disconnect)(struct worker *worker, uint32_t app, const struct socket_ref *socket);
    void (*respond)(struct worker *worker, const struct mail_response *response);
    /* Another generation is in use; of old, nothing may be kept. period_ms: over how long whatever
     * must end because of it is spread. */
    void (*reloaded)(struct worker *worker, const struct apps *old, uint64_t period_ms);
    void *drain_state;
    void *retire_state;
    bool draining;
    _Atomic uint32_t clients; /* its public connections as of its last turn, for others to read */
};

/* The box must be initialised; the loop is started by the caller. Takes a reference of its own. */
void worker_init(struct worker *worker, uint32_t id, struct loop *loop, struct mailbox *hub,
                 struct apps *apps);
/* Called on the worker's thread before its loop runs. */
void worker_attach(struct worker *worker);
void worker_free(struct worker *worker);

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

/* True while the hub has more to do than it should: stop reading clients. */
bool worker_held(const struct worker *worker);

#endif
