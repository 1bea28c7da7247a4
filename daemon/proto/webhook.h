/*
 * The JSON of webhooks in Pusher's format. Pure.
 *
 * Writers append one object of the `events` array and return -1 when the buffer is full. Every
 * value but subscription_count is a string, as Pusher's libraries with types expect it.
 */
#ifndef FF_PROTO_WEBHOOK_H
#define FF_PROTO_WEBHOOK_H

#include <stdint.h>

#include "base/buf.h"
#include "proto/slice.h"

/* {"name":..,"channel":..}: channel_occupied, channel_vacated, cache_miss. */
int webhook_channel(struct buf *out, const char *name, struct slice channel) MUST_CHECK;
/* With "user_id": member_added, member_removed. */
int webhook_member(struct buf *out, const char *name, struct slice channel,
                   struct slice user_id) MUST_CHECK;
int webhook_count(struct buf *out, struct slice channel, uint32_t count) MUST_CHECK;
/*
 * client_event, out of the message that clients got, which is valid JSON of proto/pusher's own
 * making. `data` becomes a string: a string stays what it is, anything else is its JSON text, none
 * at all is "null". `user_id` is there when the message has one.
 */
int webhook_client_event(struct buf *out, struct slice channel, struct slice message,
                         struct slice socket_id) MUST_CHECK;

/* {"time_ms":..,"events":[ , to be followed by the events with commas between, and "]}". */
int webhook_open(struct buf *out, uint64_t time_ms) MUST_CHECK;
/* Gives what webhook_open has begun another time. -1: the buffer is full; nothing was changed. */
int webhook_retime(struct buf *body, uint64_t time_ms) MUST_CHECK;

#endif
