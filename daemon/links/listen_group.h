/*
 * A group of listeners and the events that wait for it: each goes to one of its listeners, and to
 * another one when that does not settle it in time. Pure logic, with the time handed in.
 *
 * Owns the places of events in its queue, and one reference to each event; events are shared
 * between groups. Belongs to the hub. It sends nothing: links/listen asks what goes to whom.
 *
 * In a cluster every node has the group, with all of its events, and each event is one node's to
 * deliver: the others keep it, for the case that this node is no more.
 *
 * Bounded by number and bytes of all that is not settled. Over either the oldest that waits is
 * dropped and counted; what a listener holds is not, since it is bounded by the windows.
 */
#ifndef FF_LINKS_LISTEN_GROUP_H
#define FF_LINKS_LISTEN_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strmap.h"
#include "shared/ipc_listen.h"

#define LISTEN_NEVER  UINT64_MAX
#define LISTEN_ID_MAX 40u

/* `view` has everything but what belongs to a delivery: number, attempt, order. */
struct listen_event {
    uint32_t refs;
    uint32_t size; /* what it occupies */
    struct ff_ipc_event view;
    char bytes[];
};

struct group_listener;

/* An event's place in a group. On one of its lists, or held by a listener. */
struct group_item {
    struct group_item *prev, *next;
    struct group_list *list; /* NULL: a listener holds it */
    struct listen_event *event;
    uint64_t order;
    uint32_t attempts; /* deliveries so far */
    struct group_listener *holder, *last;
    uint64_t number; /* of the delivery; of holder */
    uint64_t owner;  /* the node that delivers it, 0: nobody yet, or this node is alone */
};

struct group_list {
    struct group_item *first, *last;
    uint64_t count;
};

struct group_out {
    struct group_item *item; /* NULL: settled */
    uint64_t number, due;
};

/* Invariants: outs[at..n) are in the order of numbers, and so of their due times, since ack_ms is
 * one for all; live of them have an item. */
struct group_listener {
    struct listen_group *group;
    struct group_listener *prev, *next; /* on the group's list that `place` tells */
    enum { LISTENER_READY, LISTENER_FULL, LISTENER_LAPSED } place;
    uint32_t window, ack_ms;
    uint64_t number; /* of its last delivery */
    struct group_out *outs;
    uint32_t at, n, cap, live;
};

struct listener_list {
    struct group_listener *first, *last;
    uint32_t count;
};

struct listen_group {
    struct group_list waiting; /* in the order of the events */
    struct group_list again;   /* were delivered and came back; these are first */
    struct group_list kept;    /* of other nodes, or of nobody */
    struct strmap by_id;       /* group_item, by the event's id; empty unless `indexed` */
    bool indexed;
    uint64_t max_events, max_bytes; /* 0: no limit */
    uint64_t events, bytes;         /* all that is not settled */
    uint64_t lost;                  /* dropped since it was said last */
    struct listener_list ready, full;
    struct listener_list lapsed; /* they let something lie for too long: only when nobody else is
                                    there, until they settle something */
    /* Whether a listener may get more now, besides its window. */
    bool (*takes)(const struct group_listener *listener);
};

/* A copy of the view with one reference. */
struct listen_event *listen_event_new(const struct ff_ipc_event *view);
struct listen_event *listen_event_ref(struct listen_event *event);
void listen_event_unref(struct listen_event *event);

/* indexed: events are settled by their ids as well. */
void listen_group_init(struct listen_group *group, bool indexed,
                       bool (*takes)(const struct group_listener *listener));
/* It must have no listeners. */
void listen_group_free(struct listen_group *group);

/* Both return how many events were dropped for the bounds. */
uint64_t listen_group_bound(struct listen_group *group, uint64_t max_events, uint64_t max_bytes);
uint64_t listen_group_add(struct listen_group *group, struct listen_event *event, uint64_t order,
                          uint64_t self);
/* The same of an event that another node delivers, or nobody yet (0). */
uint64_t listen_group_keep(struct listen_group *group, struct listen_event *event, uint64_t order,
                           uint64_t owner);
/* Each event that no listener holds goes to whom `owner` says, who may be its owner until now. */
typedef uint64_t group_owner_fn(void *arg, const struct group_item *item);
void listen_group_assign(struct listen_group *group, uint64_t self, group_owner_fn *owner,
                         void *arg);

/* In front of everything, past the bounds: an events_lost. */
void listen_group_add_first(struct listen_group *group, struct listen_event *event, uint64_t order,
                            uint64_t self);

static inline uint32_t listen_group_listeners(const struct listen_group *group)
{
    return group->ready.count + group->full.count + group->lapsed.count;
}
static inline uint64_t listen_group_waiting(const struct listen_group *group)
{
    return group->waiting.count + group->again.count;
}
/* Whether something could be delivered now. */
bool listen_group_ready(const struct listen_group *group);

void listen_group_join(struct listen_group *group, struct group_listener *listener);
/* What it holds goes back at once. Returns how much that was. */
uint32_t listen_group_leave(struct group_listener *listener);

/* The next delivery: the item is the listener's now, by item->number. NULL: nothing waits, or
 * nobody has room. */
struct group_item *listen_group_next(struct listen_group *group, uint64_t now);

/* A delivery is dealt with, or (done: false) given back. False: it is not known, or was the group's
 * again. */
bool listen_group_settle(struct group_listener *listener, uint64_t number, bool done);
/* What the listener holds by this number; NULL: nothing. */
const struct group_item *listen_group_held(struct group_listener *listener, uint64_t number);
/* The listener is alive, and may take more than before. */
void listen_group_revive(struct group_listener *listener);
/* The event with this id is dealt with, wherever it is. Of an indexed group. */
bool listen_group_settle_id(struct listen_group *group, struct ff_slice id);

/* What was held for too long comes back. Returns how much that was. */
uint32_t listen_group_expire(struct listen_group *group, uint64_t now);
bool listen_group_holds(const struct listen_group *group); /* something is out, and may expire */

#endif
