#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fanfare_answer.h"
#include "fanfare_exchange.h"
#include "fanfare_pool.h"
#include "fanfare_stream.h"

#define STREAM_PAUSE_MIN 1000000u
#define STREAM_PAUSE_MAX 250000000u
#define STREAM_CONNECT   100000000u /* ns that one connect() may wait for a place: no signal ends that */

struct fanfare_stream *fanfare_stream_new(struct fanfare_stream **list, struct fanfare_stream **owner,
                                          const struct fanfare_identity *identity,
                                          const struct fanfare_address *address, const struct ff_ipc_listen *wish,
                                          uint64_t limit)
{
	struct fanfare_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		return NULL;
	}
	stream->peer = fanfare_peer_new(0, address, identity);
	stream->unsettled = calloc(wish->window, sizeof(*stream->unsettled));
	stream->numbers = calloc(wish->window, sizeof(*stream->numbers));
	if (stream->peer == NULL || stream->unsettled == NULL || stream->numbers == NULL) {
		fanfare_stream_free(stream);
		return NULL;
	}
	stream->wish = *wish;
	if (wish->group.p != NULL) {
		memcpy(stream->group, wish->group.p, wish->group.len);
		stream->wish.group.p = stream->group;
	}
	stream->limit = limit;
	stream->fork_generation = fanfare_fork_generation;
	stream->away = fanfare_io_now();
	stream->pause = STREAM_PAUSE_MIN;
	fanfare_outcome_init(&stream->fault);

	stream->owner = owner;
	stream->link = list;
	stream->next = *list;
	if (*list != NULL) {
		(*list)->link = &stream->next;
	}
	*list = stream;
	return stream;
}

static void stream_hang_up(struct fanfare_stream *stream)
{
	struct fanfare_peer *peer = stream->peer;

	/* A child that this process has forked may have the socket open as well; what is unsettled has to go to somebody
	 * else without waiting for the child's end. In such a child the connection is not ours to end. */
	if (peer->fd >= 0 && stream->fork_generation == fanfare_fork_generation) {
		(void) shutdown(peer->fd, SHUT_RDWR);
	}
	fanfare_peer_drop(peer);
}

static void stream_forget_unsettled(struct fanfare_stream *stream)
{
	for (uint32_t i = 0; i < stream->nunsettled; i++) {
		free(stream->unsettled[i].id);
	}
	stream->nunsettled = 0;
}

void fanfare_stream_free(struct fanfare_stream *stream)
{
	if (stream->link != NULL) {
		*stream->link = stream->next;
		if (stream->next != NULL) {
			stream->next->link = stream->link;
		}
	}
	if (stream->peer != NULL) {
		stream_hang_up(stream);
		fanfare_peer_free(stream->peer);
	}
	if (stream->unsettled != NULL) {
		stream_forget_unsettled(stream);
	}
	free(stream->unsettled);
	free(stream->numbers);
	free(stream);
}

void fanfare_stream_free_all(struct fanfare_stream **list, bool owners)
{
	while (*list != NULL) {
		if (owners) {
			*(*list)->owner = NULL;
		}
		fanfare_stream_free(*list);
	}
}

void fanfare_stream_check_fork(struct fanfare_stream *stream)
{
	if (EXPECTED(stream->fork_generation == fanfare_fork_generation)) {
		return;
	}
	fanfare_peer_forked(stream->peer);
	stream_forget_unsettled(stream);
	stream->fork_generation = fanfare_fork_generation;
	stream->state = FANFARE_STREAM_AWAY;
	stream->listened = false;
	stream->group_lost = false;
	stream->away = fanfare_io_now();
	stream->retry = 0;
	stream->pause = STREAM_PAUSE_MIN;
}

/* ---- what is unsettled ---- */

static int64_t stream_find(const struct fanfare_stream *stream, const char *id, size_t len)
{
	for (uint32_t i = 0; i < stream->nunsettled; i++) {
		if (stream->unsettled[i].len == len && memcmp(stream->unsettled[i].id, id, len) == 0) {
			return i;
		}
	}
	return -1;
}

static void stream_remove(struct fanfare_stream *stream, uint32_t at)
{
	free(stream->unsettled[at].id);
	stream->nunsettled--;
	memmove(&stream->unsettled[at], &stream->unsettled[at + 1], (stream->nunsettled - at) * sizeof(*stream->unsettled));
}

