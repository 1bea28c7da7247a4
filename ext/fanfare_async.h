/*
 * Messages that nobody waits for: into the log, onto the wire when enough has gathered, and their answers back.
 *
 * Owns nothing; runs on the peer's thread and never calls into the engine. A push runs its budget only when it has to
 * write or to wait, so that most of them do not even ask for the time.
 */
#ifndef FANFARE_ASYNC_H
#define FANFARE_ASYNC_H

#include "fanfare_peer.h"
#include "ipc_pack.h"

/* Puts one message behind the others and writes when enough has gathered. After a failure the message is not in the
 * log, and was certainly not delivered; the others stay. cluster: the daemon may take as long for its answer as one
 * whole call of the client, less what it needs to come back. */
enum fanfare_status fanfare_async_push(struct fanfare_peer *peer, const struct ff_ipc_message *message, bool cluster,
                                       struct fanfare_budget *budget, struct fanfare_outcome *outcome);

/*
 * Writes what is left and collects answers until none is missing or the deadline has passed. Returns how many are
 * still missing; those stay, and a later call may find them. *outcome says why, and whether any of them has left. With
 * an open breaker it only takes what has arrived.
 */
unsigned int fanfare_async_collect(struct fanfare_peer *peer, struct fanfare_budget *budget,
                                   struct fanfare_outcome *outcome);

#endif
