/*
 * The directory: every channel that somebody on this node is subscribed to, by application, with
 * the number of subscribers on each worker and, of presence channels, its room. Belongs to the hub.
 *
 * An entry lives while it has subscribers, members, or joins that wait. What follows from a change
 * is pubsub/occupancy's part.
 */
#ifndef FF_PUBSUB_DIRECTORY_H
#define FF_PUBSUB_DIRECTORY_H

#include "base/strmap.h"
#include "proto/slice.h"
#include "pubsub/mail.h"

struct room;
struct presence;
struct count_due;

struct dirent {
    uint64_t last_publish; /* the number of the publish that was routed here last */
    struct room *room;     /* presence channels only, once somebody wants to join */
    struct count_due *due; /* a subscription_count was told lately; NULL: not */
    uint32_t here;         /* subscribers on this node: the sum of counts */
    uint32_t len;
    const char *name;  /* behind counts */
    uint32_t counts[]; /* by worker */
};

/* The channels of one application. */
struct directory {
    struct strmap entries; /* struct dirent */
    size_t hidden;         /* of them: users' own channels and watchlists */
};

void directory_init(struct directory *directory);
/* Entries with a room or a count that is due are the caller's to clear before. */
void directory_free(struct directory *directory);

/* NULL: nobody is there. */
struct dirent *directory_find(const struct directory *directory, uint32_t hash, struct slice name);
/* Makes it if need be. */
struct dirent *directory_get(struct directory *directory, uint32_t nworkers,
                             const struct mail_channel *channel, const char *name);
/* Forgets an entry. */
void directory_remove(struct directory *directory, struct dirent *entry);

static inline struct slice dirent_name(const struct dirent *entry)
{
    return (struct slice){entry->name, entry->len};
}

/* Whether anybody is subscribed, here or elsewhere. One node knows of no elsewhere. */
static inline bool dirent_occupied(const struct dirent *entry)
{
    return entry->here > 0;
}

#endif
