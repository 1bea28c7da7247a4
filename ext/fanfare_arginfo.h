/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: b3d4dabbf583f01df3f1f989ed25a8176cc01c62 */

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_Fanfare_publish, 0, 2, Fanfare\\Receipt, 0)
	ZEND_ARG_TYPE_MASK(0, channels, MAY_BE_STRING|MAY_BE_ARRAY, NULL)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, ack, Fanfare\\Ack, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, traceparent, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_Fanfare_publish_async, 0, 2, IS_LONG, 0)
	ZEND_ARG_TYPE_MASK(0, channels, MAY_BE_STRING|MAY_BE_ARRAY, NULL)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, ack, Fanfare\\Ack, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, traceparent, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_Fanfare_publish_many, 0, 1, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO(0, messages, IS_ARRAY, 0)
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, ack, Fanfare\\Ack, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_Fanfare_flush, 0, 0, Fanfare\\FlushResult, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeout, IS_DOUBLE, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_TransportException___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, message, IS_STRING, 0, "\"\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, maybeDelivered, _IS_BOOL, 0, "false")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, phase, Fanfare\\Phase, 0, "Fanfare\\Phase::Connect")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, code, IS_LONG, 0, "0")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, previous, Throwable, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_RejectedException___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, message, IS_STRING, 0, "\"\"")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, reason, Fanfare\\Reason, 0, "Fanfare\\Reason::Other")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, index, IS_LONG, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, code, IS_LONG, 0, "0")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, previous, Throwable, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Receipt___construct, 0, 0, 1)
	ZEND_ARG_TYPE_INFO(0, id, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, recipients, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, duplicate, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Message___construct, 0, 0, 2)
	ZEND_ARG_TYPE_MASK(0, channels, MAY_BE_STRING|MAY_BE_ARRAY, NULL)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, traceparent, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Message_toUser, 0, 2, Fanfare\\Message, 0)
	ZEND_ARG_TYPE_INFO(0, userId, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, traceparent, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_FlushResult___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, acknowledged, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, rejected, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, unanswered, IS_LONG, 0, "0")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, error, Fanfare\\Exception, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, unconfirmed, IS_LONG, 0, "0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_CachedEvent___construct, 0, 0, 1)
	ZEND_ARG_TYPE_INFO(0, data, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, ttl, IS_LONG, 0, "0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Channel___construct, 0, 0, 1)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, occupied, _IS_BOOL, 0, "false")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, subscriptions, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, members, IS_LONG, 1, "null")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, cache, Fanfare\\CachedEvent, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, partial, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Member___construct, 0, 0, 1)
	ZEND_ARG_TYPE_INFO(0, id, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, info, IS_MIXED, 0, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Stats___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, version, IS_STRING, 0, "\"\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, pid, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, uptime, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, connections, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, channels, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, messagesIn, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, messagesOut, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, bytesOut, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, dropped, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, draining, _IS_BOOL, 0, "false")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, extra, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Publisher_publish, 0, 2, Fanfare\\Receipt, 0)
	ZEND_ARG_TYPE_MASK(0, channels, MAY_BE_STRING|MAY_BE_ARRAY, NULL)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Publisher_publishMany, 0, 1, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO(0, messages, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Publisher_sendToUser, 0, 2, Fanfare\\Receipt, 0)
	ZEND_ARG_TYPE_INFO(0, userId, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_AsyncPublisher_publishAsync, 0, 2, IS_LONG, 0)
	ZEND_ARG_TYPE_MASK(0, channels, MAY_BE_STRING|MAY_BE_ARRAY, NULL)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_AsyncPublisher_pending, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Fanfare_AsyncPublisher_flush arginfo_Fanfare_flush

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Inspector_channels, 0, 0, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, prefix, IS_STRING, 0, "\"\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, cache, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Inspector_channel, 0, 1, Fanfare\\Channel, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, cache, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Inspector_members, 0, 1, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO(0, channel, IS_STRING, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Fanfare_Inspector_connectionCount arginfo_class_Fanfare_AsyncPublisher_pending

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Inspector_ping, 0, 0, IS_DOUBLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Inspector_stats, 0, 0, Fanfare\\Stats, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_ClusterInspector_answerWasPartial, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Terminator_terminateUser, 0, 1, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO(0, userId, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Terminator_terminateConnection, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, socketId, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Event___construct, 0, 0, 2)
	ZEND_ARG_TYPE_INFO(0, id, IS_STRING, 0)
	ZEND_ARG_OBJ_INFO(0, type, Fanfare\\EventType, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, time, IS_DOUBLE, 0, "0.0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, attempt, IS_LONG, 0, "1")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, order, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, channel, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, userId, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, socketId, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, event, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, data, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, count, IS_LONG, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Snapshot___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, order, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, channels, IS_ARRAY, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, members, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Listener_receive, 0, 1, Fanfare\\Event, 1)
	ZEND_ARG_TYPE_INFO(0, timeout, IS_DOUBLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Listener_ack, 0, 0, IS_VOID, 0)
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, event, Fanfare\\Event, 1, "null")
ZEND_END_ARG_INFO()

#define arginfo_class_Fanfare_Listener_release arginfo_class_Fanfare_Listener_ack

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Listener_snapshot, 0, 0, Fanfare\\Snapshot, 1)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Listener_close, 0, 0, IS_VOID, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Listener___construct, 0, 0, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Listenable_listen, 0, 1, Fanfare\\Listener, 0)
	ZEND_ARG_TYPE_INFO(0, types, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, group, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, snapshot, _IS_BOOL, 0, "false")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, window, IS_LONG, 0, "16")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, ackTimeout, IS_DOUBLE, 0, "30.0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Connection___construct, 0, 0, 1)
	ZEND_ARG_TYPE_INFO(0, socketId, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, userId, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, address, IS_STRING, 0, "\"\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, openedAt, IS_DOUBLE, 0, "0.0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, subscriptions, IS_LONG, 0, "0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Fanfare_Operator_connections, 0, 0, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, limit, IS_LONG, 0, "100")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, after, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

#define arginfo_class_Fanfare_Operator_stop arginfo_class_Fanfare_Listener_close

#define arginfo_class_Fanfare_Operator_restart arginfo_class_Fanfare_Listener_close

#define arginfo_class_Fanfare_Operator_reload arginfo_class_Fanfare_Listener_close

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Fanfare_Client___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, app, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, secret, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, socket, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeout, IS_DOUBLE, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, jsonFlags, IS_LONG, 0, "0")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, ack, Fanfare\\Ack, 1, "null")
ZEND_END_ARG_INFO()

#define arginfo_class_Fanfare_Client_publish arginfo_Fanfare_publish

