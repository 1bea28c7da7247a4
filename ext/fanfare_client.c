#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "zend_exceptions.h"

#include "fanfare_classes.h"
#include "fanfare_client.h"
#include "fanfare_encode.h"
#include "fanfare_errors.h"
#include "fanfare_pool.h"
#include "channel.h"

#define MAX_TIMEOUT    86400.0
#define STACK_CHANNELS 16

static zend_object_handlers handlers;

static struct fanfare_client *client_of(zend_object *object)
{
	return (struct fanfare_client *) ((char *) object - offsetof(struct fanfare_client, std));
}

static zend_object *client_create(zend_class_entry *ce)
{
	struct fanfare_client *client = zend_object_alloc(sizeof(*client), ce);

	zend_object_std_init(&client->std, ce);
	object_properties_init(&client->std, ce);
	client->std.handlers = &handlers;
	return &client->std;
}

static void client_free(zend_object *object)
{
	struct fanfare_client *client = client_of(object);

	if (client->app != NULL) {
		zend_string_release(client->app);
	}
	if (client->secret != NULL) {
		zend_string_release(client->secret);
	}
	if (client->socket != NULL) {
		zend_string_release(client->socket);
	}
	zend_object_std_dtor(object);
}

/* For var_dump() and error pages: never the secret. */
static HashTable *client_debug_info(zend_object *object, int *is_temp)
{
	struct fanfare_client *client = client_of(object);
	struct fanfare_peer *peer = fanfare_pool_peer(client, true);
	const char *app = client->app != NULL ? ZSTR_VAL(client->app) : FANFARE_G(app_id);
	const char *socket = client->socket != NULL ? ZSTR_VAL(client->socket) : FANFARE_G(socket);
	const char *state = "new";
	HashTable *info = zend_new_array(5);
	zval value;

	if (peer != NULL) {
		fanfare_peer_check_fork(peer);
		if (peer->fd >= 0) {
			state = "connected";
		} else if (peer->breaker_failures != 0 && FANFARE_G(breaker) > 0 &&
		           peer->breaker_failures >= (zend_ulong) FANFARE_G(breaker) &&
		           fanfare_io_now() < peer->breaker_until) {
			state = "paused";
		} else {
			state = "disconnected";
		}
	}
	*is_temp = 1;
	if (app == NULL || app[0] == '\0') {
		ZVAL_NULL(&value);
	} else {
		ZVAL_STRING(&value, app);
	}
	zend_hash_str_add(info, "app", sizeof("app") - 1, &value);
	ZVAL_STRING(&value, socket != NULL ? socket : "");
	zend_hash_str_add(info, "socket", sizeof("socket") - 1, &value);
	ZVAL_DOUBLE(&value, client->timeout > 0 ? client->timeout : FANFARE_G(timeout));
	zend_hash_str_add(info, "timeout", sizeof("timeout") - 1, &value);
	ZVAL_STRING(&value, state);
	zend_hash_str_add(info, "state", sizeof("state") - 1, &value);
	ZVAL_LONG(&value, peer != NULL ? (zend_long) fanfare_peer_pending(peer) : 0);
	zend_hash_str_add(info, "pending", sizeof("pending") - 1, &value);
	return info;
}

void fanfare_client_minit(void)
{
	fanfare_ce_client->create_object = client_create;
	memcpy(&handlers, zend_get_std_object_handlers(), sizeof(handlers));
	handlers.offset = offsetof(struct fanfare_client, std);
	handlers.free_obj = client_free;
	handlers.clone_obj = NULL;
	handlers.get_debug_info = client_debug_info;
}

ZEND_METHOD(Fanfare_Client, __construct)
{
	struct fanfare_client *client = client_of(Z_OBJ_P(ZEND_THIS));
	zend_string *app = NULL, *secret = NULL, *socket = NULL;
	double timeout = 0;
	bool no_timeout = true;
	zend_long flags = 0;

	ZEND_PARSE_PARAMETERS_START(0, 5)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR_OR_NULL(app)
		Z_PARAM_STR_OR_NULL(secret)
		Z_PARAM_PATH_STR_OR_NULL(socket)
		Z_PARAM_DOUBLE_OR_NULL(timeout, no_timeout)
		Z_PARAM_LONG(flags)
	ZEND_PARSE_PARAMETERS_END();

	if (client->constructed) {
		zend_throw_error(NULL, "Cannot construct %s twice", ZSTR_VAL(fanfare_ce_client->name));
		RETURN_THROWS();
	}
	if (!no_timeout && !(timeout > 0 && timeout <= MAX_TIMEOUT)) {
		zend_argument_value_error(4, "must be greater than 0 and at most %d seconds", (int) MAX_TIMEOUT);
		RETURN_THROWS();
	}
	client->constructed = true;
	client->app = app != NULL ? zend_string_copy(app) : NULL;
	client->secret = secret != NULL ? zend_string_copy(secret) : NULL;
	client->socket = socket != NULL ? zend_string_copy(socket) : NULL;
	client->timeout = no_timeout ? 0 : timeout;
	client->json_flags = flags;
}

