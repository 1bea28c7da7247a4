/*
 * Where in the cluster's log the messages stand that were published a moment ago and that Redis had
 * not confirmed when somebody looked last. On the hub.
 *
 * A message that is sent again is not published again, but must not be acknowledged for what was
 * said after it: its own records may have been dropped while Redis was away. So their places are
 * kept as long as a repetition is known for one (pubsub/dedup), or until they are confirmed.
 */
#ifndef FF_LINKS_IPC_RECENT_H
#define FF_LINKS_IPC_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pubsub/hub.h"

struct ipc_published {
    uint64_t id; /* the message's, from its receipt */
    uint64_t place;
    uint64_t at; /* loop time, ms */
};

/* A ring in order of ids. */
struct ipc_recent {
    struct ipc_published *ring;
    size_t head, count, cap; /* cap is a power of two, or 0 */
};

void ipc_recent_free(struct ipc_recent *recent);

/* One place of a message that was published just now, kept once; ids never fall. Without memory for
 * it the message is treated as one that is not known. */
void ipc_recent_add(struct ipc_recent *recent, const struct hub *hub, uint64_t id, uint64_t place);

/* The places of a message, one a call; start with *cursor = 0. False: there are no (more). */
bool ipc_recent_next(const struct ipc_recent *recent, uint64_t id, size_t *cursor, uint64_t *place);

#endif
