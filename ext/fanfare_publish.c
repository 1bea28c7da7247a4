/*
 * The methods of Fanfare\Client and the functions of the namespace that publish: from arguments to a peer and from its
 * answer to a value. Owns nothing beyond a call; fanfare_arginfo.h declares what is in here.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "fanfare_async.h"
#include "fanfare_client.h"
#include "fanfare_encode.h"
#include "fanfare_errors.h"
#include "fanfare_pool.h"
#include "fanfare_values.h"

#define PUBLISH_STACK_CHANNELS 16

static void publish_message(zval *return_value, struct fanfare_client *client, const struct ff_ipc_message *message,
                            bool cluster)
{
	struct fanfare_outcome outcome;
	struct fanfare_budget budget;
	struct ff_ipc_frame answer;
	struct fanfare_peer *peer;

	fanfare_pool_budget(client, &budget);
	peer = fanfare_pool_peer(client, &budget);
	if (UNEXPECTED(peer == NULL)) {
		return;
	}
	if (UNEXPECTED(fanfare_call_publish(peer, message, cluster, &budget, &answer, &outcome) != FANFARE_OK)) {
		fanfare_throw(&outcome, peer->identity.socket);
		return;
	}
	fanfare_value_receipt(return_value, &answer.receipts[0]);
}

static void publish_message_async(zval *return_value, struct fanfare_client *client,
                                  const struct ff_ipc_message *message, bool cluster)
{
	struct fanfare_outcome outcome;
	struct fanfare_budget budget;
	struct fanfare_peer *peer;
	uint64_t answers;
	enum fanfare_status status;

	fanfare_pool_async_budget(client, &budget);
	peer = fanfare_pool_peer(client, &budget);
	if (UNEXPECTED(peer == NULL)) {
		fanfare_pool_async_done(&budget, false);
		return;
	}
	answers = peer->answers;
	status = fanfare_async_push(peer, message, cluster, &budget, &outcome);
	fanfare_pool_async_done(&budget, peer->answers != answers);
	if (UNEXPECTED(status != FANFARE_OK)) {
		fanfare_throw(&outcome, peer->identity.socket);
		return;
	}
	RETURN_LONG((zend_long) fanfare_peer_pending(peer));
}

/* To the channels of a list, or to the one of this name if it is not NULL. */
static void publish_to(zval *return_value, struct fanfare_client *client, bool async, HashTable *list,
                       zend_string *name, zend_string *event, zval *payload_arg, zend_string *except, zend_string *key,
                       const zval *ack, zend_string *traceparent)
{
	struct fanfare_payload payload;
	struct ff_slice stack[PUBLISH_STACK_CHANNELS], *channels = stack;
	struct ff_ipc_message message;
	bool cluster = fanfare_client_by_cluster(client, ack);

	if (!fanfare_encode_check(event, except, key, -1) ||
	    !fanfare_encode_payload(&payload, payload_arg, client->json_flags, -1)) {
		return;
	}
	message.nchannels = fanfare_encode_count(list, name, -1);
	if (EXPECTED(message.nchannels != 0)) {
		if (UNEXPECTED(message.nchannels > PUBLISH_STACK_CHANNELS)) {
			channels = safe_emalloc(message.nchannels, sizeof(*channels), 0);
		}
		fanfare_encode_channels(channels, list, name);
		message.channels = channels;
		message.event = fanfare_slice(event);
		message.except = fanfare_slice(except);
		message.key = fanfare_slice(key);
		message.trace = fanfare_encode_trace(traceparent);
		message.data = fanfare_payload_slice(&payload);
		if (async) {
			publish_message_async(return_value, client, &message, cluster);
		} else {
			publish_message(return_value, client, &message, cluster);
		}
		if (UNEXPECTED(channels != stack)) {
			efree(channels);
		}
	}
	fanfare_payload_free(&payload);
}

static void publish_one(INTERNAL_FUNCTION_PARAMETERS, struct fanfare_client *client, bool async)
{
	HashTable *list;
	zend_string *name, *event, *except = NULL, *key = NULL, *traceparent = NULL;
	zval *payload = NULL, *ack = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 7)
		Z_PARAM_ARRAY_HT_OR_STR(list, name)
		Z_PARAM_STR(event)
		Z_PARAM_OPTIONAL
		Z_PARAM_ZVAL(payload)
		Z_PARAM_STR_OR_NULL(except)
		Z_PARAM_STR_OR_NULL(key)
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(ack, fanfare_ce_ack)
		Z_PARAM_STR_OR_NULL(traceparent)
	ZEND_PARSE_PARAMETERS_END();

	publish_to(return_value, client, async, list, name, event, payload, except, key, ack, traceparent);
}

/* ---- batches ---- */

struct publish_batch {
	uint32_t n;
	zend_object **objects; /* held, because a payload's code may let go of them */
	struct fanfare_payload *payloads;
	struct ff_ipc_message *messages;
	struct ff_slice *channels;
};

