/*
 * Socket ids: "digits.digits", unguessable, and telling this process at once where the connection
 * is.
 *
 * The first part is random. The second holds worker and slot with a tag that only this process can
 * make, so that an id of another node, or an invented one, is known as such. Pure but for the
 * process's random hash key.
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

/* Writes at most SOCKET_ID_MAX bytes without a terminator and returns how many. worker < 64, slot <
 * 2^26. */
size_t socket_id_write(char *out, const struct socket_ref *ref);

/* False, and *out is nobody, when this process never gave out that id. The connection may have
 * ended since. */
bool socket_id_read(struct slice id, struct socket_ref *out);

#endif
