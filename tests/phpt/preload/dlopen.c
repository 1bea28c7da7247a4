/*
 * Preloaded before libasan: Debian's PHP opens modules with RTLD_DEEPBIND, which the address
 * sanitizer refuses.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

void *dlopen(const char *file, int mode)
{
    static void *(*real)(const char *, int);

    if (real == NULL) {
        real = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    }
    return real(file, mode & ~RTLD_DEEPBIND);
}
