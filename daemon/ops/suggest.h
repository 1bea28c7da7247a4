/*
 * What somebody may have meant: how far apart two short names are. Pure; runs anywhere.
 */
#ifndef FF_OPS_SUGGEST_H
#define FF_OPS_SUGGEST_H

#include <stddef.h>

#define SUGGEST_NONE ((size_t)-1)

/* The index of the name nearest to `word`, when it is near enough to be a slip; else SUGGEST_NONE.
 * Case does not count. */
size_t suggest(const char *word, const char *const *names, size_t count);

#endif
