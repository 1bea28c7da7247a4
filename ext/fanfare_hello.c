/*
 * The first frame of a connection: who speaks, and the proof of it. Pure but for the clock and the random source.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"
#include "SAPI.h"
#include "ext/hash/php_hash.h"
#include "ext/hash/php_hash_sha.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/random.h>
#endif

#include "fanfare_peer.h"
#include "php_fanfare.h"

#define SHA256_BLOCK 64

static void sha256(uint8_t *out, const char *secret, size_t len)
{
	PHP_SHA256_CTX ctx;

	PHP_SHA256InitArgs(&ctx, NULL);
	PHP_SHA256Update(&ctx, (const unsigned char *) secret, len);
	PHP_SHA256Final(out, &ctx);
	ZEND_SECURE_ZERO(&ctx, sizeof(ctx));
}

void fanfare_hmac_sha256(uint8_t *mac, const char *key, size_t key_len, const char *text, size_t len)
{
	PHP_SHA256_CTX ctx;
	uint8_t pad[SHA256_BLOCK], shortened[FF_IPC_MAC];
	const uint8_t *k = (const uint8_t *) key;

	if (key_len > SHA256_BLOCK) {
		sha256(shortened, key, key_len);
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

void fanfare_producer_new(uint8_t *out)
{
#ifdef __linux__
	/* up to 256 bytes come whole and never fail once the system has started */
	if (getrandom(out, FF_IPC_PRODUCER, 0) == FF_IPC_PRODUCER) {
		return;
	}
	abort();
#else
	arc4random_buf(out, FF_IPC_PRODUCER);
#endif
}

int fanfare_hello_pack(msgpack_sbuffer *out, const struct fanfare_peer *peer)
{
	char stack[512], *text = stack, name[FF_IPC_MAX_NAME + 1];
	uint8_t mac[FF_IPC_MAC];
	struct timespec ts;
	struct ff_ipc_hello hello;
	struct ff_slice app = {peer->app, (unsigned int) peer->app_len};
	uint64_t unix_ms;
	size_t len;
	int rc;

	clock_gettime(CLOCK_REALTIME, &ts);
	unix_ms = (uint64_t) ts.tv_sec * 1000u + (uint64_t) ts.tv_nsec / 1000000u;

	if (peer->app_len + 160 > sizeof(stack)) {
		text = malloc(peer->app_len + 160);
		if (text == NULL) {
			return -1;
		}
	}
	len = ff_ipc_mac_text(text, app, peer->producer, unix_ms);
	fanfare_hmac_sha256(mac, peer->secret, peer->secret_len, text, len);
	if (text != stack) {
		free(text);
	}

	snprintf(name, sizeof(name), "ext-fanfare/%s php/%s (%s)", PHP_FANFARE_VERSION, PHP_VERSION,
	         sapi_module.name != NULL ? sapi_module.name : "?");

	memset(&hello, 0, sizeof(hello));
	hello.version = FF_IPC_VERSION;
	hello.app = app;
	hello.producer = peer->producer;
	hello.unix_ms = unix_ms;
	hello.mac = mac;
	hello.name.p = name;
	hello.name.len = (unsigned int) strlen(name);
	out->size = 0;
	rc = ff_ipc_pack_hello(out, &hello);
	return rc;
}
