/*
 * Who a publisher is: its hello, judged. On the hub. Owns nothing, changes nothing, and puts no
 * secret into a message.
 */
#ifndef FF_LINKS_IPC_HELLO_H
#define FF_LINKS_IPC_HELLO_H

#include "base/check.h"
#include "pubsub/apps.h"
#include "shared/ipc_unpack.h"

/* NULL: welcome, and *app is whose publisher it is, for the current turn. Otherwise one of
 * FF_IPC_REASON_*, with the words for it in `why`. */
const char *ipc_hello_judge(const struct apps *apps, const struct ff_ipc_hello *hello,
                            struct app **app, char *why, size_t size) MUST_CHECK;

#endif
