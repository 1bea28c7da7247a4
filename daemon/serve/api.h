/*
 * The HTTP API of Pusher: routes, signatures, bodies. Runs on the worker that holds the connection;
 * what only the hub knows it asks for by mail, one request at a time, and the connection reads
 * nothing meanwhile.
 */
#ifndef FF_SERVE_API_H
#define FF_SERVE_API_H

#include "proto/http.h"
#include "pubsub/worker.h"

/* Whether a path (without the server's prefix) belongs to the API. */
bool api_owns(struct slice path);

/*
 * Handles the request whose head is `request` and whose bytes start at `bytes`. Returns how many
 * bytes it used, 0 when its body is not complete yet. The connection is answered, finishing, or
 * waits for the hub.
 */
size_t api_input(struct conn *conn, const struct http_request *request, struct slice path,
                 uint8_t *bytes, size_t len);

/* The hub has answered: see struct worker_ops. */
void api_respond(struct worker *worker, const struct mail_response *response);
/* The most that a request's body may have. */
size_t api_max_body(const struct limits *limits);

#endif
