/*
 * The directory: every channel that somebody is known to be subscribed to, by application, with
 * the number of subscribers on each worker and elsewhere and, of presence channels, its room.
 * Belongs to the hub.
 *
 * An entry lives while it has subscribers or members, here or elsewhere, or joins that wait. What
 * follows from a change is pubsub/occupancy's part.
 */
#ifndef FF_PUBSUB_DIRECTORY_H
#define FF_PUBSUB_DIRECTORY_H

#include "base/strmap.h"
#include "proto/slice.h"
#include "pubsub/mail.h"

struct room;
struct presence;
struct count_due;

/* What other nodes have told of their subscribers on a channel. See pubsub/elsewhere.h. */
struct away {
    uint32_t sum, n;
    struct {
        uint32_t source, stamp, count; /* count > 0 */
    } nodes[];
};

struct dirent {
    uint64_t last_publish; /* the number of the publish that was routed here last */
    struct room *room;     /* presence channels only, once somebody wants to join */
    struct count_due *due; /* a subscription_count was told lately; NULL: not */
    struct away *away;     /* NULL: nobody has told of any */
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

/* Subscribers here and, as far as that is told everywhere (cluster_counts), elsewhere. */
static inline uint32_t dirent_total(const struct dirent *entry)
{
    return entry->here + (entry->away != NULL ? entry->away->sum : 0);
}

#endif
