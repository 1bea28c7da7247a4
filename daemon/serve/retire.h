/*
 * What a reload means for a worker's clients: those of applications that were removed (4001) or
 * disabled (4003) are closed, a few at a time, or as soon as they say anything. Runs on its worker.
 */
#ifndef FF_SERVE_RETIRE_H
#define FF_SERVE_RETIRE_H

#include "net/listener.h"
#include "pubsub/worker.h"
#include "serve/pace.h"

/* With fewer clients to close than this on a worker, they are all closed at once. */
#define RETIRE_AT_ONCE 100

struct retire {
    struct pace pace;
    struct listener *listeners; /* the worker's own; they get the new certificates and proxies */
    size_t nlisteners;
};

/* Lets worker->reloaded do its work. `retire` must outlive the worker. */
void retire_init(struct retire *retire, struct worker *worker, struct listener *listeners,
                 size_t nlisteners);
void retire_free(struct retire *retire);

/* True: the application of this session may not be used any more, and the session was closed. */
bool retire_session(struct conn *conn);

#endif