static void throw_outcome(const struct fanfare_outcome *outcome, const struct fanfare_peer *peer)
{
	fanfare_throw(outcome, peer->socket);
}

static void publish_payload(zval *return_value, struct fanfare_client *client, bool async,
                            struct ff_ipc_message *message)
{
	struct fanfare_outcome outcome;
	struct fanfare_budget budget;
	struct fanfare_peer *peer = fanfare_pool_peer(client, false);

	if (UNEXPECTED(peer == NULL)) {
		return;
	}
	fanfare_pool_budget(client, &budget);
	if (async) {
		if (EXPECTED(fanfare_peer_push(peer, message, &budget, &outcome) == FANFARE_OK)) {
			RETURN_LONG((zend_long) fanfare_peer_pending(peer));
		}
	} else {
		struct ff_ipc_frame answer;

		if (EXPECTED(fanfare_peer_publish(peer, message, &budget, &answer, &outcome) == FANFARE_OK)) {
			fanfare_receipt(return_value, &answer.receipts[0]);
			return;
		}
	}
	throw_outcome(&outcome, peer);
}

/* To the channels of a list, or to the one of this name if it is not NULL. */
static void publish_to(zval *return_value, struct fanfare_client *client, bool async, HashTable *list,
                       zend_string *name, zend_string *event, zval *payload_arg, zend_string *except, zend_string *key)
{
	struct fanfare_payload payload;
	struct ff_slice stack[STACK_CHANNELS], *channels = stack;
	struct ff_ipc_message message;

	if (!fanfare_encode_check(event, except, key) ||
	    !fanfare_encode_payload(&payload, payload_arg, client->json_flags, -1)) {
		return;
	}
	message.nchannels = fanfare_encode_count(list, name, "Channels");
	if (EXPECTED(message.nchannels != 0)) {
		if (UNEXPECTED(message.nchannels > STACK_CHANNELS)) {
			channels = safe_emalloc(message.nchannels, sizeof(*channels), 0);
		}
		fanfare_encode_channels(channels, list, name);
		message.channels = channels;
		message.event = fanfare_slice(event);
		message.except = fanfare_slice(except);
		message.key = fanfare_slice(key);
		message.data = fanfare_payload_slice(&payload);
		publish_payload(return_value, client, async, &message);
		if (UNEXPECTED(channels != stack)) {
			efree(channels);
		}
	}
	fanfare_payload_free(&payload);
}

static void publish(INTERNAL_FUNCTION_PARAMETERS, struct fanfare_client *client, bool async)
{
	HashTable *list;
	zend_string *name, *event, *except = NULL, *key = NULL;
	zval *payload = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 5)
		Z_PARAM_ARRAY_HT_OR_STR(list, name)
		Z_PARAM_STR(event)
		Z_PARAM_OPTIONAL
		Z_PARAM_ZVAL(payload)
		Z_PARAM_STR_OR_NULL(except)
		Z_PARAM_STR_OR_NULL(key)
	ZEND_PARSE_PARAMETERS_END();

	publish_to(return_value, client, async, list, name, event, payload, except, key);
}

/* ---- batches ---- */

struct batch {
	uint32_t n;
	zend_object **objects; /* held, because a payload's code may let go of them */
	struct fanfare_payload *payloads;
	struct ff_ipc_message *messages;
	struct ff_slice *channels;
};

static zend_string *string_or_null(const zval *value)
{
	return Z_TYPE_P(value) == IS_STRING ? Z_STR_P(value) : NULL;
}

/* Holds the objects and encodes the payloads; this may run the script's code. */
static bool batch_encode(struct batch *batch, HashTable *list, zend_long flags)
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
		if (!fanfare_encode_check(Z_STR(slots[FANFARE_MESSAGE_EVENT]), string_or_null(&slots[FANFARE_MESSAGE_EXCEPT]),
		                          string_or_null(&slots[FANFARE_MESSAGE_KEY])) ||
		    !fanfare_encode_payload(&batch->payloads[i], &slots[FANFARE_MESSAGE_PAYLOAD], flags, (zend_long) i)) {
			return false;
		}
	}
	return true;
}

