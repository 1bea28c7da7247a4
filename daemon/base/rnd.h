/*
 * Random bytes from the kernel, drawn a page at a time per thread. Runs anywhere. Aborts when the
 * kernel has none.
 */
#ifndef FF_BASE_RND_H
#define FF_BASE_RND_H

#include <stddef.h>
#include <stdint.h>

void rnd_bytes(void *out, size_t len);
uint64_t rnd_u64(void);
uint32_t rnd_below(uint32_t bound); /* uniform in [0, bound); bound > 0 */

#endif
