/*
 * Groups of listeners over the nodes of a cluster. On the hub.
 *
 * The log decides, as ever: what happens is told by one node as a record (TOLD), and every node
 * queues it when it reads that, in the log's order. Each node knows, by records as well (GROUP), on
 * which nodes a group has listeners at that place in the log; the event's id says which of these
 * delivers it, on all nodes the same. The others keep it until that one says that it is dealt with
 * (SETTLED), or is no more: then it goes to one of those that are left. While nobody listens
 * anywhere all keep it. A node is listed when its word has come back to it, so that nobody is
 * served by two.
 *
 * Listeners without a group are their node's own affair; others only have to know what they want.
 * A node alone has none of this: links/listen asks here, and nothing is done.
 */
#ifndef FF_LINKS_LISTEN_FAR_H
#define FF_LINKS_LISTEN_FAR_H

#include "links/listen_state.h"
#include "proto/slice.h"

/* ---- of listen.c ---- */

/* Says it to all; it is queued when it comes back. */
void listen_far_tell(struct listen_app *app, const struct ff_ipc_event *view);
/* Puts it where it belongs; returns how many were dropped. */
uint64_t listen_far_add(struct listen_named *named, struct listen_event *event, uint64_t order);
/* What listeners anywhere else want. */
uint32_t listen_far_types(const struct listen_app *app);
/* Whether this node may deliver now. */
bool listen_far_delivers(const struct listen_named *named);
/* Its listeners or its types have changed. */
void listen_far_changed(struct listen_named *named);
void listen_far_changed_without(struct listen_app *app);
/* The delivery is about to be settled. */
void listen_far_settle(struct listener *listener, uint64_t number);
/* Says what was settled in this turn. */
void listen_far_say(struct listen_named *named);

/* ---- of the cluster, in the log's order; `source` 0: this node's own word has come back ---- */

struct listen_word {
    uint64_t node; /* whose */
    uint32_t source, stamp;
    uint32_t app;
    bool restated;
};

void listens_heard_group(struct listens *listens, const struct listen_word *word, struct slice name,
                         bool there, uint32_t types);
void listens_heard_told(struct listens *listens, const struct listen_word *word,
                        struct slice event);
void listens_heard_settled(struct listens *listens, const struct listen_word *word,
                           struct slice name, struct slice ids);
void listens_heard_queued(struct listens *listens, const struct listen_word *word,
                          struct slice name, uint64_t owner, struct slice event);
/* What it has said with another stamp (0: all) is void. `source` 0: this node is dead to the
 * others. */
void listens_sweep(struct listens *listens, uint32_t source, uint32_t stamp);
/* This node knows what the others have: now it may say what it has itself. */
void listens_ready(struct listens *listens, uint64_t node);

/* What this node has said may never come back: it is said again. */
void listens_dropped(struct listens *listens);

/* All that this node knows of groups. queued: also the events that wait. */
struct listen_reader {
    void (*group)(void *arg, uint32_t app, struct slice name, bool there, uint32_t types);
    void (*queued)(void *arg, uint32_t app, struct slice name, uint64_t owner,
                   struct slice event); /* NULL: not wanted */
    void *arg;
};
void listens_read(struct listens *listens, const struct listen_reader *reader);

#endif
