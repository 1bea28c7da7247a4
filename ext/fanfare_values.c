#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "ext/json/php_json.h"
#include "zend_exceptions.h"

#include "channel.h"
#include "fanfare_encode.h"
#include "fanfare_errors.h"
#include "fanfare_values.h"

bool fanfare_value_constructed(zend_object *object)
{
	if (Z_TYPE_P(OBJ_PROP_NUM(object, 0)) == IS_UNDEF) {
		return false;
	}
	zend_throw_error(NULL, "Cannot construct %s twice", ZSTR_VAL(object->ce->name));
	return true;
}

static void values_string_or_null(zval *value, zend_string *string)
{
	if (string == NULL) {
		ZVAL_NULL(value);
	} else {
		ZVAL_STR_COPY(value, string);
	}
}

void fanfare_value_receipt(zval *out, const struct ff_ipc_receipt *receipt)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_receipt);
	object = Z_OBJ_P(out);
	ZVAL_STRINGL(fanfare_value_slot(object, 0), receipt->id.p, receipt->id.len);
	ZVAL_LONG(fanfare_value_slot(object, 1), (zend_long) receipt->recipients);
	ZVAL_BOOL(fanfare_value_slot(object, 2), receipt->duplicate);
}

ZEND_METHOD(Fanfare_Receipt, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_string *id;
	zend_long recipients = 0;
	bool duplicate = false;

	ZEND_PARSE_PARAMETERS_START(1, 3)
		Z_PARAM_STR(id)
		Z_PARAM_OPTIONAL
		Z_PARAM_LONG(recipients)
		Z_PARAM_BOOL(duplicate)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, 0), id);
	ZVAL_LONG(fanfare_value_slot(object, 1), recipients);
	ZVAL_BOOL(fanfare_value_slot(object, 2), duplicate);
}

static void values_message(zend_object *object, zval *channels, zend_string *event, zval *payload, zend_string *except,
                           zend_string *key, zend_string *traceparent)
{
	ZVAL_COPY(fanfare_value_slot(object, FANFARE_MESSAGE_CHANNELS), channels);
	ZVAL_STR_COPY(fanfare_value_slot(object, FANFARE_MESSAGE_EVENT), event);
	if (payload != NULL) {
		ZVAL_COPY(fanfare_value_slot(object, FANFARE_MESSAGE_PAYLOAD), payload);
	} else {
		ZVAL_EMPTY_ARRAY(fanfare_value_slot(object, FANFARE_MESSAGE_PAYLOAD));
	}
	values_string_or_null(fanfare_value_slot(object, FANFARE_MESSAGE_EXCEPT), except);
	values_string_or_null(fanfare_value_slot(object, FANFARE_MESSAGE_KEY), key);
	values_string_or_null(fanfare_value_slot(object, FANFARE_MESSAGE_TRACEPARENT), traceparent);
}

ZEND_METHOD(Fanfare_Message, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	HashTable *list;
	zend_string *name, *event, *except = NULL, *key = NULL, *traceparent = NULL;
	zval *payload = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 6)
		Z_PARAM_ARRAY_HT_OR_STR(list, name)
		Z_PARAM_STR(event)
		Z_PARAM_OPTIONAL
		Z_PARAM_ZVAL(payload)
		Z_PARAM_STR_OR_NULL(except)
		Z_PARAM_STR_OR_NULL(key)
		Z_PARAM_STR_OR_NULL(traceparent)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	values_message(object, ZEND_CALL_ARG(execute_data, 1), event, payload, except, key, traceparent);
}

zend_string *fanfare_value_user_channel(const zend_string *user)
{
	return zend_string_concat2(FF_USER_CHANNEL_PREFIX, sizeof(FF_USER_CHANNEL_PREFIX) - 1, ZSTR_VAL(user),
	                           ZSTR_LEN(user));
}

