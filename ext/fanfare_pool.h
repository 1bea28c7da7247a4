/*
 * The peers of this thread, by socket, application and secret; at most FANFARE_MAX_PEERS.
 *
 * Owns them: they live from first use to the end of the thread, across requests, unless they must make room.
 */
#ifndef FANFARE_POOL_H
#define FANFARE_POOL_H

#include "php_fanfare.h"

/* The peer of a handle. NULL with an exception thrown when something is missing or wrong in its configuration, or, with
 * `quiet`, without one. */
struct fanfare_peer *fanfare_pool_peer(struct fanfare_client *client, bool quiet);

void fanfare_pool_budget(const struct fanfare_client *client, struct fanfare_budget *budget);

/* Moves what `peer` has to report into *tally. */
void fanfare_tally_take(struct fanfare_tally *tally, struct fanfare_tally *from);

/* Collects from all peers; returns how many messages are without an answer. */
uint64_t fanfare_pool_flush(double timeout, struct fanfare_tally *tally);

/* The end of a request: last chance for what was published without waiting, then it is forgotten. Logs, never throws.
 */
void fanfare_pool_request_end(void);

void fanfare_pool_free(zend_fanfare_globals *globals);

#endif
