/*
 * What channels on a worker are made of, for pubsub/chan and pubsub/chan_mail alone.
 */
#ifndef FF_PUBSUB_CHAN_DATA_H
#define FF_PUBSUB_CHAN_DATA_H

#include "pubsub/worker.h"

struct sub_ref;

struct sub {
    uint32_t slot;
    uint32_t back; /* index in the connection's list */
};

/* Who someone is on a presence channel. */
struct who {
    uint32_t len;
    char user_id[];
};

struct joiner {
    struct sub sub;
    struct who *who;
};

struct changes {
    uint32_t n, cap;
    struct mail_change items[];
};

/* Of channels that the hub lets join: presence and cache channels. `who` is NULL for everybody on
 * the latter, and runs parallel to the channel's subs. */
struct attendance {
    struct who **who;
    uint32_t who_cap;
    struct joiner *joiners;
    uint32_t njoiners, joiners_cap;
};

/*
 * subs holds n subscribers, in `one` while one place is enough. A channel without subscribers and
 * joiners lives until the hub has been told (chan_count_changed).
 */
struct chan {
    struct sub *subs;
    uint32_t n, cap;
    struct sub one;
    struct chan *changed_next;
    struct attendance *attendance;
    uint32_t app, hash, len;
    bool changed;
    struct changes *changes; /* since the last count; NULL: nobody came or went */
    char name[];
};

uint32_t chan_total(const struct chan *chan); /* with those who are waiting to join */
/* The hub is to be told of it before the next flush. */
void chan_changed(struct worker *worker, struct chan *chan);
void chan_free(struct chan *chan);

/* Room for one more subscriber. False: no memory. */
bool chan_subs_room(struct chan *chan) MUST_CHECK;
/* Takes over `who`. */
void chan_subs_add(struct chan *chan, struct conn *conn, struct sub_ref *ref, struct who *who);
/* Takes one out who waited to join and returns who it was. */
struct who *chan_joiners_remove(struct worker *worker, struct sub_ref *ref);
void chan_post_leave(struct worker *worker, const struct mail_channel *channel, const char *name,
                     struct slice user);

#endif
