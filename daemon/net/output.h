/*
 * The output engine: takes a batch of writes and returns with all results. Runs on the loop that
 * calls it, owns nothing.
 *
 * This is the only place where bytes leave for a peer, so that another engine can stand in for
 * plain send().
 */
#ifndef FF_NET_OUTPUT_H
#define FF_NET_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

struct tls;

struct output_op {
    int fd;
    struct tls *tls; /* NULL: plain */
    const uint8_t *bytes;
    size_t len;
    int64_t sent; /* result: bytes that the kernel took, or -errno; -EAGAIN when it took none */
};

void output_run(struct output_op *ops, size_t count);

#endif