/* The daemon never has so many with us: one came on an earlier connection, or its time is over, which is the oldest's
 * first; it belongs to somebody else. */
static void stream_make_room(struct fanfare_stream *stream)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < stream->nunsettled; i++) {
		if (stream->unsettled[i].number == 0) {
			at = i;
			break;
		}
	}
	stream_remove(stream, at);
}

/* -1 when memory ran out. */
static int stream_add(struct fanfare_stream *stream, const struct ff_ipc_event *event)
{
	char *id = malloc(event->id.len + 1u);

	if (id == NULL) {
		return -1;
	}
	memcpy(id, event->id.p, event->id.len);
	if (stream->nunsettled == stream->wish.window) {
		stream_make_room(stream);
	}
	stream->unsettled[stream->nunsettled++] =
		(struct fanfare_unsettled){.id = id, .len = event->id.len, .number = event->number};
	return 0;
}

/* The connection is gone. Its numbers mean nothing on the next one. */
static void stream_lost(struct fanfare_stream *stream)
{
	stream_hang_up(stream);
	for (uint32_t i = 0; i < stream->nunsettled; i++) {
		stream->unsettled[i].number = 0;
	}
	if (stream->away == 0) {
		stream->away = fanfare_io_now();
	}
	stream->state = FANFARE_STREAM_AWAY;
}

/* The daemon has ended a connection that had been of use. */
static void stream_over_with(struct fanfare_stream *stream)
{
	fanfare_outcome_fail(&stream->fault, FANFARE_LOST, FANFARE_PHASE_ACK, false);
	stream_lost(stream);
}

/* After an attempt that came to nothing: not again at once. */
static void stream_rest(struct fanfare_stream *stream)
{
	stream->retry = fanfare_io_now() + stream->pause;
	stream->pause = stream->pause * 2 < STREAM_PAUSE_MAX ? stream->pause * 2 : STREAM_PAUSE_MAX;
}

/* Tells the daemon of the first n of stream->numbers. False when the connection is lost by that. */
static bool stream_say(struct fanfare_stream *stream, uint32_t n, bool done)
{
	struct fanfare_peer *peer = stream->peer;
	struct iovec iov;
	size_t sent;
	int err;

	if (n == 0) {
		return true;
	}
	fanfare_peer_shrink(&peer->head);
	if (ff_ipc_pack_settle(&peer->head, peer->next_seq, stream->numbers, n, done) != 0) {
		stream_lost(stream);
		return false;
	}
	iov = (struct iovec){peer->head.data, peer->head.size};
	if (fanfare_io_send(peer->fd, &iov, 1, stream->until, &sent, &err) != FANFARE_IO_OK) {
		stream_lost(stream);
		return false;
	}
	peer->next_seq++;
	return true;
}

/* One that was handed out. Given back without a connection it is forgotten: the daemon has it back already. */
static void stream_settled(struct fanfare_stream *stream, uint32_t at, bool done, bool said)
{
	if (said || !done) {
		stream_remove(stream, at);
	} else {
		stream->unsettled[at].done = true;
	}
}

void fanfare_stream_settle(struct fanfare_stream *stream, const char *id, size_t len, bool done)
{
	int64_t at = 0;
	uint32_t n = 0;
	bool said;

	fanfare_stream_check_fork(stream);
	stream->until = fanfare_io_now() + stream->limit;
	if (id == NULL) {
		for (uint32_t i = 0; i < stream->nunsettled; i++) {
			if (stream->unsettled[i].number != 0) {
				stream->numbers[n++] = stream->unsettled[i].number;
			}
		}
		said = stream_say(stream, n, done);
		for (uint32_t i = stream->nunsettled; i > 0; i--) {
			if (!stream->unsettled[i - 1].done) {
				stream_settled(stream, i - 1, done, said && stream->unsettled[i - 1].number != 0);
			}
		}
		return;
	}
	at = stream_find(stream, id, len);
	if (at < 0 || stream->unsettled[at].done) {
		return;
	}
	if (stream->unsettled[at].number != 0) {
		stream->numbers[n++] = stream->unsettled[at].number;
	}
	said = stream_say(stream, n, done) && n != 0;
	stream_settled(stream, (uint32_t) at, done, said);
}

/* ---- the conversation ---- */

