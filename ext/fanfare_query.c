/*
 * The methods of Fanfare\Client that ask the daemon something or have it end connections: one frame, one answer, one
 * value. Owns nothing; fanfare_arginfo.h declares what is in here.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "fanfare_client.h"
#include "fanfare_encode.h"
#include "fanfare_values.h"

#define QUERY_COUNTS (FF_IPC_SUBSCRIPTION_COUNT | FF_IPC_USER_COUNT)

/* A name that one frame can carry: the rest is judged by the daemon. */
static bool query_fits(const zend_string *name)
{
	if (EXPECTED(ZSTR_LEN(name) < FF_IPC_MAX_FRAME / 2)) {
		return true;
	}
	zend_argument_value_error(1, "is longer than one frame may be");
	return false;
}

static unsigned int query_wanted(bool cache)
{
	return cache ? QUERY_COUNTS | FF_IPC_CACHE : QUERY_COUNTS;
}

ZEND_METHOD(Fanfare_Client, ping)
{
	struct fanfare_request request = {.type = FF_IPC_PING};
	struct ff_ipc_frame answer;
	uint64_t start;

	ZEND_PARSE_PARAMETERS_NONE();

	start = fanfare_io_now();
	if (!fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	RETURN_DOUBLE((double) (fanfare_io_now() - start) / 1e9);
}

ZEND_METHOD(Fanfare_Client, stats)
{
	struct fanfare_request request = {.type = FF_IPC_STATS};
	struct ff_ipc_frame answer;

	ZEND_PARSE_PARAMETERS_NONE();

	if (!fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	fanfare_value_stats(return_value, answer.stats);
}

ZEND_METHOD(Fanfare_Client, terminateUser)
{
	struct fanfare_request request = {.type = FF_IPC_TERMINATE};
	struct ff_ipc_frame answer;
	zend_string *user;

	ZEND_PARSE_PARAMETERS_START(1, 1)
		Z_PARAM_STR(user)
	ZEND_PARSE_PARAMETERS_END();

	request.text = fanfare_slice(user);
	if (!fanfare_encode_user(user) || !fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	RETURN_LONG((zend_long) answer.count);
}

ZEND_METHOD(Fanfare_Client, terminateConnection)
{
	struct fanfare_request request = {.type = FF_IPC_DISCONNECT};
	struct ff_ipc_frame answer;
	zend_string *socket;

	ZEND_PARSE_PARAMETERS_START(1, 1)
		Z_PARAM_STR(socket)
	ZEND_PARSE_PARAMETERS_END();

	request.text = fanfare_slice(socket);
	if (!query_fits(socket) || !fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	RETURN_BOOL(answer.count != 0);
}

ZEND_METHOD(Fanfare_Client, channels)
{
	struct fanfare_request request = {.type = FF_IPC_CHANNELS};
	struct ff_ipc_frame answer;
	zend_string *prefix = NULL;
	bool cache = false;

	ZEND_PARSE_PARAMETERS_START(0, 2)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR(prefix)
		Z_PARAM_BOOL(cache)
	ZEND_PARSE_PARAMETERS_END();

	request.text = fanfare_slice(prefix);
	request.wanted = query_wanted(cache);
	if ((prefix != NULL && !query_fits(prefix)) || !fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	array_init_size(return_value, answer.nchannels);
	for (uint32_t i = 0; i < answer.nchannels; i++) {
		const struct ff_ipc_channel *channel = &answer.channels[i];
		zval object;

		fanfare_value_channel(&object, channel, answer.partial);
		/* as a script would have set it: "1" is 1 */
		zend_symtable_str_update(Z_ARRVAL_P(return_value), channel->name.p, channel->name.len, &object);
	}
}

ZEND_METHOD(Fanfare_Client, channel)
{
	struct fanfare_request request = {.type = FF_IPC_CHANNEL};
	struct ff_ipc_frame answer;
	zend_string *name;
	bool cache = false;

	ZEND_PARSE_PARAMETERS_START(1, 2)
		Z_PARAM_STR(name)
		Z_PARAM_OPTIONAL
		Z_PARAM_BOOL(cache)
	ZEND_PARSE_PARAMETERS_END();

	request.text = fanfare_slice(name);
	request.wanted = query_wanted(cache);
	if (!query_fits(name) || !fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	fanfare_value_channel(return_value, &answer.channels[0], answer.partial);
}

ZEND_METHOD(Fanfare_Client, members)
{
	struct fanfare_request request = {.type = FF_IPC_MEMBERS};
	struct ff_ipc_frame answer;
	zend_string *name;

	ZEND_PARSE_PARAMETERS_START(1, 1)
		Z_PARAM_STR(name)
	ZEND_PARSE_PARAMETERS_END();

	request.text = fanfare_slice(name);
	if (!query_fits(name) || !fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	array_init_size(return_value, answer.nmembers);
	for (uint32_t i = 0; i < answer.nmembers; i++) {
		zval object;

		fanfare_value_member(&object, &answer.members[i]);
		zend_hash_next_index_insert(Z_ARRVAL_P(return_value), &object);
	}
}

ZEND_METHOD(Fanfare_Client, connectionCount)
{
	struct fanfare_request request = {.type = FF_IPC_CONNECTIONS};
	struct ff_ipc_frame answer;

	ZEND_PARSE_PARAMETERS_NONE();

	if (!fanfare_client_request(ZEND_THIS, &request, &answer)) {
		RETURN_THROWS();
	}
	RETURN_LONG((zend_long) answer.count);
}
