/*
 * Fanfare\Client and the functions of the namespace: from arguments to a peer and from its answer to a value.
 */
#ifndef FANFARE_CLIENT_H
#define FANFARE_CLIENT_H

#include "php.h"

void fanfare_client_minit(void);

#endif
