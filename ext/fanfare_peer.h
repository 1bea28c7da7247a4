/*
 * A peer: one application of one daemon as this thread knows it. Owns the connection, the producer's identity and
 * numbers, the frames that wait for an answer, and the breaker.
 *
 * Runs on the thread that created it and is never shared. Never calls into the engine, so that no bailout can cut a
 * conversation in two; memory is malloc's, because it outlives the request. Failures come back as an outcome, which
 * fanfare_errors.c turns into an exception.
 *
 * Frames of publishAsync() lie back to back in `log`, from the oldest one without an answer to the newest:
 *
 *     log.data ... | log_start ........ log_sent ........ log.size |
 *                    written, unanswered  not written yet
 *
 * `ring` has one entry for each of them, in the same order. After a connection is lost log_sent goes back to log_start,
 * and the next connection carries everything again; the daemon knows the numbers and sends nothing twice.
 */
#ifndef FANFARE_PEER_H
#define FANFARE_PEER_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "fanfare_io.h"
#include "ipc_pack.h"
#include "ipc_proto.h"
#include "ipc_unpack.h"

enum fanfare_status {
	FANFARE_OK,
	FANFARE_CONNECT,  /* nobody there */
	FANFARE_TIMEOUT,  /* the budget is used up */
	FANFARE_LOST,     /* gone between our bytes and the answer */
	FANFARE_PROTOCOL, /* not our protocol */
	FANFARE_REJECTED, /* the daemon said no */
	FANFARE_TOO_LARGE,
	FANFARE_NO_MEMORY,
};

/* In the order of enum Fanfare\Phase. */
enum fanfare_phase { FANFARE_PHASE_CONNECT, FANFARE_PHASE_WRITE, FANFARE_PHASE_ACK };

#define FANFARE_REASON_WORD 32

struct fanfare_outcome {
	enum fanfare_status status;
	enum fanfare_phase phase;
	bool maybe_delivered;
	bool interrupted; /* the engine wanted control back: says nothing about the daemon */
	int err;          /* errno, 0 for none */
	int64_t index;    /* of a batch, -1 for none */
	char reason[FANFARE_REASON_WORD];
	char text[320];
};

/* What became of frames that nobody waited for, since the last flush. */
struct fanfare_tally {
	uint64_t acknowledged;
	uint64_t rejected;
	bool failed;
	struct fanfare_outcome first;                                  /* if failed */
	char where[sizeof(((struct sockaddr_un *) 0)->sun_path) + 16]; /* the socket, if failed */
};

struct fanfare_pending {
	uint64_t seq;
	size_t len;
	bool done;
};

struct fanfare_peer {
	uint64_t id;   /* unique in the thread, so that a handle sees when its slot was given away */
	uint64_t used; /* for the choice of the one to close */

	char *socket;
	size_t socket_len;
	struct fanfare_address address;
	char *app;
	size_t app_len;
	char *secret;
	size_t secret_len;

	int fd; /* -1: not connected */
	unsigned int fork_generation;
	bool busy;             /* set while bytes are on their way; found set on entry, a bailout cut the call off */
	bool proven;           /* the daemon has answered a frame on this connection, so it took the hello */
	uint64_t limit;        /* what fanfare_io_limit() was last told for fd */
	msgpack_sbuffer hello; /* not sent yet if not empty */

	uint8_t producer[FF_IPC_PRODUCER];
	uint64_t next_seq;

	msgpack_sbuffer head; /* the frame of the current call, without a payload that is sent from where it lies */
	msgpack_sbuffer log;
	size_t log_start, log_sent;
	struct fanfare_pending ring[FF_IPC_MAX_OUTSTANDING];
	unsigned int ring_head, ring_len, ring_unsent, ring_done; /* done, but not the oldest */
	struct fanfare_tally tally;

	uint8_t *in;
	size_t in_cap, in_start, in_end;
	struct ff_ipc_unpacker unpacker;

	bool refused; /* the daemon sent an error that concerns the whole connection */
	struct fanfare_outcome refusal;

	unsigned int breaker_failures;
	uint64_t breaker_until;
};

struct fanfare_budget {
	double timeout;     /* seconds */
	zend_long breaker;  /* consecutive time-outs that open it; 0 = off */
	size_t async_bytes; /* gather so many before writing */
};

/* A request that publishes nothing. */
struct fanfare_question {
	enum ff_ipc_type type;
	struct ff_slice text; /* of all but ping, stats and connections; p == NULL for nil */
	unsigned int wanted;  /* of channels and channel: bits of enum ff_ipc_attribute */
};

/* Increments in every forked child. */
extern unsigned int fanfare_fork_generation;

/* All strings are copied. NULL when memory ran out. */
struct fanfare_peer *fanfare_peer_new(uint64_t id, const struct fanfare_address *address, const char *socket,
                                      size_t socket_len, const char *app, size_t app_len, const char *secret,
                                      size_t secret_len);

/* Closes; what waits for an answer is forgotten. */
void fanfare_peer_free(struct fanfare_peer *peer);

/*
 * One request and its answer. On FANFARE_OK *answer is the daemon's frame; its pointers are good until the next call
 * with this peer. Everything that publish_async left behind is written first.
 */
enum fanfare_status fanfare_peer_publish(struct fanfare_peer *peer, const struct ff_ipc_message *message,
                                         const struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                         struct fanfare_outcome *outcome);
enum fanfare_status fanfare_peer_batch(struct fanfare_peer *peer, const struct ff_ipc_message *messages, uint32_t n,
                                       const struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                       struct fanfare_outcome *outcome);
enum fanfare_status fanfare_peer_ask(struct fanfare_peer *peer, const struct fanfare_question *question,
                                     const struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                     struct fanfare_outcome *outcome);

/* Puts one message behind the others and writes when enough has gathered. After a failure the message is not in the
 * log; outcome->maybe_delivered says whether it had left already. */
enum fanfare_status fanfare_peer_push(struct fanfare_peer *peer, const struct ff_ipc_message *message,
                                      const struct fanfare_budget *budget, struct fanfare_outcome *outcome);

/* Writes what is left and collects answers until none is missing or the deadline has passed. Returns how many are
 * still missing; those stay, and a later call may find them. *outcome says why, unless it is only the time. */
unsigned int fanfare_peer_collect(struct fanfare_peer *peer, uint64_t deadline, struct fanfare_outcome *outcome);

/* Empties the log. */
void fanfare_peer_clear_log(struct fanfare_peer *peer);

/* Gives up on what has no answer yet. An answer that still comes is ignored. */
void fanfare_peer_forget(struct fanfare_peer *peer);

/* In a forked child: lets go of everything that belongs to the parent. Cheap when there was no fork. */
void fanfare_peer_check_fork(struct fanfare_peer *peer);

/* Keeps the first failure only. */
void fanfare_peer_tally_failure(struct fanfare_peer *peer, const struct fanfare_outcome *outcome);

static inline unsigned int fanfare_peer_pending(const struct fanfare_peer *peer)
{
	return peer->ring_len - peer->ring_done;
}

/* fanfare_hello.c: the first frame of a connection, and identity. */
int fanfare_hello_pack(msgpack_sbuffer *out, const struct fanfare_peer *peer);
void fanfare_producer_new(uint8_t *out);
void fanfare_hmac_sha256(uint8_t *mac, const char *key, size_t key_len, const char *text, size_t len);

#endif
