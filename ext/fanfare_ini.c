#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "php_ini.h"

#include "fanfare_ini.h"

#define INI_MAX_SECONDS 86400.0

/* Strings that say which peer is meant: handles look again after a change. */
static ZEND_INI_MH(ini_on_target)
{
	FANFARE_G(ini_generation)++;
	return OnUpdateString(entry, new_value, mh_arg1, mh_arg2, mh_arg3, stage);
}

static zend_result ini_update_seconds(const zend_ini_entry *entry, zend_string *text, double *value, double min)
{
	const char *end;
	double seconds = zend_strtod(ZSTR_VAL(text), &end);

	if (ZSTR_LEN(text) == 0 || *end != '\0' || !(seconds >= min && seconds <= INI_MAX_SECONDS)) {
		zend_error(E_WARNING, "%s must be a number of seconds from %g to %g, \"%s\" is refused", ZSTR_VAL(entry->name),
		           min, INI_MAX_SECONDS, ZSTR_VAL(text));
		return FAILURE;
	}
	*value = seconds;
	return SUCCESS;
}

static ZEND_INI_MH(ini_on_timeout)
{
	return ini_update_seconds(entry, new_value, (double *) ZEND_INI_GET_ADDR(), 0.001);
}

static ZEND_INI_MH(ini_on_shutdown_flush)
{
	return ini_update_seconds(entry, new_value, (double *) ZEND_INI_GET_ADDR(), 0.0);
}

static ZEND_INI_MH(ini_on_count)
{
	zend_string *error = NULL;
	zend_long value = zend_ini_parse_quantity(new_value, &error);

	if (error != NULL || ZSTR_LEN(new_value) == 0 || value < 0) {
		zend_error(E_WARNING, "%s must be a whole number and not negative, \"%s\" is refused", ZSTR_VAL(entry->name),
		           ZSTR_VAL(new_value));
		if (error != NULL) {
			zend_string_release(error);
		}
		return FAILURE;
	}
	*(zend_long *) ZEND_INI_GET_ADDR() = value;
	return SUCCESS;
}

static ZEND_INI_MH(ini_on_ack)
{
	enum fanfare_ack *ack = (enum fanfare_ack *) ZEND_INI_GET_ADDR();

	if (zend_string_equals_literal(new_value, "local")) {
		*ack = FANFARE_ACK_LOCAL;
	} else if (zend_string_equals_literal(new_value, "cluster")) {
		*ack = FANFARE_ACK_CLUSTER;
	} else {
		zend_error(E_WARNING, "%s must be local or cluster, \"%s\" is refused", ZSTR_VAL(entry->name),
		           ZSTR_VAL(new_value));
		return FAILURE;
	}
	return SUCCESS;
}

/* For phpinfo() and php --ri. ini_get() shows every setting as it is, to every code of the process. */
static ZEND_INI_DISP(ini_display_secret)
{
	zend_string *value = ini_entry->value;

	if (type == ZEND_INI_DISPLAY_ORIG && ini_entry->modified) {
		value = ini_entry->orig_value;
	}
	if (value != NULL && ZSTR_LEN(value) != 0) {
		PUTS("set");
	} else {
		PUTS("not set");
	}
}

PHP_INI_BEGIN()
	STD_PHP_INI_ENTRY("fanfare.socket", FANFARE_DEFAULT_SOCKET, PHP_INI_ALL, ini_on_target, socket,
	                  zend_fanfare_globals, fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.app_id", "", PHP_INI_ALL, ini_on_target, app_id, zend_fanfare_globals, fanfare_globals)
	STD_PHP_INI_ENTRY_EX("fanfare.app_secret", "", PHP_INI_ALL, ini_on_target, app_secret, zend_fanfare_globals,
	                     fanfare_globals, ini_display_secret)
	STD_PHP_INI_ENTRY("fanfare.ack", "local", PHP_INI_ALL, ini_on_ack, ack, zend_fanfare_globals, fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.timeout", "2.0", PHP_INI_ALL, ini_on_timeout, timeout, zend_fanfare_globals,
	                  fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.async_buffer", "64K", PHP_INI_ALL, ini_on_count, async_buffer, zend_fanfare_globals,
	                  fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.shutdown_flush", "0.25", PHP_INI_ALL, ini_on_shutdown_flush, shutdown_flush,
	                  zend_fanfare_globals, fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.breaker", "3", PHP_INI_ALL, ini_on_count, breaker, zend_fanfare_globals, fanfare_globals)
PHP_INI_END()

void fanfare_ini_minit(int type, int module_number)
{
	REGISTER_INI_ENTRIES();
}
