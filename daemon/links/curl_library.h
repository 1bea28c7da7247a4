/*
 * libcurl, loaded when it is first asked for: its two dozen libraries would cost every daemon 4 MB
 * at start, and only those with webhooks need it.
 *
 * Owns the loaded library, until the process ends. Loading it takes tens of milliseconds, so a
 * thread that serves nobody does that: the main one before it serves, then that of a reload. They
 * never do it at once, and the functions may then be called on any. Never calls one of them itself.
 */
#ifndef FF_LINKS_CURL_LIBRARY_H
#define FF_LINKS_CURL_LIBRARY_H

#include <curl/curl.h>

#include "base/check.h"

/* All that are used, without their "curl_". */
#define CURL_FUNCTIONS(F)                                                                          \
    F(easy_cleanup)                                                                                \
    F(easy_getinfo)                                                                                \
    F(easy_init)                                                                                   \
    F(easy_setopt)                                                                                 \
    F(easy_strerror)                                                                               \
    F(global_cleanup)                                                                              \
    F(global_init)                                                                                 \
    F(multi_add_handle)                                                                            \
    F(multi_cleanup)                                                                               \
    F(multi_info_read)                                                                             \
    F(multi_init)                                                                                  \
    F(multi_perform)                                                                               \
    F(multi_poll)                                                                                  \
    F(multi_remove_handle)                                                                         \
    F(multi_setopt)                                                                                \
    F(slist_append)                                                                                \
    F(slist_free_all)

struct curl_library {
#define CURL_FUNCTION(name) __typeof__(curl_##name) *name;
    CURL_FUNCTIONS(CURL_FUNCTION)
#undef CURL_FUNCTION
};

/* Loads it unless that was done, one thread at a time. NULL: it cannot be loaded, and *why has the
 * loader's words until the next call. */
const struct curl_library *curl_library(const char **why) MUST_CHECK;

#endif
