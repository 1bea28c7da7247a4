/*
 * The questions of publishers, answered out of what the hub knows (pubsub/query), as the HTTP API
 * answers them. On the hub.
 *
 * Owns nothing, changes nothing and waits for nothing.
 */
#ifndef FF_LINKS_IPC_ANSWER_H
#define FF_LINKS_IPC_ANSWER_H

#include "pubsub/hub.h"
#include "shared/ipc_unpack.h"

enum ipc_answer {
    IPC_ANSWERED,  /* the answer is behind what was in `out` */
    IPC_REFUSED,   /* *refusal says why; nothing was added */
    IPC_NO_MEMORY, /* nothing was added */
};

struct ipc_refusal {
    const char *reason, *why; /* static */
};

/* `frame` is FF_IPC_STATS, _CHANNELS, _CHANNEL, _MEMBERS or _CONNECTIONS. What other nodes have
 * said is in hub->gathered. partial: some of them have not; it is said in answers that it matters
 * to. */
enum ipc_answer ipc_answer(struct hub *hub, const struct app *app, const struct ff_ipc_frame *frame,
                           bool partial, msgpack_sbuffer *out,
                           struct ipc_refusal *refusal) MUST_CHECK;

/* The same names as the HTTP API takes, and beginnings that a name can have: others are answered
 * without asking anybody. */
bool ipc_answer_name_fits(const struct hub *hub, const struct app *app,
                          struct ff_slice name) MUST_CHECK;
bool ipc_answer_prefix_fits(const struct hub *hub, const struct app *app,
                            struct ff_slice prefix) MUST_CHECK;

#endif
