#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <errno.h>

#include "fanfare_answer.h"
#include "fanfare_call.h"
#include "fanfare_exchange.h"

#define CALL_HEAD 64u /* more than a frame has around its strings */

static const struct ff_slice call_nothing = {NULL, 0};

size_t fanfare_call_bytes(const struct ff_ipc_message *message)
{
	size_t bytes = (size_t) message->data.len + message->event.len + message->except.len + message->key.len +
	               message->trace.len + CALL_HEAD;

	for (uint32_t i = 0; i < message->nchannels; i++) {
		bytes += message->channels[i].len + 5u;
	}
	return bytes;
}

enum fanfare_status fanfare_call_not_packed(size_t bytes, struct fanfare_outcome *outcome)
{
	return fanfare_outcome_fail(outcome, bytes > FF_IPC_MAX_FRAME - 64 * 1024 ? FANFARE_TOO_LARGE : FANFARE_NO_MEMORY,
	                            FANFARE_PHASE_CONNECT, false);
}

bool fanfare_call_paused(const struct fanfare_peer *peer, const struct fanfare_budget *budget,
                         struct fanfare_outcome *outcome)
{
	if (EXPECTED(peer->breaker.failures == 0) ||
	    !fanfare_breaker_open(&peer->breaker, budget->breaker, fanfare_io_now())) {
		return false;
	}
	fanfare_outcome_fail(outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
	snprintf(outcome->text, sizeof(outcome->text), "%u calls in a row timed out, not trying for a second",
	         peer->breaker.failures);
	return true;
}

void fanfare_call_ended(struct fanfare_peer *peer, const struct fanfare_budget *budget, uint64_t spent,
                        const struct fanfare_outcome *outcome)
{
	bool slow = outcome->status == FANFARE_TIMEOUT || (outcome->status == FANFARE_CONNECT && outcome->err == ETIMEDOUT);

	if (UNEXPECTED(slow && !outcome->interrupted)) {
		fanfare_breaker_slow(&peer->breaker, budget->breaker, spent, budget->limit, fanfare_io_now());
	}
}

static uint64_t call_spent(const struct fanfare_budget *budget)
{
	return fanfare_io_now() - (budget->deadline - budget->allowance);
}

/* Makes sure that one more frame may be without an answer. */
static enum fanfare_status call_begin(struct fanfare_peer *peer, struct fanfare_budget *budget,
                                      struct fanfare_outcome *outcome)
{
	enum fanfare_status status;

	fanfare_budget_begin(budget);
	fanfare_outcome_init(outcome);
	if (fanfare_call_paused(peer, budget, outcome)) {
		return FANFARE_CONNECT;
	}
	if (EXPECTED(peer->log.len < FF_IPC_MAX_OUTSTANDING)) {
		return FANFARE_OK;
	}
	status = fanfare_exchange_settle(peer, 0, budget, outcome);
	if (status != FANFARE_OK) {
		if (status == FANFARE_REJECTED) {
			fanfare_peer_reject_log(peer);
		}
		/* about the messages before this one, which has not left us */
		outcome->maybe_delivered = false;
		fanfare_call_ended(peer, budget, call_spent(budget), outcome);
	}
	return status;
}

static void call_forget(struct fanfare_peer *peer)
{
	fanfare_peer_shrink(&peer->head);
	peer->ack_at = 0;
}

/* peer->head holds the frame. */
static enum fanfare_status call_send(struct fanfare_peer *peer, enum ff_ipc_type type, uint64_t seq,
                                     struct ff_slice payload, const struct fanfare_budget *budget,
                                     struct ff_ipc_frame *answer, struct fanfare_outcome *outcome)
{
	enum fanfare_status status =
		fanfare_exchange(peer, (enum ff_ipc_type)(type + 64), seq, payload, budget, answer, outcome);

