#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <errno.h>

#include "fanfare_answer.h"
#include "fanfare_exchange.h"
#include "fanfare_hello.h"

#define EXCHANGE_ATTEMPTS  4u
#define EXCHANGE_PAUSE_MIN 1000000u
#define EXCHANGE_PAUSE_MAX 50000000u

static const struct ff_slice exchange_nothing = {NULL, 0};

/* Until when a daemon that is away is waited for. */
static uint64_t exchange_wait_until(const struct fanfare_budget *budget)
{
	return budget->deadline - budget->allowance / 4;
}

static enum fanfare_status exchange_interrupted(struct fanfare_outcome *outcome, enum fanfare_phase phase)
{
	outcome->interrupted = true;
	return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, phase, false);
}

enum fanfare_status fanfare_exchange_greet(struct fanfare_peer *peer, struct fanfare_outcome *outcome)
{
	const struct fanfare_identity *who = &peer->identity;

	if (!peer->has_producer) {
		if (fanfare_hello_producer(peer->producer) != 0) {
			fanfare_peer_drop(peer);
			snprintf(outcome->text, sizeof(outcome->text),
			         "there is no source of random numbers: neither getrandom nor /dev/urandom can be used");
			return fanfare_outcome_fail(outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
		}
		peer->has_producer = true;
	}
	if (fanfare_hello_pack(&peer->hello, who->app, who->app_len, who->secret, who->secret_len, peer->producer) != 0) {
		fanfare_peer_drop(peer);
		return fanfare_outcome_fail(outcome, FANFARE_NO_MEMORY, FANFARE_PHASE_CONNECT, false);
	}
	return FANFARE_OK;
}

/* A new connection, with its hello due. */
static enum fanfare_status exchange_connect(struct fanfare_peer *peer, const struct fanfare_budget *budget,
                                            struct fanfare_outcome *outcome)
{
	uint64_t pause = EXCHANGE_PAUSE_MIN, start = fanfare_io_now(), until = exchange_wait_until(budget), now = start;
	bool waits = fanfare_breaker_waits(&peer->breaker, budget->breaker, now);
	int err;

