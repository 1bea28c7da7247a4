#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <errno.h>
#include <unistd.h>

#include "fanfare_answer.h"
#include "fanfare_talk.h"

/* Closes without shutdown(2): a forked process may use the same socket. */
void fanfare_talk_drop(struct fanfare_peer *peer)
{
	if (peer->fd >= 0) {
		close(peer->fd);
		peer->fd = -1;
	}
	peer->busy = false;
	peer->proven = false;
	peer->in_start = peer->in_end = 0;
	peer->hello.size = 0;
	peer->log_sent = peer->log_start;
	peer->ring_unsent = peer->ring_len;
}

static enum fanfare_status ensure_connected(struct fanfare_peer *peer, uint64_t deadline, uint64_t limit,
                                            struct fanfare_outcome *outcome)
{
	int err;

	if (UNEXPECTED(peer->busy)) {
		fanfare_talk_drop(peer);
	}
	if (EXPECTED(peer->fd >= 0)) {
		if (UNEXPECTED(peer->limit != limit)) {
			fanfare_io_limit(peer->fd, limit);
			peer->limit = limit;
		}
		return FANFARE_OK;
	}
	peer->refused = false;
	switch (fanfare_io_connect(&peer->address, deadline, &peer->fd, &err)) {
	case FANFARE_IO_OK:
		peer->limit = limit;
		if (fanfare_hello_pack(&peer->hello, peer) == 0) {
			return FANFARE_OK;
		}
		fanfare_talk_drop(peer);
		return fanfare_outcome_fail(outcome, FANFARE_NO_MEMORY, FANFARE_PHASE_CONNECT, false);
	case FANFARE_IO_TIMEOUT:
		outcome->err = ETIMEDOUT;
		return fanfare_outcome_fail(outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
	case FANFARE_IO_INTERRUPTED:
		outcome->interrupted = true;
		return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, FANFARE_PHASE_CONNECT, false);
	default:
		outcome->err = err;
		return fanfare_outcome_fail(outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
	}
}

static enum fanfare_status refused(struct fanfare_peer *peer, struct fanfare_outcome *outcome)
{
	*outcome = peer->refusal;
	return outcome->status;
}

static enum fanfare_status not_our_protocol(struct fanfare_peer *peer, const char *why, enum fanfare_phase phase,
                                            bool maybe_delivered, struct fanfare_outcome *outcome)
{
	fanfare_talk_drop(peer);
	snprintf(outcome->text, sizeof(outcome->text), "%s", why);
	return fanfare_outcome_fail(outcome, FANFARE_PROTOCOL, phase, maybe_delivered);
}

/* What came together with the last answer and was left in the buffer then. */
static enum fanfare_seen leftovers(struct fanfare_peer *peer, uint64_t seq, enum ff_ipc_type type,
                                   struct ff_ipc_frame *answer, const char **why)
{
	if (EXPECTED(peer->in_start == peer->in_end)) {
		return FANFARE_SEEN_MORE;
	}
	return fanfare_answer_take(peer, seq, type, answer, why);
}

/* Everything that the daemon has sent so far, without waiting. FANFARE_SEEN_MORE means that the connection lives. */
static enum fanfare_seen read_arrived(struct fanfare_peer *peer, const char **why)
{
	enum fanfare_seen left = leftovers(peer, 0, FF_IPC_ACK, NULL, why);

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

/*
 * Writes the hello if it is due, the rest of the log, and the current frame if there is one (head == NULL: none).
 * OK, or the reason with the connection dropped. FANFARE_LOST asks for another attempt.
 */
static enum fanfare_status write_frames(struct fanfare_peer *peer, const msgpack_sbuffer *head, struct ff_slice payload,
                                        uint64_t deadline, struct fanfare_outcome *outcome)
{
	struct iovec iov[4];
	int n = 0, err;
	size_t sent;
	const char *why;

	if (peer->hello.size != 0) {
		iov[n++] = (struct iovec){peer->hello.data, peer->hello.size};
	}
	if (peer->log.size != peer->log_sent) {
		iov[n++] = (struct iovec){peer->log.data + peer->log_sent, peer->log.size - peer->log_sent};
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
	switch (fanfare_io_send(peer->fd, iov, n, deadline, &sent, &err)) {
	case FANFARE_IO_OK:
		peer->busy = false;
		peer->hello.size = 0;
		peer->log_sent = peer->log.size;
		peer->ring_unsent = 0;
		return FANFARE_OK;
	case FANFARE_IO_INTERRUPTED:
		outcome->interrupted = true;
		ZEND_FALLTHROUGH;
	case FANFARE_IO_TIMEOUT:
		fanfare_talk_drop(peer);
		return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, FANFARE_PHASE_WRITE, false);
	default:
		/* What it said before it went: answers to earlier frames, or why it does not want us. */
		switch (read_arrived(peer, &why)) {
		case FANFARE_SEEN_GARBAGE:
			return not_our_protocol(peer, why, FANFARE_PHASE_WRITE, false, outcome);
		case FANFARE_SEEN_REFUSED:
			fanfare_talk_drop(peer);
			return refused(peer, outcome);
		default:
			fanfare_talk_drop(peer);
			outcome->err = err;
			return fanfare_outcome_fail(outcome, FANFARE_LOST, FANFARE_PHASE_WRITE, false);
		}
	}
}

/* One look for the answer to `seq` (0: to anything in the log). SEEN_TIMEOUT leaves the connection as it is. */
static enum fanfare_seen read_more(struct fanfare_peer *peer, uint64_t seq, enum ff_ipc_type type, uint64_t deadline,
                                   bool patient, struct ff_ipc_frame *answer, struct fanfare_outcome *outcome,
                                   const char **why)
{
	size_t got = 0, room;
	int err = 0;
	size_t before = peer->in_start;
	enum fanfare_seen seen = leftovers(peer, seq, type, answer, why);
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

enum fanfare_status fanfare_talk_write_log(struct fanfare_peer *peer, uint64_t deadline, uint64_t limit,
                                           struct fanfare_outcome *outcome)
{
	static const struct ff_slice none = {NULL, 0};
	enum fanfare_status status = FANFARE_OK;

	for (int attempt = 0; attempt < 2; attempt++) {
		const char *why;

		fanfare_outcome_init(outcome);
		status = ensure_connected(peer, deadline, limit, outcome);
		if (status != FANFARE_OK) {
			return status;
		}
		/* Unread answers would in the end stop the daemon from reading us. */
		if (peer->ring_len != peer->ring_unsent) {
			switch (read_arrived(peer, &why)) {
			case FANFARE_SEEN_GARBAGE:
				return not_our_protocol(peer, why, FANFARE_PHASE_ACK, false, outcome);
			case FANFARE_SEEN_REFUSED:
				fanfare_talk_drop(peer);
				return refused(peer, outcome);
			case FANFARE_SEEN_LOST:
				fanfare_talk_drop(peer);
				status = fanfare_outcome_fail(outcome, FANFARE_LOST, FANFARE_PHASE_WRITE, false);
				continue;
			default:
				break;
			}
		}
		status = write_frames(peer, NULL, none, deadline, outcome);
		if (status != FANFARE_LOST) {
			return status;
		}
	}
	return status;
}

enum fanfare_status fanfare_talk_settle(struct fanfare_peer *peer, unsigned int below, uint64_t deadline,
                                        uint64_t limit, struct fanfare_outcome *outcome)
{
	enum fanfare_status status = FANFARE_OK;

	for (int attempt = 0; attempt < 2; attempt++) {
		const char *why;
		bool lost = false;

		fanfare_outcome_init(outcome);
		if (peer->ring_unsent != 0) {
			status = fanfare_talk_write_log(peer, deadline, limit, outcome);
			if (status != FANFARE_OK) {
				return status;
			}
		}
		while (!lost && peer->ring_len >= below) {
			switch (read_more(peer, 0, FF_IPC_ACK, deadline, false, NULL, outcome, &why)) {
			case FANFARE_SEEN_TIMEOUT:
				return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, FANFARE_PHASE_ACK, true);
			case FANFARE_SEEN_GARBAGE:
				return not_our_protocol(peer, why, FANFARE_PHASE_ACK, true, outcome);
			case FANFARE_SEEN_REFUSED:
				fanfare_talk_drop(peer);
				return refused(peer, outcome);
			case FANFARE_SEEN_LOST:
				fanfare_talk_drop(peer);
				status = fanfare_outcome_fail(outcome, FANFARE_LOST, FANFARE_PHASE_ACK, true);
				lost = true;
				break;
			default:
				break;
			}
		}
		if (!lost) {
			return FANFARE_OK;
		}
	}
	return status;
}

enum fanfare_status fanfare_talk_exchange(struct fanfare_peer *peer, enum ff_ipc_type type, uint64_t seq,
                                          struct ff_slice payload, uint64_t deadline, uint64_t limit,
                                          struct ff_ipc_frame *answer, struct fanfare_outcome *outcome)
{
	enum fanfare_status status = FANFARE_OK;
	bool complete = false; /* all bytes of the frame left us, in one attempt at least */

