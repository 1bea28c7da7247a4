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

/* Has a connection that was just made speak TLS with `host`. 0: it begins to, and the session is
 * the connection's. -1: it cannot, for a reason that is static text; the handshake may have failed
 * already. */
int redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host,
                    void **session, const char **why) MUST_CHECK;
/* Why the handshake has failed, as long as the connection is not freed: static text. */
const char *redis_tls_why(const void *session);

#endif
