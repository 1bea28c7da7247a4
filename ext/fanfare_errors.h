/*
 * Exceptions, and how a failed call becomes one. Owns nothing; the constructors of the exceptions are here too.
 */
#ifndef FANFARE_ERRORS_H
#define FANFARE_ERRORS_H

#include "php.h"

#include "fanfare_classes.h"
#include "fanfare_peer.h"

/* One line for people: what happened, where, and what to do about it. */
void fanfare_outcome_text(const struct fanfare_outcome *outcome, const char *socket, char *out, size_t size);

/* Makes the exception without throwing it. */
void fanfare_outcome_exception(zval *exception, const struct fanfare_outcome *outcome, const char *socket);

void fanfare_throw(const struct fanfare_outcome *outcome, const char *socket);

#endif