static zend_string *publish_string_or_null(const zval *value)
{
	return Z_TYPE_P(value) == IS_STRING ? Z_STR_P(value) : NULL;
}

/* Holds the objects and encodes the payloads; this may run the script's code. */
static bool publish_batch_encode(struct publish_batch *batch, HashTable *list, zend_long flags)
{
	zval *item;

	ZEND_HASH_FOREACH_VAL(list, item) {
		ZVAL_DEREF(item);
		if (Z_TYPE_P(item) != IS_OBJECT || Z_OBJCE_P(item) != fanfare_ce_message) {
			zend_argument_type_error(1, "must be a list of %s, %s found in it", ZSTR_VAL(fanfare_ce_message->name),
			                         zend_zval_type_name(item));
			return false;
		}
		if (Z_TYPE_P(OBJ_PROP_NUM(Z_OBJ_P(item), 0)) == IS_UNDEF) {
			zend_argument_value_error(1, "must not contain a message that was never constructed");
			return false;
		}
		batch->objects[batch->n++] = Z_OBJ_P(item);
		GC_ADDREF(Z_OBJ_P(item));
	}
	ZEND_HASH_FOREACH_END();

	for (uint32_t i = 0; i < batch->n; i++) {
		zval *slots = batch->objects[i]->properties_table;

		if (Z_TYPE(slots[FANFARE_MESSAGE_EVENT]) != IS_STRING || Z_TYPE(slots[FANFARE_MESSAGE_PAYLOAD]) == IS_UNDEF) {
			zend_argument_value_error(1, "must not contain a message that was never constructed");
			return false;
		}
		if (!fanfare_encode_check(Z_STR(slots[FANFARE_MESSAGE_EVENT]),
		                          publish_string_or_null(&slots[FANFARE_MESSAGE_EXCEPT]),
		                          publish_string_or_null(&slots[FANFARE_MESSAGE_KEY]), (zend_long) i) ||
		    !fanfare_encode_payload(&batch->payloads[i], &slots[FANFARE_MESSAGE_PAYLOAD], flags, (zend_long) i)) {
			return false;
		}
	}
	return true;
}

/* Takes the views; runs nothing of the script any more. */
static bool publish_batch_views(struct publish_batch *batch)
{
	size_t total = 0, at = 0;

	for (uint32_t i = 0; i < batch->n; i++) {
		zval *channels = &batch->objects[i]->properties_table[FANFARE_MESSAGE_CHANNELS];
		bool one = Z_TYPE_P(channels) == IS_STRING;
		uint32_t n =
			fanfare_encode_count(one ? NULL : Z_ARRVAL_P(channels), one ? Z_STR_P(channels) : NULL, (zend_long) i);

		if (n == 0) {
			return false;
		}
		batch->messages[i].nchannels = n;
		total += n;
	}
	batch->channels = safe_emalloc(total, sizeof(*batch->channels), 0);
	for (uint32_t i = 0; i < batch->n; i++) {
		zval *slots = batch->objects[i]->properties_table;
		zval *channels = &slots[FANFARE_MESSAGE_CHANNELS];
		bool one = Z_TYPE_P(channels) == IS_STRING;
		struct ff_ipc_message *message = &batch->messages[i];

		fanfare_encode_channels(batch->channels + at, one ? NULL : Z_ARRVAL_P(channels),
		                        one ? Z_STR_P(channels) : NULL);
		message->channels = batch->channels + at;
		at += message->nchannels;
		message->event = fanfare_slice(Z_STR(slots[FANFARE_MESSAGE_EVENT]));
		message->except = fanfare_slice(publish_string_or_null(&slots[FANFARE_MESSAGE_EXCEPT]));
		message->key = fanfare_slice(publish_string_or_null(&slots[FANFARE_MESSAGE_KEY]));
		message->trace = fanfare_encode_trace(publish_string_or_null(&slots[FANFARE_MESSAGE_TRACEPARENT]));
		message->data = fanfare_payload_slice(&batch->payloads[i]);
	}
	return true;
}

static void publish_batch_send(zval *return_value, struct fanfare_client *client, const struct publish_batch *batch,
                               bool cluster)
{
	struct fanfare_outcome outcome;
	struct fanfare_budget budget;
	struct ff_ipc_frame answer;
	struct fanfare_peer *peer;

	fanfare_pool_budget(client, &budget);
	peer = fanfare_pool_peer(client, &budget);
	if (peer == NULL) {
		return;
	}
	if (fanfare_call_batch(peer, batch->messages, batch->n, cluster, &budget, &answer, &outcome) != FANFARE_OK) {
		fanfare_throw(&outcome, peer->identity.socket);
		return;
	}
	array_init_size(return_value, batch->n);
	zend_hash_real_init_packed(Z_ARRVAL_P(return_value));
	ZEND_HASH_FILL_PACKED(Z_ARRVAL_P(return_value)) {
		for (uint32_t i = 0; i < batch->n; i++) {
			zval receipt;
			fanfare_value_receipt(&receipt, &answer.receipts[i]);
			ZEND_HASH_FILL_ADD(&receipt);
		}
	}
	ZEND_HASH_FILL_END();
}

