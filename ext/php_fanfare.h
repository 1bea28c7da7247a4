/*
 * What every file of the extension shares: version, module globals, class entries.
 *
 * Runs on PHP's threads. The globals are per thread; nothing here is shared between threads except the fork
 * generation, which only a fork changes.
 */
#ifndef PHP_FANFARE_H
#define PHP_FANFARE_H

#define PHP_FANFARE_VERSION "0.1.0"
#define PHP_FANFARE_EXTNAME "fanfare"

#endif