	for (int attempt = 0; attempt < 2; attempt++) {
		const char *why = "";
		enum fanfare_seen seen;
		bool patient;

		fanfare_outcome_init(outcome);
		status = ensure_connected(peer, deadline, limit, outcome);
		if (status == FANFARE_OK) {
			status = write_frames(peer, &peer->head, payload, deadline, outcome);
		} else if (complete && !outcome->interrupted) {
			/* it went away with our frame and nobody took its place */
			return fanfare_outcome_fail(outcome, FANFARE_LOST, FANFARE_PHASE_ACK, true);
		}
		if (status == FANFARE_LOST) {
			outcome->maybe_delivered = complete;
			continue;
		}
		if (status != FANFARE_OK) {
			outcome->maybe_delivered = complete;
			return status;
		}
		complete = true;
		peer->next_seq = seq + 1;

		peer->busy = true;
		patient = deadline > fanfare_io_now() + (limit - limit / 8);
		do {
			seen = read_more(peer, seq, type, deadline, patient, answer, outcome, &why);
			patient = false;
		} while (seen == FANFARE_SEEN_MORE);
		peer->busy = false;

		switch (seen) {
		case FANFARE_SEEN_ANSWER:
			return FANFARE_OK;
		case FANFARE_SEEN_TIMEOUT:
			fanfare_talk_drop(peer);
			return fanfare_outcome_fail(outcome, FANFARE_TIMEOUT, FANFARE_PHASE_ACK, true);
		case FANFARE_SEEN_REFUSED:
			fanfare_talk_drop(peer);
			return refused(peer, outcome);
		case FANFARE_SEEN_GARBAGE:
			return not_our_protocol(peer, why, FANFARE_PHASE_ACK, true, outcome);
		default:
			fanfare_talk_drop(peer);
			status = fanfare_outcome_fail(outcome, FANFARE_LOST, FANFARE_PHASE_ACK, true);
			break;
		}
	}
	return status;
}
