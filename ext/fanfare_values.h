/*
 * Value objects: making them from what the daemon says, and their constructors.
 *
 * Owns nothing. Each function makes a new object in *out; strings are copied.
 */
#ifndef FANFARE_VALUES_H
#define FANFARE_VALUES_H

#include "php.h"

#include "fanfare_outcome.h"
#include "ipc_unpack.h"

/* The slots of Message, in the order of its declaration. */
enum {
	FANFARE_MESSAGE_CHANNELS,
	FANFARE_MESSAGE_EVENT,
	FANFARE_MESSAGE_PAYLOAD,
	FANFARE_MESSAGE_EXCEPT,
	FANFARE_MESSAGE_KEY,
	FANFARE_MESSAGE_TRACEPARENT,
};

/* Slots are filled past the property handlers: no lookup, no readonly check, for objects that nobody has seen yet. The
 * constructors make sure of that. */
static inline zval *fanfare_value_slot(zend_object *object, uint32_t n)
{
	zval *value = OBJ_PROP_NUM(object, n);

	Z_PROP_FLAG_P(value) = 0;
	return value;
}

/* The properties are readonly: a second call of the constructor must not change them. True with an exception thrown. */
bool fanfare_value_constructed(zend_object *object);

void fanfare_value_receipt(zval *out, const struct ff_ipc_receipt *receipt);
void fanfare_value_flush_result(zval *out, const struct fanfare_counts *counts, uint64_t unanswered);
void fanfare_value_channel(zval *out, const struct ff_ipc_channel *channel, bool partial);
void fanfare_value_member(zval *out, const struct ff_ipc_member *member);
void fanfare_value_stats(zval *out, const msgpack_object_map *map);

/* The channel of the connections that are signed in as this user; the caller releases it. */
zend_string *fanfare_value_user_channel(const zend_string *user);

#endif
