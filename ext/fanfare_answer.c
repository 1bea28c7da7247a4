#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <stdlib.h>
#include <string.h>

#include "fanfare_answer.h"
#include "utf8.h"

#define IN_FIRST 4096u

uint8_t *fanfare_answer_room(struct fanfare_peer *peer, size_t *room)
{
	size_t have = peer->in_end - peer->in_start, need = have + 1;

	if (peer->in_start != 0) {
		memmove(peer->in, peer->in + peer->in_start, have);
		peer->in_start = 0;
		peer->in_end = have;
	}
	if (have >= FF_IPC_HEADER) {
		int64_t len = ff_ipc_frame_len(peer->in, have);
		if (len > 0) {
			need = FF_IPC_HEADER + (size_t) len;
		}
	}
	if (need < IN_FIRST) {
		need = IN_FIRST;
	}
	if (peer->in_cap < need || (peer->in_cap > 64 * IN_FIRST && need == IN_FIRST)) {
		uint8_t *grown = realloc(peer->in, need);
		if (grown == NULL) {
			return NULL;
		}
		peer->in = grown;
		peer->in_cap = need;
	}
	*room = peer->in_cap - peer->in_end;
	return peer->in + peer->in_end;
}

/* A peer's text may be anything: make one line of valid UTF-8 of it. */
static void answer_text(char *out, size_t size, struct ff_slice text)
{
	size_t n = text.p == NULL ? 0 : text.len;
	bool valid;

	if (n >= size) {
		n = size - 1;
		/* not in the middle of a character */
		while (n > 0 && ((unsigned char) text.p[n] & 0xc0) == 0x80) {
			n--;
		}
	}
	valid = ff_utf8_valid(text.p, n);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char) text.p[i];
		out[i] = c < 0x20 || c == 0x7f || (c >= 0x80 && !valid) ? '?' : (char) c;
	}
	out[n] = '\0';
}

void fanfare_answer_outcome(struct fanfare_outcome *outcome, const struct ff_ipc_frame *error)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->status = FANFARE_REJECTED;
	outcome->phase = FANFARE_PHASE_ACK;
	outcome->index = error->index;
	answer_text(outcome->reason, sizeof(outcome->reason), error->reason);
	answer_text(outcome->text, sizeof(outcome->text), error->text);
	if (strcmp(outcome->reason, FF_IPC_REASON_PROTOCOL) == 0) {
		outcome->status = strcmp(outcome->text, FF_IPC_UNKNOWN_TYPE) == 0 ? FANFARE_TOO_OLD : FANFARE_PROTOCOL;
	} else if (strcmp(outcome->reason, FF_IPC_REASON_UNCONFIRMED) == 0) {
		outcome->status = FANFARE_UNCONFIRMED;
		outcome->maybe_delivered = true;
	}
}

/* An answer that the current call does not wait for. False if it answers nothing that was ever sent. */
static bool answer_logged(struct fanfare_peer *peer, const struct ff_ipc_frame *frame)
{
	struct fanfare_outcome outcome;
	bool ack = frame->type == FF_IPC_ACK || frame->type == FF_IPC_CLUSTER_ACK;

	if (frame->seq >= peer->next_seq) {
		return false;
	}
	if (!ack && frame->type != FF_IPC_ERROR) {
		/* to a call that gave up; no publish is answered so */
		return !fanfare_log_waits(&peer->log, frame->seq);
	}
	if (fanfare_log_answered(&peer->log, frame->seq) != FANFARE_LOG_FIRST) {
		return true;
	}
	if (ack) {
		peer->counts.acknowledged++;
	} else {
		fanfare_answer_outcome(&outcome, frame);
		peer->counts.unconfirmed += outcome.status == FANFARE_UNCONFIRMED;
		peer->counts.rejected += outcome.status != FANFARE_UNCONFIRMED;
		fanfare_counts_fail(&peer->counts, &outcome, peer->identity.socket);
	}
	return true;
}

enum fanfare_seen fanfare_answer_take(struct fanfare_peer *peer, uint64_t seq, enum ff_ipc_type type,
                                      struct ff_ipc_frame *answer, const char **why)
{
	for (;;) {
		const uint8_t *at = peer->in + peer->in_start;
		size_t have = peer->in_end - peer->in_start;
		int64_t len = ff_ipc_frame_len(at, have);
		struct ff_ipc_frame frame;

		if (len < 0) {
			*why = "the answer is not a frame";
			return FANFARE_SEEN_GARBAGE;
		}
		if (len == 0 || have - FF_IPC_HEADER < (size_t) len) {
			return FANFARE_SEEN_MORE;
		}
		if (ff_ipc_unpack(&peer->unpacker, at + FF_IPC_HEADER, (size_t) len, &frame, why) != 0) {
			return FANFARE_SEEN_GARBAGE;
		}
		peer->in_start += FF_IPC_HEADER + (size_t) len;
		peer->answers++;
		fanfare_breaker_answered(&peer->breaker);
		if (frame.type < FF_IPC_ERROR) {
			*why = "the answer is a request";
			return FANFARE_SEEN_GARBAGE;
		}
		if (frame.seq == 0) {
			if (frame.type != FF_IPC_ERROR) {
				*why = "the answer names no request";
				return FANFARE_SEEN_GARBAGE;
			}
			if (peer->proven) {
				/* It knew us a moment ago: a restart, a reload. Ask again on a new connection; if the reason still
				 * holds, that one is refused. */
				return FANFARE_SEEN_CLOSED;
			}
			fanfare_answer_outcome(&peer->refusal, &frame);
			return FANFARE_SEEN_REFUSED;
		}
		peer->proven = true;
		if (frame.seq == seq) {
			if (frame.type != type && frame.type != FF_IPC_ERROR) {
				*why = "the answer is not of the kind that was asked for";
				return FANFARE_SEEN_GARBAGE;
			}
			*answer = frame;
			return FANFARE_SEEN_ANSWER;
		}
		if (!answer_logged(peer, &frame)) {
			*why = "the answer is to a frame that was never sent";
			return FANFARE_SEEN_GARBAGE;
		}
	}
}
