/*
 * What the tests of the IPC codec share: one unpacker, one buffer, and an unpack from a copy of
 * exactly the bytes.
 *
 * Included by one program each, which runs `setup` and `teardown` around every test.
 */
#ifndef FF_TEST_IPC_FIXTURE_H
#define FF_TEST_IPC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

#define SLICE(literal) ((struct ff_slice){literal, sizeof(literal) - 1})
#define NIL            ((struct ff_slice){NULL, 0})
#define BYTES(literal) (const uint8_t *)literal, sizeof(literal) - 1

static struct ff_ipc_unpacker unpacker;
static msgpack_sbuffer out;

static uint8_t *copy; /* what the last frame points into */

static inline int setup(void **state)
{
    (void)state;
    ff_ipc_unpacker_init(&unpacker);
    msgpack_sbuffer_init(&out);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    ff_ipc_unpacker_free(&unpacker);
    msgpack_sbuffer_destroy(&out);
    free(copy);
    copy = NULL;
    return 0;
}

static inline void assert_slice(struct ff_slice slice, const char *text)
{
    assert_non_null(slice.p);
    assert_int_equal(slice.len, strlen(text));
    assert_memory_equal(slice.p, text, slice.len);
}

/* Unpacks from a copy of exactly these bytes, so that a sanitizer sees a read past their end. */
static inline int unpack_bytes(const uint8_t *bytes, size_t len, struct ff_ipc_frame *frame)
{
    const char *why = NULL;

    free(copy);
    copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    int rc = ff_ipc_unpack(&unpacker, copy, len, frame, &why);
    assert_int_equal(rc != 0, why != NULL);
    if (!ff_ipc_walk(copy, len)) {
        assert_int_equal(rc, -1);
    }
    return rc;
}

/* Checks the prefix of the only frame in `out` and unpacks it. */
static inline int unpack_out(struct ff_ipc_frame *frame)
{
    const uint8_t *bytes = (const uint8_t *)out.data;
    assert_int_equal(ff_ipc_frame_len(bytes, out.size), out.size - FF_IPC_HEADER);
    return unpack_bytes(bytes + FF_IPC_HEADER, out.size - FF_IPC_HEADER, frame);
}

/* The frame [..] that `pk` has built by hand, without a prefix, into `out`. */
static inline int unpack_raw(struct ff_ipc_frame *frame)
{
    return unpack_bytes((const uint8_t *)out.data, out.size, frame);
}

static inline msgpack_packer fresh(void)
{
    msgpack_packer pk;
    msgpack_sbuffer_clear(&out);
    msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
    return pk;
}

static inline void text(msgpack_packer *pk, const char *value)
{
    msgpack_pack_str_with_body(pk, value, strlen(value));
}

static const struct ff_slice channels[] = {{"orders", 6}, {"private-a", 9}, {"", 0}};

static inline struct ff_ipc_message message(void)
{
    return (struct ff_ipc_message){.channels = channels,
                                   .nchannels = 3,
                                   .event = SLICE("Shipped"),
                                   .except = SLICE("1.2"),
                                   .key = SLICE("k"),
                                   .data = SLICE("{\"a\":1}")};
}

static inline void assert_message(const struct ff_ipc_message *got)
{
    assert_int_equal(got->nchannels, 3);
    assert_slice(got->channels[0], "orders");
    assert_slice(got->channels[1], "private-a");
    assert_slice(got->channels[2], "");
    assert_slice(got->event, "Shipped");
    assert_slice(got->except, "1.2");
    assert_slice(got->key, "k");
    assert_slice(got->data, "{\"a\":1}");
}

static inline void pack_publish(uint64_t seq, const struct ff_ipc_message *m)
{
    assert_int_equal(ff_ipc_pack_publish_head(&out, seq, m), 0);
    msgpack_sbuffer_write(&out, m->data.p, m->data.len);
}

#endif
