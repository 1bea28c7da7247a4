#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include <string.h>
#include <time.h>

#include "zend_enum.h"
#include "zend_exceptions.h"
#include "zend_smart_str.h"

#include "fanfare_event.h"
#include "fanfare_values.h"

/* The slots of Event, in the order of its declaration. */
enum {
	EVENT_ID,
	EVENT_TYPE,
	EVENT_TIME,
	EVENT_ATTEMPT,
	EVENT_ORDER,
	EVENT_CHANNEL,
	EVENT_USER_ID,
	EVENT_SOCKET_ID,
	EVENT_EVENT,
	EVENT_DATA,
	EVENT_COUNT,
};

enum {
	SNAPSHOT_ORDER,
	SNAPSHOT_CHANNELS,
	SNAPSHOT_MEMBERS,
};

/* The cases of EventType, by the daemon's numbers. */
static const char *const event_cases[FF_IPC_EVENT_TYPES] = {
	[FF_IPC_CHANNEL_OCCUPIED] = "ChannelOccupied",   [FF_IPC_CHANNEL_VACATED] = "ChannelVacated",
	[FF_IPC_MEMBER_ADDED] = "MemberAdded",           [FF_IPC_MEMBER_REMOVED] = "MemberRemoved",
	[FF_IPC_CLIENT_EVENT] = "ClientEvent",           [FF_IPC_CACHE_MISS] = "CacheMiss",
	[FF_IPC_COUNT_CHANGED] = "SubscriptionCount",    [FF_IPC_CONNECTION_OPENED] = "ConnectionOpened",
	[FF_IPC_CONNECTION_CLOSED] = "ConnectionClosed", [FF_IPC_USER_ONLINE] = "UserOnline",
	[FF_IPC_USER_OFFLINE] = "UserOffline",           [FF_IPC_EVENTS_LOST] = "EventsLost",
};

static void event_type(zval *out, enum ff_ipc_event_type type)
{
	ZVAL_OBJ_COPY(out, zend_enum_get_case_cstr(fanfare_ce_event_type, event_cases[type]));
}

static void event_text(zval *out, struct ff_slice text)
{
	if (text.p == NULL) {
		ZVAL_NULL(out);
	} else {
		ZVAL_STRINGL(out, text.p, text.len);
	}
}

void fanfare_value_event(zval *out, const struct ff_ipc_event *event)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_event);
	object = Z_OBJ_P(out);
	ZVAL_STRINGL(fanfare_value_slot(object, EVENT_ID), event->id.p, event->id.len);
	event_type(fanfare_value_slot(object, EVENT_TYPE), event->type);
	ZVAL_DOUBLE(fanfare_value_slot(object, EVENT_TIME), (double) event->unix_ms / 1000);
	ZVAL_LONG(fanfare_value_slot(object, EVENT_ATTEMPT), (zend_long) event->attempt);
	ZVAL_LONG(fanfare_value_slot(object, EVENT_ORDER), (zend_long) event->order);
	event_text(fanfare_value_slot(object, EVENT_CHANNEL), event->channel);
	event_text(fanfare_value_slot(object, EVENT_USER_ID), event->user_id);
	event_text(fanfare_value_slot(object, EVENT_SOCKET_ID), event->socket_id);
	event_text(fanfare_value_slot(object, EVENT_EVENT), event->event);
	event_text(fanfare_value_slot(object, EVENT_DATA), event->data);
	if (event->has_count) {
		ZVAL_LONG(fanfare_value_slot(object, EVENT_COUNT), (zend_long) event->count);
	} else {
		ZVAL_NULL(fanfare_value_slot(object, EVENT_COUNT));
	}
}

void fanfare_value_group_lost(zval *out)
{
	struct ff_ipc_event event = {.id = {"", 0}, .type = FF_IPC_EVENTS_LOST, .attempt = 1};
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	event.unix_ms = (uint64_t) ts.tv_sec * 1000u + (uint64_t) ts.tv_nsec / 1000000u;
	fanfare_value_event(out, &event);
}

