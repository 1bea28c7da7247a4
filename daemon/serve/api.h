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

/* The parts of a struct http_service, for requests with such a path. `plain` is the path of the
 * request as http_plain_path has it, with the prefix. */
void *api_head(struct conn *conn, const struct http_request *request, struct slice plain);
void api_body(struct conn *conn, void *job, struct slice body, int status);
void api_drop(void *job);
size_t api_max_body(const struct conn *conn);

/* The hub has answered: see struct worker_ops. */
void api_respond(struct worker *worker, const struct mail_response *response);

#endif
