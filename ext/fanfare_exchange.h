/*
 * The exchange of frames over a peer's connection: connect, hello, write, wait, and again on a new connection when that
 * one turns out to be dead.
 *
 * Owns the connection of a peer and the written part of its log while a call lasts; runs on the peer's thread and never
 * calls into the engine. Whatever is tried, and however often, it ends at budget->deadline, which has begun to run.
 *
 * A daemon that is being restarted is waited for: where nobody listens it is asked again, with pauses that grow from a
 * millisecond to fifty, until three quarters of the call's time are over; the rest is kept for the exchange itself. A
 * connection that is lost is replaced up to three times. The breaker says when a daemon stays away.
 */
#ifndef FANFARE_EXCHANGE_H
#define FANFARE_EXCHANGE_H

#include "fanfare_peer.h"
#include "ipc_unpack.h"

/* Sends peer->head and payload behind what the log holds, and waits for the answer to `seq`, which is of `type` or an
 * error and is left in *answer. Its pointers are good until the next call with this peer. */
enum fanfare_status fanfare_exchange(struct fanfare_peer *peer, enum ff_ipc_type type, uint64_t seq,
                                     struct ff_slice payload, const struct fanfare_budget *budget,
                                     struct ff_ipc_frame *answer, struct fanfare_outcome *outcome);

/* Sends what the log holds. */
enum fanfare_status fanfare_exchange_write_log(struct fanfare_peer *peer, const struct fanfare_budget *budget,
                                               struct fanfare_outcome *outcome);

/* Sends what the log holds, and waits until it has room for a frame of so many bytes (FANFARE_LOG_EMPTY: until every
 * frame has its answer). After FANFARE_TIMEOUT the connection is as it was. */
enum fanfare_status fanfare_exchange_settle(struct fanfare_peer *peer, size_t bytes,
                                            const struct fanfare_budget *budget, struct fanfare_outcome *outcome);

/* Takes the answers that have arrived, without waiting and without writing. */
void fanfare_exchange_look(struct fanfare_peer *peer);

/* Puts the hello of a new connection into peer->hello. On failure the connection is dropped. */
enum fanfare_status fanfare_exchange_greet(struct fanfare_peer *peer, struct fanfare_outcome *outcome);

#endif