#define arginfo_class_Fanfare_Client_publishMany arginfo_Fanfare_publish_many

#define arginfo_class_Fanfare_Client_publishAsync arginfo_Fanfare_publish_async

#define arginfo_class_Fanfare_Client_pending arginfo_class_Fanfare_AsyncPublisher_pending

#define arginfo_class_Fanfare_Client_flush arginfo_Fanfare_flush

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Fanfare_Client_sendToUser, 0, 2, Fanfare\\Receipt, 0)
	ZEND_ARG_TYPE_INFO(0, userId, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, event, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, payload, IS_MIXED, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, except, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, ack, Fanfare\\Ack, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, traceparent, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

#define arginfo_class_Fanfare_Client_terminateUser arginfo_class_Fanfare_Terminator_terminateUser

#define arginfo_class_Fanfare_Client_terminateConnection arginfo_class_Fanfare_Terminator_terminateConnection

#define arginfo_class_Fanfare_Client_channels arginfo_class_Fanfare_Inspector_channels

#define arginfo_class_Fanfare_Client_channel arginfo_class_Fanfare_Inspector_channel

#define arginfo_class_Fanfare_Client_members arginfo_class_Fanfare_Inspector_members

#define arginfo_class_Fanfare_Client_connectionCount arginfo_class_Fanfare_AsyncPublisher_pending

#define arginfo_class_Fanfare_Client_ping arginfo_class_Fanfare_Inspector_ping

#define arginfo_class_Fanfare_Client_stats arginfo_class_Fanfare_Inspector_stats

#define arginfo_class_Fanfare_Client_answerWasPartial arginfo_class_Fanfare_ClusterInspector_answerWasPartial

#define arginfo_class_Fanfare_Client_listen arginfo_class_Fanfare_Listenable_listen

#define arginfo_class_Fanfare_Client_connections arginfo_class_Fanfare_Operator_connections

#define arginfo_class_Fanfare_Client_stop arginfo_class_Fanfare_Listener_close

#define arginfo_class_Fanfare_Client_restart arginfo_class_Fanfare_Listener_close

#define arginfo_class_Fanfare_Client_reload arginfo_class_Fanfare_Listener_close

#define arginfo_class_Fanfare_Client_close arginfo_class_Fanfare_Listener_close


ZEND_FUNCTION(Fanfare_publish);
ZEND_FUNCTION(Fanfare_publish_async);
ZEND_FUNCTION(Fanfare_publish_many);
ZEND_FUNCTION(Fanfare_flush);
ZEND_METHOD(Fanfare_TransportException, __construct);
ZEND_METHOD(Fanfare_RejectedException, __construct);
ZEND_METHOD(Fanfare_Receipt, __construct);
ZEND_METHOD(Fanfare_Message, __construct);
ZEND_METHOD(Fanfare_Message, toUser);
ZEND_METHOD(Fanfare_FlushResult, __construct);
ZEND_METHOD(Fanfare_CachedEvent, __construct);
ZEND_METHOD(Fanfare_Channel, __construct);
ZEND_METHOD(Fanfare_Member, __construct);
ZEND_METHOD(Fanfare_Stats, __construct);
ZEND_METHOD(Fanfare_Event, __construct);
ZEND_METHOD(Fanfare_Snapshot, __construct);
ZEND_METHOD(Fanfare_Listener, receive);
ZEND_METHOD(Fanfare_Listener, ack);
ZEND_METHOD(Fanfare_Listener, release);
ZEND_METHOD(Fanfare_Listener, snapshot);
ZEND_METHOD(Fanfare_Listener, close);
ZEND_METHOD(Fanfare_Listener, __construct);
ZEND_METHOD(Fanfare_Connection, __construct);
ZEND_METHOD(Fanfare_Client, __construct);
ZEND_METHOD(Fanfare_Client, publish);
ZEND_METHOD(Fanfare_Client, publishMany);
ZEND_METHOD(Fanfare_Client, publishAsync);
ZEND_METHOD(Fanfare_Client, pending);
ZEND_METHOD(Fanfare_Client, flush);
ZEND_METHOD(Fanfare_Client, sendToUser);
ZEND_METHOD(Fanfare_Client, terminateUser);
ZEND_METHOD(Fanfare_Client, terminateConnection);
ZEND_METHOD(Fanfare_Client, channels);
ZEND_METHOD(Fanfare_Client, channel);
ZEND_METHOD(Fanfare_Client, members);
ZEND_METHOD(Fanfare_Client, connectionCount);
ZEND_METHOD(Fanfare_Client, ping);
ZEND_METHOD(Fanfare_Client, stats);
ZEND_METHOD(Fanfare_Client, answerWasPartial);
ZEND_METHOD(Fanfare_Client, listen);
ZEND_METHOD(Fanfare_Client, connections);
ZEND_METHOD(Fanfare_Client, stop);
ZEND_METHOD(Fanfare_Client, restart);
ZEND_METHOD(Fanfare_Client, reload);
ZEND_METHOD(Fanfare_Client, close);


static const zend_function_entry ext_functions[] = {
	ZEND_NS_FALIAS("Fanfare", publish, Fanfare_publish, arginfo_Fanfare_publish)
	ZEND_NS_FALIAS("Fanfare", publish_async, Fanfare_publish_async, arginfo_Fanfare_publish_async)
	ZEND_NS_FALIAS("Fanfare", publish_many, Fanfare_publish_many, arginfo_Fanfare_publish_many)
	ZEND_NS_FALIAS("Fanfare", flush, Fanfare_flush, arginfo_Fanfare_flush)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Exception_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Phase_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Reason_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Ack_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_TransportException_methods[] = {
	ZEND_ME(Fanfare_TransportException, __construct, arginfo_class_Fanfare_TransportException___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_ConnectException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_TimeoutException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_ConnectionLostException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_ProtocolException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_UnconfirmedException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_RejectedException_methods[] = {
	ZEND_ME(Fanfare_RejectedException, __construct, arginfo_class_Fanfare_RejectedException___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_PayloadException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_ConfigurationException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Receipt_methods[] = {
	ZEND_ME(Fanfare_Receipt, __construct, arginfo_class_Fanfare_Receipt___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Message_methods[] = {
	ZEND_ME(Fanfare_Message, __construct, arginfo_class_Fanfare_Message___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Message, toUser, arginfo_class_Fanfare_Message_toUser, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_FlushResult_methods[] = {
	ZEND_ME(Fanfare_FlushResult, __construct, arginfo_class_Fanfare_FlushResult___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_CachedEvent_methods[] = {
	ZEND_ME(Fanfare_CachedEvent, __construct, arginfo_class_Fanfare_CachedEvent___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Channel_methods[] = {
	ZEND_ME(Fanfare_Channel, __construct, arginfo_class_Fanfare_Channel___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Member_methods[] = {
	ZEND_ME(Fanfare_Member, __construct, arginfo_class_Fanfare_Member___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Stats_methods[] = {
	ZEND_ME(Fanfare_Stats, __construct, arginfo_class_Fanfare_Stats___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Publisher_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Publisher, publish, arginfo_class_Fanfare_Publisher_publish, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Publisher, publishMany, arginfo_class_Fanfare_Publisher_publishMany, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Publisher, sendToUser, arginfo_class_Fanfare_Publisher_sendToUser, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_AsyncPublisher_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_AsyncPublisher, publishAsync, arginfo_class_Fanfare_AsyncPublisher_publishAsync, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_AsyncPublisher, pending, arginfo_class_Fanfare_AsyncPublisher_pending, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_AsyncPublisher, flush, arginfo_class_Fanfare_AsyncPublisher_flush, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Inspector_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Inspector, channels, arginfo_class_Fanfare_Inspector_channels, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Inspector, channel, arginfo_class_Fanfare_Inspector_channel, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Inspector, members, arginfo_class_Fanfare_Inspector_members, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Inspector, connectionCount, arginfo_class_Fanfare_Inspector_connectionCount, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Inspector, ping, arginfo_class_Fanfare_Inspector_ping, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Inspector, stats, arginfo_class_Fanfare_Inspector_stats, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_ClusterInspector_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_ClusterInspector, answerWasPartial, arginfo_class_Fanfare_ClusterInspector_answerWasPartial, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Terminator_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Terminator, terminateUser, arginfo_class_Fanfare_Terminator_terminateUser, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Terminator, terminateConnection, arginfo_class_Fanfare_Terminator_terminateConnection, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Gateway_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_EventType_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Event_methods[] = {
	ZEND_ME(Fanfare_Event, __construct, arginfo_class_Fanfare_Event___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Snapshot_methods[] = {
	ZEND_ME(Fanfare_Snapshot, __construct, arginfo_class_Fanfare_Snapshot___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Listener_methods[] = {
	ZEND_ME(Fanfare_Listener, receive, arginfo_class_Fanfare_Listener_receive, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Listener, ack, arginfo_class_Fanfare_Listener_ack, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Listener, release, arginfo_class_Fanfare_Listener_release, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Listener, snapshot, arginfo_class_Fanfare_Listener_snapshot, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Listener, close, arginfo_class_Fanfare_Listener_close, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Listener, __construct, arginfo_class_Fanfare_Listener___construct, ZEND_ACC_PRIVATE)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Listenable_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Listenable, listen, arginfo_class_Fanfare_Listenable_listen, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Connection_methods[] = {
	ZEND_ME(Fanfare_Connection, __construct, arginfo_class_Fanfare_Connection___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Operator_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Operator, connections, arginfo_class_Fanfare_Operator_connections, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Operator, stop, arginfo_class_Fanfare_Operator_stop, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Operator, restart, arginfo_class_Fanfare_Operator_restart, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Fanfare_Operator, reload, arginfo_class_Fanfare_Operator_reload, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Fanfare_Client_methods[] = {
	ZEND_ME(Fanfare_Client, __construct, arginfo_class_Fanfare_Client___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, publish, arginfo_class_Fanfare_Client_publish, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, publishMany, arginfo_class_Fanfare_Client_publishMany, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, publishAsync, arginfo_class_Fanfare_Client_publishAsync, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, pending, arginfo_class_Fanfare_Client_pending, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, flush, arginfo_class_Fanfare_Client_flush, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, sendToUser, arginfo_class_Fanfare_Client_sendToUser, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, terminateUser, arginfo_class_Fanfare_Client_terminateUser, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, terminateConnection, arginfo_class_Fanfare_Client_terminateConnection, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, channels, arginfo_class_Fanfare_Client_channels, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, channel, arginfo_class_Fanfare_Client_channel, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, members, arginfo_class_Fanfare_Client_members, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, connectionCount, arginfo_class_Fanfare_Client_connectionCount, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, ping, arginfo_class_Fanfare_Client_ping, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, stats, arginfo_class_Fanfare_Client_stats, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, answerWasPartial, arginfo_class_Fanfare_Client_answerWasPartial, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, listen, arginfo_class_Fanfare_Client_listen, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, connections, arginfo_class_Fanfare_Client_connections, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, stop, arginfo_class_Fanfare_Client_stop, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, restart, arginfo_class_Fanfare_Client_restart, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, reload, arginfo_class_Fanfare_Client_reload, ZEND_ACC_PUBLIC)
	ZEND_ME(Fanfare_Client, close, arginfo_class_Fanfare_Client_close, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};

static zend_class_entry *register_class_Fanfare_Exception(zend_class_entry *class_entry_Throwable)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Exception", class_Fanfare_Exception_methods);
	class_entry = zend_register_internal_interface(&ce);
	zend_class_implements(class_entry, 1, class_entry_Throwable);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Phase(void)
{
	zend_class_entry *class_entry = zend_register_internal_enum("Fanfare\\Phase", IS_STRING, class_Fanfare_Phase_methods);

	zval enum_case_Connect_value;
	zend_string *enum_case_Connect_value_str = zend_string_init("connect", strlen("connect"), 1);
	ZVAL_STR(&enum_case_Connect_value, enum_case_Connect_value_str);
	zend_enum_add_case_cstr(class_entry, "Connect", &enum_case_Connect_value);

	zval enum_case_Write_value;
	zend_string *enum_case_Write_value_str = zend_string_init("write", strlen("write"), 1);
	ZVAL_STR(&enum_case_Write_value, enum_case_Write_value_str);
	zend_enum_add_case_cstr(class_entry, "Write", &enum_case_Write_value);

	zval enum_case_Ack_value;
	zend_string *enum_case_Ack_value_str = zend_string_init("ack", strlen("ack"), 1);
	ZVAL_STR(&enum_case_Ack_value, enum_case_Ack_value_str);
	zend_enum_add_case_cstr(class_entry, "Ack", &enum_case_Ack_value);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Reason(void)
{
	zend_class_entry *class_entry = zend_register_internal_enum("Fanfare\\Reason", IS_STRING, class_Fanfare_Reason_methods);

	zval enum_case_UnknownApp_value;
	zend_string *enum_case_UnknownApp_value_str = zend_string_init("unknown_app", strlen("unknown_app"), 1);
	ZVAL_STR(&enum_case_UnknownApp_value, enum_case_UnknownApp_value_str);
	zend_enum_add_case_cstr(class_entry, "UnknownApp", &enum_case_UnknownApp_value);

	zval enum_case_AppDisabled_value;
	zend_string *enum_case_AppDisabled_value_str = zend_string_init("app_disabled", strlen("app_disabled"), 1);
	ZVAL_STR(&enum_case_AppDisabled_value, enum_case_AppDisabled_value_str);
	zend_enum_add_case_cstr(class_entry, "AppDisabled", &enum_case_AppDisabled_value);

	zval enum_case_Unauthorized_value;
	zend_string *enum_case_Unauthorized_value_str = zend_string_init("unauthorized", strlen("unauthorized"), 1);
	ZVAL_STR(&enum_case_Unauthorized_value, enum_case_Unauthorized_value_str);
	zend_enum_add_case_cstr(class_entry, "Unauthorized", &enum_case_Unauthorized_value);

	zval enum_case_InvalidChannel_value;
	zend_string *enum_case_InvalidChannel_value_str = zend_string_init("invalid_channel", strlen("invalid_channel"), 1);
	ZVAL_STR(&enum_case_InvalidChannel_value, enum_case_InvalidChannel_value_str);
	zend_enum_add_case_cstr(class_entry, "InvalidChannel", &enum_case_InvalidChannel_value);

	zval enum_case_InvalidEvent_value;
	zend_string *enum_case_InvalidEvent_value_str = zend_string_init("invalid_event", strlen("invalid_event"), 1);
	ZVAL_STR(&enum_case_InvalidEvent_value, enum_case_InvalidEvent_value_str);
	zend_enum_add_case_cstr(class_entry, "InvalidEvent", &enum_case_InvalidEvent_value);

	zval enum_case_InvalidPayload_value;
	zend_string *enum_case_InvalidPayload_value_str = zend_string_init("invalid_payload", strlen("invalid_payload"), 1);
	ZVAL_STR(&enum_case_InvalidPayload_value, enum_case_InvalidPayload_value_str);
	zend_enum_add_case_cstr(class_entry, "InvalidPayload", &enum_case_InvalidPayload_value);

	zval enum_case_TooLarge_value;
	zend_string *enum_case_TooLarge_value_str = zend_string_init("too_large", strlen("too_large"), 1);
	ZVAL_STR(&enum_case_TooLarge_value, enum_case_TooLarge_value_str);
	zend_enum_add_case_cstr(class_entry, "TooLarge", &enum_case_TooLarge_value);

	zval enum_case_Forbidden_value;
	zend_string *enum_case_Forbidden_value_str = zend_string_init("forbidden", strlen("forbidden"), 1);
	ZVAL_STR(&enum_case_Forbidden_value, enum_case_Forbidden_value_str);
	zend_enum_add_case_cstr(class_entry, "Forbidden", &enum_case_Forbidden_value);

	zval enum_case_Draining_value;
	zend_string *enum_case_Draining_value_str = zend_string_init("draining", strlen("draining"), 1);
	ZVAL_STR(&enum_case_Draining_value, enum_case_Draining_value_str);
	zend_enum_add_case_cstr(class_entry, "Draining", &enum_case_Draining_value);

	zval enum_case_Internal_value;
	zend_string *enum_case_Internal_value_str = zend_string_init("internal", strlen("internal"), 1);
	ZVAL_STR(&enum_case_Internal_value, enum_case_Internal_value_str);
	zend_enum_add_case_cstr(class_entry, "Internal", &enum_case_Internal_value);

	zval enum_case_Other_value;
	zend_string *enum_case_Other_value_str = zend_string_init("other", strlen("other"), 1);
	ZVAL_STR(&enum_case_Other_value, enum_case_Other_value_str);
	zend_enum_add_case_cstr(class_entry, "Other", &enum_case_Other_value);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Ack(void)
{
	zend_class_entry *class_entry = zend_register_internal_enum("Fanfare\\Ack", IS_STRING, class_Fanfare_Ack_methods);

	zval enum_case_Local_value;
	zend_string *enum_case_Local_value_str = zend_string_init("local", strlen("local"), 1);
	ZVAL_STR(&enum_case_Local_value, enum_case_Local_value_str);
	zend_enum_add_case_cstr(class_entry, "Local", &enum_case_Local_value);

	zval enum_case_Cluster_value;
	zend_string *enum_case_Cluster_value_str = zend_string_init("cluster", strlen("cluster"), 1);
	ZVAL_STR(&enum_case_Cluster_value, enum_case_Cluster_value_str);
	zend_enum_add_case_cstr(class_entry, "Cluster", &enum_case_Cluster_value);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_TransportException(zend_class_entry *class_entry_RuntimeException, zend_class_entry *class_entry_Fanfare_Exception)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "TransportException", class_Fanfare_TransportException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_RuntimeException);
	class_entry->ce_flags |= ZEND_ACC_ABSTRACT;
	zend_class_implements(class_entry, 1, class_entry_Fanfare_Exception);

	zval property_maybeDelivered_default_value;
	ZVAL_UNDEF(&property_maybeDelivered_default_value);
	zend_string *property_maybeDelivered_name = zend_string_init("maybeDelivered", sizeof("maybeDelivered") - 1, 1);
	zend_declare_typed_property(class_entry, property_maybeDelivered_name, &property_maybeDelivered_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_BOOL));
	zend_string_release(property_maybeDelivered_name);

	zend_string *property_phase_class_Fanfare_Phase = zend_string_init("Fanfare\\Phase", sizeof("Fanfare\\Phase")-1, 1);
	zval property_phase_default_value;
	ZVAL_UNDEF(&property_phase_default_value);
	zend_string *property_phase_name = zend_string_init("phase", sizeof("phase") - 1, 1);
	zend_declare_typed_property(class_entry, property_phase_name, &property_phase_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_CLASS(property_phase_class_Fanfare_Phase, 0, 0));
	zend_string_release(property_phase_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_ConnectException(zend_class_entry *class_entry_Fanfare_TransportException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "ConnectException", class_Fanfare_ConnectException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Fanfare_TransportException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_TimeoutException(zend_class_entry *class_entry_Fanfare_TransportException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "TimeoutException", class_Fanfare_TimeoutException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Fanfare_TransportException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_ConnectionLostException(zend_class_entry *class_entry_Fanfare_TransportException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "ConnectionLostException", class_Fanfare_ConnectionLostException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Fanfare_TransportException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_ProtocolException(zend_class_entry *class_entry_Fanfare_TransportException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "ProtocolException", class_Fanfare_ProtocolException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Fanfare_TransportException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_UnconfirmedException(zend_class_entry *class_entry_Fanfare_TransportException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "UnconfirmedException", class_Fanfare_UnconfirmedException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Fanfare_TransportException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_RejectedException(zend_class_entry *class_entry_RuntimeException, zend_class_entry *class_entry_Fanfare_Exception)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "RejectedException", class_Fanfare_RejectedException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_RuntimeException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;
	zend_class_implements(class_entry, 1, class_entry_Fanfare_Exception);

	zend_string *property_reason_class_Fanfare_Reason = zend_string_init("Fanfare\\Reason", sizeof("Fanfare\\Reason")-1, 1);
	zval property_reason_default_value;
	ZVAL_UNDEF(&property_reason_default_value);
	zend_string *property_reason_name = zend_string_init("reason", sizeof("reason") - 1, 1);
	zend_declare_typed_property(class_entry, property_reason_name, &property_reason_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_CLASS(property_reason_class_Fanfare_Reason, 0, 0));
	zend_string_release(property_reason_name);

	zval property_index_default_value;
	ZVAL_UNDEF(&property_index_default_value);
	zend_string *property_index_name = zend_string_init("index", sizeof("index") - 1, 1);
	zend_declare_typed_property(class_entry, property_index_name, &property_index_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG|MAY_BE_NULL));
	zend_string_release(property_index_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_PayloadException(zend_class_entry *class_entry_InvalidArgumentException, zend_class_entry *class_entry_Fanfare_Exception)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "PayloadException", class_Fanfare_PayloadException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_InvalidArgumentException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;
	zend_class_implements(class_entry, 1, class_entry_Fanfare_Exception);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_ConfigurationException(zend_class_entry *class_entry_RuntimeException, zend_class_entry *class_entry_Fanfare_Exception)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "ConfigurationException", class_Fanfare_ConfigurationException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_RuntimeException);
	class_entry->ce_flags |= ZEND_ACC_FINAL;
	zend_class_implements(class_entry, 1, class_entry_Fanfare_Exception);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Receipt(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Receipt", class_Fanfare_Receipt_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_id_default_value;
	ZVAL_UNDEF(&property_id_default_value);
	zend_string *property_id_name = zend_string_init("id", sizeof("id") - 1, 1);
	zend_declare_typed_property(class_entry, property_id_name, &property_id_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_id_name);

	zval property_recipients_default_value;
	ZVAL_UNDEF(&property_recipients_default_value);
	zend_string *property_recipients_name = zend_string_init("recipients", sizeof("recipients") - 1, 1);
	zend_declare_typed_property(class_entry, property_recipients_name, &property_recipients_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_recipients_name);

	zval property_duplicate_default_value;
	ZVAL_UNDEF(&property_duplicate_default_value);
	zend_string *property_duplicate_name = zend_string_init("duplicate", sizeof("duplicate") - 1, 1);
	zend_declare_typed_property(class_entry, property_duplicate_name, &property_duplicate_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_BOOL));
	zend_string_release(property_duplicate_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Message(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Message", class_Fanfare_Message_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_channels_default_value;
	ZVAL_UNDEF(&property_channels_default_value);
	zend_string *property_channels_name = zend_string_init("channels", sizeof("channels") - 1, 1);
	zend_declare_typed_property(class_entry, property_channels_name, &property_channels_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_ARRAY));
	zend_string_release(property_channels_name);

	zval property_event_default_value;
	ZVAL_UNDEF(&property_event_default_value);
	zend_string *property_event_name = zend_string_init("event", sizeof("event") - 1, 1);
	zend_declare_typed_property(class_entry, property_event_name, &property_event_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_event_name);

	zval property_payload_default_value;
	ZVAL_UNDEF(&property_payload_default_value);
	zend_string *property_payload_name = zend_string_init("payload", sizeof("payload") - 1, 1);
	zend_declare_typed_property(class_entry, property_payload_name, &property_payload_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ANY));
	zend_string_release(property_payload_name);

	zval property_except_default_value;
	ZVAL_UNDEF(&property_except_default_value);
	zend_string *property_except_name = zend_string_init("except", sizeof("except") - 1, 1);
	zend_declare_typed_property(class_entry, property_except_name, &property_except_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_except_name);

	zval property_key_default_value;
	ZVAL_UNDEF(&property_key_default_value);
	zend_string *property_key_name = zend_string_init("key", sizeof("key") - 1, 1);
	zend_declare_typed_property(class_entry, property_key_name, &property_key_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_key_name);

	zval property_traceparent_default_value;
	ZVAL_UNDEF(&property_traceparent_default_value);
	zend_string *property_traceparent_name = zend_string_init("traceparent", sizeof("traceparent") - 1, 1);
	zend_declare_typed_property(class_entry, property_traceparent_name, &property_traceparent_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_traceparent_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_FlushResult(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "FlushResult", class_Fanfare_FlushResult_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_acknowledged_default_value;
	ZVAL_UNDEF(&property_acknowledged_default_value);
	zend_string *property_acknowledged_name = zend_string_init("acknowledged", sizeof("acknowledged") - 1, 1);
	zend_declare_typed_property(class_entry, property_acknowledged_name, &property_acknowledged_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_acknowledged_name);

	zval property_rejected_default_value;
	ZVAL_UNDEF(&property_rejected_default_value);
	zend_string *property_rejected_name = zend_string_init("rejected", sizeof("rejected") - 1, 1);
	zend_declare_typed_property(class_entry, property_rejected_name, &property_rejected_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_rejected_name);

	zval property_unanswered_default_value;
	ZVAL_UNDEF(&property_unanswered_default_value);
	zend_string *property_unanswered_name = zend_string_init("unanswered", sizeof("unanswered") - 1, 1);
	zend_declare_typed_property(class_entry, property_unanswered_name, &property_unanswered_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_unanswered_name);

	zend_string *property_error_class_Fanfare_Exception = zend_string_init("Fanfare\\Exception", sizeof("Fanfare\\Exception")-1, 1);
	zval property_error_default_value;
	ZVAL_UNDEF(&property_error_default_value);
	zend_string *property_error_name = zend_string_init("error", sizeof("error") - 1, 1);
	zend_declare_typed_property(class_entry, property_error_name, &property_error_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_CLASS(property_error_class_Fanfare_Exception, 0, MAY_BE_NULL));
	zend_string_release(property_error_name);

	zval property_unconfirmed_default_value;
	ZVAL_UNDEF(&property_unconfirmed_default_value);
	zend_string *property_unconfirmed_name = zend_string_init("unconfirmed", sizeof("unconfirmed") - 1, 1);
	zend_declare_typed_property(class_entry, property_unconfirmed_name, &property_unconfirmed_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_unconfirmed_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_CachedEvent(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "CachedEvent", class_Fanfare_CachedEvent_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_data_default_value;
	ZVAL_UNDEF(&property_data_default_value);
	zend_string *property_data_name = zend_string_init("data", sizeof("data") - 1, 1);
	zend_declare_typed_property(class_entry, property_data_name, &property_data_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_data_name);

	zval property_ttl_default_value;
	ZVAL_UNDEF(&property_ttl_default_value);
	zend_string *property_ttl_name = zend_string_init("ttl", sizeof("ttl") - 1, 1);
	zend_declare_typed_property(class_entry, property_ttl_name, &property_ttl_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_ttl_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Channel(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Channel", class_Fanfare_Channel_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_name_default_value;
	ZVAL_UNDEF(&property_name_default_value);
	zend_string *property_name_name = zend_string_init("name", sizeof("name") - 1, 1);
	zend_declare_typed_property(class_entry, property_name_name, &property_name_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_name_name);

	zval property_occupied_default_value;
	ZVAL_UNDEF(&property_occupied_default_value);
	zend_string *property_occupied_name = zend_string_init("occupied", sizeof("occupied") - 1, 1);
	zend_declare_typed_property(class_entry, property_occupied_name, &property_occupied_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_BOOL));
	zend_string_release(property_occupied_name);

	zval property_subscriptions_default_value;
	ZVAL_UNDEF(&property_subscriptions_default_value);
	zend_string *property_subscriptions_name = zend_string_init("subscriptions", sizeof("subscriptions") - 1, 1);
	zend_declare_typed_property(class_entry, property_subscriptions_name, &property_subscriptions_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_subscriptions_name);

	zval property_members_default_value;
	ZVAL_UNDEF(&property_members_default_value);
	zend_string *property_members_name = zend_string_init("members", sizeof("members") - 1, 1);
	zend_declare_typed_property(class_entry, property_members_name, &property_members_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG|MAY_BE_NULL));
	zend_string_release(property_members_name);

	zend_string *property_cache_class_Fanfare_CachedEvent = zend_string_init("Fanfare\\CachedEvent", sizeof("Fanfare\\CachedEvent")-1, 1);
	zval property_cache_default_value;
	ZVAL_UNDEF(&property_cache_default_value);
	zend_string *property_cache_name = zend_string_init("cache", sizeof("cache") - 1, 1);
	zend_declare_typed_property(class_entry, property_cache_name, &property_cache_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_CLASS(property_cache_class_Fanfare_CachedEvent, 0, MAY_BE_NULL));
	zend_string_release(property_cache_name);

	zval property_partial_default_value;
	ZVAL_UNDEF(&property_partial_default_value);
	zend_string *property_partial_name = zend_string_init("partial", sizeof("partial") - 1, 1);
	zend_declare_typed_property(class_entry, property_partial_name, &property_partial_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_BOOL));
	zend_string_release(property_partial_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Member(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Member", class_Fanfare_Member_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_id_default_value;
	ZVAL_UNDEF(&property_id_default_value);
	zend_string *property_id_name = zend_string_init("id", sizeof("id") - 1, 1);
	zend_declare_typed_property(class_entry, property_id_name, &property_id_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_id_name);

	zval property_info_default_value;
	ZVAL_UNDEF(&property_info_default_value);
	zend_string *property_info_name = zend_string_init("info", sizeof("info") - 1, 1);
	zend_declare_typed_property(class_entry, property_info_name, &property_info_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ANY));
	zend_string_release(property_info_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Stats(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Stats", class_Fanfare_Stats_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_version_default_value;
	ZVAL_UNDEF(&property_version_default_value);
	zend_string *property_version_name = zend_string_init("version", sizeof("version") - 1, 1);
	zend_declare_typed_property(class_entry, property_version_name, &property_version_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_version_name);

	zval property_pid_default_value;
	ZVAL_UNDEF(&property_pid_default_value);
	zend_string *property_pid_name = zend_string_init("pid", sizeof("pid") - 1, 1);
	zend_declare_typed_property(class_entry, property_pid_name, &property_pid_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_pid_name);

	zval property_uptime_default_value;
	ZVAL_UNDEF(&property_uptime_default_value);
	zend_string *property_uptime_name = zend_string_init("uptime", sizeof("uptime") - 1, 1);
	zend_declare_typed_property(class_entry, property_uptime_name, &property_uptime_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_uptime_name);

	zval property_connections_default_value;
	ZVAL_UNDEF(&property_connections_default_value);
	zend_string *property_connections_name = zend_string_init("connections", sizeof("connections") - 1, 1);
	zend_declare_typed_property(class_entry, property_connections_name, &property_connections_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_connections_name);

	zval property_channels_default_value;
	ZVAL_UNDEF(&property_channels_default_value);
	zend_string *property_channels_name = zend_string_init("channels", sizeof("channels") - 1, 1);
	zend_declare_typed_property(class_entry, property_channels_name, &property_channels_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_channels_name);

	zval property_messagesIn_default_value;
	ZVAL_UNDEF(&property_messagesIn_default_value);
	zend_string *property_messagesIn_name = zend_string_init("messagesIn", sizeof("messagesIn") - 1, 1);
	zend_declare_typed_property(class_entry, property_messagesIn_name, &property_messagesIn_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_messagesIn_name);

	zval property_messagesOut_default_value;
	ZVAL_UNDEF(&property_messagesOut_default_value);
	zend_string *property_messagesOut_name = zend_string_init("messagesOut", sizeof("messagesOut") - 1, 1);
	zend_declare_typed_property(class_entry, property_messagesOut_name, &property_messagesOut_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_messagesOut_name);

	zval property_bytesOut_default_value;
	ZVAL_UNDEF(&property_bytesOut_default_value);
	zend_string *property_bytesOut_name = zend_string_init("bytesOut", sizeof("bytesOut") - 1, 1);
	zend_declare_typed_property(class_entry, property_bytesOut_name, &property_bytesOut_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_bytesOut_name);

	zval property_dropped_default_value;
	ZVAL_UNDEF(&property_dropped_default_value);
	zend_string *property_dropped_name = zend_string_init("dropped", sizeof("dropped") - 1, 1);
	zend_declare_typed_property(class_entry, property_dropped_name, &property_dropped_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_dropped_name);

	zval property_draining_default_value;
	ZVAL_UNDEF(&property_draining_default_value);
	zend_string *property_draining_name = zend_string_init("draining", sizeof("draining") - 1, 1);
	zend_declare_typed_property(class_entry, property_draining_name, &property_draining_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_BOOL));
	zend_string_release(property_draining_name);

	zval property_extra_default_value;
	ZVAL_UNDEF(&property_extra_default_value);
	zend_string *property_extra_name = zend_string_init("extra", sizeof("extra") - 1, 1);
	zend_declare_typed_property(class_entry, property_extra_name, &property_extra_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_extra_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Publisher(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Publisher", class_Fanfare_Publisher_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_AsyncPublisher(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "AsyncPublisher", class_Fanfare_AsyncPublisher_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Inspector(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Inspector", class_Fanfare_Inspector_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_ClusterInspector(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "ClusterInspector", class_Fanfare_ClusterInspector_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Terminator(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Terminator", class_Fanfare_Terminator_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Gateway(zend_class_entry *class_entry_Fanfare_Publisher, zend_class_entry *class_entry_Fanfare_AsyncPublisher, zend_class_entry *class_entry_Fanfare_Inspector, zend_class_entry *class_entry_Fanfare_Terminator)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Gateway", class_Fanfare_Gateway_methods);
	class_entry = zend_register_internal_interface(&ce);
	zend_class_implements(class_entry, 4, class_entry_Fanfare_Publisher, class_entry_Fanfare_AsyncPublisher, class_entry_Fanfare_Inspector, class_entry_Fanfare_Terminator);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_EventType(void)
{
	zend_class_entry *class_entry = zend_register_internal_enum("Fanfare\\EventType", IS_STRING, class_Fanfare_EventType_methods);

	zval enum_case_ChannelOccupied_value;
	zend_string *enum_case_ChannelOccupied_value_str = zend_string_init("channel_occupied", strlen("channel_occupied"), 1);
	ZVAL_STR(&enum_case_ChannelOccupied_value, enum_case_ChannelOccupied_value_str);
	zend_enum_add_case_cstr(class_entry, "ChannelOccupied", &enum_case_ChannelOccupied_value);

	zval enum_case_ChannelVacated_value;
	zend_string *enum_case_ChannelVacated_value_str = zend_string_init("channel_vacated", strlen("channel_vacated"), 1);
	ZVAL_STR(&enum_case_ChannelVacated_value, enum_case_ChannelVacated_value_str);
	zend_enum_add_case_cstr(class_entry, "ChannelVacated", &enum_case_ChannelVacated_value);

	zval enum_case_MemberAdded_value;
	zend_string *enum_case_MemberAdded_value_str = zend_string_init("member_added", strlen("member_added"), 1);
	ZVAL_STR(&enum_case_MemberAdded_value, enum_case_MemberAdded_value_str);
	zend_enum_add_case_cstr(class_entry, "MemberAdded", &enum_case_MemberAdded_value);

	zval enum_case_MemberRemoved_value;
	zend_string *enum_case_MemberRemoved_value_str = zend_string_init("member_removed", strlen("member_removed"), 1);
	ZVAL_STR(&enum_case_MemberRemoved_value, enum_case_MemberRemoved_value_str);
	zend_enum_add_case_cstr(class_entry, "MemberRemoved", &enum_case_MemberRemoved_value);

	zval enum_case_ClientEvent_value;
	zend_string *enum_case_ClientEvent_value_str = zend_string_init("client_event", strlen("client_event"), 1);
	ZVAL_STR(&enum_case_ClientEvent_value, enum_case_ClientEvent_value_str);
	zend_enum_add_case_cstr(class_entry, "ClientEvent", &enum_case_ClientEvent_value);

	zval enum_case_CacheMiss_value;
	zend_string *enum_case_CacheMiss_value_str = zend_string_init("cache_miss", strlen("cache_miss"), 1);
	ZVAL_STR(&enum_case_CacheMiss_value, enum_case_CacheMiss_value_str);
	zend_enum_add_case_cstr(class_entry, "CacheMiss", &enum_case_CacheMiss_value);

	zval enum_case_SubscriptionCount_value;
	zend_string *enum_case_SubscriptionCount_value_str = zend_string_init("subscription_count", strlen("subscription_count"), 1);
	ZVAL_STR(&enum_case_SubscriptionCount_value, enum_case_SubscriptionCount_value_str);
	zend_enum_add_case_cstr(class_entry, "SubscriptionCount", &enum_case_SubscriptionCount_value);

	zval enum_case_ConnectionOpened_value;
	zend_string *enum_case_ConnectionOpened_value_str = zend_string_init("connection_opened", strlen("connection_opened"), 1);
	ZVAL_STR(&enum_case_ConnectionOpened_value, enum_case_ConnectionOpened_value_str);
	zend_enum_add_case_cstr(class_entry, "ConnectionOpened", &enum_case_ConnectionOpened_value);

	zval enum_case_ConnectionClosed_value;
	zend_string *enum_case_ConnectionClosed_value_str = zend_string_init("connection_closed", strlen("connection_closed"), 1);
	ZVAL_STR(&enum_case_ConnectionClosed_value, enum_case_ConnectionClosed_value_str);
	zend_enum_add_case_cstr(class_entry, "ConnectionClosed", &enum_case_ConnectionClosed_value);

	zval enum_case_UserOnline_value;
	zend_string *enum_case_UserOnline_value_str = zend_string_init("user_online", strlen("user_online"), 1);
	ZVAL_STR(&enum_case_UserOnline_value, enum_case_UserOnline_value_str);
	zend_enum_add_case_cstr(class_entry, "UserOnline", &enum_case_UserOnline_value);

	zval enum_case_UserOffline_value;
	zend_string *enum_case_UserOffline_value_str = zend_string_init("user_offline", strlen("user_offline"), 1);
	ZVAL_STR(&enum_case_UserOffline_value, enum_case_UserOffline_value_str);
	zend_enum_add_case_cstr(class_entry, "UserOffline", &enum_case_UserOffline_value);

	zval enum_case_EventsLost_value;
	zend_string *enum_case_EventsLost_value_str = zend_string_init("events_lost", strlen("events_lost"), 1);
	ZVAL_STR(&enum_case_EventsLost_value, enum_case_EventsLost_value_str);
	zend_enum_add_case_cstr(class_entry, "EventsLost", &enum_case_EventsLost_value);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Event(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Event", class_Fanfare_Event_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_id_default_value;
	ZVAL_UNDEF(&property_id_default_value);
	zend_string *property_id_name = zend_string_init("id", sizeof("id") - 1, 1);
	zend_declare_typed_property(class_entry, property_id_name, &property_id_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_id_name);

	zend_string *property_type_class_Fanfare_EventType = zend_string_init("Fanfare\\EventType", sizeof("Fanfare\\EventType")-1, 1);
	zval property_type_default_value;
	ZVAL_UNDEF(&property_type_default_value);
	zend_string *property_type_name = zend_string_init("type", sizeof("type") - 1, 1);
	zend_declare_typed_property(class_entry, property_type_name, &property_type_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_CLASS(property_type_class_Fanfare_EventType, 0, 0));
	zend_string_release(property_type_name);

	zval property_time_default_value;
	ZVAL_UNDEF(&property_time_default_value);
	zend_string *property_time_name = zend_string_init("time", sizeof("time") - 1, 1);
	zend_declare_typed_property(class_entry, property_time_name, &property_time_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_DOUBLE));
	zend_string_release(property_time_name);

	zval property_attempt_default_value;
	ZVAL_UNDEF(&property_attempt_default_value);
	zend_string *property_attempt_name = zend_string_init("attempt", sizeof("attempt") - 1, 1);
	zend_declare_typed_property(class_entry, property_attempt_name, &property_attempt_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_attempt_name);

	zval property_order_default_value;
	ZVAL_UNDEF(&property_order_default_value);
	zend_string *property_order_name = zend_string_init("order", sizeof("order") - 1, 1);
	zend_declare_typed_property(class_entry, property_order_name, &property_order_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_order_name);

	zval property_channel_default_value;
	ZVAL_UNDEF(&property_channel_default_value);
	zend_string *property_channel_name = zend_string_init("channel", sizeof("channel") - 1, 1);
	zend_declare_typed_property(class_entry, property_channel_name, &property_channel_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_channel_name);

	zval property_userId_default_value;
	ZVAL_UNDEF(&property_userId_default_value);
	zend_string *property_userId_name = zend_string_init("userId", sizeof("userId") - 1, 1);
	zend_declare_typed_property(class_entry, property_userId_name, &property_userId_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_userId_name);

	zval property_socketId_default_value;
	ZVAL_UNDEF(&property_socketId_default_value);
	zend_string *property_socketId_name = zend_string_init("socketId", sizeof("socketId") - 1, 1);
	zend_declare_typed_property(class_entry, property_socketId_name, &property_socketId_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_socketId_name);

	zval property_event_default_value;
	ZVAL_UNDEF(&property_event_default_value);
	zend_string *property_event_name = zend_string_init("event", sizeof("event") - 1, 1);
	zend_declare_typed_property(class_entry, property_event_name, &property_event_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_event_name);

	zval property_data_default_value;
	ZVAL_UNDEF(&property_data_default_value);
	zend_string *property_data_name = zend_string_init("data", sizeof("data") - 1, 1);
	zend_declare_typed_property(class_entry, property_data_name, &property_data_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_data_name);

	zval property_count_default_value;
	ZVAL_UNDEF(&property_count_default_value);
	zend_string *property_count_name = zend_string_init("count", sizeof("count") - 1, 1);
	zend_declare_typed_property(class_entry, property_count_name, &property_count_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG|MAY_BE_NULL));
	zend_string_release(property_count_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Snapshot(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Snapshot", class_Fanfare_Snapshot_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_order_default_value;
	ZVAL_UNDEF(&property_order_default_value);
	zend_string *property_order_name = zend_string_init("order", sizeof("order") - 1, 1);
	zend_declare_typed_property(class_entry, property_order_name, &property_order_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_order_name);

	zval property_channels_default_value;
	ZVAL_UNDEF(&property_channels_default_value);
	zend_string *property_channels_name = zend_string_init("channels", sizeof("channels") - 1, 1);
	zend_declare_typed_property(class_entry, property_channels_name, &property_channels_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_channels_name);

	zval property_members_default_value;
	ZVAL_UNDEF(&property_members_default_value);
	zend_string *property_members_name = zend_string_init("members", sizeof("members") - 1, 1);
	zend_declare_typed_property(class_entry, property_members_name, &property_members_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_members_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Listener(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Listener", class_Fanfare_Listener_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Listenable(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Listenable", class_Fanfare_Listenable_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Connection(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Connection", class_Fanfare_Connection_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_socketId_default_value;
	ZVAL_UNDEF(&property_socketId_default_value);
	zend_string *property_socketId_name = zend_string_init("socketId", sizeof("socketId") - 1, 1);
	zend_declare_typed_property(class_entry, property_socketId_name, &property_socketId_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_socketId_name);

	zval property_userId_default_value;
	ZVAL_UNDEF(&property_userId_default_value);
	zend_string *property_userId_name = zend_string_init("userId", sizeof("userId") - 1, 1);
	zend_declare_typed_property(class_entry, property_userId_name, &property_userId_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_userId_name);

	zval property_address_default_value;
	ZVAL_UNDEF(&property_address_default_value);
	zend_string *property_address_name = zend_string_init("address", sizeof("address") - 1, 1);
	zend_declare_typed_property(class_entry, property_address_name, &property_address_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_address_name);

	zval property_openedAt_default_value;
	ZVAL_UNDEF(&property_openedAt_default_value);
	zend_string *property_openedAt_name = zend_string_init("openedAt", sizeof("openedAt") - 1, 1);
	zend_declare_typed_property(class_entry, property_openedAt_name, &property_openedAt_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_DOUBLE));
	zend_string_release(property_openedAt_name);

	zval property_subscriptions_default_value;
	ZVAL_UNDEF(&property_subscriptions_default_value);
	zend_string *property_subscriptions_name = zend_string_init("subscriptions", sizeof("subscriptions") - 1, 1);
	zend_declare_typed_property(class_entry, property_subscriptions_name, &property_subscriptions_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_subscriptions_name);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Operator(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Operator", class_Fanfare_Operator_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Fanfare_Client(zend_class_entry *class_entry_Fanfare_Gateway, zend_class_entry *class_entry_Fanfare_ClusterInspector, zend_class_entry *class_entry_Fanfare_Listenable, zend_class_entry *class_entry_Fanfare_Operator)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Fanfare", "Client", class_Fanfare_Client_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;
	zend_class_implements(class_entry, 4, class_entry_Fanfare_Gateway, class_entry_Fanfare_ClusterInspector, class_entry_Fanfare_Listenable, class_entry_Fanfare_Operator);

	zval const_VERSION_value;
	zend_string *const_VERSION_value_str = zend_string_init(PHP_FANFARE_VERSION, strlen(PHP_FANFARE_VERSION), 1);
	ZVAL_STR(&const_VERSION_value, const_VERSION_value_str);
	zend_string *const_VERSION_name = zend_string_init_interned("VERSION", sizeof("VERSION") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_VERSION_name, &const_VERSION_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_VERSION_name);

	zval const_PROTOCOL_value;
	ZVAL_LONG(&const_PROTOCOL_value, FF_IPC_VERSION);
	zend_string *const_PROTOCOL_name = zend_string_init_interned("PROTOCOL", sizeof("PROTOCOL") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_PROTOCOL_name, &const_PROTOCOL_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_PROTOCOL_name);


	zend_add_parameter_attribute(zend_hash_str_find_ptr(&class_entry->function_table, "__construct", sizeof("__construct") - 1), 1, ZSTR_KNOWN(ZEND_STR_SENSITIVEPARAMETER), 0);

	return class_entry;
}