	for (;;) {
		switch (fanfare_io_connect(&peer->address, budget->deadline, &peer->fd, &err)) {
		case FANFARE_IO_OK:
			fanfare_breaker_connected(&peer->breaker);
			return fanfare_exchange_greet(peer, outcome);
		case FANFARE_IO_TIMEOUT:
			outcome->err = ETIMEDOUT;
			return fanfare_outcome_fail(outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
		case FANFARE_IO_INTERRUPTED:
			return exchange_interrupted(outcome, FANFARE_PHASE_CONNECT);
		default:
			break;
		}
		now = fanfare_io_now();
		if (!waits || now >= until || !fanfare_io_may_return(&peer->address, err, now - start)) {
			if (!fanfare_io_is_ours(err)) {
				fanfare_breaker_away(&peer->breaker, now);
			}
			outcome->err = err;
			return fanfare_outcome_fail(outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
		}
		if (fanfare_io_pause(until - now < pause ? until : now + pause) != FANFARE_IO_OK) {
			return exchange_interrupted(outcome, FANFARE_PHASE_CONNECT);
		}
		pause = pause * 2 < EXCHANGE_PAUSE_MAX ? pause * 2 : EXCHANGE_PAUSE_MAX;
	}
}

static enum fanfare_status exchange_ready(struct fanfare_peer *peer, const struct fanfare_budget *budget,
                                          struct fanfare_outcome *outcome)
{
	if (UNEXPECTED(peer->busy)) {
		fanfare_peer_drop(peer);
	}
	return EXPECTED(peer->fd >= 0) ? FANFARE_OK : exchange_connect(peer, budget, outcome);
}

/* After a connection was lost for the n-th time in this call: whether to try another. The first is replaced at once, as
 * it may have been dead for long; later ones were lost by somebody who dies as soon as he has come up. */
static bool exchange_again(unsigned int n, const struct fanfare_budget *budget, struct fanfare_outcome *outcome)
{
	uint64_t pause = EXCHANGE_PAUSE_MIN << (2 * n), now;

	if (n >= EXCHANGE_ATTEMPTS) {
		return false;
	}
	if (n <= 1) {
		return true;
	}
	now = fanfare_io_now();
	if (now + pause > exchange_wait_until(budget)) {
		return false;
	}
	if (fanfare_io_pause(now + pause) != FANFARE_IO_OK) {
		outcome->interrupted = true;
		return false;
	}
	return true;
}

static enum fanfare_status exchange_refused(struct fanfare_peer *peer, struct fanfare_outcome *outcome)
{
	fanfare_peer_drop(peer);
	*outcome = peer->refusal;
	return outcome->status;
}

static enum fanfare_status exchange_garbage(struct fanfare_peer *peer, const char *why, enum fanfare_phase phase,
                                            bool maybe_delivered, struct fanfare_outcome *outcome)
{
	fanfare_peer_drop(peer);
	snprintf(outcome->text, sizeof(outcome->text), "%s", why);
	return fanfare_outcome_fail(outcome, FANFARE_PROTOCOL, phase, maybe_delivered);
}

static enum fanfare_status exchange_lost(struct fanfare_peer *peer, enum fanfare_phase phase, bool maybe_delivered,
                                         struct fanfare_outcome *outcome)
{
	fanfare_peer_drop(peer);
	return fanfare_outcome_fail(outcome, FANFARE_LOST, phase, maybe_delivered);
}

/* What came together with the last answer and was left in the buffer then. */
static enum fanfare_seen exchange_leftovers(struct fanfare_peer *peer, uint64_t seq, enum ff_ipc_type type,
                                            struct ff_ipc_frame *answer, const char **why)
{
	if (EXPECTED(peer->in_start == peer->in_end)) {
		return FANFARE_SEEN_MORE;
	}
	return fanfare_answer_take(peer, seq, type, answer, why);
}

/* Everything that the daemon has sent so far, without waiting. FANFARE_SEEN_MORE means that the connection lives. */
static enum fanfare_seen exchange_read_arrived(struct fanfare_peer *peer, const char **why)
{
	enum fanfare_seen left = exchange_leftovers(peer, 0, FF_IPC_ACK, NULL, why);

	if (left != FANFARE_SEEN_MORE) {
		return left;
	}
	for (;;) {
		size_t got = 0, room;
		int err;
		uint8_t *at = fanfare_answer_room(peer, &room);

		if (at == NULL) {
			*why = "out of memory";
			return FANFARE_SEEN_GARBAGE;
		}
		switch (fanfare_io_recv_nowait(peer->fd, at, room, &got, &err)) {
		case FANFARE_IO_OK:
			peer->in_end += got;
			break;
		case FANFARE_IO_EMPTY:
			return FANFARE_SEEN_MORE;
		default:
			return FANFARE_SEEN_LOST;
		}
		enum fanfare_seen seen = fanfare_answer_take(peer, 0, FF_IPC_ACK, NULL, why);
		if (seen != FANFARE_SEEN_MORE || got < room) {
			return seen;
		}
	}
}

void fanfare_exchange_look(struct fanfare_peer *peer)
{
	const char *why;

	if (peer->fd >= 0 && !peer->busy && exchange_read_arrived(peer, &why) != FANFARE_SEEN_MORE) {
		fanfare_peer_drop(peer);
	}
}

/*
 * Writes the hello if it is due, the rest of the log, and the current frame if there is one (head == NULL: none).
 * OK, or the reason with the connection dropped. FANFARE_LOST asks for another attempt. The current frame has not left
 * unless it is OK.
 */
static enum fanfare_status exchange_write(struct fanfare_peer *peer, const msgpack_sbuffer *head,
                                          struct ff_slice payload, const struct fanfare_budget *budget,
                                          struct fanfare_outcome *outcome)
{
	struct iovec iov[4];
	int n = 0, err;
	size_t sent, greeting = peer->hello.size, due = fanfare_log_due(&peer->log);
	enum fanfare_io status;
	const char *why;

	if (greeting != 0) {
		iov[n++] = (struct iovec){peer->hello.data, greeting};
	}
	if (due != 0) {
		iov[n++] = (struct iovec){fanfare_log_next(&peer->log), due};
	}
	if (head != NULL) {
		iov[n++] = (struct iovec){head->data, head->size};
		if (payload.len != 0) {
			iov[n++] = (struct iovec){(void *) payload.p, payload.len};
		}
	}
	if (n == 0) {
		return FANFARE_OK;
	}
	peer->busy = true;
	status = fanfare_io_send(peer->fd, iov, n, budget->deadline, &sent, &err);
	if (due != 0 && sent > greeting) {
		fanfare_log_wrote(&peer->log, sent - greeting < due ? sent - greeting : due);
	}
	switch (status) {
	case FANFARE_IO_OK:
		peer->busy = false;
		peer->hello.size = 0;
		return FANFARE_OK;
	case FANFARE_IO_INTERRUPTED:
		fanfare_peer_drop(peer);
		return exchange_interrupted(outcome, FANFARE_PHASE_WRITE);
	case FANFARE_IO_TIMEOUT:
		fanfare_peer_drop(peer);
		return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, FANFARE_PHASE_WRITE, false);
	default:
		/* What it said before it went: answers to earlier frames, or why it does not want us. */
		switch (exchange_read_arrived(peer, &why)) {
		case FANFARE_SEEN_GARBAGE:
			return exchange_garbage(peer, why, FANFARE_PHASE_WRITE, false, outcome);
		case FANFARE_SEEN_REFUSED:
			return exchange_refused(peer, outcome);
		default:
			outcome->err = err;
			return exchange_lost(peer, FANFARE_PHASE_WRITE, false, outcome);
		}
	}
}

/* One look for the answer to `seq` (0: to anything in the log). SEEN_TIMEOUT leaves the connection as it is. */
static enum fanfare_seen exchange_read(struct fanfare_peer *peer, uint64_t seq, enum ff_ipc_type type,
                                       uint64_t deadline, bool patient, struct ff_ipc_frame *answer,
                                       struct fanfare_outcome *outcome, const char **why)
{
	size_t got = 0, room;
	int err = 0;
	size_t before = peer->in_start;
	enum fanfare_seen seen = exchange_leftovers(peer, seq, type, answer, why);
	uint8_t *at;