static void publish_many(INTERNAL_FUNCTION_PARAMETERS, struct fanfare_client *client)
{
	HashTable *list;
	zval *ack = NULL;
	uint32_t n;
	bool cluster;
	struct publish_batch batch = {0};

	ZEND_PARSE_PARAMETERS_START(1, 2)
		Z_PARAM_ARRAY_HT(list)
		Z_PARAM_OPTIONAL
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(ack, fanfare_ce_ack)
	ZEND_PARSE_PARAMETERS_END();

	n = zend_hash_num_elements(list);
	if (n == 0) {
		RETURN_EMPTY_ARRAY();
	}
	if (n > FF_IPC_MAX_CHANNELS) {
		zend_argument_value_error(1, "must not have more than %u messages", FF_IPC_MAX_CHANNELS);
		RETURN_THROWS();
	}
	cluster = fanfare_client_by_cluster(client, ack);
	batch.objects = safe_emalloc(n, sizeof(*batch.objects), 0);
	batch.payloads = ecalloc(n, sizeof(*batch.payloads));
	batch.messages = ecalloc(n, sizeof(*batch.messages));

	if (publish_batch_encode(&batch, list, client->json_flags) && publish_batch_views(&batch)) {
		publish_batch_send(return_value, client, &batch, cluster);
	}

	for (uint32_t i = 0; i < batch.n; i++) {
		fanfare_payload_free(&batch.payloads[i]);
		OBJ_RELEASE(batch.objects[i]);
	}
	if (batch.channels != NULL) {
		efree(batch.channels);
	}
	efree(batch.messages);
	efree(batch.payloads);
	efree(batch.objects);
}

ZEND_METHOD(Fanfare_Client, publish)
{
	publish_one(INTERNAL_FUNCTION_PARAM_PASSTHRU, fanfare_client_of(Z_OBJ_P(ZEND_THIS)), false);
}

ZEND_METHOD(Fanfare_Client, publishAsync)
{
	publish_one(INTERNAL_FUNCTION_PARAM_PASSTHRU, fanfare_client_of(Z_OBJ_P(ZEND_THIS)), true);
}

ZEND_METHOD(Fanfare_Client, publishMany)
{
	publish_many(INTERNAL_FUNCTION_PARAM_PASSTHRU, fanfare_client_of(Z_OBJ_P(ZEND_THIS)));
}

ZEND_METHOD(Fanfare_Client, sendToUser)
{
	zend_string *user, *event, *except = NULL, *key = NULL, *traceparent = NULL, *name;
	zval *payload = NULL, *ack = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 7)
		Z_PARAM_STR(user)
		Z_PARAM_STR(event)
		Z_PARAM_OPTIONAL
		Z_PARAM_ZVAL(payload)
		Z_PARAM_STR_OR_NULL(except)
		Z_PARAM_STR_OR_NULL(key)
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(ack, fanfare_ce_ack)
		Z_PARAM_STR_OR_NULL(traceparent)
	ZEND_PARSE_PARAMETERS_END();

	if (!fanfare_encode_user(user)) {
		RETURN_THROWS();
	}
	name = fanfare_value_user_channel(user);
	publish_to(return_value, fanfare_client_of(Z_OBJ_P(ZEND_THIS)), false, NULL, name, event, payload, except, key, ack,
	           traceparent);
	zend_string_release(name);
}

ZEND_FUNCTION(Fanfare_publish)
{
	publish_one(INTERNAL_FUNCTION_PARAM_PASSTHRU, &FANFARE_G(defaults), false);
}

ZEND_FUNCTION(Fanfare_publish_async)
{
	publish_one(INTERNAL_FUNCTION_PARAM_PASSTHRU, &FANFARE_G(defaults), true);
}

ZEND_FUNCTION(Fanfare_publish_many)
{
	publish_many(INTERNAL_FUNCTION_PARAM_PASSTHRU, &FANFARE_G(defaults));
}

ZEND_FUNCTION(Fanfare_flush)
{
	struct fanfare_counts counts;
	uint64_t unanswered;
	double timeout = 0;
	bool is_null = true;

	ZEND_PARSE_PARAMETERS_START(0, 1)
		Z_PARAM_OPTIONAL
		Z_PARAM_DOUBLE_OR_NULL(timeout, is_null)
	ZEND_PARSE_PARAMETERS_END();

	if (!fanfare_client_flush_timeout(timeout, is_null)) {
		RETURN_THROWS();
	}
	unanswered = fanfare_pool_flush((uint64_t) ((is_null ? FANFARE_G(timeout) : timeout) * 1e9), &counts);
	fanfare_value_flush_result(return_value, &counts, unanswered);
}
