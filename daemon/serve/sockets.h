/*
 * Sessions as they are shown to operators: who they are, from where, since when. On their worker.
 */
#ifndef FF_SERVE_SOCKETS_H
#define FF_SERVE_SOCKETS_H

#include "base/address.h"
#include "proto/http.h"
#include "pubsub/worker.h"

/* While the connection is HTTP still: remembers since when it is there, and for whom it speaks. */
void sockets_opened(struct conn *conn, const struct http_request *request);

/* The client's address, as far as a proxy tells. False: it is not known any more. */
bool sockets_address(const struct conn *conn, struct address *out) MUST_CHECK;

/* As of struct worker_ops. */
void sockets_list(struct worker *worker, const struct mail_list_sockets *mail);

#endif
