#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "zend_enum.h"
#include "zend_exceptions.h"

#include "fanfare_client.h"
#include "fanfare_errors.h"
#include "fanfare_pool.h"
#include "fanfare_values.h"

#define CLIENT_MAX_TIMEOUT 86400.0

static zend_object_handlers client_handlers;

static zend_object *client_create(zend_class_entry *ce)
{
	struct fanfare_client *client = zend_object_alloc(sizeof(*client), ce);

	zend_object_std_init(&client->std, ce);
	object_properties_init(&client->std, ce);
	client->std.handlers = &client_handlers;
	return &client->std;
}

static void client_free(zend_object *object)
{
	struct fanfare_client *client = fanfare_client_of(object);

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
	struct fanfare_client *client = fanfare_client_of(object);
	struct fanfare_peer *peer = fanfare_pool_find(client);
	const char *app = client->app != NULL ? ZSTR_VAL(client->app) : FANFARE_G(app_id);
	const char *socket = client->socket != NULL ? ZSTR_VAL(client->socket) : FANFARE_G(socket);
	const char *state = "new";
	HashTable *info = zend_new_array(6);
	zval value;

	if (peer != NULL) {
		if (peer->fd >= 0) {
			state = "connected";
		} else if (fanfare_breaker_open(&peer->breaker, FANFARE_G(breaker), fanfare_io_now())) {
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
	ZVAL_STRING(&value, fanfare_client_by_cluster(client, NULL) ? "cluster" : "local");
	zend_hash_str_add(info, "ack", sizeof("ack") - 1, &value);
	ZVAL_STRING(&value, state);
	zend_hash_str_add(info, "state", sizeof("state") - 1, &value);
	ZVAL_LONG(&value, peer != NULL ? (zend_long) fanfare_peer_pending(peer) : 0);
	zend_hash_str_add(info, "pending", sizeof("pending") - 1, &value);
	return info;
}

/* By identity: the properties that equality would look at are none, so that any two clients would be the same. */
static int client_compare(zval *one, zval *other)
{
	ZEND_COMPARE_OBJECTS_FALLBACK(one, other);
	return Z_OBJ_P(one) == Z_OBJ_P(other) ? 0 : ZEND_UNCOMPARABLE;
}

void fanfare_client_minit(void)
{
	fanfare_ce_client->create_object = client_create;
	memcpy(&client_handlers, zend_get_std_object_handlers(), sizeof(client_handlers));
	client_handlers.offset = offsetof(struct fanfare_client, std);
	client_handlers.free_obj = client_free;
	client_handlers.clone_obj = NULL;
	client_handlers.compare = client_compare;
	client_handlers.get_debug_info = client_debug_info;
}

ZEND_METHOD(Fanfare_Client, __construct)
{
	struct fanfare_client *client = fanfare_client_of(Z_OBJ_P(ZEND_THIS));
	zend_string *app = NULL, *secret = NULL, *socket = NULL;
	double timeout = 0;
	bool no_timeout = true;
	zend_long flags = 0;
	zval *ack = NULL;

	ZEND_PARSE_PARAMETERS_START(0, 6)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR_OR_NULL(app)
		Z_PARAM_STR_OR_NULL(secret)
		Z_PARAM_PATH_STR_OR_NULL(socket)
		Z_PARAM_DOUBLE_OR_NULL(timeout, no_timeout)
		Z_PARAM_LONG(flags)
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(ack, fanfare_ce_ack)
	ZEND_PARSE_PARAMETERS_END();

	if (client->constructed) {
		zend_throw_error(NULL, "Cannot construct %s twice", ZSTR_VAL(fanfare_ce_client->name));
		RETURN_THROWS();
	}
	if (!no_timeout && !(timeout > 0 && timeout <= CLIENT_MAX_TIMEOUT)) {
		zend_argument_value_error(4, "must be greater than 0 and at most %d seconds", (int) CLIENT_MAX_TIMEOUT);
		RETURN_THROWS();
	}
	client->constructed = true;
	client->app = app != NULL ? zend_string_copy(app) : NULL;
	client->secret = secret != NULL ? zend_string_copy(secret) : NULL;
	client->socket = socket != NULL ? zend_string_copy(socket) : NULL;
	client->timeout = no_timeout ? 0 : timeout;
	client->json_flags = flags;
	client->ack = fanfare_client_ack(client, ack);
}

bool fanfare_client_flush_timeout(double timeout, bool is_null)
{
	if (!is_null && !(timeout >= 0 && timeout <= CLIENT_MAX_TIMEOUT)) {
		zend_argument_value_error(1, "must be between 0 and %d seconds", (int) CLIENT_MAX_TIMEOUT);
		return false;
	}
	return true;
}

enum fanfare_ack fanfare_client_ack(const struct fanfare_client *client, const zval *ack)
{
	if (ack != NULL) {
		return zend_string_equals_literal(Z_STR_P(zend_enum_fetch_case_value(Z_OBJ_P(ack))), "cluster")
		           ? FANFARE_ACK_CLUSTER
		           : FANFARE_ACK_LOCAL;
	}
	return client->ack;
}

bool fanfare_client_request(zval *this, const struct fanfare_request *request, struct ff_ipc_frame *answer)
{
	struct fanfare_client *client = fanfare_client_of(Z_OBJ_P(this));
	struct fanfare_outcome outcome;
	struct fanfare_budget budget;
	struct fanfare_peer *peer;

	client->partial = false;
	fanfare_pool_budget(client, &budget);
	peer = fanfare_pool_peer(client, &budget);
	if (peer == NULL) {
		return false;
	}
	if (fanfare_call_request(peer, request, &budget, answer, &outcome) != FANFARE_OK) {
		fanfare_throw(&outcome, peer->identity.socket);
		return false;
	}
	client->partial = answer->partial;
	return true;
}

ZEND_METHOD(Fanfare_Client, answerWasPartial)
{
	ZEND_PARSE_PARAMETERS_NONE();

	RETURN_BOOL(fanfare_client_of(Z_OBJ_P(ZEND_THIS))->partial);
}

ZEND_METHOD(Fanfare_Client, pending)
{
	struct fanfare_peer *peer;

	ZEND_PARSE_PARAMETERS_NONE();

	peer = fanfare_pool_find(fanfare_client_of(Z_OBJ_P(ZEND_THIS)));
	RETURN_LONG(peer == NULL ? 0 : (zend_long) fanfare_peer_pending(peer));
}

ZEND_METHOD(Fanfare_Client, flush)
{
	struct fanfare_client *client = fanfare_client_of(Z_OBJ_P(ZEND_THIS));
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
	if (is_null) {
		timeout = client->timeout > 0 ? client->timeout : FANFARE_G(timeout);
	}
	unanswered = fanfare_pool_flush_client(client, (uint64_t) (timeout * 1e9), &counts);
	fanfare_value_flush_result(return_value, &counts, unanswered);
}

ZEND_METHOD(Fanfare_Client, close)
{
	ZEND_PARSE_PARAMETERS_NONE();

	fanfare_pool_close(fanfare_client_of(Z_OBJ_P(ZEND_THIS)));
}
