/*
 * A peer: one application of one daemon as this thread knows it. Owns the connection, the producer's identity and
 * numbers, the frames that wait for an answer, and what is known of the daemon's health.
 *
 * This is the data and its lifetime; who speaks over the connection is fanfare_exchange.c. Runs on the thread that
 * created it and is never shared. Never calls into the engine, so that no bailout can cut a conversation in two; memory
 * is malloc's, because it outlives the request.
 */
#ifndef FANFARE_PEER_H
#define FANFARE_PEER_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "fanfare_breaker.h"
#include "fanfare_io.h"
#include "fanfare_log.h"
#include "fanfare_outcome.h"
#include "ipc_proto.h"
#include "ipc_unpack.h"

#define FANFARE_ACK_MARGIN 5000000u /* ns */

/* What makes two handles mean the same peer. */
struct fanfare_identity {
	const char *socket, *app, *secret; /* terminated, too */
	size_t socket_len, app_len, secret_len;
};

struct fanfare_peer {
	uint64_t id;   /* unique in the thread, so that a handle sees when its slot was given away */
	uint64_t used; /* for the choice of the one to close */

	struct fanfare_identity identity; /* copies, which it owns */
	struct fanfare_address address;

	int fd;                /* -1: not connected */
	bool busy;             /* set while bytes are on their way; found set on entry, a bailout cut the call off */
	bool proven;           /* the daemon has answered a frame on this connection, so it took the hello */
	uint64_t patience;     /* what fanfare_io_patience() was last told for fd; 0: nothing */
	msgpack_sbuffer hello; /* not sent yet if not empty */

	bool has_producer;
	uint8_t producer[FF_IPC_PRODUCER];
	uint64_t next_seq;

	msgpack_sbuffer head; /* the frame of the current call, without a payload that is sent from where it lies */
	size_t ack_at;        /* where head says how long the cluster may take, 0: it does not */
	struct fanfare_log log;
	struct fanfare_counts counts;

	uint8_t *in;
	size_t in_cap, in_start, in_end;
	struct ff_ipc_unpacker unpacker;
	struct fanfare_outcome refusal; /* after FANFARE_SEEN_REFUSED */
	uint64_t answers;               /* frames that the daemon has sent; a change means that it lives */

	struct fanfare_breaker breaker;
};

/* What a call may cost. Begins to run when it is first needed. */
struct fanfare_budget {
	uint64_t limit;     /* ns, the time-out that is set */
	uint64_t allowance; /* ns, what is left of it for this call */
	uint64_t deadline;  /* 0: has not begun */
	int64_t breaker;    /* threshold */
	size_t async_bytes; /* gather so many before writing */
};

static inline void fanfare_budget_begin(struct fanfare_budget *budget)
{
	if (budget->deadline == 0) {
		budget->deadline = fanfare_io_now() + budget->allowance;
	}
}

/* How long the daemon may wait for the cluster, in ms, of so many ns that are left to the caller: its answer is to
 * arrive before the caller gives up. */
static inline uint32_t fanfare_ack_ms(uint64_t left)
{
	uint64_t margin = left / 10 > FANFARE_ACK_MARGIN ? left / 10 : FANFARE_ACK_MARGIN;
	uint64_t ms = left > margin ? (left - margin) / 1000000u : 0;

	return ms < UINT32_MAX ? (uint32_t) ms : UINT32_MAX;
}

bool fanfare_identity_same(const struct fanfare_identity *a, const struct fanfare_identity *b);

/* Copies all strings. -1 when memory ran out, and then it owns nothing. */
int fanfare_identity_copy(struct fanfare_identity *out, const struct fanfare_identity *from);
void fanfare_identity_free(struct fanfare_identity *identity);

/* NULL when memory ran out. */
struct fanfare_peer *fanfare_peer_new(uint64_t id, const struct fanfare_address *address,
                                      const struct fanfare_identity *identity);

/* Closes; what waits for an answer is forgotten. */
void fanfare_peer_free(struct fanfare_peer *peer);

/* Closes the connection. What waits for an answer is due on the next one. */
void fanfare_peer_drop(struct fanfare_peer *peer);

/* Gives up on what has no answer yet, and on what there would be to report. An answer that still comes is ignored. */
void fanfare_peer_forget(struct fanfare_peer *peer);

/* In a forked child: lets go of everything that belongs to the parent. */
void fanfare_peer_forked(struct fanfare_peer *peer);

/* The daemon wants nothing from this application: neither does it want what waits in the log. */
void fanfare_peer_reject_log(struct fanfare_peer *peer);

/* Empties a buffer, and gives back one that has grown large. */
void fanfare_peer_shrink(msgpack_sbuffer *buffer);

static inline unsigned int fanfare_peer_pending(const struct fanfare_peer *peer)
{
	return fanfare_log_pending(&peer->log);
}

#endif