/* Takes the views; runs nothing of the script any more. */
static bool batch_views(struct batch *batch)
{
	size_t total = 0, at = 0;

	for (uint32_t i = 0; i < batch->n; i++) {
		zval *channels = &batch->objects[i]->properties_table[FANFARE_MESSAGE_CHANNELS];
		bool one = Z_TYPE_P(channels) == IS_STRING;
		uint32_t n = fanfare_encode_count(one ? NULL : Z_ARRVAL_P(channels), one ? Z_STR_P(channels) : NULL,
		                                  "Channels of a message");

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
		message->except = fanfare_slice(string_or_null(&slots[FANFARE_MESSAGE_EXCEPT]));
		message->key = fanfare_slice(string_or_null(&slots[FANFARE_MESSAGE_KEY]));
		message->data = fanfare_payload_slice(&batch->payloads[i]);
	}
	return true;
}

static void batch_publish(zval *return_value, struct fanfare_client *client, const struct batch *batch)
{
	struct fanfare_outcome outcome;
	struct fanfare_budget budget;
	struct ff_ipc_frame answer;
	struct fanfare_peer *peer = fanfare_pool_peer(client, false);

	if (peer == NULL) {
		return;
	}
	fanfare_pool_budget(client, &budget);
	if (fanfare_peer_batch(peer, batch->messages, batch->n, &budget, &answer, &outcome) != FANFARE_OK) {
		throw_outcome(&outcome, peer);
		return;
	}
	if (answer.nreceipts != batch->n) {
		outcome = (struct fanfare_outcome){.status = FANFARE_PROTOCOL, .phase = FANFARE_PHASE_ACK, .index = -1};
		outcome.maybe_delivered = true;
		snprintf(outcome.text, sizeof(outcome.text), "%u receipts for %u messages", answer.nreceipts, batch->n);
		throw_outcome(&outcome, peer);
		return;
	}
	array_init_size(return_value, batch->n);
	zend_hash_real_init_packed(Z_ARRVAL_P(return_value));
	ZEND_HASH_FILL_PACKED(Z_ARRVAL_P(return_value)) {
		for (uint32_t i = 0; i < batch->n; i++) {
			zval receipt;
			fanfare_receipt(&receipt, &answer.receipts[i]);
			ZEND_HASH_FILL_ADD(&receipt);
		}
	}
	ZEND_HASH_FILL_END();
}

