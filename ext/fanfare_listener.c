#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include <errno.h>

#include "zend_exceptions.h"

#include "fanfare_client.h"
#include "fanfare_errors.h"
#include "fanfare_event.h"
#include "fanfare_listener.h"
#include "fanfare_pool.h"
#include "fanfare_stream.h"

#define LISTENER_MAX_SECONDS 86400.0

struct fanfare_listener {
	struct fanfare_stream *stream; /* NULL: closed */
	zval snapshot;                 /* Snapshot or null */
	zval channels, members;        /* of one that is being told; undef: none is */
	zend_object std;
};

static zend_object_handlers listener_handlers;

static inline struct fanfare_listener *listener_of(zend_object *object)
{
	return (struct fanfare_listener *) ((char *) object - offsetof(struct fanfare_listener, std));
}

static zend_object *listener_create(zend_class_entry *ce)
{
	struct fanfare_listener *listener = zend_object_alloc(sizeof(*listener), ce);

	zend_object_std_init(&listener->std, ce);
	object_properties_init(&listener->std, ce);
	listener->std.handlers = &listener_handlers;
	ZVAL_NULL(&listener->snapshot);
	return &listener->std;
}

/* What has been told of a snapshot so far is void. */
static void listener_drop_parts(struct fanfare_listener *listener)
{
	zval_ptr_dtor(&listener->channels);
	zval_ptr_dtor(&listener->members);
	ZVAL_UNDEF(&listener->channels);
	ZVAL_UNDEF(&listener->members);
}

static void listener_drop_snapshot(struct fanfare_listener *listener)
{
	zval old;

	ZVAL_COPY_VALUE(&old, &listener->snapshot);
	ZVAL_NULL(&listener->snapshot);
	zval_ptr_dtor(&old);
}

static void listener_close(struct fanfare_listener *listener)
{
	if (listener->stream != NULL) {
		fanfare_stream_free(listener->stream);
		listener->stream = NULL;
	}
}

static void listener_free(zend_object *object)
{
	struct fanfare_listener *listener = listener_of(object);

	listener_close(listener);
	listener_drop_parts(listener);
	listener_drop_snapshot(listener);
	zend_object_std_dtor(object);
}

static void listener_info_text(HashTable *info, const char *name, const char *text, size_t len)
{
	zval value;

	ZVAL_STRINGL(&value, text, len);
	zend_hash_str_update(info, name, strlen(name), &value);
}

/* For var_dump(): whom it listens to and whether it does. */
static HashTable *listener_debug_info(zend_object *object, int *is_temp)
{
	static const char *const states[] = {
		[FANFARE_STREAM_AWAY] = "away",
		[FANFARE_STREAM_ASKED] = "connecting",
		[FANFARE_STREAM_TELLING] = "connecting",
		[FANFARE_STREAM_READY] = "listening",
	};
	struct fanfare_stream *stream = listener_of(object)->stream;
	HashTable *info = zend_new_array(5);
	const char *state = "closed";
	zval value;

	*is_temp = 1;
	if (stream != NULL) {
		const struct fanfare_identity *who = &stream->peer->identity;

		fanfare_stream_check_fork(stream);
		listener_info_text(info, "app", who->app, who->app_len);
		listener_info_text(info, "socket", who->socket, who->socket_len);
		if (stream->wish.group.p != NULL) {
			listener_info_text(info, "group", stream->wish.group.p, stream->wish.group.len);
		} else {
			ZVAL_NULL(&value);
			zend_hash_str_update(info, "group", sizeof("group") - 1, &value);
		}
		state = states[stream->state];
	}
	listener_info_text(info, "state", state, strlen(state));
	if (stream != NULL) {
		ZVAL_LONG(&value, (zend_long) stream->nunsettled);
		zend_hash_str_update(info, "unacknowledged", sizeof("unacknowledged") - 1, &value);
	}
	return info;
}

/* By identity, as clients. */
static int listener_compare(zval *one, zval *other)
{
	ZEND_COMPARE_OBJECTS_FALLBACK(one, other);
	return Z_OBJ_P(one) == Z_OBJ_P(other) ? 0 : ZEND_UNCOMPARABLE;
}

void fanfare_listener_minit(void)
{
	fanfare_ce_listener->create_object = listener_create;
	memcpy(&listener_handlers, zend_get_std_object_handlers(), sizeof(listener_handlers));
	listener_handlers.offset = offsetof(struct fanfare_listener, std);
	listener_handlers.free_obj = listener_free;
	listener_handlers.clone_obj = NULL;
	listener_handlers.compare = listener_compare;
	listener_handlers.get_debug_info = listener_debug_info;
}

