/*
 * The first frame of a connection: who speaks, and the proof of it.
 *
 * Owns nothing and runs anywhere; asks the clock and the system's random source, nothing else.
 */
#ifndef FANFARE_HELLO_H
#define FANFARE_HELLO_H

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc_proto.h"

/* Packs the hello of now into `out`, whatever was in it. The secret is not part of it, only what it proves. -1 when
 * memory ran out. */
int fanfare_hello_pack(msgpack_sbuffer *out, const char *app, size_t app_len, const char *secret, size_t secret_len,
                       const uint8_t *producer);

/* FF_IPC_PRODUCER random bytes: getrandom, or /dev/urandom where a sandbox forbids it. -1 when neither can be had. */
int fanfare_hello_producer(uint8_t *out);

#endif
