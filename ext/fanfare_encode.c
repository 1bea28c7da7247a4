#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "ext/json/php_json.h"
#include "zend_exceptions.h"

#include "fanfare_classes.h"
#include "fanfare_encode.h"
#include "utf8.h"

#define JSON_DEPTH 512

/* ext/json keeps its sentences to itself; these are the same. */
static const char *json_error(int code)
{
	switch (code) {
	case PHP_JSON_ERROR_DEPTH:
		return "Maximum stack depth exceeded";
	case PHP_JSON_ERROR_UTF8:
		return "Malformed UTF-8 characters, possibly incorrectly encoded";
	case PHP_JSON_ERROR_RECURSION:
		return "Recursion detected";
	case PHP_JSON_ERROR_INF_OR_NAN:
		return "Inf and NaN cannot be JSON encoded";
	case PHP_JSON_ERROR_UNSUPPORTED_TYPE:
		return "Type is not supported";
	case PHP_JSON_ERROR_INVALID_PROPERTY_NAME:
		return "The decoded property name is invalid";
	case PHP_JSON_ERROR_NON_BACKED_ENUM:
		return "Non-backed enums have no default serialization";
	default:
		return "JSON error";
	}
}

static void throw_payload(const char *text, zend_long code, zend_long index)
{
	if (index >= 0) {
		zend_throw_exception_ex(fanfare_ce_payload, code,
		                        "The payload of message " ZEND_LONG_FMT " cannot be encoded: %s", index, text);
	} else {
		zend_throw_exception_ex(fanfare_ce_payload, code, "The payload cannot be encoded: %s", text);
	}
}

static bool too_large(size_t len, zend_long index)
{
	if (EXPECTED(len < FF_IPC_MAX_FRAME)) {
		return false;
	}
	throw_payload("it is larger than one frame may be (16 MiB)", 0, index);
	return true;
}

bool fanfare_encode_payload(struct fanfare_payload *out, zval *payload, zend_long flags, zend_long index)
{
	int code, saved;
	zend_result rc;

	memset(out, 0, sizeof(*out));
	if (payload == NULL) {
		smart_str_appendl(&out->json, "[]", 2);
		smart_str_0(&out->json);
		return true;
	}
	ZVAL_DEREF(payload);
	if (Z_TYPE_P(payload) == IS_STRING) {
		out->raw = Z_STR_P(payload);
		if (too_large(ZSTR_LEN(out->raw), index)) {
			return false;
		}
		if (!ff_utf8_valid(ZSTR_VAL(out->raw), ZSTR_LEN(out->raw))) {
			throw_payload(json_error(PHP_JSON_ERROR_UTF8), PHP_JSON_ERROR_UTF8, index);
			return false;
		}
		return true;
	}

	/* The encoder leaves its error where json_last_error() finds it, which is the script's. NAN and INF are errors that
	 * do not show in the return value. */
	saved = JSON_G(error_code);
	flags |= PHP_JSON_UNESCAPED_SLASHES | PHP_JSON_UNESCAPED_UNICODE;
	flags &= ~PHP_JSON_THROW_ON_ERROR;
	rc = php_json_encode_ex(&out->json, payload, (int) flags, JSON_DEPTH);
	code = JSON_G(error_code);
	JSON_G(error_code) = saved;

	if (EG(exception) != NULL) {
		smart_str_free(&out->json);
		return false;
	}
	if (code != PHP_JSON_ERROR_NONE && !(flags & PHP_JSON_PARTIAL_OUTPUT_ON_ERROR)) {
		smart_str_free(&out->json);
		throw_payload(json_error(code), code, index);
		return false;
	}
	if (rc != SUCCESS && out->json.s == NULL) {
		throw_payload(json_error(code), code, index);
		return false;
	}
	smart_str_0(&out->json);
	if (out->json.s != NULL && too_large(ZSTR_LEN(out->json.s), index)) {
		smart_str_free(&out->json);
		return false;
	}
	return true;
}

struct ff_slice fanfare_payload_slice(const struct fanfare_payload *payload)
{
	return fanfare_slice(payload->raw != NULL ? payload->raw : payload->json.s);
}

static bool fits(const zend_string *string, const char *what)
{
	if (EXPECTED(string == NULL || ZSTR_LEN(string) < FF_IPC_MAX_FRAME)) {
		return true;
	}
	zend_value_error("The %s is longer than one frame may be", what);
	return false;
}

bool fanfare_encode_check(const zend_string *event, const zend_string *except, const zend_string *key)
{
	if (key != NULL && (ZSTR_LEN(key) == 0 || ZSTR_LEN(key) > FF_IPC_MAX_KEY)) {
		zend_value_error("The key must have between 1 and %u bytes", FF_IPC_MAX_KEY);
		return false;
	}
	return fits(event, "event name") && fits(except, "socket id");
}

uint32_t fanfare_encode_count(HashTable *list, const zend_string *name, const char *what)
{
	zval *item;
	uint32_t n;

	if (name != NULL) {
		return fits(name, "channel name") ? 1 : 0;
	}
	n = zend_hash_num_elements(list);
	if (n == 0) {
		zend_value_error("%s cannot be empty", what);
		return 0;
	}
	if (n > FF_IPC_MAX_CHANNELS) {
		zend_value_error("%s must not have more than %u elements, %u given", what, FF_IPC_MAX_CHANNELS, n);
		return 0;
	}
	ZEND_HASH_FOREACH_VAL(list, item) {
		ZVAL_DEREF(item);
		if (Z_TYPE_P(item) != IS_STRING) {
			zend_type_error("%s must be a string or an array of strings, %s found in it", what,
			                zend_zval_type_name(item));
			return 0;
		}
		if (!fits(Z_STR_P(item), "channel name")) {
			return 0;
		}
	}
	ZEND_HASH_FOREACH_END();
	return n;
}

void fanfare_encode_channels(struct ff_slice *out, HashTable *list, const zend_string *name)
{
	zval *item;

	if (name != NULL) {
		*out = fanfare_slice(name);
		return;
	}
	ZEND_HASH_FOREACH_VAL(list, item) {
		ZVAL_DEREF(item);
		*out++ = fanfare_slice(Z_STR_P(item));
	}
	ZEND_HASH_FOREACH_END();
}
