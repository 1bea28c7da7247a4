/*
 * Beginning anew in place: the same process executes its program again, with the same arguments and
 * environment, and so under whatever has started it: a terminal, Supervisor, systemd, or as the
 * first process of a container. A program that was replaced on disk meanwhile is the new one.
 *
 * Before anything is given up the program is run once with --check-config, by a thread, and ports
 * that are new in the configuration are tried: what would not start (a wrong file, a missing
 * library, a certificate without its key, a port that is taken) is the answer to who asked, and all
 * goes on as it was. On the hub.
 *
 * No descriptor survives but the standard ones and the sockets that were passed by a service
 * manager: they are passed on as they came. Signals stay blocked from the one to the other, so
 * that one that is sent in between is handled by the new program.
 */
#ifndef FF_OPS_RESTART_H
#define FF_OPS_RESTART_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdbool.h>

#include "ops/activation.h"
#include "ops/config.h"
#include "ops/shutdown.h"
#include "pubsub/control.h"

struct restart_asker;

struct restart {
    char **argv;   /* main's */
    char *program; /* absolute; NULL: it cannot be found out */
    bool wanted;   /* what is under way is no end */
    /* Copies of what was passed to this process, for the next program. */
    struct activation passed;

    /* Below is restart's own. While `checking` is set, `fine` and `problem` are the thread's. */
    struct shutdown *shutdown;
    const struct config *config; /* as the process was started */
    const char *path;            /* of its file; NULL: there is none */
    struct event event;
    int checked, stop; /* eventfds: from the thread, and to it */
    bool checking, fine;
    pthread_t thread;
    struct restart_asker *askers;
    char problem[400];
};

/* At the beginning of main: where the program lies may change later. */
void restart_find(struct restart *restart, char **argv);

/* Keeps copies of the sockets that were passed. */
void restart_hold(struct restart *restart, const struct activation *passed);

/* Before the hub's loop runs. -1: was logged. */
int restart_init(struct restart *restart, struct shutdown *shutdown, const struct config *config,
                 const char *path) MUST_CHECK;
/* Gives up what is being checked. After the hub's loop has ended. */
void restart_free(struct restart *restart);

/* Checks, then begins the shutdown that ends in restart_now. `done` is called once. */
void restart_ask(struct restart *restart, control_done_fn *done, void *arg);

/* Last of all. Returns only when it has failed, which was logged. */
void restart_now(struct restart *restart);

#endif