static enum fanfare_heard stream_fail(struct fanfare_stream *stream, enum fanfare_status status,
                                      enum fanfare_phase phase, struct fanfare_outcome *outcome)
{
	stream_lost(stream);
	stream_rest(stream);
	fanfare_outcome_fail(outcome, status, phase, false);
	stream->fault = *outcome;
	return FANFARE_HEARD_FAILED;
}

static enum fanfare_heard stream_garbage(struct fanfare_stream *stream, const char *why,
                                         struct fanfare_outcome *outcome)
{
	snprintf(outcome->text, sizeof(outcome->text), "%s", why);
	return stream_fail(stream, FANFARE_PROTOCOL, FANFARE_PHASE_ACK, outcome);
}

/* Hello and LISTEN, into a socket that is empty and has room for them. */
static enum fanfare_heard stream_ask(struct fanfare_stream *stream, struct fanfare_outcome *outcome)
{
	struct fanfare_peer *peer = stream->peer;
	struct iovec iov[2];
	size_t sent;
	int err;

	if (fanfare_exchange_greet(peer, outcome) != FANFARE_OK) {
		return stream_fail(stream, outcome->status, outcome->phase, outcome);
	}
	peer->next_seq = 1;
	fanfare_peer_shrink(&peer->head);
	if (ff_ipc_pack_listen(&peer->head, peer->next_seq, &stream->wish) != 0) {
		return stream_fail(stream, FANFARE_NO_MEMORY, FANFARE_PHASE_CONNECT, outcome);
	}
	iov[0] = (struct iovec){peer->hello.data, peer->hello.size};
	iov[1] = (struct iovec){peer->head.data, peer->head.size};
	stream->asked = fanfare_io_now();
	if (fanfare_io_send(peer->fd, iov, 2, stream->until, &sent, &err) == FANFARE_IO_OK) {
		peer->hello.size = 0;
		peer->next_seq++;
		stream->state = FANFARE_STREAM_ASKED;
		stream->renewed = stream->listened;
		return FANFARE_HEARD_ASKING;
	}
	/* gone already, as one that dies where it starts: like nobody */
	outcome->err = err;
	(void) stream_fail(stream, FANFARE_LOST, FANFARE_PHASE_CONNECT, outcome);
	return FANFARE_HEARD_NOTHING;
}

/* One attempt to connect. NOTHING: it failed, and another may succeed. */
static enum fanfare_heard stream_connect(struct fanfare_stream *stream, uint64_t deadline,
                                         struct fanfare_outcome *outcome)
{
	uint64_t now = fanfare_io_now(), until = now + STREAM_CONNECT;
	int err;

	switch (fanfare_io_connect(&stream->peer->address, deadline < until ? deadline : until, &stream->peer->fd, &err)) {
	case FANFARE_IO_OK:
		return stream_ask(stream, outcome);
	case FANFARE_IO_INTERRUPTED:
		return FANFARE_HEARD_SIGNAL;
	case FANFARE_IO_TIMEOUT:
		outcome->err = ETIMEDOUT;
		break;
	default:
		outcome->err = err;
		break;
	}
	(void) stream_fail(stream, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, outcome);
	/* Who has listened before waits for whatever becomes of the daemon: an exception at once would make a busy loop of
	 * whoever catches it and goes on. */
	return stream->listened || outcome->err == ETIMEDOUT ||
	               fanfare_io_may_return(&stream->peer->address, outcome->err, now - stream->away)
	           ? FANFARE_HEARD_NOTHING
	           : FANFARE_HEARD_FAILED;
}

/* The daemon says no. */
static enum fanfare_heard stream_refused(struct fanfare_stream *stream, const struct ff_ipc_frame *frame,
                                         struct fanfare_outcome *outcome)
{
	struct fanfare_outcome refusal;

	fanfare_answer_outcome(&refusal, frame);
	*outcome = refusal;
	return stream_fail(stream, refusal.status == FANFARE_TOO_OLD ? FANFARE_CANNOT_TELL : refusal.status,
	                   FANFARE_PHASE_ACK, outcome);
}

static enum fanfare_heard stream_ready(struct fanfare_stream *stream)
{
	stream->state = FANFARE_STREAM_READY;
	stream->listened = true;
	stream->away = 0;
	stream->pause = STREAM_PAUSE_MIN;
	stream->retry = 0;
	return FANFARE_HEARD_READY;
}

