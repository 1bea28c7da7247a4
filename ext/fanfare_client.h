/*
 * The object behind Fanfare\Client: making, comparing and showing it, flush(), close(), and the way of a request from a
 * method to the daemon. What publishes is in fanfare_publish.c, what asks in fanfare_query.c.
 *
 * Owns the strings of the handle. Runs on PHP's threads, within a request.
 */
#ifndef FANFARE_CLIENT_H
#define FANFARE_CLIENT_H

#include "php_fanfare.h"

#include "fanfare_call.h"

void fanfare_client_minit(void);

static inline struct fanfare_client *fanfare_client_of(zend_object *object)
{
	return (struct fanfare_client *) ((char *) object - offsetof(struct fanfare_client, std));
}

/* One request of a client and its answer, whose pointers are good until the next call. False with an exception thrown.
 */
bool fanfare_client_request(zval *client, const struct fanfare_request *request, struct ff_ipc_frame *answer);

/* What this argument (NULL: none) means for the client: FANFARE_ACK_UNSET leaves it to the ini setting. */
enum fanfare_ack fanfare_client_ack(const struct fanfare_client *client, const zval *ack);

/* Whether the cluster is to acknowledge a publish of this client with this argument. */
static inline bool fanfare_client_by_cluster(const struct fanfare_client *client, const zval *ack)
{
	enum fanfare_ack by = EXPECTED(ack == NULL) ? client->ack : fanfare_client_ack(client, ack);

	return (by != FANFARE_ACK_UNSET ? by : FANFARE_G(ack)) == FANFARE_ACK_CLUSTER;
}

/* Whether a flush can take so many seconds. False with an exception thrown; it is the function's first argument. */
bool fanfare_client_flush_timeout(double timeout, bool is_null);

#endif