	if (seen != FANFARE_SEEN_MORE || peer->in_start != before) {
		return seen; /* that may have been all that the caller waits for */
	}
	at = fanfare_answer_room(peer, &room);
	if (at == NULL) {
		*why = "out of memory";
		return FANFARE_SEEN_GARBAGE;
	}
	switch (fanfare_io_recv(peer->fd, at, room, deadline, patient, &got, &err)) {
	case FANFARE_IO_OK:
		peer->in_end += got;
		return fanfare_answer_take(peer, seq, type, answer, why);
	case FANFARE_IO_INTERRUPTED:
		outcome->interrupted = true;
		ZEND_FALLTHROUGH;
	case FANFARE_IO_TIMEOUT:
		return FANFARE_SEEN_TIMEOUT;
	default:
		outcome->err = err;
		return FANFARE_SEEN_LOST;
	}
}

/* One attempt to write the log. */
static enum fanfare_status exchange_write_log(struct fanfare_peer *peer, const struct fanfare_budget *budget,
                                              struct fanfare_outcome *outcome)
{
	enum fanfare_status status;
	const char *why;

	fanfare_outcome_init(outcome);
	status = exchange_ready(peer, budget, outcome);
	if (status != FANFARE_OK) {
		return status;
	}
	/* Unread answers would in the end stop the daemon from reading us. */
	if (peer->log.len != peer->log.unsent) {
		switch (exchange_read_arrived(peer, &why)) {
		case FANFARE_SEEN_GARBAGE:
			return exchange_garbage(peer, why, FANFARE_PHASE_ACK, false, outcome);
		case FANFARE_SEEN_REFUSED:
			return exchange_refused(peer, outcome);
		case FANFARE_SEEN_LOST:
		case FANFARE_SEEN_CLOSED:
			return exchange_lost(peer, FANFARE_PHASE_WRITE, false, outcome);
		default:
			break;
		}
	}
	return exchange_write(peer, NULL, exchange_nothing, budget, outcome);
}

enum fanfare_status fanfare_exchange_write_log(struct fanfare_peer *peer, const struct fanfare_budget *budget,
                                               struct fanfare_outcome *outcome)
{
	enum fanfare_status status;
	unsigned int lost = 0;

	do {
		status = exchange_write_log(peer, budget, outcome);
	} while (status == FANFARE_LOST && exchange_again(++lost, budget, outcome));
	return status;
}

/* One attempt to settle. */
static enum fanfare_status exchange_settle(struct fanfare_peer *peer, size_t bytes, const struct fanfare_budget *budget,
                                           struct fanfare_outcome *outcome)
{
	enum fanfare_status status;
	const char *why;

	fanfare_outcome_init(outcome);
	if (peer->log.unsent != 0) {
		status = exchange_write_log(peer, budget, outcome);
		if (status != FANFARE_OK) {
			return status;
		}
	}
	while (!fanfare_log_room(&peer->log, bytes)) {
		switch (exchange_read(peer, 0, FF_IPC_ACK, budget->deadline, false, NULL, outcome, &why)) {
		case FANFARE_SEEN_TIMEOUT:
			return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, FANFARE_PHASE_ACK, true);
		case FANFARE_SEEN_GARBAGE:
			return exchange_garbage(peer, why, FANFARE_PHASE_ACK, true, outcome);
		case FANFARE_SEEN_REFUSED:
			return exchange_refused(peer, outcome);
		case FANFARE_SEEN_LOST:
		case FANFARE_SEEN_CLOSED:
			return exchange_lost(peer, FANFARE_PHASE_ACK, true, outcome);
		default:
			break;
		}
	}
	return FANFARE_OK;
}

enum fanfare_status fanfare_exchange_settle(struct fanfare_peer *peer, size_t bytes,
                                            const struct fanfare_budget *budget, struct fanfare_outcome *outcome)
{
	enum fanfare_status status;
	unsigned int lost = 0;

	do {
		status = exchange_settle(peer, bytes, budget, outcome);
	} while (status == FANFARE_LOST && exchange_again(++lost, budget, outcome));
	return status;
}

/* Waits for the answer to `seq`. A blocking read is one system call where a look, a poll and a read are three; it must
 * end in time, so it lasts half of the whole time at most, and only where that much is left. */
static enum fanfare_seen exchange_wait(struct fanfare_peer *peer, uint64_t seq, enum ff_ipc_type type,
                                       const struct fanfare_budget *budget, struct ff_ipc_frame *answer,
                                       struct fanfare_outcome *outcome, const char **why)
{
	uint64_t patience = budget->limit / 2;
	bool patient = fanfare_io_now() + patience < budget->deadline;
	enum fanfare_seen seen;

