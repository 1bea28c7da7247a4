/*
 * How a call to the daemon went, and how publishes that nobody waited for went.
 *
 * Plain data without references to anything; runs anywhere. fanfare_errors.c makes exceptions of it.
 */
#ifndef FANFARE_OUTCOME_H
#define FANFARE_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

enum fanfare_status {
	FANFARE_OK,
	FANFARE_CONNECT,     /* nobody there */
	FANFARE_TIMEOUT,     /* the budget is used up */
	FANFARE_LOST,        /* gone between our bytes and the answer */
	FANFARE_PROTOCOL,    /* not our protocol */
	FANFARE_TOO_OLD,     /* our protocol, but not what was sent */
	FANFARE_CANNOT_TELL, /* the same of a listener */
	FANFARE_REJECTED,    /* the daemon said no */
	FANFARE_UNCONFIRMED, /* it has it, and the cluster has not said so */
	FANFARE_TOO_LARGE,
	FANFARE_NO_MEMORY,
};

/* In the order of enum Fanfare\Phase. */
enum fanfare_phase { FANFARE_PHASE_CONNECT, FANFARE_PHASE_WRITE, FANFARE_PHASE_ACK };

#define FANFARE_REASON_WORD 32

struct fanfare_outcome {
	enum fanfare_status status;
	enum fanfare_phase phase;
	bool maybe_delivered;
	bool interrupted; /* the engine wanted control back: says nothing about the daemon */
	int err;          /* errno, 0 for none */
	int64_t index;    /* of a batch, -1 for none */
	char reason[FANFARE_REASON_WORD];
	char text[320];
};

/* What became of frames that nobody waited for, since the last flush. */
struct fanfare_counts {
	uint64_t acknowledged;
	uint64_t rejected;
	uint64_t unconfirmed;
	bool failed;
	struct fanfare_outcome first;                                  /* if failed */
	char where[sizeof(((struct sockaddr_un *) 0)->sun_path) + 16]; /* the socket, if failed */
};

/* No failure yet. Leaves what is behind the first bytes of the texts alone: this runs for each publish. */
static inline void fanfare_outcome_init(struct fanfare_outcome *outcome)
{
	outcome->status = FANFARE_OK;
	outcome->phase = FANFARE_PHASE_CONNECT;
	outcome->maybe_delivered = false;
	outcome->interrupted = false;
	outcome->err = 0;
	outcome->index = -1;
	outcome->reason[0] = '\0';
	outcome->text[0] = '\0';
}

/* Keeps err, interrupted and text as they are. Returns the status. */
enum fanfare_status fanfare_outcome_fail(struct fanfare_outcome *outcome, enum fanfare_status status,
                                         enum fanfare_phase phase, bool maybe_delivered);

/* One line for people: what happened, where, and what to do about it. */
void fanfare_outcome_text(const struct fanfare_outcome *outcome, const char *socket, char *out, size_t size);

/* Keeps the first failure only. */
void fanfare_counts_fail(struct fanfare_counts *counts, const struct fanfare_outcome *outcome, const char *socket);

/* Moves what is in *from to *counts. */
void fanfare_counts_take(struct fanfare_counts *counts, struct fanfare_counts *from);

static inline bool fanfare_counts_empty(const struct fanfare_counts *counts)
{
	return counts->acknowledged == 0 && counts->rejected == 0 && counts->unconfirmed == 0 && !counts->failed;
}

#endif
