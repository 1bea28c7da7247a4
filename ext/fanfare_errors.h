/*
 * How a failed call becomes an exception, and the constructors of the exceptions. Owns nothing; runs on PHP's threads.
 */
#ifndef FANFARE_ERRORS_H
#define FANFARE_ERRORS_H

#include "php.h"

#include "fanfare_outcome.h"

/* Makes the exception without throwing it. */
void fanfare_exception(zval *exception, const struct fanfare_outcome *outcome, const char *socket);

/* Throws it. Handlers of signals that are due run before, so nothing of a peer may be used after it. */
void fanfare_throw(const struct fanfare_outcome *outcome, const char *socket);

#endif