	call_forget(peer);
	if (status == FANFARE_OK && answer->type == FF_IPC_ERROR) {
		fanfare_answer_outcome(outcome, answer);
		status = outcome->status;
		if (status == FANFARE_PROTOCOL || status == FANFARE_TOO_OLD) {
			fanfare_peer_drop(peer);
		}
	} else if (UNEXPECTED(status != FANFARE_OK)) {
		if (status == FANFARE_REJECTED) {
			fanfare_peer_reject_log(peer);
		}
		fanfare_call_ended(peer, budget, call_spent(budget), outcome);
	}
	return status;
}

enum fanfare_status fanfare_call_publish(struct fanfare_peer *peer, const struct ff_ipc_message *message, bool cluster,
                                         struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                         struct fanfare_outcome *outcome)
{
	enum fanfare_status status = call_begin(peer, budget, outcome);
	uint64_t seq = peer->next_seq;
	int rc;

	if (status != FANFARE_OK) {
		return status;
	}
	if (UNEXPECTED(cluster)) {
		rc = ff_ipc_pack_cluster_publish_head(&peer->head, seq, 0, message, &peer->ack_at);
	} else {
		rc = ff_ipc_pack_publish_head(&peer->head, seq, message);
	}
	if (rc != 0) {
		call_forget(peer);
		return fanfare_call_not_packed(fanfare_call_bytes(message), outcome);
	}
	return call_send(peer, cluster ? FF_IPC_CLUSTER_PUBLISH : FF_IPC_PUBLISH, seq, ff_ipc_data_apart(message), budget,
	                 answer, outcome);
}

enum fanfare_status fanfare_call_batch(struct fanfare_peer *peer, const struct ff_ipc_message *messages, uint32_t n,
                                       bool cluster, struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                       struct fanfare_outcome *outcome)
{
	enum fanfare_status status = call_begin(peer, budget, outcome);
	uint64_t seq = peer->next_seq;
	size_t mark, bytes = 0;
	int rc;

	if (status != FANFARE_OK) {
		return status;
	}
	if (cluster) {
		rc = ff_ipc_pack_cluster_batch_begin(&peer->head, seq, 0, n, &mark, &peer->ack_at);
	} else {
		rc = ff_ipc_pack_batch_begin(&peer->head, seq, n, &mark);
	}
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		bytes += fanfare_call_bytes(&messages[i]);
		rc = ff_ipc_pack_batch_add(&peer->head, mark, &messages[i]);
	}
	if (rc != 0 || ff_ipc_pack_batch_end(&peer->head, mark) != 0) {
		call_forget(peer);
		return fanfare_call_not_packed(bytes, outcome);
	}
	status = call_send(peer, cluster ? FF_IPC_CLUSTER_BATCH : FF_IPC_BATCH, seq, call_nothing, budget, answer, outcome);
	if (status == FANFARE_OK && answer->nreceipts != n) {
		snprintf(outcome->text, sizeof(outcome->text), "%u receipts for %u messages", answer->nreceipts, n);
		return fanfare_outcome_fail(outcome, FANFARE_PROTOCOL, FANFARE_PHASE_ACK, true);
	}
	return status;
}

static int call_pack_request(msgpack_sbuffer *out, uint64_t seq, const struct fanfare_request *request)
{
	switch (request->type) {
	case FF_IPC_TERMINATE:
	case FF_IPC_DISCONNECT:
	case FF_IPC_MEMBERS:
	case FF_IPC_CONTROL:
		return ff_ipc_pack_named(out, request->type, seq, request->text);
	case FF_IPC_CHANNELS:
	case FF_IPC_CHANNEL:
		return ff_ipc_pack_query(out, request->type, seq, request->text, request->wanted);
	case FF_IPC_SOCKETS:
		return ff_ipc_pack_sockets(out, seq, request->text, request->limit);
	default:
		return ff_ipc_pack_bare(out, request->type, seq);
	}
}

enum fanfare_status fanfare_call_request(struct fanfare_peer *peer, const struct fanfare_request *request,
                                         struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                         struct fanfare_outcome *outcome)
{
	enum fanfare_status status = call_begin(peer, budget, outcome);
	uint64_t seq = peer->next_seq;

	if (status != FANFARE_OK) {
		return status;
	}
	if (call_pack_request(&peer->head, seq, request) != 0) {
		fanfare_peer_shrink(&peer->head);
		return fanfare_call_not_packed(request->text.len, outcome);
	}
	return call_send(peer, request->type, seq, call_nothing, budget, answer, outcome);
}
