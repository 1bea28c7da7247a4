/*
 * The room of a presence channel: who is in, and who waits to be let in. Data, which pubsub/joins
 * changes; others look at the members. On the hub.
 */
#ifndef FF_PUBSUB_ROOM_H
#define FF_PUBSUB_ROOM_H

#include "net/mailbox.h"
#include "pubsub/directory.h"

struct frame;
struct presence;

struct room {
    struct presence *members;
    struct frame *list;    /* of the members as they are; NULL: to be made */
    struct mail_list line; /* joins and leaves that wait */
    struct dirent *entry;
    uint32_t app, hash;
    struct room *prev, *next;               /* of those with a line */
    struct room *listed_prev, *listed_next; /* of those with a list */
    uint64_t listed_at;
    uint64_t due; /* loop time in ms, not before which it is served again */
};

/* NULL: nobody was ever in. */
static inline const struct presence *room_members(const struct dirent *entry)
{
    return entry->room != NULL ? entry->room->members : NULL;
}

#endif
