/*
 * Reading the configuration again while everything runs. Runs on the hub; reaches the workers by
 * mail.
 *
 * A reload loads the file and the environment as the start did and prepares everything that may
 * fail or take time, on a thread of its own: a pipe that is written slowly, libraries and
 * certificates would hold up who is on the hub's loop. Only then does the hub change anything. A
 * file with an error, or a part that cannot be prepared, leaves all as it was. What changes only
 * with a restart is named in the log. A reload is over, and the log says so, when every worker uses
 * the new generation; what is asked for before that comes after it.
 */
#ifndef FF_OPS_RELOAD_H
#define FF_OPS_RELOAD_H

#include <event2/event_struct.h>
#include <pthread.h>

#include "links/cluster.h"
#include "links/ipc.h"
#include "ops/config.h"
#include "ops/shutdown.h"
#include "pubsub/control.h"
#include "pubsub/hub.h"

/* Who wants to know what comes of a reload. */
struct reload_asker {
    struct reload_asker *next;
    control_done_fn *done;
    void *arg;
};

struct reload {
    const char *path;             /* of the file; NULL: there is none */
    const struct config *started; /* as the process was started */
    const struct config *current; /* belongs to the hub's generation, or is the one above */
    struct hub *hub;
    struct ipc *ipc;
    struct cluster *cluster; /* NULL: the node stands alone */
    struct shutdown *shutdown;
    struct counters *counters; /* the hub's */

    /* Below is reload's own. While `preparing` is set, `config` and `tls` are the thread's. */
    bool preparing;
    pthread_t thread;
    struct tls_context *previous; /* what the thread builds upon */
    struct config *config;        /* its result; NULL: it failed, and that was logged */
    struct tls_context *tls;      /* that goes with it */
    int prepared, stop;           /* eventfds: from the thread, and to it */
    struct event event;
    bool again;                  /* asked for while one was under way */
    struct reload_asker *askers; /* of the one that is under way */
    struct reload_asker *later;  /* of the next one */
    char problem[400];           /* the first error of the one under way; "": none yet */
    char changes[3000];          /* of the one that is under way, for the log */
};

/* Of a generation, what can fail and may take time: at a start (`previous` NULL) and at a reload
 * alike. *tls: the caller's reference, or NULL. -1: `report` was told what is wrong. On any thread,
 * one at a time. */
int generation_prepare(const struct config *config, struct tls_context *previous,
                       struct tls_context **tls, config_report_fn *report, void *arg) MUST_CHECK;

/* What loops read of a configuration, with one reference. Takes over that of `tls`. The
 * configuration must live as long as the generation; `owned`: it is freed with it. On the hub. */
struct apps *generation_new(struct app_registry *registry, const struct config *config,
                            struct tls_context *tls, bool owned) MUST_CHECK;

/* Every warning and error of a configuration goes to the log. */
void reload_report(void *arg, bool error, const char *text);

/* Once, when the first fields are set; `reload` must outlive the hub's loop. -1: was logged. */
int reload_init(struct reload *reload) MUST_CHECK;
void reload_run(struct reload *reload);
/* The same, and `done` is called once it is known what came of it, maybe from within. */
void reload_ask(struct reload *reload, control_done_fn *done, void *arg);
/* Gives up what is being prepared. After the hub's loop has ended, before the hub is freed. */
void reload_free(struct reload *reload);

#endif
