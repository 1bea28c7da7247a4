#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "fanfare_outcome.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipc_proto.h"

enum fanfare_status fanfare_outcome_fail(struct fanfare_outcome *outcome, enum fanfare_status status,
                                         enum fanfare_phase phase, bool maybe_delivered)
{
	outcome->status = status;
	outcome->phase = phase;
	outcome->maybe_delivered = maybe_delivered;
	outcome->index = -1;
	return status;
}

static const char *outcome_hint(int err)
{
	switch (err) {
	case ENOENT:
	case ECONNREFUSED:
		return " (is fanfared running, and is fanfare.socket its socket?)";
	case EACCES:
	case EPERM:
		return " (the user of this process needs write permission on the socket: see mode and group in [ipc])";
	case EMFILE:
		return " (this process has none left: raise its limit, \"ulimit -n\" or LimitNOFILE, or look for what it "
		       "leaves open)";
	case ENFILE:
		return " (this machine has none left: see fs.file-max)";
	default:
		return "";
	}
}

void fanfare_outcome_text(const struct fanfare_outcome *outcome, const char *socket, char *out, size_t size)
{
	switch (outcome->status) {
	case FANFARE_CONNECT:
		if (outcome->text[0] != '\0') {
			snprintf(out, size, "Cannot reach fanfared at %s: %s", socket, outcome->text);
		} else if (outcome->err == ETIMEDOUT) {
			snprintf(out, size, "Cannot reach fanfared at %s: it accepted no connection in time", socket);
		} else {
			snprintf(out, size, "Cannot reach fanfared at %s: %s%s", socket, strerror(outcome->err),
			         outcome_hint(outcome->err));
		}
		break;
	case FANFARE_TIMEOUT:
		if (outcome->interrupted) {
			snprintf(out, size, "The execution time was over while waiting for fanfared at %s", socket);
		} else if (outcome->phase == FANFARE_PHASE_WRITE) {
			snprintf(out, size, "fanfared at %s did not take the message in time", socket);
		} else {
			snprintf(out, size, "fanfared at %s did not answer in time", socket);
		}
		break;
	case FANFARE_LOST:
		if (outcome->text[0] != '\0') {
			snprintf(out, size, "fanfared at %s closed the connection before it answered, and refused the next one: %s",
			         socket, outcome->text);
		} else {
			snprintf(out, size, "fanfared at %s closed the connection before it answered%s%s", socket,
			         outcome->err != 0 ? ": " : "", outcome->err != 0 ? strerror(outcome->err) : "");
		}
		break;
	case FANFARE_PROTOCOL:
		snprintf(out, size, "Whatever listens at %s does not speak version %d of fanfared's protocol: %s", socket,
		         FF_IPC_VERSION, outcome->text);
		break;
	case FANFARE_TOO_OLD:
		snprintf(out, size,
		         "fanfared at %s is too old to acknowledge for the cluster: update it, or set fanfare.ack to local",
		         socket);
		break;
	case FANFARE_CANNOT_TELL:
		snprintf(out, size, "fanfared at %s is too old to tell of its events: update it and start it again", socket);
		break;
	case FANFARE_UNCONFIRMED:
		snprintf(out, size,
		         "The cluster has not acknowledged it: %s (publish it again with the same key to be sure, nothing is "
		         "delivered twice; if this lasts, see what the log of fanfared at %s says of redis)",
		         outcome->text, socket);
		break;
	case FANFARE_REJECTED:
		if (outcome->index >= 0) {
			snprintf(out, size, "fanfared rejected message %lld of the batch: %s", (long long) outcome->index,
			         outcome->text[0] != '\0' ? outcome->text : outcome->reason);
		} else {
			snprintf(out, size, "fanfared rejected it: %s", outcome->text[0] != '\0' ? outcome->text : outcome->reason);
		}
		break;
	case FANFARE_TOO_LARGE:
		snprintf(out, size, "The message is larger than one frame may be (%u MiB)", FF_IPC_MAX_FRAME >> 20);
		break;
	default:
		snprintf(out, size, "Out of memory");
		break;
	}
}

void fanfare_counts_fail(struct fanfare_counts *counts, const struct fanfare_outcome *outcome, const char *socket)
{
	if (!counts->failed) {
		counts->failed = true;
		counts->first = *outcome;
		snprintf(counts->where, sizeof(counts->where), "%s", socket);
	}
}

void fanfare_counts_take(struct fanfare_counts *counts, struct fanfare_counts *from)
{
	counts->acknowledged += from->acknowledged;
	counts->rejected += from->rejected;
	counts->unconfirmed += from->unconfirmed;
	if (from->failed && !counts->failed) {
		counts->failed = true;
		counts->first = from->first;
		memcpy(counts->where, from->where, sizeof(counts->where));
	}
	from->acknowledged = 0;
	from->rejected = 0;
	from->unconfirmed = 0;
	from->failed = false;
}
