#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bound when the executable is linked with jemalloc, else NULL. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *new_value, size_t new_len)
    __attribute__((weak));

/* malloc(0) may return NULL, which callers take for "no memory". */
static size_t mem_at_least_one(size_t bytes)
{
    return bytes == 0 ? 1 : bytes;
}

void *mem_alloc(size_t bytes)
{
    void *p = malloc(mem_at_least_one(bytes));
    check(p != NULL);
    return p;
}

void *mem_zalloc(size_t bytes)
{
    void *p = calloc(1, mem_at_least_one(bytes));
    check(p != NULL);
    return p;
}

void *mem_realloc(void *old, size_t bytes)
{
    void *p = realloc(old, mem_at_least_one(bytes));
    check(p != NULL);
    return p;
}

char *mem_strndup(const char *text, size_t len)
{
    check(len < SIZE_MAX);
    char *copy = mem_alloc(len + 1);
    if (len != 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

void *mem_try_alloc(size_t bytes)
{
    return malloc(mem_at_least_one(bytes));
}

void *mem_try_realloc(void *old, size_t bytes)
{
    return realloc(old, mem_at_least_one(bytes));
}

void mem_free(void *p)
{
    free(p);
}

void mem_give_back(void)
{
    size_t threads = 1;
    bool on = true;
    if (mallctl != NULL &&
        mallctl("max_background_threads", NULL, NULL, &threads, sizeof(threads)) == 0) {
        int ignored = mallctl("background_thread", NULL, NULL, &on, sizeof(on));
        (void)ignored; /* a jemalloc built without them: as before */
    }
}