/* NOTHING: there is more to be read. */
static enum fanfare_heard stream_listening(struct fanfare_stream *stream, const struct ff_ipc_listening *answer)
{
	if (answer->created) {
		/* nothing that this stream has handed out will ever come back */
		stream_forget_unsettled(stream);
		stream->group_lost = stream->renewed;
	}
	if (!stream->wish.snapshot) {
		return stream_ready(stream);
	}
	stream->state = FANFARE_STREAM_TELLING;
	stream->asked = fanfare_io_now();
	return FANFARE_HEARD_NOTHING;
}

static enum fanfare_heard stream_event(struct fanfare_stream *stream, const struct ff_ipc_event *event,
                                       struct fanfare_outcome *outcome)
{
	int64_t at = stream_find(stream, event->id.p, event->id.len);

	if (event->type == FF_IPC_EVENT_TYPES || (at >= 0 && stream->unsettled[at].done)) {
		/* of a later version, or settled before its connection was lost */
		stream->numbers[0] = event->number;
		if (stream_say(stream, 1, true) && at >= 0) {
			stream_remove(stream, (uint32_t) at);
		}
		return FANFARE_HEARD_NOTHING;
	}
	if (at >= 0) {
		stream_remove(stream, (uint32_t) at); /* the daemon waits for this delivery, not for the earlier one */
	}
	if (stream_add(stream, event) != 0) {
		return stream_fail(stream, FANFARE_NO_MEMORY, FANFARE_PHASE_ACK, outcome);
	}
	return FANFARE_HEARD_EVENT;
}

/* What a frame means in the state that the stream is in. NOTHING: no more than that. */
static enum fanfare_heard stream_frame(struct fanfare_stream *stream, struct ff_ipc_frame *frame,
                                       struct fanfare_outcome *outcome)
{
	switch (frame->type) {
	case FF_IPC_ERROR:
		if (stream->state == FANFARE_STREAM_READY && frame->seq == 0) {
			/* It knew us a moment ago: a restart, a reload. If the reason still holds, the next connection is refused.
			 */
			stream_over_with(stream);
			return FANFARE_HEARD_NOTHING;
		}
		return stream_refused(stream, frame, outcome);
	case FF_IPC_PONG:
		return FANFARE_HEARD_NOTHING;
	case FF_IPC_LISTENING:
		if (stream->state == FANFARE_STREAM_ASKED) {
			return stream_listening(stream, &frame->listening);
		}
		break;
	case FF_IPC_SNAPSHOT:
		if (stream->state == FANFARE_STREAM_TELLING) {
			stream->asked = fanfare_io_now();
			if (frame->listening.last) {
				stream_ready(stream);
			}
			return FANFARE_HEARD_SNAPSHOT;
		}
		break;
	case FF_IPC_EVENT:
		if (stream->state == FANFARE_STREAM_READY) {
			return stream_event(stream, &frame->listening.event, outcome);
		}
		break;
	default:
		break;
	}
	return stream_garbage(stream, "it sends what a listener is never told, or too early", outcome);
}

/* The next frame that has arrived whole. NOTHING: there is none. */
static enum fanfare_heard stream_take(struct fanfare_stream *stream, struct ff_ipc_frame *frame,
                                      struct fanfare_outcome *outcome)
{
	struct fanfare_peer *peer = stream->peer;
	const char *why = "";

	while (peer->in_start != peer->in_end) {
		const uint8_t *at = peer->in + peer->in_start;
		size_t have = peer->in_end - peer->in_start;
		int64_t len = ff_ipc_frame_len(at, have);
		enum fanfare_heard heard;

		if (len < 0) {
			return stream_garbage(stream, "what it sends is not a frame", outcome);
		}
		if (len == 0 || have - FF_IPC_HEADER < (size_t) len) {
			return FANFARE_HEARD_NOTHING;
		}
		if (ff_ipc_unpack(&peer->unpacker, at + FF_IPC_HEADER, (size_t) len, frame, &why) != 0) {
			return stream_garbage(stream, why, outcome);
		}
		peer->in_start += FF_IPC_HEADER + (size_t) len;
		heard = stream_frame(stream, frame, outcome);
		if (heard != FANFARE_HEARD_NOTHING) {
			return heard;
		}
	}
	return FANFARE_HEARD_NOTHING;
}

