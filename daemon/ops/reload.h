/*
 * Reading the configuration again while everything runs. Runs on the hub; reaches the workers by
 * mail.
 *
 * A reload loads the file and the environment as the start did, prepares everything that may fail
 * (generation_new), and only then changes anything. A file with an error, or a part that cannot be
 * prepared, leaves all as it was. What changes only with a restart is named in the log. A reload is
 * over, and the log says so, when every worker uses the new generation; what is asked for before
 * that comes after it.
 */
#ifndef FF_OPS_RELOAD_H
#define FF_OPS_RELOAD_H

#include "links/ipc.h"
#include "ops/config.h"
#include "ops/shutdown.h"
#include "pubsub/hub.h"

struct reload {
    const char *path;             /* of the file; NULL: there is none */
    const struct config *started; /* as the process was started */
    const struct config *current; /* belongs to the hub's generation, or is the one above */
    struct hub *hub;
    struct ipc *ipc;
    struct shutdown *shutdown;
    struct counters *counters; /* the hub's */
    bool again;                /* asked for while one was under way */
    char changes[3000];        /* of the one that is under way, for the log */
};

/* What loops read of a configuration, with one reference. Whatever is built from the configuration
 * and can fail is built here, and freed with the generation: at a start (`previous` NULL) and at a
 * reload alike. NULL: what is wrong has been logged. The configuration must live as long as the
 * generation; `owned`: it is freed with it (but not when this fails). */
struct apps *generation_new(struct app_registry *registry, const struct config *config,
                            const struct apps *previous, bool owned) MUST_CHECK;

/* Every warning and error of a configuration goes to the log. */
void reload_report(void *arg, bool error, const char *text);

/* Once, when the fields above are set; `reload` must outlive the hub's loop. */
void reload_init(struct reload *reload);
void reload_run(struct reload *reload);

#endif
