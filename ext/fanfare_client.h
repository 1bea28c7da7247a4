/*
 * Fanfare\Client and the functions of the namespace: from arguments to a peer and from its answer to a value. What only
 * asks is in fanfare_query.c.
 */
#ifndef FANFARE_CLIENT_H
#define FANFARE_CLIENT_H

#include "php.h"

#include "fanfare_peer.h"

void fanfare_client_minit(void);

/* One question of a client and its answer, whose pointers are good until the next call. False with an exception
 * thrown. */
bool fanfare_client_ask(zval *client, const struct fanfare_question *question, struct ff_ipc_frame *answer);

/* An id that a user can have. False with an exception thrown; the id is the method's first argument. */
bool fanfare_user_id(const zend_string *id);

#endif
