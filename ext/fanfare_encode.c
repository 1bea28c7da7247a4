#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include "ext/json/php_json.h"
#include "zend_exceptions.h"

#include "fanfare_encode.h"
#include "channel.h"
#include "utf8.h"

#define ENCODE_DEPTH 512

/* The arguments of publish() and of all that are like it. */
enum { ENCODE_CHANNELS = 1, ENCODE_EVENT = 2, ENCODE_EXCEPT = 4, ENCODE_KEY = 5 };

/* ext/json keeps its sentences to itself; these are the same. */
static const char *encode_json_error(int code)
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

/* code: PHP's JSON error code, 0 for none. */
static void encode_throw(const char *text, zend_long code, zend_long index)
{
	/* ext/json exports this class to nobody */
	zend_class_entry *json =
		code == 0 ? NULL : zend_hash_str_find_ptr(CG(class_table), "jsonexception", sizeof("jsonexception") - 1);

	if (json != NULL) {
		/* becomes the previous exception of the one that follows */
		zend_throw_exception(json, text, code);
	}
	if (index >= 0) {
		zend_throw_exception_ex(fanfare_ce_payload, code,
		                        "The payload of message " ZEND_LONG_FMT " cannot be encoded: %s", index, text);
	} else {
		zend_throw_exception_ex(fanfare_ce_payload, code, "The payload cannot be encoded: %s", text);
	}
}

static void encode_throw_json(int code, zend_long index)
{
	encode_throw(encode_json_error(code), code, index);
}

static bool encode_too_large(size_t len, zend_long index)
{
	if (EXPECTED(len < FF_IPC_MAX_FRAME)) {
		return false;
	}
	encode_throw("it is larger than one frame may be (16 MiB)", 0, index);
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
		if (encode_too_large(ZSTR_LEN(out->raw), index)) {
			return false;
		}
		if (!ff_utf8_valid(ZSTR_VAL(out->raw), ZSTR_LEN(out->raw))) {
			encode_throw_json(PHP_JSON_ERROR_UTF8, index);
			return false;
		}
		return true;
	}

	/* The encoder leaves its error where json_last_error() finds it, which is the script's. NAN and INF are errors that
	 * do not show in the return value. */
	saved = JSON_G(error_code);
	flags |= PHP_JSON_UNESCAPED_SLASHES | PHP_JSON_UNESCAPED_UNICODE;
	flags &= ~PHP_JSON_THROW_ON_ERROR;
	rc = php_json_encode_ex(&out->json, payload, (int) flags, ENCODE_DEPTH);
	code = JSON_G(error_code);
	JSON_G(error_code) = saved;

	if (EG(exception) != NULL) {
		smart_str_free(&out->json);
		return false;
	}
	if (code != PHP_JSON_ERROR_NONE && !(flags & PHP_JSON_PARTIAL_OUTPUT_ON_ERROR)) {
		smart_str_free(&out->json);
		encode_throw_json(code, index);
		return false;
	}
	if (rc != SUCCESS && out->json.s == NULL) {
		encode_throw_json(code, index);
		return false;
	}
	smart_str_0(&out->json);
	if (out->json.s != NULL && encode_too_large(ZSTR_LEN(out->json.s), index)) {
		smart_str_free(&out->json);
		return false;
	}
	return true;
}

struct ff_slice fanfare_payload_slice(const struct fanfare_payload *payload)
{
	return fanfare_slice(payload->raw != NULL ? payload->raw : payload->json.s);
}

static void encode_refuse(zend_class_entry *ce, zend_long index, uint32_t argument, const char *property,
                          const char *text)
{
	if (index >= 0) {
		zend_argument_error(ce, 1, "at " ZEND_LONG_FMT ": $%s %s", index, property, text);
	} else {
		zend_argument_error(ce, argument, "%s", text);
	}
}

static bool encode_fits(const zend_string *string, zend_long index, uint32_t argument, const char *property)
{
	if (EXPECTED(string == NULL || ZSTR_LEN(string) < FF_IPC_MAX_FRAME)) {
		return true;
	}
	encode_refuse(zend_ce_value_error, index, argument, property, "is longer than one frame may be");
	return false;
}

bool fanfare_encode_check(const zend_string *event, const zend_string *except, const zend_string *key, zend_long index)
{
	if (UNEXPECTED(key != NULL && (ZSTR_LEN(key) == 0 || ZSTR_LEN(key) > FF_IPC_MAX_KEY))) {
		char text[64];

		snprintf(text, sizeof(text), "must have between 1 and %u bytes", FF_IPC_MAX_KEY);
		encode_refuse(zend_ce_value_error, index, ENCODE_KEY, "key", text);
		return false;
	}
	return encode_fits(event, index, ENCODE_EVENT, "event") && encode_fits(except, index, ENCODE_EXCEPT, "except");
}

bool fanfare_encode_user(const zend_string *id)
{
	if (EXPECTED(ff_user_id_valid(ZSTR_VAL(id), ZSTR_LEN(id)))) {
		return true;
	}
	zend_argument_value_error(1, "must have between 1 and %u bytes of valid UTF-8", FF_MAX_USER_ID);
	return false;
}

uint32_t fanfare_encode_count(HashTable *list, const zend_string *name, zend_long index)
{
	char text[128];
	zval *item;
	uint32_t n;

	if (name != NULL) {
		return encode_fits(name, index, ENCODE_CHANNELS, "channels") ? 1 : 0;
	}
	n = zend_hash_num_elements(list);
	if (n == 0) {
		encode_refuse(zend_ce_value_error, index, ENCODE_CHANNELS, "channels", "cannot be empty");
		return 0;
	}
	if (n > FF_IPC_MAX_CHANNELS) {
		snprintf(text, sizeof(text), "must not have more than %u elements, %u given", FF_IPC_MAX_CHANNELS, n);
		encode_refuse(zend_ce_value_error, index, ENCODE_CHANNELS, "channels", text);
		return 0;
	}
	ZEND_HASH_FOREACH_VAL(list, item) {
		ZVAL_DEREF(item);
		if (Z_TYPE_P(item) != IS_STRING) {
			snprintf(text, sizeof(text), "must be a string or an array of strings, %s found in it",
			         zend_zval_type_name(item));
			encode_refuse(zend_ce_type_error, index, ENCODE_CHANNELS, "channels", text);
			return 0;
		}
		if (!encode_fits(Z_STR_P(item), index, ENCODE_CHANNELS, "channels")) {
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
