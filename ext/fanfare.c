/*
 * The module: ini settings, start and end of process, thread and request, and what phpinfo() shows.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include <pthread.h>

#include "ext/standard/info.h"
#include "ext/spl/spl_exceptions.h"
#include "php_ini.h"
#include "zend_attributes.h"
#include "zend_enum.h"
#include "zend_exceptions.h"

#include "fanfare_classes.h"
#include "fanfare_client.h"
#include "fanfare_pool.h"

#include "fanfare_arginfo.h"

#define DEFAULT_SOCKET "/run/fanfare/fanfare.sock"

ZEND_DECLARE_MODULE_GLOBALS(fanfare)

zend_class_entry *fanfare_ce_exception;
zend_class_entry *fanfare_ce_transport;
zend_class_entry *fanfare_ce_connect;
zend_class_entry *fanfare_ce_timeout;
zend_class_entry *fanfare_ce_lost;
zend_class_entry *fanfare_ce_protocol;
zend_class_entry *fanfare_ce_rejected;
zend_class_entry *fanfare_ce_payload;
zend_class_entry *fanfare_ce_configuration;
zend_class_entry *fanfare_ce_phase;
zend_class_entry *fanfare_ce_reason;
zend_class_entry *fanfare_ce_receipt;
zend_class_entry *fanfare_ce_message;
zend_class_entry *fanfare_ce_flush_result;
zend_class_entry *fanfare_ce_cached_event;
zend_class_entry *fanfare_ce_channel;
zend_class_entry *fanfare_ce_member;
zend_class_entry *fanfare_ce_stats;
zend_class_entry *fanfare_ce_client;

/* Strings that say which peer is meant: handles look again after a change. */
static ZEND_INI_MH(on_update_target)
{
	FANFARE_G(ini_generation)++;
	return OnUpdateString(entry, new_value, mh_arg1, mh_arg2, mh_arg3, stage);
}

static zend_result update_seconds(zend_string *text, double *value, double min)
{
	char *end;
	double seconds = zend_strtod(ZSTR_VAL(text), (const char **) &end);

	if (ZSTR_LEN(text) == 0 || *end != '\0' || !(seconds >= min && seconds <= 86400.0)) {
		return FAILURE;
	}
	*value = seconds;
	return SUCCESS;
}

static ZEND_INI_MH(on_update_timeout)
{
	return update_seconds(new_value, (double *) ZEND_INI_GET_ADDR(), 0.001);
}

static ZEND_INI_MH(on_update_shutdown_flush)
{
	return update_seconds(new_value, (double *) ZEND_INI_GET_ADDR(), 0.0);
}

static ZEND_INI_DISP(display_secret)
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
	STD_PHP_INI_ENTRY("fanfare.socket", DEFAULT_SOCKET, PHP_INI_ALL, on_update_target, socket, zend_fanfare_globals,
	                  fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.app_id", "", PHP_INI_ALL, on_update_target, app_id, zend_fanfare_globals,
	                  fanfare_globals)
	STD_PHP_INI_ENTRY_EX("fanfare.app_secret", "", PHP_INI_ALL, on_update_target, app_secret, zend_fanfare_globals,
	                     fanfare_globals, display_secret)
	STD_PHP_INI_ENTRY("fanfare.timeout", "2.0", PHP_INI_ALL, on_update_timeout, timeout, zend_fanfare_globals,
	                  fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.async_buffer", "64K", PHP_INI_ALL, OnUpdateLongGEZero, async_buffer,
	                  zend_fanfare_globals, fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.shutdown_flush", "0.25", PHP_INI_ALL, on_update_shutdown_flush, shutdown_flush,
	                  zend_fanfare_globals, fanfare_globals)
	STD_PHP_INI_ENTRY("fanfare.breaker", "3", PHP_INI_ALL, OnUpdateLongGEZero, breaker, zend_fanfare_globals,
	                  fanfare_globals)
PHP_INI_END()

