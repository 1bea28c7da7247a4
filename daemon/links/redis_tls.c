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
int redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host,
                    void **out, const char **why)
{
    struct address address;
    __typeof__(connection->funcs) plain = connection->funcs;
    SSL *session = SSL_new(tls->context);
    *why = "TLS cannot be started";
    if (session == NULL) {
        return -1;
    }
    bool numeric = address_read(host, strlen(host), &address);
    bool set =
        numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1
                : SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
    if (!set || redisInitiateSSL(connection, session) != REDIS_OK) {
        connection->funcs = plain; /* hiredis would go on with a session that is not there */
        *why = set ? redis_tls_why(session) : *why;
        SSL_free(session);
        ERR_clear_error();
        return -1;
    }
    *out = session;
    return 0;
}

const char *redis_tls_why(const void *session)
{
    long verified = SSL_get_verify_result(session);
    return verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                 : "the TLS handshake has failed";
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

int redis_tls_start(struct redis_tls *tls, struct redisContext *connection, const char *host,
                    void **out, const char **why)
{
    (void)tls;
    (void)out;
    (void)why;
    (void)connection;
    (void)host;
    return -1;
}

const char *redis_tls_why(const void *session)
{
    (void)session;
    return "";
}

#endif
