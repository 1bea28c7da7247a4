/*
 * The ini settings: what they may be, and where their values go (the module's globals).
 *
 * Runs on PHP's threads. A value that cannot be is refused with a warning, at the start as in ini_set(): the setting
 * keeps what it had, and nobody finds out by a time-out of two seconds that "500ms" is no number.
 */
#ifndef FANFARE_INI_H
#define FANFARE_INI_H

#define FANFARE_DEFAULT_SOCKET "/run/fanfare/fanfare.sock"

/* The arguments of the module's MINIT. */
void fanfare_ini_minit(int type, int module_number);

#endif
