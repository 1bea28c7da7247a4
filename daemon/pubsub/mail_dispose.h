/*
 * The end of messages that nobody will handle any more, when threads have ended.
 */
#ifndef FF_PUBSUB_MAIL_DISPOSE_H
#define FF_PUBSUB_MAIL_DISPOSE_H

#include "net/mailbox.h"

/* Frees a message with all that is in it. */
void mail_dispose(struct mail *mail);

#endif
