/*
 * TLS towards Redis (rediss://), where hiredis has it (1.0 and newer, with its library
 * hiredis_ssl).
 *
 * Owns one OpenSSL context: the certificate authorities of the system, or those that SSL_CERT_FILE
 * and SSL_CERT_DIR name. The server's certificate must have the name or the address that stands in
 * the configuration. Runs on the hub's thread.
 */
#ifndef FF_LINKS_REDIS_TLS_H
#define FF_LINKS_REDIS_TLS_H

#include <stdbool.h>

#include "base/check.h"

struct redis_tls;
struct redisContext;

bool redis_tls_available(void); /* in this build */

struct redis_tls *redis_tls_new(void) MUST_CHECK; /* NULL: OpenSSL refuses, or not available */
void redis_tls_free(struct redis_tls *tls);       /* NULL is fine */

/* Has a connection that was just begun speak TLS with `host`. -1: it cannot. */
int redis_tls_start(struct redis_tls *tls, struct redisContext *connection,
                    const char *host) MUST_CHECK;

#endif
