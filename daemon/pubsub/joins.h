/*
 * Joins that the hub answers: of presence channels, whose members it knows, and of cache channels,
 * whose last events it keeps. On the hub.
 *
 * Each presence channel with somebody in it, or waiting to be let in, has a room. Who wants in or
 * has left stands in the room's line, in order, until the end of the turn or until there is room
 * for more (pubsub/flow.h). Then all in the line are let in at once: the others hear of each new
 * member, and those who came together get one list, which has all of them. The list is one frame,
 * kept until the members change: a channel of thousands has a list of megabytes, and a copy for
 * each who joins would be all the memory there is.
 *
 * A large room is served at intervals that grow with it, so that a stream of joins and leaves costs
 * its members some writes a second, each with several messages, and not a write for each.
 *
 * While lists that are out of date are still on their way, further joins wait, so that slow readers
 * do not hold one list each; but for FLOW_JOIN_MS at most, so that they do not lock the door.
 */
#ifndef FF_PUBSUB_JOINS_H
#define FF_PUBSUB_JOINS_H

#include "proto/pusher.h"
#include "pubsub/hub.h"

/* Takes over a mail_join whose worker's count the entry has already. */
void joins_ask(struct hub *hub, struct dirent *entry, struct mail_join *mail);
/* Takes over a mail_leave; entry may be NULL. */
void joins_leave(struct hub *hub, struct dirent *entry, struct mail_leave *mail);
/* Lets in and out all who wait: the channel is about to be vacated, and its last members have left
 * before. */
void joins_settle(struct hub *hub, struct dirent *entry);
/* Lets in whom there is room for. At the end of a turn. */
void joins_run(struct hub *hub);
/* The number (mail_join.lined) of the first that waits in any line; UINT64_MAX: nobody does. */
uint64_t joins_waiting(const struct hub *hub);
/* Gives back lists that nobody has asked for lately. Now and then. */
void joins_expire(struct hub *hub);

/* Another node has the user, said with this stamp, or has them no more: at once, past the line.
 * theirs: somebody else tells those outside of it (pubsub/inorder.h). */
void joins_hold(struct hub *hub, const struct mail_channel *channel, struct dirent *entry,
                uint32_t source, uint32_t stamp, const struct pusher_member *member);
void joins_drop(struct hub *hub, struct dirent *entry, uint32_t source, struct slice user_id,
                bool theirs);
/* All whom it has said with another stamp than this one (0: any). */
void joins_drop_stale(struct hub *hub, struct dirent *entry, uint32_t source, uint32_t stamp,
                      bool theirs);

/* Forgets the channel if nobody is, or waits, on it. */
void joins_release(struct hub *hub, uint32_t app, struct dirent *entry);
/* Everything that is waiting goes unanswered and untold: at the end of the process, before
 * hub_free.
 */
void joins_free(struct hub *hub);

#endif
