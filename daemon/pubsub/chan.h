/*
 * Channels as a worker sees them: which of its own connections are subscribed, and which are
 * waiting to join.
 *
 * Subscribing and unsubscribing is O(1) in the channel's size: the list is dense, a leaver's place
 * is taken by the last one. All on the worker's thread. Knows nothing of authorisation or of
 * messages; that is the session's part.
 */
#ifndef FF_PUBSUB_CHAN_H
#define FF_PUBSUB_CHAN_H

#include "proto/pusher.h"
#include "pubsub/worker.h"

struct chan;

/* A connection's end of a subscription. */
struct sub_ref {
    struct chan *chan;
    uint32_t pos;     /* in the channel's list of subscribers, or of joiners */
    uint32_t joining; /* the join's number while the hub's answer is awaited, else 0 */
};

#define SUBSCRIBER_INLINE      2
#define SUBSCRIBER_INLINE_BITS 1

/* What every subscribing connection holds at the start of conn->state. */
struct subscriber {
    uint64_t random; /* first part of its socket id; 0 before the handshake is done */
    struct sub_ref *refs;
    uint32_t app;
    uint16_t n;
    uint8_t cap_bits; /* room for 1 << cap_bits */
    uint8_t flags;    /* the session's own */
    struct sub_ref inl[SUBSCRIBER_INLINE];
};

/* Subscriptions of one connection at most, whatever the limits say. */
#define SUBSCRIBER_MAX 32768u

static inline struct subscriber *subscriber_of(struct conn *conn)
{
    return (struct subscriber *)conn->state;
}

void subscriber_init(struct subscriber *subscriber, uint64_t random, uint32_t app);

/* The connection's subscription to a channel, or NULL. Valid until its subscriptions change. */
struct sub_ref *chan_find(struct conn *conn, struct slice name);

/* Subscribe; the connection must not be on the channel yet (see chan_find), and must have fewer
 * than SUBSCRIBER_MAX subscriptions. -1: no memory. */
int chan_subscribe(struct conn *conn, struct slice name) MUST_CHECK;

/* Ask the hub to join a presence channel, or a cache channel (then member->user_id.p is NULL where
 * it is no presence channel as well). The answer is queued to the connection and conn_resume
 * called; a connection that ended or unsubscribed meanwhile hears nothing. -1: no memory. */
int chan_join(struct conn *conn, struct slice name, const struct pusher_member *member) MUST_CHECK;

/* Ask the hub for the answer to a join once more: the connection is on the channel already. The
 * answer is queued to it and conn_resume called; the caller makes it wait till then. -1: no memory.
 */
int chan_roster(struct conn *conn, struct sub_ref *ref) MUST_CHECK;

void chan_unsubscribe(struct conn *conn, struct sub_ref *ref);
void chan_leave_all(struct conn *conn); /* frees the subscriber's list, too */

struct slice chan_name(const struct sub_ref *ref);

/* The slots of all connections that are on `channel` (.p == NULL: no channel) or are this user on a
 * presence channel, or want to be; one may come more than once. */
void chan_collect(struct worker *worker, uint32_t app, struct slice channel, struct slice user_id,
                  struct slot_list *out);

/* The user id (text) under which the connection is on this presence channel; .p == NULL on others.
 */
struct slice chan_user(const struct sub_ref *ref);

/* Of all connections on this channel, as far as this worker can tell. */
uint64_t chan_receivers(const struct sub_ref *ref, const struct worker *worker);

/* Tells the hub of all channels whose subscribers have changed, and forgets empty ones. Before the
 * confirmations of this turn are flushed. */
void chan_count_changed(struct worker *worker);

void chan_tables(struct worker *worker, size_t napps); /* room for so many applications */
void chan_free_all(struct worker *worker);

#endif
