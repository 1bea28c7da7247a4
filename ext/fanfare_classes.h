/*
 * The class entries that fanfare.c registers, and the making of value objects (fanfare_values.c).
 *
 * Class entries are written once at module start.
 */
#ifndef FANFARE_CLASSES_H
#define FANFARE_CLASSES_H

#include "php.h"

#include "fanfare_peer.h"

extern zend_class_entry *fanfare_ce_exception;
extern zend_class_entry *fanfare_ce_transport;
extern zend_class_entry *fanfare_ce_connect;
extern zend_class_entry *fanfare_ce_timeout;
extern zend_class_entry *fanfare_ce_lost;
extern zend_class_entry *fanfare_ce_protocol;
extern zend_class_entry *fanfare_ce_rejected;
extern zend_class_entry *fanfare_ce_payload;
extern zend_class_entry *fanfare_ce_configuration;
extern zend_class_entry *fanfare_ce_phase;
extern zend_class_entry *fanfare_ce_reason;
extern zend_class_entry *fanfare_ce_receipt;
extern zend_class_entry *fanfare_ce_message;
extern zend_class_entry *fanfare_ce_flush_result;
extern zend_class_entry *fanfare_ce_cached_event;
extern zend_class_entry *fanfare_ce_channel;
extern zend_class_entry *fanfare_ce_member;
extern zend_class_entry *fanfare_ce_stats;
extern zend_class_entry *fanfare_ce_client;

/* The slots of Message, in the order of its declaration. */
enum {
	FANFARE_MESSAGE_CHANNELS,
	FANFARE_MESSAGE_EVENT,
	FANFARE_MESSAGE_PAYLOAD,
	FANFARE_MESSAGE_EXCEPT,
	FANFARE_MESSAGE_KEY,
};

void fanfare_receipt(zval *out, const struct ff_ipc_receipt *receipt);
void fanfare_flush_result(zval *out, const struct fanfare_tally *tally, uint64_t unknown);
void fanfare_channel(zval *out, const struct ff_ipc_channel *channel);
void fanfare_member(zval *out, const struct ff_ipc_member *member);
void fanfare_stats(zval *out, const msgpack_object_map *map);

#endif