ZEND_METHOD(Fanfare_Message, toUser)
{
	zend_string *user, *event, *except = NULL, *key = NULL, *traceparent = NULL;
	zval *payload = NULL, channel;

	ZEND_PARSE_PARAMETERS_START(2, 6)
		Z_PARAM_STR(user)
		Z_PARAM_STR(event)
		Z_PARAM_OPTIONAL
		Z_PARAM_ZVAL(payload)
		Z_PARAM_STR_OR_NULL(except)
		Z_PARAM_STR_OR_NULL(key)
		Z_PARAM_STR_OR_NULL(traceparent)
	ZEND_PARSE_PARAMETERS_END();

	if (!fanfare_encode_user(user)) {
		RETURN_THROWS();
	}
	ZVAL_STR(&channel, fanfare_value_user_channel(user));
	object_init_ex(return_value, fanfare_ce_message);
	values_message(Z_OBJ_P(return_value), &channel, event, payload, except, key, traceparent);
	zval_ptr_dtor_str(&channel);
}

void fanfare_value_flush_result(zval *out, const struct fanfare_counts *counts, uint64_t unanswered)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_flush_result);
	object = Z_OBJ_P(out);
	ZVAL_LONG(fanfare_value_slot(object, 0), (zend_long) counts->acknowledged);
	ZVAL_LONG(fanfare_value_slot(object, 1), (zend_long) counts->rejected);
	ZVAL_LONG(fanfare_value_slot(object, 2), (zend_long) unanswered);
	if (counts->failed) {
		fanfare_exception(fanfare_value_slot(object, 3), &counts->first, counts->where);
	} else {
		ZVAL_NULL(fanfare_value_slot(object, 3));
	}
	ZVAL_LONG(fanfare_value_slot(object, 4), (zend_long) counts->unconfirmed);
}

ZEND_METHOD(Fanfare_FlushResult, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_long acknowledged = 0, rejected = 0, unanswered = 0, unconfirmed = 0;
	zval *error = NULL;

	ZEND_PARSE_PARAMETERS_START(0, 5)
		Z_PARAM_OPTIONAL
		Z_PARAM_LONG(acknowledged)
		Z_PARAM_LONG(rejected)
		Z_PARAM_LONG(unanswered)
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(error, fanfare_ce_exception)
		Z_PARAM_LONG(unconfirmed)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_LONG(fanfare_value_slot(object, 0), acknowledged);
	ZVAL_LONG(fanfare_value_slot(object, 1), rejected);
	ZVAL_LONG(fanfare_value_slot(object, 2), unanswered);
	if (error != NULL) {
		ZVAL_COPY(fanfare_value_slot(object, 3), error);
	} else {
		ZVAL_NULL(fanfare_value_slot(object, 3));
	}
	ZVAL_LONG(fanfare_value_slot(object, 4), unconfirmed);
}

static void values_cached_event(zval *out, const struct ff_ipc_channel *channel)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_cached_event);
	object = Z_OBJ_P(out);
	ZVAL_STRINGL(fanfare_value_slot(object, 0), channel->data.p, channel->data.len);
	ZVAL_LONG(fanfare_value_slot(object, 1), (zend_long) channel->ttl);
}

ZEND_METHOD(Fanfare_CachedEvent, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_string *data;
	zend_long ttl = 0;

	ZEND_PARSE_PARAMETERS_START(1, 2)
		Z_PARAM_STR(data)
		Z_PARAM_OPTIONAL
		Z_PARAM_LONG(ttl)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, 0), data);
	ZVAL_LONG(fanfare_value_slot(object, 1), ttl);
}

void fanfare_value_channel(zval *out, const struct ff_ipc_channel *channel, bool partial)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_channel);
	object = Z_OBJ_P(out);
	ZVAL_STRINGL(fanfare_value_slot(object, 0), channel->name.p, channel->name.len);
	ZVAL_BOOL(fanfare_value_slot(object, 1), channel->occupied);
	ZVAL_LONG(fanfare_value_slot(object, 2), (zend_long) channel->subscriptions);
	if (channel->has_users) {
		ZVAL_LONG(fanfare_value_slot(object, 3), (zend_long) channel->users);
	} else {
		ZVAL_NULL(fanfare_value_slot(object, 3));
	}
	if (channel->data.p != NULL) {
		values_cached_event(fanfare_value_slot(object, 4), channel);
	} else {
		ZVAL_NULL(fanfare_value_slot(object, 4));
	}
	ZVAL_BOOL(fanfare_value_slot(object, 5), partial);
}

