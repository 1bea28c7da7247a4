/*
 * The value objects of listeners: EventType, Event and Snapshot.
 *
 * Owns nothing. Strings are copied. Runs on PHP's threads.
 */
#ifndef FANFARE_EVENT_H
#define FANFARE_EVENT_H

#include "php.h"

#include "ipc_listen.h"

/* Makes an Event of what the daemon says; its type must be a known one. */
void fanfare_value_event(zval *out, const struct ff_ipc_event *event);

/* Makes the EventsLost of a group that is gone: nobody knows how many they were. */
void fanfare_value_group_lost(zval *out);

/* The id of an Event, an empty one if it was never constructed. Borrowed. */
zend_string *fanfare_event_id(zend_object *event);

/*
 * The bits of a list of EventType and of their words: what is always told counts as nothing, an empty list as
 * everything. 0 with an exception thrown; it is the function's first argument.
 */
uint32_t fanfare_event_types(HashTable *list);

/* A part of a snapshot, added to two arrays by channel. */
void fanfare_snapshot_add(zval *channels, zval *members, const struct ff_ipc_listening *part);

/* Makes a Snapshot, which takes the two arrays over. */
void fanfare_value_snapshot(zval *out, uint64_t order, zval *channels, zval *members);

#endif
