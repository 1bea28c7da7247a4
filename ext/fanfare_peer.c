#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fanfare_answer.h"
#include "fanfare_talk.h"

#define BREAKER_COOLDOWN_NS 1000000000u
#define KEEP_BUFFER         ((size_t) 1 << 20) /* a buffer that grew beyond is given back when it is empty */

unsigned int fanfare_fork_generation;

struct fanfare_peer *fanfare_peer_new(uint64_t id, const struct fanfare_address *address, const char *socket,
                                      size_t socket_len, const char *app, size_t app_len, const char *secret,
                                      size_t secret_len)
{
	struct fanfare_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL) {
		return NULL;
	}
	peer->id = id;
	peer->fd = -1;
	peer->fork_generation = fanfare_fork_generation;
	peer->next_seq = 1;
	peer->address = *address;
	ff_ipc_unpacker_init(&peer->unpacker);
	msgpack_sbuffer_init(&peer->hello);
	msgpack_sbuffer_init(&peer->head);
	msgpack_sbuffer_init(&peer->log);
	peer->socket = calloc(1, socket_len + 1);
	peer->app = calloc(1, app_len + 1);
	peer->secret = calloc(1, secret_len + 1);
	if (peer->socket == NULL || peer->app == NULL || peer->secret == NULL) {
		fanfare_peer_free(peer);
		return NULL;
	}
	memcpy(peer->socket, socket, socket_len);
	memcpy(peer->app, app, app_len);
	memcpy(peer->secret, secret, secret_len);
	peer->socket_len = socket_len;
	peer->app_len = app_len;
	peer->secret_len = secret_len;
	fanfare_producer_new(peer->producer);
	return peer;
}

void fanfare_peer_free(struct fanfare_peer *peer)
{
	fanfare_talk_drop(peer);
	if (peer->secret != NULL) {
		ZEND_SECURE_ZERO(peer->secret, peer->secret_len);
	}
	free(peer->socket);
	free(peer->app);
	free(peer->secret);
	free(peer->in);
	msgpack_sbuffer_destroy(&peer->hello);
	msgpack_sbuffer_destroy(&peer->head);
	msgpack_sbuffer_destroy(&peer->log);
	ff_ipc_unpacker_free(&peer->unpacker);
	free(peer);
}

static void shrink(msgpack_sbuffer *buffer)
{
	if (buffer->alloc > KEEP_BUFFER) {
		msgpack_sbuffer_destroy(buffer);
		msgpack_sbuffer_init(buffer);
	}
	buffer->size = 0;
}

void fanfare_peer_clear_log(struct fanfare_peer *peer)
{
	peer->ring_head = peer->ring_len = peer->ring_unsent = peer->ring_done = 0;
	peer->log_start = peer->log_sent = 0;
	shrink(&peer->log);
}

void fanfare_peer_tally_failure(struct fanfare_peer *peer, const struct fanfare_outcome *outcome)
{
	if (!peer->tally.failed) {
		peer->tally.failed = true;
		peer->tally.first = *outcome;
		snprintf(peer->tally.where, sizeof(peer->tally.where), "%s", peer->socket);
	}
}

void fanfare_peer_forget(struct fanfare_peer *peer)
{
	fanfare_peer_clear_log(peer);
	memset(&peer->tally, 0, sizeof(peer->tally));
}

void fanfare_peer_check_fork(struct fanfare_peer *peer)
{
	if (EXPECTED(peer->fork_generation == fanfare_fork_generation)) {
		return;
	}
	peer->fork_generation = fanfare_fork_generation;
	fanfare_talk_drop(peer);
	fanfare_peer_forget(peer);
	fanfare_producer_new(peer->producer);
	peer->next_seq = 1;
	peer->breaker_failures = 0;
	peer->breaker_until = 0;
}

static uint64_t budget_ns(const struct fanfare_budget *budget)
{
	double ns = budget->timeout * 1e9;

	return ns > 1e15 ? (uint64_t) 1e15 : (uint64_t) ns;
}

/* ---- breaker ---- */

