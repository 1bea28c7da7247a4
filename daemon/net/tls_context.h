/*
 * What TLS listeners speak with: certificates and their keys, the choice between them by the name
 * that a client asks for, versions and ciphers, and the keys of session tickets.
 *
 * Made by the main thread from certificates that were read elsewhere, immutable once a connection
 * uses it, shared by all workers, and freed with the last reference. Never opens a file, never
 * logs. Only the keys of tickets change, under a lock that is held for the copy of a key.
 */
#ifndef FF_NET_TLS_CONTEXT_H
#define FF_NET_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "base/check.h"

struct tls_context;

/* One reference, the caller's. It takes part in the ticket keys of `previous` (NULL: none yet), so
 * that sessions outlive a reload. NULL: no memory. */
struct tls_context *tls_context_new(struct tls_context *previous) MUST_CHECK;
void tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* NULL is fine */

/*
 * Adds a certificate, which the first of its names in use by an earlier one does not lose. The very
 * same names with a key of another kind (ECDSA beside RSA) go together: the client's abilities
 * choose. The first one added serves clients that ask for no name or for an unknown one. Takes its
 * own references. -1: refused, *why has OpenSSL's reason.
 */
int tls_context_add(struct tls_context *context, X509 *leaf, STACK_OF(X509) * chain, EVP_PKEY *key,
                    const char **why) MUST_CHECK;

/* For net/tls.c: a new server-side object; NULL: no memory. */
SSL *tls_context_ssl(struct tls_context *context) MUST_CHECK;

#endif
