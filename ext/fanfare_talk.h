/*
 * The conversation over a peer's connection: connect, hello, write, wait, and once more on a new connection when that
 * one turns out to be dead.
 *
 * Owns the connection of a peer and the written part of its log while a call lasts. Never calls into the engine.
 * `limit` is the whole budget of the call in nanoseconds, `deadline` its end.
 */
#ifndef FANFARE_TALK_H
#define FANFARE_TALK_H

#include "fanfare_peer.h"

void fanfare_talk_drop(struct fanfare_peer *peer);

/* Sends peer->head and payload behind what the log holds, and waits for the answer to `seq`, which is of `type` or an
 * error. */
enum fanfare_status fanfare_talk_exchange(struct fanfare_peer *peer, enum ff_ipc_type type, uint64_t seq,
                                          struct ff_slice payload, uint64_t deadline, uint64_t limit,
                                          struct ff_ipc_frame *answer, struct fanfare_outcome *outcome);

/* Sends what the log holds. */
enum fanfare_status fanfare_talk_write_log(struct fanfare_peer *peer, uint64_t deadline, uint64_t limit,
                                           struct fanfare_outcome *outcome);

/* Waits until the log has fewer than `below` frames without an answer. */
enum fanfare_status fanfare_talk_settle(struct fanfare_peer *peer, unsigned int below, uint64_t deadline,
                                        uint64_t limit, struct fanfare_outcome *outcome);

static inline void fanfare_outcome_init(struct fanfare_outcome *outcome)
{
	outcome->status = FANFARE_OK;
	outcome->phase = FANFARE_PHASE_CONNECT;
	outcome->maybe_delivered = false;
	outcome->interrupted = false;
	outcome->err = 0;
	outcome->index = -1;
	outcome->reason[0] = '\0';
	outcome->text[0] = '\0';
}

static inline enum fanfare_status fanfare_outcome_fail(struct fanfare_outcome *outcome, enum fanfare_status status,
                                                       enum fanfare_phase phase, bool maybe_delivered)
{
	outcome->status = status;
	outcome->phase = phase;
	outcome->maybe_delivered = maybe_delivered;
	outcome->index = -1;
	return status;
}

#endif