ZEND_METHOD(Fanfare_Channel, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_string *name;
	bool occupied = false, no_members = true, partial = false;
	zend_long subscriptions = 0, members = 0;
	zval *cache = NULL;

	ZEND_PARSE_PARAMETERS_START(1, 6)
		Z_PARAM_STR(name)
		Z_PARAM_OPTIONAL
		Z_PARAM_BOOL(occupied)
		Z_PARAM_LONG(subscriptions)
		Z_PARAM_LONG_OR_NULL(members, no_members)
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(cache, fanfare_ce_cached_event)
		Z_PARAM_BOOL(partial)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, 0), name);
	ZVAL_BOOL(fanfare_value_slot(object, 1), occupied);
	ZVAL_LONG(fanfare_value_slot(object, 2), subscriptions);
	if (no_members) {
		ZVAL_NULL(fanfare_value_slot(object, 3));
	} else {
		ZVAL_LONG(fanfare_value_slot(object, 3), members);
	}
	if (cache != NULL) {
		ZVAL_COPY(fanfare_value_slot(object, 4), cache);
	} else {
		ZVAL_NULL(fanfare_value_slot(object, 4));
	}
	ZVAL_BOOL(fanfare_value_slot(object, 5), partial);
}

/* What json_decode($text, true) returns. The decoder leaves its error where json_last_error() finds it, which is the
 * script's. */
static void values_decode(zval *out, struct ff_slice text)
{
	int saved = JSON_G(error_code);
	zend_string *terminated = zend_string_init(text.p, text.len, 0); /* as the decoder wants it */

	ZVAL_NULL(out);
	php_json_decode_ex(out, ZSTR_VAL(terminated), ZSTR_LEN(terminated), PHP_JSON_OBJECT_AS_ARRAY,
	                   PHP_JSON_PARSER_DEFAULT_DEPTH);
	zend_string_release(terminated);
	JSON_G(error_code) = saved;
}

void fanfare_value_member(zval *out, const struct ff_ipc_member *member)
{
	zend_object *object;
	zval info;

	ZVAL_NULL(&info);
	if (member->info.p != NULL) {
		values_decode(&info, member->info);
	}
	object_init_ex(out, fanfare_ce_member);
	object = Z_OBJ_P(out);
	ZVAL_STRINGL(fanfare_value_slot(object, 0), member->user_id.p, member->user_id.len);
	ZVAL_COPY_VALUE(fanfare_value_slot(object, 1), &info);
}

ZEND_METHOD(Fanfare_Member, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_string *id;
	zval *info = NULL;

	ZEND_PARSE_PARAMETERS_START(1, 2)
		Z_PARAM_STR(id)
		Z_PARAM_OPTIONAL
		Z_PARAM_ZVAL(info)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, 0), id);
	if (info != NULL) {
		ZVAL_COPY(fanfare_value_slot(object, 1), info);
	} else {
		ZVAL_NULL(fanfare_value_slot(object, 1));
	}
}

/* The daemon's words for the slots of Stats between version and draining, in their order. */
static const char *const values_stats[] = {
	"pid", "uptime", "connections", "channels", "messages_in", "messages_out", "bytes_out", "dropped",
};

#define VALUES_STATS (sizeof(values_stats) / sizeof(values_stats[0]))

static bool values_is_word(const msgpack_object *key, const char *word)
{
	size_t len = strlen(word);

	return key->type == MSGPACK_OBJECT_STR && key->via.str.size == len && memcmp(key->via.str.ptr, word, len) == 0;
}

