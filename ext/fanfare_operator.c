/*
 * The methods of Fanfare\Operator: who is connected, and orders to the daemon. One frame, one answer. Owns nothing;
 * fanfare_arginfo.h declares what is in here.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "fanfare_client.h"
#include "fanfare_encode.h"
#include "fanfare_values.h"

/* The slots of Connection, in the order of its declaration. */
enum {
	CONNECTION_SOCKET_ID,
	CONNECTION_USER_ID,
	CONNECTION_ADDRESS,
	CONNECTION_OPENED_AT,
	CONNECTION_SUBSCRIPTIONS,
};

static void operator_connection(zval *out, const struct ff_ipc_socket *socket)
{
	zend_object *object;

	object_init_ex(out, fanfare_ce_connection);
	object = Z_OBJ_P(out);
	ZVAL_STRINGL(fanfare_value_slot(object, CONNECTION_SOCKET_ID), socket->socket_id.p, socket->socket_id.len);
	if (socket->user_id.p == NULL) {
		ZVAL_NULL(fanfare_value_slot(object, CONNECTION_USER_ID));
	} else {
		ZVAL_STRINGL(fanfare_value_slot(object, CONNECTION_USER_ID), socket->user_id.p, socket->user_id.len);
	}
	ZVAL_STRINGL(fanfare_value_slot(object, CONNECTION_ADDRESS), socket->address.p, socket->address.len);
	ZVAL_DOUBLE(fanfare_value_slot(object, CONNECTION_OPENED_AT), (double) socket->opened_ms / 1000);
	ZVAL_LONG(fanfare_value_slot(object, CONNECTION_SUBSCRIPTIONS), (zend_long) socket->subscriptions);
}

ZEND_METHOD(Fanfare_Connection, __construct)
{
	zend_object *object = Z_OBJ_P(ZEND_THIS);
	zend_string *socket_id, *user_id = NULL, *address = ZSTR_EMPTY_ALLOC();
	double opened_at = 0;
	zend_long subscriptions = 0;

	ZEND_PARSE_PARAMETERS_START(1, 5)
		Z_PARAM_STR(socket_id)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR_OR_NULL(user_id)
		Z_PARAM_STR(address)
		Z_PARAM_DOUBLE(opened_at)
		Z_PARAM_LONG(subscriptions)
	ZEND_PARSE_PARAMETERS_END();

	if (fanfare_value_constructed(object)) {
		RETURN_THROWS();
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, CONNECTION_SOCKET_ID), socket_id);
	if (user_id == NULL) {
		ZVAL_NULL(fanfare_value_slot(object, CONNECTION_USER_ID));
	} else {
		ZVAL_STR_COPY(fanfare_value_slot(object, CONNECTION_USER_ID), user_id);
	}
	ZVAL_STR_COPY(fanfare_value_slot(object, CONNECTION_ADDRESS), address);
	ZVAL_DOUBLE(fanfare_value_slot(object, CONNECTION_OPENED_AT), opened_at);
	ZVAL_LONG(fanfare_value_slot(object, CONNECTION_SUBSCRIPTIONS), subscriptions);
}

ZEND_METHOD(Fanfare_Client, connections)
{
	struct fanfare_request request = {.type = FF_IPC_SOCKETS};
	struct ff_ipc_frame answer;
	zend_long limit = 100;
	zend_string *after = NULL;

	ZEND_PARSE_PARAMETERS_START(0, 2)
		Z_PARAM_OPTIONAL
		Z_PARAM_LONG(limit)
		Z_PARAM_STR_OR_NULL(after)
	ZEND_PARSE_PARAMETERS_END();

	if (limit < 1 || limit > (zend_long) FF_IPC_MAX_SOCKETS) {
		zend_argument_value_error(1, "must be between 1 and %u", FF_IPC_MAX_SOCKETS);
		RETURN_THROWS();
	}
	if (after != NULL && ZSTR_LEN(after) > FF_IPC_MAX_FRAME / 2) {
		zend_argument_value_error(2, "is longer than one frame may be");
		RETURN_THROWS();
	}
	request.text = fanfare_slice(after);
	request.limit = (uint64_t) limit;
	if (!fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	array_init_size(return_value, answer.nsockets);
	for (uint32_t i = 0; i < answer.nsockets; i++) {
		zval object;

		operator_connection(&object, &answer.sockets[i]);
		zend_hash_next_index_insert(Z_ARRVAL_P(return_value), &object);
	}
}

static void operator_order(zval *this, const char *action)
{
	struct fanfare_request request = {.type = FF_IPC_CONTROL, .text = {action, (unsigned int) strlen(action)}};
	struct ff_ipc_frame answer;

	fanfare_client_request(this, &request, &answer); /* or has thrown */
}

ZEND_METHOD(Fanfare_Client, stop)
{
	ZEND_PARSE_PARAMETERS_NONE();

	operator_order(ZEND_THIS, FF_IPC_ACTION_STOP);
}

ZEND_METHOD(Fanfare_Client, restart)
{
	ZEND_PARSE_PARAMETERS_NONE();

	operator_order(ZEND_THIS, FF_IPC_ACTION_RESTART);
}

ZEND_METHOD(Fanfare_Client, reload)
{
	ZEND_PARSE_PARAMETERS_NONE();

	operator_order(ZEND_THIS, FF_IPC_ACTION_RELOAD);
}