static bool breaker_open(const struct fanfare_peer *peer, const struct fanfare_budget *budget, uint64_t now,
                         struct fanfare_outcome *outcome)
{
	if (EXPECTED(peer->breaker_failures == 0) || budget->breaker <= 0 ||
	    peer->breaker_failures < (zend_ulong) budget->breaker || now >= peer->breaker_until) {
		return false;
	}
	fanfare_outcome_fail(outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
	snprintf(outcome->text, sizeof(outcome->text), "%u calls in a row timed out, not trying for a second",
	         peer->breaker_failures);
	return true;
}

/* Only failures that used up the budget count: a missing daemon costs nothing to ask again. */
static void breaker_note(struct fanfare_peer *peer, const struct fanfare_outcome *outcome)
{
	bool slow = outcome->status == FANFARE_TIMEOUT || (outcome->status == FANFARE_CONNECT && outcome->err == ETIMEDOUT);

	if (outcome->status == FANFARE_OK || outcome->status == FANFARE_REJECTED) {
		peer->breaker_failures = 0;
	} else if (slow && !outcome->interrupted) {
		if (peer->breaker_failures < UINT_MAX) {
			peer->breaker_failures++;
		}
		peer->breaker_until = fanfare_io_now() + BREAKER_COOLDOWN_NS;
	}
}

/* The daemon wants nothing from this application: neither does it want what waits in the log. */
static void reject_log(struct fanfare_peer *peer)
{
	if (peer->ring_len != 0) {
		peer->tally.rejected += peer->ring_len;
		fanfare_peer_tally_failure(peer, &peer->refusal);
		fanfare_peer_clear_log(peer);
	}
}

static enum fanfare_status begin(struct fanfare_peer *peer, const struct fanfare_budget *budget, uint64_t *deadline,
                                 uint64_t *limit, struct fanfare_outcome *outcome)
{
	uint64_t now = fanfare_io_now();

	fanfare_peer_check_fork(peer);
	*limit = budget_ns(budget);
	*deadline = now + *limit;
	fanfare_outcome_init(outcome);
	if (breaker_open(peer, budget, now, outcome)) {
		return FANFARE_CONNECT;
	}
	if (UNEXPECTED(peer->ring_len == FF_IPC_MAX_OUTSTANDING)) {
		enum fanfare_status status = fanfare_talk_settle(peer, FF_IPC_MAX_OUTSTANDING, *deadline, *limit, outcome);
		if (status != FANFARE_OK) {
			if (status == FANFARE_REJECTED) {
				reject_log(peer);
			}
			/* about the messages before this one, which has not left us */
			outcome->maybe_delivered = false;
			breaker_note(peer, outcome);
			return status;
		}
	}
	return FANFARE_OK;
}

/* peer->head holds the frame. */
static enum fanfare_status call(struct fanfare_peer *peer, enum ff_ipc_type type, uint64_t seq, struct ff_slice payload,
                                uint64_t deadline, uint64_t limit, struct ff_ipc_frame *answer,
                                struct fanfare_outcome *outcome)
{
	enum fanfare_status status =
		fanfare_talk_exchange(peer, (enum ff_ipc_type)(type + 64), seq, payload, deadline, limit, answer, outcome);

	shrink(&peer->head);
	if (status == FANFARE_OK && answer->type == FF_IPC_ERROR) {
		fanfare_answer_outcome(outcome, answer);
		status = outcome->status;
		if (status == FANFARE_PROTOCOL) {
			fanfare_talk_drop(peer);
		}
	} else if (status == FANFARE_REJECTED) {
		reject_log(peer);
	}
	breaker_note(peer, outcome);
	return status;
}

static enum fanfare_status cannot_pack(struct fanfare_peer *peer, size_t bytes, struct fanfare_outcome *outcome)
{
	shrink(&peer->head);
	return fanfare_outcome_fail(outcome, bytes > FF_IPC_MAX_FRAME - 64 * 1024 ? FANFARE_TOO_LARGE : FANFARE_NO_MEMORY,
	                            FANFARE_PHASE_CONNECT, false);
}

static size_t message_bytes(const struct ff_ipc_message *message)
{
	size_t bytes = (size_t) message->data.len + message->event.len;

	for (uint32_t i = 0; i < message->nchannels; i++) {
		bytes += message->channels[i].len + 5u;
	}
	return bytes;
}

enum fanfare_status fanfare_peer_publish(struct fanfare_peer *peer, const struct ff_ipc_message *message,
                                         const struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                         struct fanfare_outcome *outcome)
{
	uint64_t deadline, limit, seq;
	enum fanfare_status status = begin(peer, budget, &deadline, &limit, outcome);

	if (status != FANFARE_OK) {
		return status;
	}
	seq = peer->next_seq;
	if (ff_ipc_pack_publish_head(&peer->head, seq, message) != 0) {
		return cannot_pack(peer, message_bytes(message), outcome);
	}
	return call(peer, FF_IPC_PUBLISH, seq, message->data, deadline, limit, answer, outcome);
}

enum fanfare_status fanfare_peer_batch(struct fanfare_peer *peer, const struct ff_ipc_message *messages, uint32_t n,
                                       const struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                       struct fanfare_outcome *outcome)
{
	static const struct ff_slice none = {NULL, 0};
	uint64_t deadline, limit, seq;
	size_t mark, bytes = 0;
	enum fanfare_status status = begin(peer, budget, &deadline, &limit, outcome);
	int rc;

	if (status != FANFARE_OK) {
		return status;
	}
	seq = peer->next_seq;
	rc = ff_ipc_pack_batch_begin(&peer->head, seq, n, &mark);
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		bytes += message_bytes(&messages[i]);
		rc = ff_ipc_pack_batch_add(&peer->head, mark, &messages[i]);
	}
	if (rc != 0 || ff_ipc_pack_batch_end(&peer->head, mark) != 0) {
		return cannot_pack(peer, bytes, outcome);
	}
	return call(peer, FF_IPC_BATCH, seq, none, deadline, limit, answer, outcome);
}

