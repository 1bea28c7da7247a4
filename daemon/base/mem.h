/*
 * Allocation. Runs anywhere, owns nothing.
 *
 * mem_alloc and its kin abort when memory is out and are for small things of our own; whatever a
 * peer sizes takes mem_try_alloc / mem_try_realloc and fails for that peer alone. All are freed
 * with mem_free.
 */
#ifndef FF_BASE_MEM_H
#define FF_BASE_MEM_H

#include <stddef.h>

#include "base/check.h"

void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t bytes);
void *mem_realloc(void *old, size_t bytes);
char *mem_strndup(const char *text, size_t len); /* terminated copy */

void *mem_try_alloc(size_t bytes) MUST_CHECK;
void *mem_try_realloc(void *old, size_t bytes) MUST_CHECK;

void mem_free(void *p);

/* Has jemalloc give back freed memory while nothing is allocated as well, from a thread of its own
 * that sleeps otherwise. Without it, what a storm of handshakes took stays as long as the process
 * is idle. Does nothing with another allocator. Once, at start. */
void mem_give_back(void);

#endif