/* A part of a snapshot; with the last one it replaces the one that was there. */
static void listener_told(struct fanfare_listener *listener, const struct ff_ipc_listening *part)
{
	if (Z_ISUNDEF(listener->channels)) {
		array_init(&listener->channels);
		array_init(&listener->members);
	}
	fanfare_snapshot_add(&listener->channels, &listener->members, part);
	if (part->last) {
		listener_drop_snapshot(listener);
		fanfare_value_snapshot(&listener->snapshot, part->order, &listener->channels, &listener->members);
		ZVAL_UNDEF(&listener->channels);
		ZVAL_UNDEF(&listener->members);
	}
}

/* The next thing that concerns the caller of receive() or listen(). */
static enum fanfare_heard listener_hear(struct fanfare_listener *listener, uint64_t deadline, bool attentive,
                                        struct ff_ipc_frame *frame, struct fanfare_outcome *outcome)
{
	for (;;) {
		enum fanfare_heard heard = fanfare_stream_hear(listener->stream, deadline, attentive, frame, outcome);

		switch (heard) {
		case FANFARE_HEARD_ASKING:
			listener_drop_parts(listener);
			listener_drop_snapshot(listener);
			break;
		case FANFARE_HEARD_SNAPSHOT:
			listener_told(listener, &frame->listening);
			if (!attentive) {
				return frame->listening.last ? FANFARE_HEARD_READY : heard;
			}
			break;
		case FANFARE_HEARD_READY:
			if (!attentive) {
				return heard;
			}
			break;
		default:
			return heard;
		}
	}
}

/* Until the daemon tells. False with an exception thrown. */
static bool listener_begin(struct fanfare_listener *listener)
{
	struct fanfare_stream *stream = listener->stream;
	uint64_t limit = stream->limit;
	uint64_t deadline = fanfare_io_now() + limit;
	struct fanfare_outcome outcome;
	struct ff_ipc_frame frame;

	for (;;) {
		switch (listener_hear(listener, deadline, false, &frame, &outcome)) {
		case FANFARE_HEARD_READY:
			return true;
		case FANFARE_HEARD_SNAPSHOT:
			/* however much there is to tell: while more of it comes it is not late */
			deadline = fanfare_io_now() + limit;
			continue;
		case FANFARE_HEARD_FAILED:
			break;
		case FANFARE_HEARD_SIGNAL:
			outcome.interrupted = true;
			ZEND_FALLTHROUGH;
		default:
			fanfare_outcome_fail(&outcome, FANFARE_TIMEOUT, FANFARE_PHASE_ACK, false);
			break;
		}
		fanfare_throw(&outcome, stream->peer->identity.socket);
		return false;
	}
}

static bool listener_group_valid(const zend_string *group)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return ZSTR_LEN(group) >= 1 && ZSTR_LEN(group) <= FF_IPC_MAX_GROUP &&
	       strspn(ZSTR_VAL(group), allowed) == ZSTR_LEN(group);
}

/* The arguments of listen() as the daemon wants them. False with an exception thrown. */
static bool listener_wish(struct ff_ipc_listen *wish, HashTable *types, const zend_string *group, bool snapshot,
                          zend_long window, double ack_timeout)
{
	memset(wish, 0, sizeof(*wish));
	wish->types = fanfare_event_types(types);
	if (wish->types == 0) {
		return false;
	}
	if (group != NULL && !listener_group_valid(group)) {
		zend_argument_value_error(2, "must be 1 to %u of the characters A-Z, a-z, 0-9, \".\", \"_\" and \"-\", or null",
		                          FF_IPC_MAX_GROUP);
		return false;
	}
	if (window < 1 || window > (zend_long) FF_IPC_MAX_WINDOW) {
		zend_argument_value_error(4, "must be between 1 and %u", FF_IPC_MAX_WINDOW);
		return false;
	}
	if (!(ack_timeout * 1000 >= FF_IPC_MIN_ACK_MS && ack_timeout * 1000 <= FF_IPC_MAX_ACK_MS)) {
		zend_argument_value_error(5, "must be between 0.1 and %u seconds", FF_IPC_MAX_ACK_MS / 1000);
		return false;
	}
	if (group != NULL) {
		wish->group = (struct ff_slice){ZSTR_VAL(group), (unsigned int) ZSTR_LEN(group)};
	}
	wish->window = (uint32_t) window;
	wish->ack_ms = (uint32_t) (ack_timeout * 1000);
	wish->snapshot = snapshot;
	return true;
}

