/*
 * Socket ids: "digits.digits". The first part is random and so unguessable; the second says where
 * the connection is, so that it is found without a search. Pure.
 */
#ifndef FF_PUBSUB_SOCKET_ID_H
#define FF_PUBSUB_SOCKET_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/slice.h"

#define SOCKET_ID_MAX 44u

struct socket_ref {
    uint64_t random; /* 0: nobody */
    uint32_t worker, slot;
};

/* Writes at most SOCKET_ID_MAX bytes without a terminator and returns how many. worker < 64. */
size_t socket_id_write(char *out, const struct socket_ref *ref);

/* False, and *out is nobody, when it has not the form of our ids. Whether there is such a
 * connection is seen by its random part. */
bool socket_id_read(struct slice id, struct socket_ref *out);

#endif
