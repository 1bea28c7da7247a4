#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include <string.h>

#include "zend_enum.h"
#include "zend_exceptions.h"

#include "fanfare_errors.h"
#include "ipc_proto.h"

static const struct {
	const char *word, *name;
} errors_reasons[] = {
	{FF_IPC_REASON_UNKNOWN_APP, "UnknownApp"},     {FF_IPC_REASON_APP_DISABLED, "AppDisabled"},
	{FF_IPC_REASON_UNAUTHORIZED, "Unauthorized"},  {FF_IPC_REASON_INVALID_CHANNEL, "InvalidChannel"},
	{FF_IPC_REASON_INVALID_EVENT, "InvalidEvent"}, {FF_IPC_REASON_INVALID_PAYLOAD, "InvalidPayload"},
	{FF_IPC_REASON_TOO_LARGE, "TooLarge"},         {FF_IPC_REASON_INTERNAL, "Internal"},
	{FF_IPC_REASON_FORBIDDEN, "Forbidden"},        {FF_IPC_REASON_DRAINING, "Draining"},
};

static const char *errors_reason(const char *word)
{
	for (size_t i = 0; i < sizeof(errors_reasons) / sizeof(errors_reasons[0]); i++) {
		if (strcmp(errors_reasons[i].word, word) == 0) {
			return errors_reasons[i].name;
		}
	}
	return "Other";
}

static void errors_set_enum(zend_object *object, zend_class_entry *scope, const char *property, zend_class_entry *ce,
                            const char *name)
{
	zval value;

	ZVAL_OBJ(&value, zend_enum_get_case_cstr(ce, name));
	zend_update_property(scope, object, property, strlen(property), &value);
}

static void errors_set_message(zend_object *object, const char *text, zend_long code)
{
	zend_update_property_string(zend_ce_exception, object, "message", sizeof("message") - 1, text);
	if (code != 0) {
		zend_update_property_long(zend_ce_exception, object, "code", sizeof("code") - 1, code);
	}
}

static const char *const errors_phases[] = {"Connect", "Write", "Ack"};

void fanfare_exception(zval *exception, const struct fanfare_outcome *outcome, const char *socket)
{
	char text[640];
	zend_class_entry *ce;
	zend_object *object;

	switch (outcome->status) {
	case FANFARE_CONNECT:
		ce = fanfare_ce_connect;
		break;
	case FANFARE_TIMEOUT:
		ce = fanfare_ce_timeout;
		break;
	case FANFARE_LOST:
		ce = fanfare_ce_lost;
		break;
	case FANFARE_PROTOCOL:
		ce = fanfare_ce_protocol;
		break;
	case FANFARE_TOO_OLD:
	case FANFARE_CANNOT_TELL:
		ce = fanfare_ce_protocol;
		break;
	case FANFARE_UNCONFIRMED:
		ce = fanfare_ce_unconfirmed;
		break;
	case FANFARE_REJECTED:
		ce = fanfare_ce_rejected;
		break;
	case FANFARE_TOO_LARGE:
		ce = fanfare_ce_payload;
		break;
	default:
		ce = fanfare_ce_connect;
		break;
	}
	fanfare_outcome_text(outcome, socket, text, sizeof(text));
	object_init_ex(exception, ce);
	object = Z_OBJ_P(exception);
	errors_set_message(object, text, outcome->err);
	if (ce == fanfare_ce_rejected) {
		zval index;

		errors_set_enum(object, ce, "reason", fanfare_ce_reason, errors_reason(outcome->reason));
		if (outcome->index >= 0) {
			ZVAL_LONG(&index, (zend_long) outcome->index);
		} else {
			ZVAL_NULL(&index);
		}
		zend_update_property(ce, object, "index", sizeof("index") - 1, &index);
	} else if (ce != fanfare_ce_payload) {
		zend_update_property_bool(fanfare_ce_transport, object, "maybeDelivered", sizeof("maybeDelivered") - 1,
		                          outcome->maybe_delivered);
		errors_set_enum(object, fanfare_ce_transport, "phase", fanfare_ce_phase, errors_phases[outcome->phase]);
	}
}

/*
 * Runs the handlers of signals that came while the call waited, as the engine does when a call returns. After a throw
 * it may not come to that: if the exception passes a call that the engine makes itself, as through call_user_func() in
 * a container, the engine takes the signal there, cannot run a handler beside the exception, and forgets it. A queue
 * worker would then miss its SIGTERM, or the alarm of its --timeout.
 */
