#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"
#include "SAPI.h"
#include "ext/hash/php_hash.h"
#include "ext/hash/php_hash_sha.h"
#include "ext/random/php_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fanfare_hello.h"
#include "ipc_pack.h"
#include "php_fanfare.h"

#define SHA256_BLOCK 64

static void hello_sha256(uint8_t *out, const char *secret, size_t len)
{
	PHP_SHA256_CTX ctx;

	PHP_SHA256InitArgs(&ctx, NULL);
	PHP_SHA256Update(&ctx, (const unsigned char *) secret, len);
	PHP_SHA256Final(out, &ctx);
	ZEND_SECURE_ZERO(&ctx, sizeof(ctx));
}

static void hello_hmac(uint8_t *mac, const char *key, size_t key_len, const char *text, size_t len)
{
	PHP_SHA256_CTX ctx;
	uint8_t pad[SHA256_BLOCK], shortened[FF_IPC_MAC];
	const uint8_t *k = (const uint8_t *) key;

	if (key_len > SHA256_BLOCK) {
		hello_sha256(shortened, key, key_len);
		k = shortened;
		key_len = sizeof(shortened);
	}
	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < key_len; i++) {
		pad[i] ^= k[i];
	}
	PHP_SHA256InitArgs(&ctx, NULL);
	PHP_SHA256Update(&ctx, pad, sizeof(pad));
	PHP_SHA256Update(&ctx, (const unsigned char *) text, len);
	PHP_SHA256Final(mac, &ctx);

	for (size_t i = 0; i < sizeof(pad); i++) {
		pad[i] ^= 0x36 ^ 0x5c;
	}
	PHP_SHA256InitArgs(&ctx, NULL);
	PHP_SHA256Update(&ctx, pad, sizeof(pad));
	PHP_SHA256Update(&ctx, mac, FF_IPC_MAC);
	PHP_SHA256Final(mac, &ctx);
	ZEND_SECURE_ZERO(pad, sizeof(pad));
	ZEND_SECURE_ZERO(shortened, sizeof(shortened));
	ZEND_SECURE_ZERO(&ctx, sizeof(ctx));
}

int fanfare_hello_producer(uint8_t *out)
{
	return php_random_bytes_silent(out, FF_IPC_PRODUCER) == SUCCESS ? 0 : -1;
}

int fanfare_hello_pack(msgpack_sbuffer *out, const char *app, size_t app_len, const char *secret, size_t secret_len,
                       const uint8_t *producer)
{
	char stack[512], *text = stack, name[FF_IPC_MAX_NAME + 1];
	uint8_t mac[FF_IPC_MAC];
	struct timespec ts;
	struct ff_ipc_hello hello;
	struct ff_slice id = {app, (unsigned int) app_len};
	uint64_t unix_ms;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &ts);
	unix_ms = (uint64_t) ts.tv_sec * 1000u + (uint64_t) ts.tv_nsec / 1000000u;

	if (app_len + 160 > sizeof(stack)) {
		text = malloc(app_len + 160);
		if (text == NULL) {
			return -1;
		}
	}
	len = ff_ipc_mac_text(text, id, producer, unix_ms);
	hello_hmac(mac, secret, secret_len, text, len);
	if (text != stack) {
		free(text);
	}

	snprintf(name, sizeof(name), "ext-fanfare/%s php/%s (%s)", PHP_FANFARE_VERSION, PHP_VERSION,
	         sapi_module.name != NULL ? sapi_module.name : "?");

	memset(&hello, 0, sizeof(hello));
	hello.version = FF_IPC_VERSION;
	hello.app = id;
	hello.producer = producer;
	hello.unix_ms = unix_ms;
	hello.mac = mac;
	hello.name.p = name;
	hello.name.len = (unsigned int) strlen(name);
	out->size = 0;
	return ff_ipc_pack_hello(out, &hello);
}
