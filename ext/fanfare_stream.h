/*
 * A stream: the connection on which the daemon tells one listener of events. Connects, asks to be told, takes what
 * comes, settles it, and connects again when the connection is lost.
 *
 * Owns a peer that nobody else uses (fanfare_peer.h), what was asked for, and which events were handed out and not
 * settled yet; all of it malloc's, as a stream is closed where nothing can be freed into the engine's heap any more.
 * Runs on the thread that made it, which has a list of its streams. Never calls into the engine; looks at its flags.
 *
 * What is unsettled is known by the event's id, which is the same at each delivery; the number by which the daemon
 * wants it settled is of one connection. So an event may be settled that came before the connection was lost: it is
 * remembered, and settled without being handed out again when it comes once more.
 */
#ifndef FANFARE_STREAM_H
#define FANFARE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "fanfare_peer.h"
#include "ipc_listen.h"

enum fanfare_stream_state {
	FANFARE_STREAM_AWAY,    /* not connected */
	FANFARE_STREAM_ASKED,   /* the daemon has not answered yet */
	FANFARE_STREAM_TELLING, /* it is telling what is there */
	FANFARE_STREAM_READY,
};

/* An event that was handed out. */
struct fanfare_unsettled {
	char *id;
	unsigned int len;
	bool done;       /* settled while there was no connection to say it on */
	uint64_t number; /* on this connection; 0: it came on an earlier one */
};

struct fanfare_stream {
	struct fanfare_stream *next, **link; /* of the thread's list */
	struct fanfare_stream **owner;       /* where the object points here */
	struct fanfare_peer *peer;
	unsigned int fork_generation; /* of the process that the connection belongs to */
	uint64_t limit;               /* ns: for an answer, and for a daemon that is away */
	uint64_t until;               /* when the current call ends its writes */

	struct ff_ipc_listen wish; /* group points to the field below */
	char group[FF_IPC_MAX_GROUP];

	enum fanfare_stream_state state;
	bool listened;   /* the daemon has answered once: from then on its group is one that had existed */
	bool renewed;    /* the answer that is awaited or was read last is to a lost connection's successor */
	bool group_lost; /* to be told behind the snapshot */
	uint64_t asked;  /* when the answer or the next part of it began to be due */
	uint64_t away;   /* since when there has been nobody who tells; 0: there is */
	uint64_t retry, pause;
	struct fanfare_outcome fault; /* why the last attempt failed */

	struct fanfare_unsettled *unsettled; /* oldest first, at most wish.window */
	uint32_t nunsettled;
	uint64_t *numbers; /* room for the window */
};

enum fanfare_heard {
	FANFARE_HEARD_NOTHING,  /* the time is over */
	FANFARE_HEARD_SIGNAL,   /* the engine or a signal wants attention */
	FANFARE_HEARD_ASKING,   /* a connection was made: what was told of a snapshot before is void */
	FANFARE_HEARD_SNAPSHOT, /* a part of it, in *frame; also whether it is the last one */
	FANFARE_HEARD_READY,    /* everything that was there has been told */
	FANFARE_HEARD_LOST,     /* the group that this stream had is gone, and its events with it */
	FANFARE_HEARD_EVENT,    /* in *frame; unsettled from now on */
	FANFARE_HEARD_FAILED,   /* *outcome; the next call tries again */
};

/* Adds a stream to the list. The strings of wish and identity are copied. `owner` is where the caller keeps the result,
 * and is set to NULL when the stream is closed by somebody else. NULL when memory ran out. */
struct fanfare_stream *fanfare_stream_new(struct fanfare_stream **list, struct fanfare_stream **owner,
                                          const struct fanfare_identity *identity,
                                          const struct fanfare_address *address, const struct ff_ipc_listen *wish,
                                          uint64_t limit);

/* Closes the connection, takes the stream out of its list and frees it. */
void fanfare_stream_free(struct fanfare_stream *stream);

/* The same for a whole list. With `owners` those who hold the streams are told. */
void fanfare_stream_free_all(struct fanfare_stream **list, bool owners);

/* In a forked child: the connection is the parent's; this is another listener of the group from here on. Does nothing
 * in the process that made it. */
void fanfare_stream_check_fork(struct fanfare_stream *stream);

/*
 * The next thing of those above, until the deadline. `attentive`: ends with FANFARE_HEARD_SIGNAL for any signal, else
 * only when the execution time is over. The pointers of *frame are good until the next call with this stream.
 */
enum fanfare_heard fanfare_stream_hear(struct fanfare_stream *stream, uint64_t deadline, bool attentive,
                                       struct ff_ipc_frame *frame, struct fanfare_outcome *outcome);

/*
 * Settles the event with this id, or every one that was handed out (id == NULL): it is done, or given back. An id that
 * is not known has been settled, or was forgotten because the daemon has given it to somebody else. Waits as long as
 * the stream's limit for room on the socket; if the connection turns out to be dead, what is done is remembered for the
 * next.
 */
void fanfare_stream_settle(struct fanfare_stream *stream, const char *id, size_t len, bool done);

#endif