static void publish_many(INTERNAL_FUNCTION_PARAMETERS, struct fanfare_client *client)
{
	HashTable *list;
	uint32_t n;
	struct batch batch = {0};

	ZEND_PARSE_PARAMETERS_START(1, 1)
		Z_PARAM_ARRAY_HT(list)
	ZEND_PARSE_PARAMETERS_END();

	n = zend_hash_num_elements(list);
	if (n == 0) {
		RETURN_EMPTY_ARRAY();
	}
	if (n > FF_IPC_MAX_CHANNELS) {
		zend_argument_value_error(1, "must not have more than %u messages", FF_IPC_MAX_CHANNELS);
		RETURN_THROWS();
	}
	batch.objects = safe_emalloc(n, sizeof(*batch.objects), 0);
	batch.payloads = ecalloc(n, sizeof(*batch.payloads));
	batch.messages = ecalloc(n, sizeof(*batch.messages));

	if (batch_encode(&batch, list, client->json_flags) && batch_views(&batch)) {
		batch_publish(return_value, client, &batch);
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

/* ---- the rest ---- */

static bool flush_timeout(double timeout, bool is_null)
{
	if (!is_null && !(timeout >= 0 && timeout <= MAX_TIMEOUT)) {
		zend_argument_value_error(1, "must be between 0 and %d seconds", (int) MAX_TIMEOUT);
		return false;
	}
	return true;
}

bool fanfare_client_ask(zval *this, const struct fanfare_question *question, struct ff_ipc_frame *answer)
{
	struct fanfare_client *client = client_of(Z_OBJ_P(this));
	struct fanfare_outcome outcome;
	struct fanfare_budget budget;
	struct fanfare_peer *peer = fanfare_pool_peer(client, false);

	if (peer == NULL) {
		return false;
	}
	fanfare_pool_budget(client, &budget);
	if (fanfare_peer_ask(peer, question, &budget, answer, &outcome) != FANFARE_OK) {
		throw_outcome(&outcome, peer);
		return false;
	}
	return true;
}

bool fanfare_user_id(const zend_string *id)
{
	if (ff_user_id_valid(ZSTR_VAL(id), ZSTR_LEN(id))) {
		return true;
	}
	zend_argument_value_error(1, "must have between 1 and %u bytes of valid UTF-8", FF_MAX_USER_ID);
	return false;
}

ZEND_METHOD(Fanfare_Client, publish)
{
	publish(INTERNAL_FUNCTION_PARAM_PASSTHRU, client_of(Z_OBJ_P(ZEND_THIS)), false);
}

ZEND_METHOD(Fanfare_Client, publishAsync)
{
	publish(INTERNAL_FUNCTION_PARAM_PASSTHRU, client_of(Z_OBJ_P(ZEND_THIS)), true);
}

ZEND_METHOD(Fanfare_Client, publishMany)
{
	publish_many(INTERNAL_FUNCTION_PARAM_PASSTHRU, client_of(Z_OBJ_P(ZEND_THIS)));
}

ZEND_METHOD(Fanfare_Client, sendToUser)
{
	zend_string *user, *event, *except = NULL, *key = NULL, *name;
	zval *payload = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 5)
		Z_PARAM_STR(user)
		Z_PARAM_STR(event)
		Z_PARAM_OPTIONAL
		Z_PARAM_ZVAL(payload)
		Z_PARAM_STR_OR_NULL(except)
		Z_PARAM_STR_OR_NULL(key)
	ZEND_PARSE_PARAMETERS_END();

	if (!fanfare_user_id(user)) {
		RETURN_THROWS();
	}
	name = zend_string_concat2(FF_USER_CHANNEL_PREFIX, sizeof(FF_USER_CHANNEL_PREFIX) - 1, ZSTR_VAL(user),
	                           ZSTR_LEN(user));
	publish_to(return_value, client_of(Z_OBJ_P(ZEND_THIS)), false, NULL, name, event, payload, except, key);
	zend_string_release(name);
}

ZEND_METHOD(Fanfare_Client, pending)
{
	struct fanfare_peer *peer;

	ZEND_PARSE_PARAMETERS_NONE();

	peer = fanfare_pool_peer(client_of(Z_OBJ_P(ZEND_THIS)), true);
	if (peer == NULL) {
		RETURN_LONG(0);
	}
	fanfare_peer_check_fork(peer);
	RETURN_LONG((zend_long) fanfare_peer_pending(peer));
}

ZEND_METHOD(Fanfare_Client, flush)
{
	struct fanfare_client *client = client_of(Z_OBJ_P(ZEND_THIS));
	struct fanfare_peer *peer;
	struct fanfare_tally tally;
	unsigned int unknown = 0;
	double timeout = 0;
	bool is_null = true;

	ZEND_PARSE_PARAMETERS_START(0, 1)
		Z_PARAM_OPTIONAL
		Z_PARAM_DOUBLE_OR_NULL(timeout, is_null)
	ZEND_PARSE_PARAMETERS_END();

	if (!flush_timeout(timeout, is_null)) {
		RETURN_THROWS();
	}
	memset(&tally, 0, sizeof(tally));
	peer = fanfare_pool_peer(client, true);
	if (peer != NULL) {
		struct fanfare_budget budget;
		struct fanfare_outcome outcome;

		fanfare_pool_budget(client, &budget);
		if (is_null) {
			timeout = budget.timeout;
		}
		unknown = fanfare_peer_collect(peer, fanfare_io_now() + (uint64_t) (timeout * 1e9), &outcome);
		if (unknown != 0) {
			fanfare_peer_tally_failure(peer, &outcome);
		}
		fanfare_tally_take(&tally, &peer->tally);
	}
	fanfare_flush_result(return_value, &tally, unknown);
}

ZEND_FUNCTION(Fanfare_publish)
{
	publish(INTERNAL_FUNCTION_PARAM_PASSTHRU, &FANFARE_G(defaults), false);
}

ZEND_FUNCTION(Fanfare_publish_async)
{
	publish(INTERNAL_FUNCTION_PARAM_PASSTHRU, &FANFARE_G(defaults), true);
}

ZEND_FUNCTION(Fanfare_publish_many)
{
	publish_many(INTERNAL_FUNCTION_PARAM_PASSTHRU, &FANFARE_G(defaults));
}

ZEND_FUNCTION(Fanfare_flush)
{
	struct fanfare_tally tally;
	uint64_t unknown;
	double timeout = 0;
	bool is_null = true;

	ZEND_PARSE_PARAMETERS_START(0, 1)
		Z_PARAM_OPTIONAL
		Z_PARAM_DOUBLE_OR_NULL(timeout, is_null)
	ZEND_PARSE_PARAMETERS_END();

	if (!flush_timeout(timeout, is_null)) {
		RETURN_THROWS();
	}
	unknown = fanfare_pool_flush(is_null ? FANFARE_G(timeout) : timeout, &tally);
	fanfare_flush_result(return_value, &tally, unknown);
}