ZEND_METHOD(Fanfare_Client, listen)
{
	struct fanfare_client *client = fanfare_client_of(Z_OBJ_P(ZEND_THIS));
	struct fanfare_listener *listener;
	struct fanfare_identity identity;
	struct fanfare_address address;
	struct fanfare_budget budget;
	struct ff_ipc_listen wish;
	HashTable *types;
	zend_string *group = NULL;
	bool snapshot = false;
	zend_long window = 16;
	double ack_timeout = 30;

	ZEND_PARSE_PARAMETERS_START(1, 5)
		Z_PARAM_ARRAY_HT(types)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR_OR_NULL(group)
		Z_PARAM_BOOL(snapshot)
		Z_PARAM_LONG(window)
		Z_PARAM_DOUBLE(ack_timeout)
	ZEND_PARSE_PARAMETERS_END();

	if (!listener_wish(&wish, types, group, snapshot, window, ack_timeout) ||
	    !fanfare_pool_identity(client, &identity, &address)) {
		RETURN_THROWS();
	}
	fanfare_pool_budget(client, &budget);
	object_init_ex(return_value, fanfare_ce_listener);
	listener = listener_of(Z_OBJ_P(return_value));
	listener->stream =
		fanfare_stream_new(&FANFARE_G(streams), &listener->stream, &identity, &address, &wish, budget.limit);
	if (listener->stream == NULL) {
		struct fanfare_outcome outcome;

		fanfare_outcome_init(&outcome);
		fanfare_outcome_fail(&outcome, FANFARE_NO_MEMORY, FANFARE_PHASE_CONNECT, false);
		fanfare_throw(&outcome, identity.socket);
	} else if (listener_begin(listener)) {
		return;
	}
	zval_ptr_dtor(return_value);
	ZVAL_NULL(return_value);
	RETURN_THROWS();
}

ZEND_METHOD(Fanfare_Listener, __construct)
{
	ZEND_PARSE_PARAMETERS_NONE();
}

/* The listener of a method, NULL with an exception thrown when it is closed. */
static struct fanfare_listener *listener_open(zval *this)
{
	struct fanfare_listener *listener = listener_of(Z_OBJ_P(this));

	if (listener->stream == NULL) {
		zend_throw_error(NULL, "This Fanfare\\Listener is closed: ask Fanfare\\Client::listen() for another");
		return NULL;
	}
	return listener;
}

ZEND_METHOD(Fanfare_Listener, receive)
{
	struct fanfare_listener *listener;
	struct fanfare_outcome outcome;
	struct ff_ipc_frame frame;
	double timeout;

	ZEND_PARSE_PARAMETERS_START(1, 1)
		Z_PARAM_DOUBLE(timeout)
	ZEND_PARSE_PARAMETERS_END();

	if (!(timeout >= 0 && timeout <= LISTENER_MAX_SECONDS)) {
		zend_argument_value_error(1, "must be between 0 and %d seconds", (int) LISTENER_MAX_SECONDS);
		RETURN_THROWS();
	}
	listener = listener_open(ZEND_THIS);
	if (listener == NULL) {
		RETURN_THROWS();
	}
	switch (listener_hear(listener, fanfare_io_now() + (uint64_t) (timeout * 1e9), true, &frame, &outcome)) {
	case FANFARE_HEARD_EVENT:
		fanfare_value_event(return_value, &frame.listening.event);
		return;
	case FANFARE_HEARD_LOST:
		fanfare_value_group_lost(return_value);
		return;
	case FANFARE_HEARD_FAILED:
		fanfare_throw(&outcome, listener->stream->peer->identity.socket);
		RETURN_THROWS();
	default:
		RETURN_NULL();
	}
}

static void listener_settle(INTERNAL_FUNCTION_PARAMETERS, bool done)
{
	struct fanfare_listener *listener;
	zval *event = NULL;
	zend_string *id;

	ZEND_PARSE_PARAMETERS_START(0, 1)
		Z_PARAM_OPTIONAL
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(event, fanfare_ce_event)
	ZEND_PARSE_PARAMETERS_END();

	listener = listener_open(ZEND_THIS);
	if (listener == NULL) {
		RETURN_THROWS();
	}
	if (event == NULL) {
		fanfare_stream_settle(listener->stream, NULL, 0, done);
	} else {
		id = fanfare_event_id(Z_OBJ_P(event));
		fanfare_stream_settle(listener->stream, ZSTR_VAL(id), ZSTR_LEN(id), done);
	}
}

ZEND_METHOD(Fanfare_Listener, ack)
{
	listener_settle(INTERNAL_FUNCTION_PARAM_PASSTHRU, true);
}

ZEND_METHOD(Fanfare_Listener, release)
{
	listener_settle(INTERNAL_FUNCTION_PARAM_PASSTHRU, false);
}

ZEND_METHOD(Fanfare_Listener, snapshot)
{
	struct fanfare_listener *listener;

	ZEND_PARSE_PARAMETERS_NONE();

	listener = listener_open(ZEND_THIS);
	if (listener == NULL) {
		RETURN_THROWS();
	}
	RETURN_COPY(&listener->snapshot);
}

ZEND_METHOD(Fanfare_Listener, close)
{
	ZEND_PARSE_PARAMETERS_NONE();

	listener_close(listener_of(Z_OBJ_P(ZEND_THIS)));
}
