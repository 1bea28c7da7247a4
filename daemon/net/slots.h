/*
 * Where the connections of a loop are: slots in fixed chunks, and lists of slots. On the loop's
 * thread.
 *
 * Chunks keep their numbers; an empty one gives its memory back. Free slots are taken lowest first,
 * so that slots, descriptors and the order of the flush go together.
 */
#ifndef FF_NET_SLOTS_H
#define FF_NET_SLOTS_H

#include "base/address.h"
#include "net/core.h"

/* A zeroed connection with slot, generation and loop set. NULL: no memory. */
struct conn *slots_take(struct loop *loop) MUST_CHECK;
void slots_give(struct conn *conn);
/* Whatever its flags; NULL when its chunk is gone. */
struct conn *slots_at(const struct loop *loop, uint32_t slot);
/* Where the TLS of a connection in this slot stands: beside the connections, in a table that a
 * chunk has only once one of them speaks it. NULL: there is no table; with `make`: no memory. */
struct tls **slots_tls(const struct loop *loop, uint32_t slot, bool make);
void slots_free(struct loop *loop); /* all connections are gone */

/* Whom the connection in this slot speaks for, where that is not the other end of its socket:
 * beside the connections, in a table that a chunk has only once somebody came through a proxy. What
 * is in it is the last user's of the slot until it is written anew; all zero: nobody. As of
 * slots_tls. */
struct address *slots_client(const struct loop *loop, uint32_t slot, bool make);

/* Its queue, or its end, is to be looked at by the next flush. */
void slots_mark_dirty(struct conn *conn);
void slots_unmark_dirty(struct loop *loop, uint32_t slot);

void slot_list_push(struct slot_list *list, uint32_t item);

#endif
