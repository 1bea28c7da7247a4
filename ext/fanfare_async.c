#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include "fanfare_async.h"
#include "fanfare_call.h"
#include "fanfare_exchange.h"

static uint64_t async_spent(const struct fanfare_budget *budget)
{
	return fanfare_io_now() - (budget->deadline - budget->allowance);
}

static enum fanfare_status async_failed(struct fanfare_peer *peer, const struct fanfare_budget *budget,
                                        enum fanfare_status status, struct fanfare_outcome *outcome)
{
	if (status == FANFARE_REJECTED) {
		fanfare_peer_reject_log(peer);
	}
	/* whatever went wrong with those before it, this one has not left us */
	outcome->maybe_delivered = false;
	fanfare_call_ended(peer, budget, async_spent(budget), outcome);
	return status;
}

enum fanfare_status fanfare_async_push(struct fanfare_peer *peer, const struct ff_ipc_message *message, bool cluster,
                                       struct fanfare_budget *budget, struct fanfare_outcome *outcome)
{
	struct fanfare_log *log = &peer->log;
	size_t before, ack_at, bytes = fanfare_call_bytes(message);
	msgpack_sbuffer *buffer;
	struct ff_slice data;
	enum fanfare_status status;
	int rc;

	fanfare_outcome_init(outcome);
	if (fanfare_call_paused(peer, budget, outcome)) {
		return FANFARE_CONNECT;
	}
	if (UNEXPECTED(!fanfare_log_room(log, bytes))) {
		fanfare_budget_begin(budget);
		status = fanfare_exchange_settle(peer, bytes, budget, outcome);
		if (status != FANFARE_OK) {
			return async_failed(peer, budget, status, outcome);
		}
	}
	buffer = fanfare_log_buffer(log);
	before = buffer->size;
	if (UNEXPECTED(cluster)) {
		rc = ff_ipc_pack_cluster_publish_head(buffer, peer->next_seq, fanfare_ack_ms(budget->limit), message, &ack_at);
	} else {
		rc = ff_ipc_pack_publish_head(buffer, peer->next_seq, message);
	}
	if (rc != 0) {
		return fanfare_call_not_packed(bytes, outcome);
	}
	data = ff_ipc_data_apart(message);
	if (data.len != 0 && msgpack_sbuffer_write(buffer, data.p, data.len) != 0) {
		buffer->size = before;
		return fanfare_call_not_packed(0, outcome);
	}
	fanfare_log_added(log, peer->next_seq++, before);
	if (fanfare_log_due(log) < budget->async_bytes && log->unsent < FF_IPC_MAX_OUTSTANDING / 2) {
		return FANFARE_OK;
	}

	fanfare_budget_begin(budget);
	status = fanfare_exchange_write_log(peer, budget, outcome);
	if (status != FANFARE_OK) {
		/* Take this one out again: a write that failed has not carried the last frame to its end. */
		fanfare_log_undo(log);
		peer->next_seq--;
		return async_failed(peer, budget, status, outcome);
	}
	return FANFARE_OK;
}

unsigned int fanfare_async_collect(struct fanfare_peer *peer, struct fanfare_budget *budget,
                                   struct fanfare_outcome *outcome)
{
	unsigned int left;

	fanfare_outcome_init(outcome);
	if (peer->log.len == 0) {
		return 0;
	}
	if (fanfare_call_paused(peer, budget, outcome)) {
		fanfare_exchange_look(peer);
	} else {
		fanfare_budget_begin(budget);
		if (fanfare_exchange_settle(peer, FANFARE_LOG_EMPTY, budget, outcome) == FANFARE_REJECTED) {
			fanfare_peer_reject_log(peer);
		}
		fanfare_call_ended(peer, budget, async_spent(budget), outcome);
	}
	left = fanfare_peer_pending(peer);
	outcome->maybe_delivered = left > fanfare_log_never_left(&peer->log);
	return left;
}
