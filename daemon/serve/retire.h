/*
 * Sessions whose application may not be used any more: removed by a reload (closed with 4001) or
 * disabled (4003). Runs on their worker.
 */
#ifndef FF_SERVE_RETIRE_H
#define FF_SERVE_RETIRE_H

#include "pubsub/worker.h"

/* True: the application of this session may not be used any more, and the session was closed. */
bool session_retired(struct conn *conn);

/* Whether the session will have to be closed. */
bool retire_wants(struct conn *conn);
/* Closes it, unless its application has come back while it waited for its turn. */
void retire_close(struct conn *conn);
/* Whether there may be any on this node. */
bool retire_any(const struct worker *worker);

#endif
