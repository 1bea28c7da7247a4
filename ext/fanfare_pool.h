/*
 * The peers of this thread, by socket, application and secret; at most FANFARE_MAX_PEERS.
 *
 * Owns them: they live from first use to the end of the thread, across requests, unless they must make room. What a
 * peer that had to go has still to report is kept for the flush that asks for it. Also knows how much of a request's
 * time for deferred publishes is used up. Every function looks first whether this process was forked: nothing of the
 * parent's connections, frames and counts is the child's.
 */
#ifndef FANFARE_POOL_H
#define FANFARE_POOL_H

#include "php_fanfare.h"

/* Increments in every forked child. */
extern unsigned int fanfare_fork_generation;

/* What a call of this client may cost. */
void fanfare_pool_budget(const struct fanfare_client *client, struct fanfare_budget *budget);

/*
 * The same for a publish that nobody waits for. All of them together may spend the time-out once in a request (and once
 * a minute in one that lasts longer) on daemons that answer nothing. Where answers come, waiting is flow control and
 * begins anew. To be given back with fanfare_pool_async_done(), which is told whether any came.
 */
void fanfare_pool_async_budget(const struct fanfare_client *client, struct fanfare_budget *budget);
void fanfare_pool_async_done(const struct fanfare_budget *budget, bool answered);

/* The peer of a handle. NULL with an exception thrown when something is missing or wrong in its configuration, or when
 * no other connection could make room within the budget. */
struct fanfare_peer *fanfare_pool_peer(struct fanfare_client *client, struct fanfare_budget *budget);

/* Whom a handle means, as views that are good as long as neither it nor an ini setting changes. False with an exception
 * thrown as above. */
bool fanfare_pool_identity(const struct fanfare_client *client, struct fanfare_identity *identity,
                           struct fanfare_address *address);

/* The same if it is there already, else NULL. Never throws. */
struct fanfare_peer *fanfare_pool_find(struct fanfare_client *client);

/* Collects for one client in `ns`, also what a connection of it that had to make room has to report; returns how many
 * messages are without an answer. */
uint64_t fanfare_pool_flush_client(struct fanfare_client *client, uint64_t ns, struct fanfare_counts *counts);

/* The same for all peers. */
uint64_t fanfare_pool_flush(uint64_t ns, struct fanfare_counts *counts);

/* Settles one peer as the end of a request does, and closes its connection. */
void fanfare_pool_close(struct fanfare_client *client);

/* The end of a request: last chance for what was published without waiting, then it is forgotten. Logs, never throws.
 */
void fanfare_pool_request_end(void);

void fanfare_pool_free(zend_fanfare_globals *globals);

#endif
