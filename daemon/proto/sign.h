/*
 * Signatures: HMAC-SHA256 with an app's secret. Pure. Comparisons take the same time whatever
 * differs.
 */
#ifndef FF_PROTO_SIGN_H
#define FF_PROTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/slice.h"

#define SIGN_LEN 32u /* bytes of a signature; its hex form has twice as many */

/* HMAC-SHA256 over the parts laid end to end. */
void sign_hmac(struct slice secret, const struct slice *parts, size_t nparts,
               uint8_t out[SIGN_LEN]);
bool sign_equal(const uint8_t *a, const uint8_t *b, size_t len);

/*
 * Whether `auth` is exactly "key:" and 64 lowercase hex digits that sign "socket_id:channel", or
 * "socket_id:channel:channel_data" when channel_data.p is not NULL and not empty. A channel name
 * with a colon in it would make the two alike, so names are checked first.
 */
bool sign_channel_auth(struct slice auth, struct slice key, struct slice secret,
                       struct slice socket_id, struct slice channel, struct slice channel_data);

/* The same for a sign-in: "socket_id::user::user_data". */
bool sign_user_auth(struct slice auth, struct slice key, struct slice secret,
                    struct slice socket_id, struct slice user_data);

#endif
