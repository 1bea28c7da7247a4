/*
 * UTF-8 validation as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Pure;
 * runs anywhere.
 */
#ifndef FF_UTF8_H
#define FF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool ff_utf8_valid(const char *text, size_t len);

/* The bytes of the character at `text`; 0: there is none, or not the whole of it in `len` bytes. */
size_t ff_utf8_char(const char *text, size_t len);

/* Over a run of characters that are not ASCII: the place behind it, which is `end` or a byte of
 * ASCII. NULL: what is there is no UTF-8. For readers that look at ASCII themselves. */
const char *ff_utf8_skip(const char *text, const char *end);

/*
 * The same for a text that comes in pieces: the state behind them. FF_UTF8_WHOLE is where a text
 * begins and where it may end; FF_UTF8_BAD never leads anywhere else; all others are inside of a
 * character.
 */
#define FF_UTF8_WHOLE 0
#define FF_UTF8_BAD   8
uint8_t ff_utf8_next(uint8_t state, const char *text, size_t len);

#endif