static void register_classes(void)
{
	zend_class_entry *gateway;

	fanfare_ce_exception = register_class_Fanfare_Exception(zend_ce_throwable);
	fanfare_ce_phase = register_class_Fanfare_Phase();
	fanfare_ce_reason = register_class_Fanfare_Reason();
	fanfare_ce_transport = register_class_Fanfare_TransportException(spl_ce_RuntimeException, fanfare_ce_exception);
	fanfare_ce_connect = register_class_Fanfare_ConnectException(fanfare_ce_transport);
	fanfare_ce_timeout = register_class_Fanfare_TimeoutException(fanfare_ce_transport);
	fanfare_ce_lost = register_class_Fanfare_ConnectionLostException(fanfare_ce_transport);
	fanfare_ce_protocol = register_class_Fanfare_ProtocolException(fanfare_ce_transport);
	fanfare_ce_rejected = register_class_Fanfare_RejectedException(spl_ce_RuntimeException, fanfare_ce_exception);
	fanfare_ce_payload = register_class_Fanfare_PayloadException(spl_ce_InvalidArgumentException, fanfare_ce_exception);
	fanfare_ce_configuration =
		register_class_Fanfare_ConfigurationException(spl_ce_RuntimeException, fanfare_ce_exception);
	fanfare_ce_receipt = register_class_Fanfare_Receipt();
	fanfare_ce_message = register_class_Fanfare_Message();
	fanfare_ce_flush_result = register_class_Fanfare_FlushResult();
	fanfare_ce_cached_event = register_class_Fanfare_CachedEvent();
	fanfare_ce_channel = register_class_Fanfare_Channel();
	fanfare_ce_member = register_class_Fanfare_Member();
	fanfare_ce_stats = register_class_Fanfare_Stats();
	gateway = register_class_Fanfare_Gateway();
	fanfare_ce_client = register_class_Fanfare_Client(gateway);
}

static void after_fork_in_child(void)
{
	fanfare_fork_generation++;
}

/* Opens nothing and allocates nothing: FPM runs it in the master, as root, before it forks. */
static PHP_GINIT_FUNCTION(fanfare)
{
#if defined(ZTS) && defined(COMPILE_DL_FANFARE)
	ZEND_TSRMLS_CACHE_UPDATE();
#endif
	memset(fanfare_globals, 0, sizeof(*fanfare_globals));
}

static PHP_GSHUTDOWN_FUNCTION(fanfare)
{
	fanfare_pool_free(fanfare_globals);
}

static PHP_MINIT_FUNCTION(fanfare)
{
	REGISTER_INI_ENTRIES();
	register_classes();
	fanfare_client_minit();
	/* Never taken back: libc does so when the module is unloaded. */
	pthread_atfork(NULL, NULL, after_fork_in_child);
	return SUCCESS;
}

static PHP_MSHUTDOWN_FUNCTION(fanfare)
{
	UNREGISTER_INI_ENTRIES();
	return SUCCESS;
}

static PHP_RINIT_FUNCTION(fanfare)
{
#if defined(ZTS) && defined(COMPILE_DL_FANFARE)
	ZEND_TSRMLS_CACHE_UPDATE();
#endif
	return SUCCESS;
}

static PHP_RSHUTDOWN_FUNCTION(fanfare)
{
	fanfare_pool_request_end();
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(fanfare)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", FF_IPC_VERSION);
	php_info_print_table_start();
	php_info_print_table_row(2, "Fanfare support", "enabled");
	php_info_print_table_row(2, "Version", PHP_FANFARE_VERSION);
	php_info_print_table_row(2, "IPC protocol", number);
	php_info_print_table_row(2, "msgpack-c (compiled)", MSGPACK_VERSION);
	php_info_print_table_row(2, "msgpack-c (linked)", msgpack_version());
#ifdef ZTS
	php_info_print_table_row(2, "Thread safety", "ZTS");
#else
	php_info_print_table_row(2, "Thread safety", "NTS");
#endif
#if ZEND_DEBUG
	php_info_print_table_row(2, "Debug build", "yes");
#endif
#ifdef __SANITIZE_ADDRESS__
	php_info_print_table_row(2, "Sanitizer", "address");
#endif
	php_info_print_table_row(2, "Default socket", DEFAULT_SOCKET);
	php_info_print_table_end();
	DISPLAY_INI_ENTRIES();
}

// clang-format off
static const zend_module_dep dependencies[] = {
	ZEND_MOD_REQUIRED("hash")
	ZEND_MOD_REQUIRED("json")
	ZEND_MOD_REQUIRED("spl")
	ZEND_MOD_END
};
// clang-format on

zend_module_entry fanfare_module_entry = {
	STANDARD_MODULE_HEADER_EX,
	NULL,
	dependencies,
	PHP_FANFARE_EXTNAME,
	ext_functions,
	PHP_MINIT(fanfare),
	PHP_MSHUTDOWN(fanfare),
	PHP_RINIT(fanfare),
	PHP_RSHUTDOWN(fanfare),
	PHP_MINFO(fanfare),
	PHP_FANFARE_VERSION,
	PHP_MODULE_GLOBALS(fanfare),
	PHP_GINIT(fanfare),
	PHP_GSHUTDOWN(fanfare),
	NULL,
	STANDARD_MODULE_PROPERTIES_EX,
};

#ifdef COMPILE_DL_FANFARE
#ifdef ZTS
ZEND_TSRMLS_CACHE_DEFINE()
#endif
ZEND_GET_MODULE(fanfare)
#endif
