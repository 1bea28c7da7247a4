/*
 * The object behind Fanfare\Listener, and Client::listen(), which makes it.
 *
 * Owns the snapshot and, unless the request has ended, a stream. Runs on PHP's threads, within a request.
 */
#ifndef FANFARE_LISTENER_H
#define FANFARE_LISTENER_H

void fanfare_listener_minit(void);

#endif
