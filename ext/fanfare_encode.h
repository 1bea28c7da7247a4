/*
 * What a script passes in, as what goes on the wire.
 *
 * Encoding a payload may run code of the script (JsonSerializable), which may publish, throw or suspend: so all
 * payloads of a call are encoded first, into memory of the request, before anything of a connection is touched, and the
 * views of names are taken last.
 */
#ifndef FANFARE_ENCODE_H
#define FANFARE_ENCODE_H

#include "php.h"
#include "zend_smart_str.h"

#include "ipc_pack.h"

struct fanfare_payload {
	smart_str json;   /* if raw is NULL */
	zend_string *raw; /* borrowed */
};

/* `index` of a batch for the message, -1 for none: then the arguments are those of publish(). All errors that are
 * thrown name function and argument. */

/* payload NULL stands for []. False with an exception thrown. */
bool fanfare_encode_payload(struct fanfare_payload *out, zval *payload, zend_long flags, zend_long index);

struct ff_slice fanfare_payload_slice(const struct fanfare_payload *payload);

static inline void fanfare_payload_free(struct fanfare_payload *payload)
{
	smart_str_free(&payload->json);
}

/* How many channels there are; 0 with an exception thrown when that number, or one of them, cannot be. */
uint32_t fanfare_encode_count(HashTable *list, const zend_string *name, zend_long index);

/* Views of the names; out has room for as many as fanfare_encode_count() said. */
void fanfare_encode_channels(struct ff_slice *out, HashTable *list, const zend_string *name);

/* Lengths that the wire cannot carry. False with an exception thrown. */
bool fanfare_encode_check(const zend_string *event, const zend_string *except, const zend_string *key, zend_long index);

/* An id that a user can have. False with an exception thrown; the id is the function's first argument. */
bool fanfare_encode_user(const zend_string *id);

static inline struct ff_slice fanfare_slice(const zend_string *string)
{
	struct ff_slice slice = {NULL, 0};

	if (string != NULL) {
		slice.p = ZSTR_VAL(string);
		slice.len = (unsigned int) ZSTR_LEN(string);
	}
	return slice;
}

/* The daemon judges it; one that it would not look at for its length is left out here. */
static inline struct ff_slice fanfare_encode_trace(const zend_string *traceparent)
{
	return fanfare_slice(traceparent != NULL && ZSTR_LEN(traceparent) <= FF_IPC_MAX_TRACE ? traceparent : NULL);
}

#endif