	if (UNEXPECTED(patient && peer->patience != patience)) {
		fanfare_io_patience(peer->fd, patience);
		peer->patience = patience;
	}
	peer->busy = true;
	do {
		seen = exchange_read(peer, seq, type, budget->deadline, patient, answer, outcome, why);
		patient = false;
	} while (seen == FANFARE_SEEN_MORE);
	peer->busy = false;
	return seen;
}

/* Connecting has cost time, and so have earlier attempts. */
static void exchange_set_ack_ms(struct fanfare_peer *peer, const struct fanfare_budget *budget)
{
	if (UNEXPECTED(peer->ack_at != 0)) {
		uint64_t now = fanfare_io_now();

		ff_ipc_set_ack_ms(&peer->head, peer->ack_at,
		                  fanfare_ack_ms(now < budget->deadline ? budget->deadline - now : 0));
	}
}

/* One attempt. *complete: all bytes of the frame have left us, in this attempt or an earlier one, and the daemon has
 * not said that it takes nothing more. */
static enum fanfare_status exchange_once(struct fanfare_peer *peer, enum ff_ipc_type type, uint64_t seq,
                                         struct ff_slice payload, const struct fanfare_budget *budget, bool *complete,
                                         struct ff_ipc_frame *answer, struct fanfare_outcome *outcome)
{
	const char *why = "";
	bool before = *complete;
	enum fanfare_status status;

	fanfare_outcome_init(outcome);
	status = exchange_ready(peer, budget, outcome);
	if (status == FANFARE_OK) {
		exchange_set_ack_ms(peer, budget);
		status = exchange_write(peer, &peer->head, payload, budget, outcome);
	}
	if (status != FANFARE_OK) {
		return status;
	}
	*complete = true;
	peer->next_seq = seq + 1;

	switch (exchange_wait(peer, seq, type, budget, answer, outcome, &why)) {
	case FANFARE_SEEN_ANSWER:
		return FANFARE_OK;
	case FANFARE_SEEN_TIMEOUT:
		fanfare_peer_drop(peer);
		return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, FANFARE_PHASE_ACK, true);
	case FANFARE_SEEN_REFUSED:
		*complete = before;
		return exchange_refused(peer, outcome);
	case FANFARE_SEEN_GARBAGE:
		return exchange_garbage(peer, why, FANFARE_PHASE_ACK, true, outcome);
	case FANFARE_SEEN_CLOSED:
		*complete = before;
		return exchange_lost(peer, FANFARE_PHASE_ACK, before, outcome);
	default:
		return exchange_lost(peer, FANFARE_PHASE_ACK, true, outcome);
	}
}

enum fanfare_status fanfare_exchange(struct fanfare_peer *peer, enum ff_ipc_type type, uint64_t seq,
                                     struct ff_slice payload, const struct fanfare_budget *budget,
                                     struct ff_ipc_frame *answer, struct fanfare_outcome *outcome)
{
	enum fanfare_status status;
	unsigned int lost = 0;
	bool complete = false;

	/* An order that has left is not given twice: the second one would end the daemon that the first has started. */
	do {
		status = exchange_once(peer, type, seq, payload, budget, &complete, answer, outcome);
	} while (status == FANFARE_LOST && !(complete && type == FF_IPC_CONTROLLED) &&
	         exchange_again(++lost, budget, outcome));

	if (complete && status == FANFARE_REJECTED) {
		/* The one who refuses us has not acted, but somebody before him may have. */
		fanfare_peer_reject_log(peer);
		return fanfare_outcome_fail(outcome, FANFARE_LOST, FANFARE_PHASE_ACK, true);
	}
	if (complete && status == FANFARE_CONNECT) {
		/* It went away with our frame and nobody took its place. */
		outcome->text[0] = '\0';
		return fanfare_outcome_fail(outcome, FANFARE_LOST, FANFARE_PHASE_ACK, true);
	}
	outcome->maybe_delivered = complete;
	return status;
}
