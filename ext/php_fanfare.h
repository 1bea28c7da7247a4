/*
 * What every file that talks to the engine shares: version, module globals, class entries.
 *
 * Runs on PHP's threads. The globals are per thread; nothing is shared between threads except the class entries, which
 * are written once at module start, and the fork generation, which only a fork changes.
 */
#ifndef PHP_FANFARE_H
#define PHP_FANFARE_H

#define PHP_FANFARE_VERSION "0.1.0"
#define PHP_FANFARE_EXTNAME "fanfare"

#include "php.h"

#include "fanfare_peer.h"

#define FANFARE_MAX_PEERS 16

/* Who acknowledges a publish. */
enum fanfare_ack {
	FANFARE_ACK_UNSET, /* the ini setting says it */
	FANFARE_ACK_LOCAL,
	FANFARE_ACK_CLUSTER,
};

/* A handle: what Client holds, and what the functions of the namespace use for the application of the ini settings. */
struct fanfare_client {
	zend_string *app, *secret, *socket; /* NULL: the ini setting */
	double timeout;                     /* 0: the ini setting */
	zend_long json_flags;
	enum fanfare_ack ack;
	bool constructed;
	bool partial; /* the last question's answer left nodes out */

	/* What they came down to at the last call; peer belongs to the pool and may be gone. */
	struct fanfare_peer *peer;
	uint64_t peer_id;
	unsigned int peer_slot;
	zend_ulong ini_generation;

	zend_object std;
};

ZEND_BEGIN_MODULE_GLOBALS(fanfare)
	char *socket;
	char *app_id;
	char *app_secret;
	double timeout;
	double shutdown_flush;
	zend_long async_buffer;
	zend_long breaker;
	enum fanfare_ack ack;
	zend_ulong ini_generation; /* changes with each of the strings above */

	struct fanfare_peer *peers[FANFARE_MAX_PEERS];
	struct fanfare_stream *streams;  /* of listeners */
	struct fanfare_retired *retired; /* what peers that had to make room have still to report */
	uint64_t clock;                  /* of use, for the oldest peer; also the source of peer ids */
	uint64_t async_spent;            /* ns that publishAsync() has waited for nothing */
	uint64_t async_since;            /* when that began */
	unsigned int fork_generation;    /* of the process that all this belongs to */
	struct fanfare_client defaults;
ZEND_END_MODULE_GLOBALS(fanfare)

ZEND_EXTERN_MODULE_GLOBALS(fanfare)
#define FANFARE_G(v) ZEND_MODULE_GLOBALS_ACCESSOR(fanfare, v)

#if defined(ZTS) && defined(COMPILE_DL_FANFARE)
ZEND_TSRMLS_CACHE_EXTERN()
#endif

extern zend_class_entry *fanfare_ce_exception;
extern zend_class_entry *fanfare_ce_transport;
extern zend_class_entry *fanfare_ce_connect;
extern zend_class_entry *fanfare_ce_timeout;
extern zend_class_entry *fanfare_ce_lost;
extern zend_class_entry *fanfare_ce_protocol;
extern zend_class_entry *fanfare_ce_unconfirmed;
extern zend_class_entry *fanfare_ce_rejected;
extern zend_class_entry *fanfare_ce_payload;
extern zend_class_entry *fanfare_ce_configuration;
extern zend_class_entry *fanfare_ce_phase;
extern zend_class_entry *fanfare_ce_reason;
extern zend_class_entry *fanfare_ce_ack;
extern zend_class_entry *fanfare_ce_receipt;
extern zend_class_entry *fanfare_ce_message;
extern zend_class_entry *fanfare_ce_flush_result;
extern zend_class_entry *fanfare_ce_cached_event;
extern zend_class_entry *fanfare_ce_channel;
extern zend_class_entry *fanfare_ce_member;
extern zend_class_entry *fanfare_ce_stats;
extern zend_class_entry *fanfare_ce_event_type;
extern zend_class_entry *fanfare_ce_event;
extern zend_class_entry *fanfare_ce_snapshot;
extern zend_class_entry *fanfare_ce_listener;
extern zend_class_entry *fanfare_ce_connection;
extern zend_class_entry *fanfare_ce_client;

extern zend_module_entry fanfare_module_entry;
#define phpext_fanfare_ptr &fanfare_module_entry

#endif
