/*
 * Calls that wait for their answer: one frame each.
 *
 * Owns nothing but the number of the frame and peer->head while it is sent; runs on the peer's thread and never calls
 * into the engine. On FANFARE_OK *answer is the daemon's frame, whose pointers are good until the next call with this
 * peer. What publishAsync() has left behind is written first. Failures come back in *outcome.
 */
#ifndef FANFARE_CALL_H
#define FANFARE_CALL_H

#include "fanfare_peer.h"
#include "ipc_pack.h"
#include "ipc_unpack.h"

/* What is asked of the daemon besides publishing. */
struct fanfare_request {
	enum ff_ipc_type type;
	struct ff_slice text; /* of all but ping, stats and connections; p == NULL for nil */
	unsigned int wanted;  /* of channels and channel: bits of enum ff_ipc_attribute */
	uint64_t limit;       /* of sockets */
};

/* cluster: the answer is to come when the cluster has it, or when the time is nearly over. */
enum fanfare_status fanfare_call_publish(struct fanfare_peer *peer, const struct ff_ipc_message *message, bool cluster,
                                         struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                         struct fanfare_outcome *outcome);

/* On FANFARE_OK the answer has as many receipts as there are messages. */
enum fanfare_status fanfare_call_batch(struct fanfare_peer *peer, const struct ff_ipc_message *messages, uint32_t n,
                                       bool cluster, struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                       struct fanfare_outcome *outcome);

enum fanfare_status fanfare_call_request(struct fanfare_peer *peer, const struct fanfare_request *request,
                                         struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                         struct fanfare_outcome *outcome);

/* About what a message takes on the wire, rather more than less. */
size_t fanfare_call_bytes(const struct ff_ipc_message *message);

/* Packing failed: the message was too large, or memory ran out. */
enum fanfare_status fanfare_call_not_packed(size_t bytes, struct fanfare_outcome *outcome);

/* *outcome with the breaker's refusal if it is open. */
bool fanfare_call_paused(const struct fanfare_peer *peer, const struct fanfare_budget *budget,
                         struct fanfare_outcome *outcome);

/* Tells the breaker of a call that began so many nanoseconds ago. Answers have told it themselves. */
void fanfare_call_ended(struct fanfare_peer *peer, const struct fanfare_budget *budget, uint64_t spent,
                        const struct fanfare_outcome *outcome);

#endif