static void errors_run_handlers(void)
{
	if (EXPECTED(!zend_atomic_bool_load_ex(&EG(vm_interrupt))) || zend_atomic_bool_load_ex(&EG(timed_out)) ||
	    zend_interrupt_function == NULL || EG(exception) != NULL) {
		return;
	}
	zend_atomic_bool_store_ex(&EG(vm_interrupt), false);
	zend_interrupt_function(EG(current_execute_data));
}

void fanfare_throw(const struct fanfare_outcome *outcome, const char *socket)
{
	zval exception;

	fanfare_exception(&exception, outcome, socket);
	errors_run_handlers(); /* may close the peer that outcome and socket are about */
	if (EXPECTED(EG(exception) == NULL)) {
		zend_throw_exception_object(&exception);
	} else if (instanceof_function(EG(exception)->ce, zend_ce_throwable)) {
		/* the handler's wins, as it would after a call that succeeds */
		zend_exception_set_previous(EG(exception), Z_OBJ(exception));
	} else {
		zval_ptr_dtor(&exception); /* exit() */
	}
}

/* What Exception::__construct() would have done with the rest of the arguments. */
static void errors_construct_base(zend_object *object, zend_string *message, zend_long code, zval *previous)
{
	if (message != NULL) {
		zend_update_property_str(zend_ce_exception, object, "message", sizeof("message") - 1, message);
	}
	if (code != 0) {
		zend_update_property_long(zend_ce_exception, object, "code", sizeof("code") - 1, code);
	}
	if (previous != NULL) {
		zend_update_property(zend_ce_exception, object, "previous", sizeof("previous") - 1, previous);
	}
}

ZEND_METHOD(Fanfare_TransportException, __construct)
{
	zend_string *message = NULL;
	bool maybe_delivered = false;
	zval *phase = NULL, *previous = NULL;
	zend_long code = 0;
	zend_object *object = Z_OBJ_P(ZEND_THIS);

	ZEND_PARSE_PARAMETERS_START(0, 5)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR(message)
		Z_PARAM_BOOL(maybe_delivered)
		Z_PARAM_OBJECT_OF_CLASS(phase, fanfare_ce_phase)
		Z_PARAM_LONG(code)
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(previous, zend_ce_throwable)
	ZEND_PARSE_PARAMETERS_END();

	zend_update_property_bool(fanfare_ce_transport, object, "maybeDelivered", sizeof("maybeDelivered") - 1,
	                          maybe_delivered);
	if (EG(exception) != NULL) {
		RETURN_THROWS(); /* readonly: constructed twice */
	}
	if (phase != NULL) {
		zend_update_property(fanfare_ce_transport, object, "phase", sizeof("phase") - 1, phase);
	} else {
		errors_set_enum(object, fanfare_ce_transport, "phase", fanfare_ce_phase, errors_phases[FANFARE_PHASE_CONNECT]);
	}
	errors_construct_base(object, message, code, previous);
}

ZEND_METHOD(Fanfare_RejectedException, __construct)
{
	zend_string *message = NULL;
	zval *reason = NULL, *previous = NULL, value;
	zend_long code = 0, index = 0;
	bool no_index = true;
	zend_object *object = Z_OBJ_P(ZEND_THIS);

	ZEND_PARSE_PARAMETERS_START(0, 5)
		Z_PARAM_OPTIONAL
		Z_PARAM_STR(message)
		Z_PARAM_OBJECT_OF_CLASS(reason, fanfare_ce_reason)
		Z_PARAM_LONG_OR_NULL(index, no_index)
		Z_PARAM_LONG(code)
		Z_PARAM_OBJECT_OF_CLASS_OR_NULL(previous, zend_ce_throwable)
	ZEND_PARSE_PARAMETERS_END();

	if (no_index) {
		ZVAL_NULL(&value);
	} else {
		ZVAL_LONG(&value, index);
	}
	zend_update_property(fanfare_ce_rejected, object, "index", sizeof("index") - 1, &value);
	if (EG(exception) != NULL) {
		RETURN_THROWS();
	}
	if (reason != NULL) {
		zend_update_property(fanfare_ce_rejected, object, "reason", sizeof("reason") - 1, reason);
	} else {
		errors_set_enum(object, fanfare_ce_rejected, "reason", fanfare_ce_reason, "Other");
	}
	errors_construct_base(object, message, code, previous);
}