/* One look at the socket, or a wait for it. NOTHING: the time is over, or *again. */
static enum fanfare_heard stream_read(struct fanfare_stream *stream, uint64_t deadline, bool attentive, bool *again,
                                      struct fanfare_outcome *outcome)
{
	struct fanfare_peer *peer = stream->peer;
	bool waits = stream->state != FANFARE_STREAM_READY;
	uint64_t due = stream->asked + stream->limit;
	size_t room, got;
	uint8_t *at = fanfare_answer_room(peer, &room);
	int err;

	if (at == NULL) {
		return stream_fail(stream, FANFARE_NO_MEMORY, FANFARE_PHASE_ACK, outcome);
	}
	switch (fanfare_io_recv_nowait(peer->fd, at, room, &got, &err)) {
	case FANFARE_IO_OK:
		peer->in_end += got;
		*again = true;
		return FANFARE_HEARD_NOTHING;
	case FANFARE_IO_EMPTY:
		break;
	default:
		outcome->err = err;
		if (waits) {
			/* it took the connection and went: an attempt that failed */
			(void) stream_fail(stream, FANFARE_LOST, FANFARE_PHASE_ACK, outcome);
		} else {
			stream_over_with(stream);
		}
		*again = true;
		return FANFARE_HEARD_NOTHING;
	}
	switch (fanfare_io_await(peer->fd, waits && due < deadline ? due : deadline, attentive)) {
	case FANFARE_IO_OK:
		*again = true;
		return FANFARE_HEARD_NOTHING;
	case FANFARE_IO_INTERRUPTED:
		return FANFARE_HEARD_SIGNAL;
	default:
		break;
	}
	if (waits && fanfare_io_now() >= due) {
		return stream_fail(stream, FANFARE_TIMEOUT, FANFARE_PHASE_ACK, outcome);
	}
	return FANFARE_HEARD_NOTHING;
}

/* The time is over. */
static enum fanfare_heard stream_over(const struct fanfare_stream *stream, struct fanfare_outcome *outcome)
{
	if (stream->away != 0 && stream->state == FANFARE_STREAM_AWAY && stream->fault.status != FANFARE_OK &&
	    fanfare_io_now() - stream->away >= stream->limit) {
		*outcome = stream->fault;
		return FANFARE_HEARD_FAILED;
	}
	return FANFARE_HEARD_NOTHING;
}

/* Waits for the time of the next attempt, and makes it. NOTHING: the time is over. */
static enum fanfare_heard stream_reconnect(struct fanfare_stream *stream, uint64_t deadline, bool attentive,
                                           struct fanfare_outcome *outcome)
{
	uint64_t retry = stream->retry;

	switch (fanfare_io_await(-1, retry < deadline ? retry : deadline, attentive)) {
	case FANFARE_IO_INTERRUPTED:
		return FANFARE_HEARD_SIGNAL;
	default:
		break;
	}
	if (fanfare_io_now() < retry) {
		return FANFARE_HEARD_NOTHING;
	}
	return stream_connect(stream, deadline, outcome);
}

enum fanfare_heard fanfare_stream_hear(struct fanfare_stream *stream, uint64_t deadline, bool attentive,
                                       struct ff_ipc_frame *frame, struct fanfare_outcome *outcome)
{
	fanfare_outcome_init(outcome);
	fanfare_stream_check_fork(stream);
	stream->until = deadline;
	if (attentive && zend_atomic_bool_load_ex(&EG(vm_interrupt))) {
		return FANFARE_HEARD_SIGNAL;
	}
	for (;;) {
		enum fanfare_heard heard;
		bool again = false;

		if (stream->state == FANFARE_STREAM_AWAY) {
			heard = stream_reconnect(stream, deadline, attentive, outcome);
			if (heard == FANFARE_HEARD_NOTHING && fanfare_io_now() < deadline) {
				continue;
			}
			return heard == FANFARE_HEARD_NOTHING ? stream_over(stream, outcome) : heard;
		}
		if (stream->state == FANFARE_STREAM_READY && stream->group_lost) {
			stream->group_lost = false;
			return FANFARE_HEARD_LOST;
		}
		heard = stream_take(stream, frame, outcome);
		if (heard != FANFARE_HEARD_NOTHING) {
			return heard;
		}
		if (stream->state == FANFARE_STREAM_AWAY) {
			continue; /* a frame said so */
		}
		heard = stream_read(stream, deadline, attentive, &again, outcome);
		if (heard != FANFARE_HEARD_NOTHING || !again) {
			return heard;
		}
	}
}
