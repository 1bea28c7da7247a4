#include "links/curl_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

/* Data and function pointers are of one size wherever there is dlsym. */
static bool curl_library_find(void *library, const char *symbol, void *function)
{
    *(void **)function = dlsym(library, symbol);
    return *(void **)function != NULL;
}

const struct curl_library *curl_library(const char **why)
{
    /* WHY: mutable statics: a library is loaded into the process, not into an object of ours. */
    static struct curl_library functions;
    static bool loaded;
    if (loaded) {
        return &functions;
    }
    void *library = dlopen(FANFARE_LIBCURL, RTLD_NOW | RTLD_LOCAL);
    bool found = library != NULL;
#define CURL_FUNCTION(name)                                                                        \
    found = found && curl_library_find(library, "curl_" #name, &functions.name);
    CURL_FUNCTIONS(CURL_FUNCTION)
#undef CURL_FUNCTION
    if (!found) {
        *why = dlerror(); /* a library that lacks a function stays loaded: the words may be in it */
        return NULL;
    }
    loaded = true;
    return &functions;
}
