/*
 * What is there already, for a listener that begins: the occupied channels of its application and
 * the members of presence channels, in frames of bounded size and over as many turns as it takes,
 * while all of it goes on changing. On the hub.
 *
 * Whatever is there from beginning to end is told at least once; what changes meanwhile is told as
 * it was at some moment, and by the events that the listener gets behind the last frame.
 */
#ifndef FF_LINKS_LISTEN_SNAPSHOT_H
#define FF_LINKS_LISTEN_SNAPSHOT_H

#include "net/conn.h"
#include "pubsub/hub.h"

#define SNAPSHOT_FRAME  (128u << 10) /* bytes of one frame, and an entry more */
#define SNAPSHOT_QUEUED (256u << 10) /* bytes that wait for the connection at most */

struct listen_snapshot;

struct listen_snapshot *listen_snapshot_new(struct hub *hub, uint32_t app, uint64_t seq);
/* From now on; events up to this order are contained in it. */
void listen_snapshot_begin(struct listen_snapshot *snapshot, uint64_t order);
void listen_snapshot_free(struct listen_snapshot *snapshot); /* NULL is fine */

/* Sends some more of it. False: that was the last frame. True: the connection has to take what it
 * was sent first, or others have their turn. */
bool listen_snapshot_step(struct listen_snapshot *snapshot, struct conn *conn) MUST_CHECK;

#endif
