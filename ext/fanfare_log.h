/*
 * The frames of publishAsync() that have no answer yet, of one peer.
 *
 * Owns their bytes, in malloc's memory because they outlive the code of a request; runs on the peer's thread and makes
 * no system calls. They lie back to back, from the oldest one without an answer to the newest:
 *
 *     bytes.data ... | start ............ sent ............ bytes.size |
 *                      written, unanswered  not written yet
 *
 * `ring` has one entry for each of them, in the same order. After a connection is lost `sent` goes back to `start`, and
 * the next connection carries everything again; the daemon knows the numbers and sends nothing twice. What has left
 * once may have been delivered, whatever happens later: `left` says so and is never taken back.
 *
 * There are never more than FF_IPC_MAX_OUTSTANDING frames, and never more than FANFARE_LOG_BYTES unless it is one frame
 * alone: a daemon that does not answer must not make PHP grow.
 */
#ifndef FANFARE_LOG_H
#define FANFARE_LOG_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc_proto.h"

#define FANFARE_LOG_BYTES ((size_t) 8 << 20)

/* For fanfare_log_room(): only an empty log has room for it. */
#define FANFARE_LOG_EMPTY SIZE_MAX

struct fanfare_log_entry {
	uint64_t seq;
	size_t len;
	bool done; /* answered, but not the oldest */
	bool left; /* written to its end, on some connection */
};

struct fanfare_log {
	msgpack_sbuffer bytes;
	size_t start, sent;
	struct fanfare_log_entry ring[FF_IPC_MAX_OUTSTANDING];
	unsigned int head, len, unsent, done;
};

enum fanfare_log_match {
	FANFARE_LOG_NONE,  /* nobody waits for this number any more */
	FANFARE_LOG_FIRST, /* the answer that was missing */
	FANFARE_LOG_AGAIN, /* it has its answer already */
};

void fanfare_log_init(struct fanfare_log *log);
void fanfare_log_free(struct fanfare_log *log);

/* Forgets all frames; an answer that still comes matches none. */
void fanfare_log_clear(struct fanfare_log *log);

/* Whether one more frame of so many bytes keeps the limits. */
static inline bool fanfare_log_room(const struct fanfare_log *log, size_t bytes)
{
	size_t used = log->bytes.size - log->start;

	return log->len == 0 ||
	       (log->len < FF_IPC_MAX_OUTSTANDING && used < FANFARE_LOG_BYTES && bytes <= FANFARE_LOG_BYTES - used);
}

/* Frames without an answer. */
static inline unsigned int fanfare_log_pending(const struct fanfare_log *log)
{
	return log->len - log->done;
}

/* Those of them that never left, and so are certainly not delivered. */
unsigned int fanfare_log_never_left(const struct fanfare_log *log);

/* Bytes that are to be written, from fanfare_log_next() on. */
static inline size_t fanfare_log_due(const struct fanfare_log *log)
{
	return log->bytes.size - log->sent;
}

static inline char *fanfare_log_next(const struct fanfare_log *log)
{
	return log->bytes.data + log->sent;
}

/* The buffer that the next frame is appended to. */
msgpack_sbuffer *fanfare_log_buffer(struct fanfare_log *log);

/* The frame `seq` has been appended: everything in the buffer behind `before` bytes. */
void fanfare_log_added(struct fanfare_log *log, uint64_t seq, size_t before);

/* Takes the newest frame out again. */
void fanfare_log_undo(struct fanfare_log *log);

/* So many of the bytes that were due have been written; all of them, or the connection is at its end. */
void fanfare_log_wrote(struct fanfare_log *log, size_t bytes);

/* The connection is gone: everything is due again. */
void fanfare_log_rewind(struct fanfare_log *log);

/* Whether the frame `seq` has been written and is here still. */
bool fanfare_log_waits(const struct fanfare_log *log, uint64_t seq);

/* The answer to `seq` is there. Matches written frames only. */
enum fanfare_log_match fanfare_log_answered(struct fanfare_log *log, uint64_t seq);

#endif
