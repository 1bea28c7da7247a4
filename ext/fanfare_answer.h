/*
 * What the daemon says: takes frames out of a peer's input buffer and gives each to whom it concerns.
 *
 * Owns the use of peer->in and peer->unpacker. Never reads from a socket and never waits.
 */
#ifndef FANFARE_ANSWER_H
#define FANFARE_ANSWER_H

#include "fanfare_peer.h"
#include "ipc_unpack.h"

enum fanfare_seen {
	FANFARE_SEEN_MORE,    /* nothing wrong, but not the answer that is wanted */
	FANFARE_SEEN_ANSWER,  /* the one */
	FANFARE_SEEN_REFUSED, /* peer->refusal: the daemon refuses this connection as a whole */
	FANFARE_SEEN_LOST,    /* the connection is over */
	FANFARE_SEEN_CLOSED,  /* the same, and the daemon has said so: what it has not answered, it has not done */
	FANFARE_SEEN_GARBAGE, /* not the protocol; *why is a sentence */
	FANFARE_SEEN_TIMEOUT,
};

/* Room behind what is in the buffer: enough for the rest of a frame that has begun. NULL when memory ran out. */
uint8_t *fanfare_answer_room(struct fanfare_peer *peer, size_t *room);

/*
 * Handles all whole frames up to the answer to `seq`, which is of `type` or an error and is left in *answer. seq 0
 * wants no answer in particular. Answers to frames of the log are counted.
 */
enum fanfare_seen fanfare_answer_take(struct fanfare_peer *peer, uint64_t seq, enum ff_ipc_type type,
                                      struct ff_ipc_frame *answer, const char **why);

/* An error frame as an outcome. */
void fanfare_answer_outcome(struct fanfare_outcome *outcome, const struct ff_ipc_frame *error);

#endif
