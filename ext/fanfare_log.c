#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "fanfare_log.h"

#include <string.h>

#define LOG_KEEP  ((size_t) 1 << 20) /* a buffer that grew beyond is given back when it is empty */
#define LOG_SHIFT ((size_t) 1 << 18) /* answered bytes at its start that are worth a move */

static struct fanfare_log_entry *log_entry(struct fanfare_log *log, unsigned int n)
{
	return &log->ring[(log->head + n) % FF_IPC_MAX_OUTSTANDING];
}

/* A written frame's place from the oldest on, or log->len. */
static unsigned int log_find(const struct fanfare_log *log, uint64_t seq)
{
	for (unsigned int i = 0; i < log->len - log->unsent; i++) {
		if (log->ring[(log->head + i) % FF_IPC_MAX_OUTSTANDING].seq == seq) {
			return i;
		}
	}
	return log->len;
}

void fanfare_log_init(struct fanfare_log *log)
{
	memset(log, 0, sizeof(*log));
	msgpack_sbuffer_init(&log->bytes);
}

void fanfare_log_free(struct fanfare_log *log)
{
	msgpack_sbuffer_destroy(&log->bytes);
}

void fanfare_log_clear(struct fanfare_log *log)
{
	log->head = log->len = log->unsent = log->done = 0;
	log->start = log->sent = 0;
	if (log->bytes.alloc > LOG_KEEP) {
		msgpack_sbuffer_destroy(&log->bytes);
		msgpack_sbuffer_init(&log->bytes);
	}
	log->bytes.size = 0;
}

unsigned int fanfare_log_never_left(const struct fanfare_log *log)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < log->len; i++) {
		const struct fanfare_log_entry *entry = &log->ring[(log->head + i) % FF_IPC_MAX_OUTSTANDING];
		n += !entry->done && !entry->left;
	}
	return n;
}

msgpack_sbuffer *fanfare_log_buffer(struct fanfare_log *log)
{
	if (log->start > LOG_SHIFT && log->start > log->bytes.size / 2) {
		memmove(log->bytes.data, log->bytes.data + log->start, log->bytes.size - log->start);
		log->bytes.size -= log->start;
		log->sent -= log->start;
		log->start = 0;
	}
	return &log->bytes;
}

void fanfare_log_added(struct fanfare_log *log, uint64_t seq, size_t before)
{
	*log_entry(log, log->len) = (struct fanfare_log_entry){.seq = seq, .len = log->bytes.size - before};
	log->len++;
	log->unsent++;
}

void fanfare_log_undo(struct fanfare_log *log)
{
	log->len--;
	log->unsent--;
	log->bytes.size -= log_entry(log, log->len)->len;
}

void fanfare_log_wrote(struct fanfare_log *log, size_t bytes)
{
	log->sent += bytes;
	while (log->unsent != 0) {
		struct fanfare_log_entry *entry = log_entry(log, log->len - log->unsent);

		if (bytes < entry->len) {
			break;
		}
		bytes -= entry->len;
		entry->left = true;
		log->unsent--;
	}
}

void fanfare_log_rewind(struct fanfare_log *log)
{
	log->sent = log->start;
	log->unsent = log->len;
}

bool fanfare_log_waits(const struct fanfare_log *log, uint64_t seq)
{
	return log_find(log, seq) != log->len;
}

enum fanfare_log_match fanfare_log_answered(struct fanfare_log *log, uint64_t seq)
{
	unsigned int at = log_find(log, seq);
	struct fanfare_log_entry *entry;

	if (at == log->len) {
		return FANFARE_LOG_NONE;
	}
	entry = log_entry(log, at);
	if (entry->done) {
		return FANFARE_LOG_AGAIN;
	}
	entry->done = true;
	log->done++;
	while (log->len != 0 && log_entry(log, 0)->done) {
		log->start += log_entry(log, 0)->len;
		log->head = (log->head + 1) % FF_IPC_MAX_OUTSTANDING;
		log->len--;
		log->done--;
	}
	if (log->len == 0) {
		fanfare_log_clear(log);
	}
	return FANFARE_LOG_FIRST;
}
