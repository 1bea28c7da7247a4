/*
 * The hub's mail: what workers say to it, and what is due at the end of each of its turns. On the
 * hub.
 */
#ifndef FF_PUBSUB_HUB_MAIL_H
#define FF_PUBSUB_HUB_MAIL_H

#include "pubsub/hub.h"

/* On the hub's thread, before its loop runs. */
void hub_attach(struct hub *hub);
/* Forgets what has been kept long enough; call it every second. */
void hub_housekeep(struct hub *hub);

#endif