zend_string *fanfare_event_id(zend_object *event)
{
	const zval *id = OBJ_PROP_NUM(event, EVENT_ID);

	/* reflection makes objects without their constructor */
	return Z_TYPE_P(id) == IS_STRING ? Z_STR_P(id) : ZSTR_EMPTY_ALLOC();
}

static void event_string_or_null(zval *out, zend_string *string)
{
	if (string == NULL) {
		ZVAL_NULL(out);
	} else {
		ZVAL_STR_COPY(out, string);
	}
}

ZEND_METHOD(Fanfare_Event, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_string *id, *channel = NULL, *user = NULL, *socket = NULL, *event = NULL, *data = NULL;
	zval *type;
	double time = 0;
	zend_long attempt = 1, order = 0, count = 0;
	bool no_count = true;

	ZEND_PARSE_PARAMETERS_START(2, 11)
		Z_PARAM_STR(id)
		Z_PARAM_OBJECT_OF_CLASS(type, fanfare_ce_event_type)
		Z_PARAM_OPTIONAL
		Z_PARAM_DOUBLE(time)
		Z_PARAM_LONG(attempt)
		Z_PARAM_LONG(order)
		Z_PARAM_STR_OR_NULL(channel)
		Z_PARAM_STR_OR_NULL(user)
		Z_PARAM_STR_OR_NULL(socket)
		Z_PARAM_STR_OR_NULL(event)
		Z_PARAM_STR_OR_NULL(data)
		Z_PARAM_LONG_OR_NULL(count, no_count)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, EVENT_ID), id);
	ZVAL_COPY(fanfare_value_slot(object, EVENT_TYPE), type);
	ZVAL_DOUBLE(fanfare_value_slot(object, EVENT_TIME), time);
	ZVAL_LONG(fanfare_value_slot(object, EVENT_ATTEMPT), attempt);
	ZVAL_LONG(fanfare_value_slot(object, EVENT_ORDER), order);
	event_string_or_null(fanfare_value_slot(object, EVENT_CHANNEL), channel);
	event_string_or_null(fanfare_value_slot(object, EVENT_USER_ID), user);
	event_string_or_null(fanfare_value_slot(object, EVENT_SOCKET_ID), socket);
	event_string_or_null(fanfare_value_slot(object, EVENT_EVENT), event);
	event_string_or_null(fanfare_value_slot(object, EVENT_DATA), data);
	if (no_count) {
		ZVAL_NULL(fanfare_value_slot(object, EVENT_COUNT));
	} else {
		ZVAL_LONG(fanfare_value_slot(object, EVENT_COUNT), count);
	}
}

/* ---- what can be asked for ---- */

/* "channel_occupied, ... and user_offline", for messages. */
static zend_string *event_words(void)
{
	smart_str text = {0};

	for (unsigned int i = 0; i < FF_IPC_EVENTS_LOST; i++) {
		if (i != 0) {
			smart_str_appends(&text, i + 1 < FF_IPC_EVENTS_LOST ? ", " : " or ");
		}
		smart_str_appends(&text, ff_ipc_event_words[i]);
	}
	smart_str_0(&text);
	return text.s;
}

/* FF_IPC_EVENT_TYPES with an exception thrown. */
static enum ff_ipc_event_type event_type_of(zval *value)
{
	enum ff_ipc_event_type type;
	zend_string *words, *word;