/* A figure that has a property of its own. */
static bool values_stats_known(zend_object *object, const msgpack_object *key, const msgpack_object *value)
{
	if (value->type == MSGPACK_OBJECT_STR && values_is_word(key, "version")) {
		zval_ptr_dtor_str(fanfare_value_slot(object, 0));
		ZVAL_STRINGL(fanfare_value_slot(object, 0), value->via.str.ptr, value->via.str.size);
		return true;
	}
	if (value->type == MSGPACK_OBJECT_BOOLEAN && values_is_word(key, "draining")) {
		ZVAL_BOOL(fanfare_value_slot(object, 1 + VALUES_STATS), value->via.boolean);
		return true;
	}
	for (uint32_t i = 0; i < VALUES_STATS && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER; i++) {
		if (values_is_word(key, values_stats[i])) {
			ZVAL_LONG(fanfare_value_slot(object, 1 + i), (zend_long) value->via.u64);
			return true;
		}
	}
	return false;
}

/* One of the others, of the kinds that the protocol has for them. */
static void values_stats_extra(zval *extra, const msgpack_object *key, const msgpack_object *value)
{
	zval item;

	if (key->type != MSGPACK_OBJECT_STR) {
		return;
	}
	switch (value->type) {
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		ZVAL_LONG(&item, (zend_long) value->via.u64);
		break;
	case MSGPACK_OBJECT_BOOLEAN:
		ZVAL_BOOL(&item, value->via.boolean);
		break;
	case MSGPACK_OBJECT_STR:
		ZVAL_STRINGL(&item, value->via.str.ptr, value->via.str.size);
		break;
	default:
		return;
	}
	zend_symtable_str_update(Z_ARRVAL_P(extra), key->via.str.ptr, key->via.str.size, &item);
}

void fanfare_value_stats(zval *out, const msgpack_object_map *map)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_stats);
	object = Z_OBJ_P(out);
	ZVAL_EMPTY_STRING(fanfare_value_slot(object, 0));
	for (uint32_t i = 0; i < VALUES_STATS; i++) {
		ZVAL_LONG(fanfare_value_slot(object, 1 + i), 0);
	}
	ZVAL_FALSE(fanfare_value_slot(object, 1 + VALUES_STATS));
	array_init(fanfare_value_slot(object, 2 + VALUES_STATS));

	for (uint32_t n = 0; n < map->size; n++) {
		const msgpack_object *key = &map->ptr[n].key, *value = &map->ptr[n].val;

		if (!values_stats_known(object, key, value)) {
			values_stats_extra(OBJ_PROP_NUM(object, 2 + VALUES_STATS), key, value);
		}
	}
}

ZEND_METHOD(Fanfare_Stats, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_string *version = ZSTR_EMPTY_ALLOC();
	zend_long n[VALUES_STATS] = {0};
	bool draining = false;
	zval *extra = NULL;

	ZEND_PARSE_PARAMETERS_START(0, 11)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR(version)
		Z_PARAM_LONG(n[0])
		Z_PARAM_LONG(n[1])
		Z_PARAM_LONG(n[2])
		Z_PARAM_LONG(n[3])
		Z_PARAM_LONG(n[4])
		Z_PARAM_LONG(n[5])
		Z_PARAM_LONG(n[6])
		Z_PARAM_LONG(n[7])
		Z_PARAM_BOOL(draining)
		Z_PARAM_ARRAY(extra)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, 0), version);
	for (uint32_t i = 0; i < VALUES_STATS; i++) {
		ZVAL_LONG(fanfare_value_slot(object, 1 + i), n[i]);
	}
	ZVAL_BOOL(fanfare_value_slot(object, 1 + VALUES_STATS), draining);
	if (extra != NULL) {
		ZVAL_COPY(fanfare_value_slot(object, 2 + VALUES_STATS), extra);
	} else {
		ZVAL_EMPTY_ARRAY(fanfare_value_slot(object, 2 + VALUES_STATS));
	}
}
