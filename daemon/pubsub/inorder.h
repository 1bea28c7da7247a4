/*
 * What is to be told once for the whole cluster, by one node: that a channel is occupied or
 * vacated, that a user is a member or no more. On the hub.
 *
 * On a node alone that is so when it happens. In a cluster the log decides: all nodes apply the
 * same records in the same order, and the node that wrote the one which made the difference tells.
 * So what this node has said is in flight until it comes back and has its place among what others
 * have said. Everybody else announces the same as `theirs`: consumers who hold something back need
 * both halves.
 *
 * Costs nothing for applications of which nobody wants to hear.
 */
#ifndef FF_PUBSUB_INORDER_H
#define FF_PUBSUB_INORDER_H

#include "pubsub/hub.h"

/* A node of a cluster begins, and ends. */
void inorder_begin(struct hub *hub);
void inorder_end(struct hub *hub);

/* This node has its first connection of the user, or none any more. */
void inorder_member(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id,
                    bool in);
/* This node has so many subscribers now, and had `before`. */
void inorder_count(struct hub *hub, uint32_t app, const struct dirent *entry, uint32_t before);
/* The same where nodes do not tell each other: for those that look at this node alone. */
void inorder_count_here(struct hub *hub, uint32_t app, const struct dirent *entry, uint32_t before);

/* The same has come back through the log. `restated`: it was no change, when it was said. */
void inorder_member_back(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id,
                         bool in, bool restated);
void inorder_count_back(struct hub *hub, uint32_t app, struct slice channel, uint32_t n,
                        bool restated);

/* Another node has the user, or has them no more: the first who has, or the last who had them
 * elsewhere. `teller`: whose it is to tell (pubsub/elsewhere.h), 0: this node's. */
void inorder_member_elsewhere(struct hub *hub, uint32_t app, const struct dirent *entry,
                              struct slice user_id, bool in, uint32_t teller);
/* Other nodes have had `before` subscribers together, and have what the entry says now. */
void inorder_count_elsewhere(struct hub *hub, uint32_t app, const struct dirent *entry,
                             uint32_t before, uint32_t teller);

/* For the log this node has nothing any more: it was declared dead. What it has is about to be said
 * again, and has its place when that comes back. */
void inorder_void_member(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id);
void inorder_void_count(struct hub *hub, uint32_t app, struct slice channel, uint32_t n);

/* The log has lost something: what is appended again has not the same place for all, so that each
 * may take another one for the teller. While this node doubts, it tells what is theirs as well. */
void inorder_doubt(struct hub *hub, bool doubt);

/* What is in flight may never come back: it is told by what is known here. */
void inorder_dropped(struct hub *hub);

#endif