	ZVAL_DEREF(value);
	if (Z_TYPE_P(value) == IS_OBJECT && Z_OBJCE_P(value) == fanfare_ce_event_type) {
		word = Z_STR_P(zend_enum_fetch_case_value(Z_OBJ_P(value)));
	} else if (Z_TYPE_P(value) == IS_STRING) {
		word = Z_STR_P(value);
	} else {
		zend_argument_type_error(1, "must be an array of Fanfare\\EventType or string, %s given",
		                         zend_zval_type_name(value));
		return FF_IPC_EVENT_TYPES;
	}
	type = ff_ipc_event_of_word((struct ff_slice){ZSTR_VAL(word), (unsigned int) ZSTR_LEN(word)});
	if (type == FF_IPC_EVENT_TYPES || ZSTR_LEN(word) > UINT32_MAX) {
		words = event_words();
		zend_argument_value_error(1, "must name types of events, \"%.64s\" is none: %s", ZSTR_VAL(word),
		                          ZSTR_VAL(words));
		zend_string_release(words);
		return FF_IPC_EVENT_TYPES;
	}
	return type;
}

uint32_t fanfare_event_types(HashTable *list)
{
	uint32_t types = 0;
	zval *value;

	ZEND_HASH_FOREACH_VAL(list, value) {
		enum ff_ipc_event_type type = event_type_of(value);

		if (type == FF_IPC_EVENT_TYPES) {
			return 0;
		}
		types |= FF_IPC_EVENT_BIT(type);
	}
	ZEND_HASH_FOREACH_END();
	if (types == 0) {
		return FF_IPC_EVENTS_ALL;
	}
	types &= FF_IPC_EVENTS_ALL; /* EventType::cases() is a way to ask for all */
	if (types == 0) {
		zend_argument_value_error(1, "must name something beside events_lost, which comes in any case");
	}
	return types;
}

/* ---- snapshots ---- */

void fanfare_snapshot_add(zval *channels, zval *members, const struct ff_ipc_listening *part)
{
	for (uint32_t i = 0; i < part->noccupied; i++) {
		const struct ff_ipc_occupied *channel = &part->occupied[i];
		zval value, *list;

		ZVAL_LONG(&value, (zend_long) channel->subscriptions);
		/* as a script would have set it: "1" is 1 */
		zend_symtable_str_update(Z_ARRVAL_P(channels), channel->name.p, channel->name.len, &value);
		if (!channel->has_members) {
			continue;
		}
		list = zend_symtable_str_find(Z_ARRVAL_P(members), channel->name.p, channel->name.len);
		if (list == NULL) {
			array_init_size(&value, channel->nmembers);
			list = zend_symtable_str_update(Z_ARRVAL_P(members), channel->name.p, channel->name.len, &value);
		}
		for (uint32_t n = 0; n < channel->nmembers; n++) {
			fanfare_value_member(&value, &channel->members[n]);
			zend_hash_next_index_insert(Z_ARRVAL_P(list), &value);
		}
	}
}

void fanfare_value_snapshot(zval *out, uint64_t order, zval *channels, zval *members)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_snapshot);
	object = Z_OBJ_P(out);
	ZVAL_LONG(fanfare_value_slot(object, SNAPSHOT_ORDER), (zend_long) order);
	ZVAL_COPY_VALUE(fanfare_value_slot(object, SNAPSHOT_CHANNELS), channels);
	ZVAL_COPY_VALUE(fanfare_value_slot(object, SNAPSHOT_MEMBERS), members);
}

ZEND_METHOD(Fanfare_Snapshot, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_long order = 0;
	zval *channels = NULL, *members = NULL;

	ZEND_PARSE_PARAMETERS_START(0, 3)
		Z_PARAM_OPTIONAL
		Z_PARAM_LONG(order)
		Z_PARAM_ARRAY(channels)
		Z_PARAM_ARRAY(members)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_LONG(fanfare_value_slot(object, SNAPSHOT_ORDER), order);
	if (channels != NULL) {
		ZVAL_COPY(fanfare_value_slot(object, SNAPSHOT_CHANNELS), channels);
	} else {
		ZVAL_EMPTY_ARRAY(fanfare_value_slot(object, SNAPSHOT_CHANNELS));
	}
	if (members != NULL) {
		ZVAL_COPY(fanfare_value_slot(object, SNAPSHOT_MEMBERS), members);
	} else {
		ZVAL_EMPTY_ARRAY(fanfare_value_slot(object, SNAPSHOT_MEMBERS));
	}
}
