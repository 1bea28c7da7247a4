/*
 * UTF-8 validation as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Pure;
 * runs anywhere.
 */
#ifndef FF_UTF8_H
#define FF_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool ff_utf8_valid(const char *text, size_t len);

#endif
