/*
 * What a loop needs of the operator's limits. Pure; runs anywhere.
 */
#ifndef FF_PUBSUB_LIMITS_H
#define FF_PUBSUB_LIMITS_H

#include "base/settings.h"
#include "net/loop.h"

struct loop_limits limits_of_loop(const struct limits *limits);

#endif
