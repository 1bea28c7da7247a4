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

#include "fanfare_client.h"
#include "fanfare_ini.h"
#include "fanfare_listener.h"
#include "fanfare_pool.h"
#include "fanfare_stream.h"

#include "fanfare_arginfo.h"

ZEND_DECLARE_MODULE_GLOBALS(fanfare)

zend_class_entry *fanfare_ce_exception;
zend_class_entry *fanfare_ce_transport;
zend_class_entry *fanfare_ce_connect;
zend_class_entry *fanfare_ce_timeout;
zend_class_entry *fanfare_ce_lost;
zend_class_entry *fanfare_ce_protocol;
zend_class_entry *fanfare_ce_unconfirmed;
zend_class_entry *fanfare_ce_rejected;
zend_class_entry *fanfare_ce_payload;
zend_class_entry *fanfare_ce_configuration;
zend_class_entry *fanfare_ce_phase;
zend_class_entry *fanfare_ce_reason;
zend_class_entry *fanfare_ce_ack;
zend_class_entry *fanfare_ce_receipt;
zend_class_entry *fanfare_ce_message;
zend_class_entry *fanfare_ce_flush_result;
zend_class_entry *fanfare_ce_cached_event;
zend_class_entry *fanfare_ce_channel;
zend_class_entry *fanfare_ce_member;
zend_class_entry *fanfare_ce_stats;
zend_class_entry *fanfare_ce_event_type;
zend_class_entry *fanfare_ce_event;
zend_class_entry *fanfare_ce_snapshot;
zend_class_entry *fanfare_ce_listener;
zend_class_entry *fanfare_ce_connection;
zend_class_entry *fanfare_ce_client;

static void module_register_classes(void)
{
	zend_class_entry *publisher, *async_publisher, *inspector, *terminator, *gateway, *cluster_inspector, *listenable, *operator;

	fanfare_ce_exception = register_class_Fanfare_Exception(zend_ce_throwable);
	fanfare_ce_phase = register_class_Fanfare_Phase();
	fanfare_ce_reason = register_class_Fanfare_Reason();
	fanfare_ce_ack = register_class_Fanfare_Ack();
	fanfare_ce_transport = register_class_Fanfare_TransportException(spl_ce_RuntimeException, fanfare_ce_exception);
	fanfare_ce_connect = register_class_Fanfare_ConnectException(fanfare_ce_transport);
	fanfare_ce_timeout = register_class_Fanfare_TimeoutException(fanfare_ce_transport);
	fanfare_ce_lost = register_class_Fanfare_ConnectionLostException(fanfare_ce_transport);
	fanfare_ce_protocol = register_class_Fanfare_ProtocolException(fanfare_ce_transport);
	fanfare_ce_unconfirmed = register_class_Fanfare_UnconfirmedException(fanfare_ce_transport);
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
	publisher = register_class_Fanfare_Publisher();
	async_publisher = register_class_Fanfare_AsyncPublisher();
	inspector = register_class_Fanfare_Inspector();
	terminator = register_class_Fanfare_Terminator();
	gateway = register_class_Fanfare_Gateway(publisher, async_publisher, inspector, terminator);
	cluster_inspector = register_class_Fanfare_ClusterInspector();
	fanfare_ce_event_type = register_class_Fanfare_EventType();
	fanfare_ce_event = register_class_Fanfare_Event();
	fanfare_ce_snapshot = register_class_Fanfare_Snapshot();
	fanfare_ce_listener = register_class_Fanfare_Listener();
	listenable = register_class_Fanfare_Listenable();
	fanfare_ce_connection = register_class_Fanfare_Connection();
	operator = register_class_Fanfare_Operator();
	fanfare_ce_client = register_class_Fanfare_Client(gateway, cluster_inspector, listenable, operator);
}

static void module_after_fork(void)
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
	fanfare_stream_free_all(&fanfare_globals->streams, false);
	fanfare_pool_free(fanfare_globals);
}

static PHP_MINIT_FUNCTION(fanfare)
{
	fanfare_ini_minit(type, module_number);
	module_register_classes();
	fanfare_client_minit();
	fanfare_listener_minit();
	/* Never taken back: libc does so when the module is unloaded. */
	pthread_atfork(NULL, NULL, module_after_fork);
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
	fanfare_stream_free_all(&FANFARE_G(streams), true);
	fanfare_pool_request_end();
	return SUCCESS;
}

/* Once more, behind everybody's end of the request: PHP writes a session then, and its handler may publish. */
static ZEND_MODULE_POST_ZEND_DEACTIVATE_D(fanfare)
{
	fanfare_stream_free_all(&FANFARE_G(streams), false);
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
	php_info_print_table_row(2, "Default socket", FANFARE_DEFAULT_SOCKET);
	php_info_print_table_end();
	DISPLAY_INI_ENTRIES();
}

// clang-format off
static const zend_module_dep module_dependencies[] = {
	ZEND_MOD_REQUIRED("hash")
	ZEND_MOD_REQUIRED("json")
	ZEND_MOD_REQUIRED("spl")
	ZEND_MOD_END
};
// clang-format on

zend_module_entry fanfare_module_entry = {
	STANDARD_MODULE_HEADER_EX,
	NULL,
	module_dependencies,
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
	ZEND_MODULE_POST_ZEND_DEACTIVATE_N(fanfare),
	STANDARD_MODULE_PROPERTIES_EX,
};

#ifdef COMPILE_DL_FANFARE
#ifdef ZTS
ZEND_TSRMLS_CACHE_DEFINE()
#endif
ZEND_GET_MODULE(fanfare)
#endif
