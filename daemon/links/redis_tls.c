#include "links/redis_tls.h"

#include <stddef.h>
#include <string.h>

#ifdef FANFARE_REDIS_TLS

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/address.h"
#include "base/mem.h"

struct redis_tls {
    SSL_CTX *context;
};

bool redis_tls_available(void)
{
    return true;
}

struct redis_tls *redis_tls_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_default_verify_paths(context) != 1) {
        SSL_CTX_free(context);
        ERR_clear_error();
        return NULL;
    }
    struct redis_tls *tls = mem_zalloc(sizeof(*tls));
    tls->context = context;
    return tls;
}

void redis_tls_free(struct redis_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        mem_free(tls);
    }
}

/* hiredis' own contexts only set the name that is asked for and take every certificate that some
 * authority has signed; so the session is made here. */
int redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host)
{
    struct address address;
    SSL *session = SSL_new(tls->context);
    if (session == NULL) {
        return -1;
    }
    bool numeric = address_read(host, strlen(host), &address);
    bool set =
        numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1
                : SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
    if (!set || redisInitiateSSL(connection, session) != REDIS_OK) {
        SSL_free(session);
        ERR_clear_error();
        return -1;
    }
    return 0;
}

#else

bool redis_tls_available(void)
{
    return false;
}

struct redis_tls *redis_tls_new(void)
{
    return NULL;
}

void redis_tls_free(struct redis_tls *tls)
{
    (void)tls;
}

int redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host)
{
    (void)tls;
    (void)connection;
    (void)host;
    return -1;
}

#endif
