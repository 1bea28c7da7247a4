/*
 * What clients do, as [server] log_messages shows it (pubsub/show.h has the rules). Callers ask
 * log_messages() first. On the session's worker.
 */
#ifndef FF_SERVE_SHOW_H
#define FF_SERVE_SHOW_H

#include "proto/pusher.h"
#include "serve/session_state.h"

/* A session begins. `origin`: of its request, .p == NULL: none. */
void show_opened(struct conn *conn, struct slice origin);
/* It has ended, whoever has ended it. */
void show_closed(struct conn *conn);

/* A message that is handled. */
void show_message(struct conn *conn, const struct pusher_message *message);
/* One that is none. */
void show_nonsense(struct conn *conn, size_t len);

#endif