static int pack_question(msgpack_sbuffer *out, uint64_t seq, const struct fanfare_question *question)
{
	switch (question->type) {
	case FF_IPC_TERMINATE:
	case FF_IPC_DISCONNECT:
	case FF_IPC_MEMBERS:
		return ff_ipc_pack_named(out, question->type, seq, question->text);
	case FF_IPC_CHANNELS:
	case FF_IPC_CHANNEL:
		return ff_ipc_pack_query(out, question->type, seq, question->text, question->wanted);
	default:
		return ff_ipc_pack_bare(out, question->type, seq);
	}
}

enum fanfare_status fanfare_peer_ask(struct fanfare_peer *peer, const struct fanfare_question *question,
                                     const struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                     struct fanfare_outcome *outcome)
{
	static const struct ff_slice none = {NULL, 0};
	uint64_t deadline, limit, seq;
	enum fanfare_status status = begin(peer, budget, &deadline, &limit, outcome);

	if (status != FANFARE_OK) {
		return status;
	}
	seq = peer->next_seq;
	if (pack_question(&peer->head, seq, question) != 0) {
		return cannot_pack(peer, question->text.len, outcome);
	}
	return call(peer, question->type, seq, none, deadline, limit, answer, outcome);
}

/* ---- without waiting ---- */

enum fanfare_status fanfare_peer_push(struct fanfare_peer *peer, const struct ff_ipc_message *message,
                                      const struct fanfare_budget *budget, struct fanfare_outcome *outcome)
{
	uint64_t deadline, limit;
	size_t before;
	struct fanfare_pending *entry;
	enum fanfare_status status = begin(peer, budget, &deadline, &limit, outcome);

	if (status != FANFARE_OK) {
		return status;
	}
	if (peer->log_start > KEEP_BUFFER / 4 && peer->log_start > peer->log.size / 2) {
		memmove(peer->log.data, peer->log.data + peer->log_start, peer->log.size - peer->log_start);
		peer->log.size -= peer->log_start;
		peer->log_sent -= peer->log_start;
		peer->log_start = 0;
	}
	before = peer->log.size;
	if (ff_ipc_pack_publish_head(&peer->log, peer->next_seq, message) != 0) {
		return cannot_pack(peer, message_bytes(message), outcome);
	}
	if (msgpack_sbuffer_write(&peer->log, message->data.p, message->data.len) != 0) {
		peer->log.size = before;
		return cannot_pack(peer, 0, outcome);
	}
	entry = &peer->ring[(peer->ring_head + peer->ring_len) % FF_IPC_MAX_OUTSTANDING];
	entry->seq = peer->next_seq++;
	entry->len = peer->log.size - before;
	entry->done = false;
	peer->ring_len++;
	peer->ring_unsent++;
	if (peer->log.size - peer->log_sent < budget->async_bytes && peer->ring_unsent < FF_IPC_MAX_OUTSTANDING / 2) {
		return FANFARE_OK;
	}

	status = fanfare_talk_write_log(peer, deadline, limit, outcome);
	if (status != FANFARE_OK) {
		/* Take this one out again: a write that failed has not carried the last frame to its end. The others stay
		 * for the next attempt. */
		size_t len = entry->len;

		peer->ring_len--;
		peer->ring_unsent--;
		peer->next_seq--;
		peer->log.size -= len;
		if (status == FANFARE_REJECTED) {
			reject_log(peer);
		}
	}
	breaker_note(peer, outcome);
	return status;
}

unsigned int fanfare_peer_collect(struct fanfare_peer *peer, uint64_t deadline, struct fanfare_outcome *outcome)
{
	uint64_t now;
	enum fanfare_status status;

	fanfare_outcome_init(outcome);
	fanfare_peer_check_fork(peer);
	if (peer->ring_len == 0) {
		return 0;
	}
	now = fanfare_io_now();
	status = fanfare_talk_settle(peer, 1, deadline, deadline > now ? deadline - now : 0, outcome);
	if (status == FANFARE_REJECTED) {
		reject_log(peer);
	}
	return fanfare_peer_pending(peer);
}
