/*
 * Listeners: programs that hear what happens in their application (docs/ipc.md). Joins what the hub
 * announces, the groups that it waits in (links/listen_group) and the connections of listeners.
 *
 * Owns the groups of every application. Runs on the hub. Nobody waits for a listener: what it does
 * not take waits in its group, within bounds, and what it has not settled goes to another one. An
 * application without groups announces nothing to this module and costs nothing.
 */
#ifndef FF_LINKS_LISTEN_H
#define FF_LINKS_LISTEN_H

#include "links/listen_group.h"
#include "net/conn.h"
#include "pubsub/hub.h"

/* Bytes that wait for a connection beyond which its listener is given nothing more. */
#define LISTEN_QUEUED (512u << 10)
/* Unread bytes at which a listener is read no more. */
#define LISTEN_UNREAD (1u << 20)

struct listener;
struct listens;

struct listens *listens_new(struct hub *hub);
/* Every listener must have ended. */
void listens_free(struct listens *listens);
/* Another generation is in use: groups of applications that are served no more are gone. */
void listens_configure(struct listens *listens);

struct listening {
    bool created;
    uint64_t waiting, order;
};

/* The connection listens from now on, with the answer's seq for its snapshot. NULL: refused, `why`
 * says it. Its events come at the end of the turn, behind the answer. */
struct listener *listen_begin(struct listens *listens, struct conn *conn, uint32_t app,
                              uint64_t seq, const struct ff_ipc_listen *asked,
                              struct listening *answer, char *why, size_t size);
void listen_settle(struct listener *listener, const uint64_t *numbers, uint32_t n, bool done);
/* It is alive. */
void listen_alive(struct listener *listener);
/* What it held goes back to its group. */
void listen_end(struct listener *listener);

#endif
