#include "net/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strmap.h"

/* Mozilla's intermediate list without DHE, which costs us more than it protects anybody. TLS 1.3
 * has its own three, all fine. */
#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS "X25519:P-256:P-384"

#define NAME_MAX_LEN 253u /* of a DNS name */

#define TICKET_SECONDS   14400 /* what clients are told; keys are accepted for as long at least */
#define TICKET_NAME      16
#define TICKET_KEY       32
#define TICKET_KEY_COUNT 2

struct ticket_key {
    uint8_t name[TICKET_NAME], aes[TICKET_KEY], mac[TICKET_KEY];
};

/* The first key makes tickets, the second one, which did so before, is still accepted. */
struct tickets {
    atomic_uint refs;
    pthread_mutex_t lock;
    uint64_t since; /* when the first one came into use, ms */
    uint32_t count;
    struct ticket_key keys[TICKET_KEY_COUNT];
};

/* A set of names, with one certificate for each kind of key. */
struct identity {
    SSL_CTX *ctx;
    size_t names;
    int kinds[4]; /* of keys: EVP_PKEY_RSA and so on */
    size_t nkinds;
};

struct name {
    struct identity *identity;
    size_t len;
    char text[NAME_MAX_LEN + 1]; /* lower case; "*.rest" for a wildcard */
};

struct tls_context {
    atomic_uint refs;
    struct tickets *tickets;
    struct identity **identities;
    size_t count;
    struct strmap names;
};

/* ---- session tickets ---- */

static bool tls_context_ticket_key_make(struct ticket_key *key)
{
    return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
           RAND_priv_bytes(key->aes, sizeof(key->aes)) == 1 &&
           RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

static struct tickets *tls_context_tickets_new(void)
{
    struct tickets *tickets = mem_zalloc(sizeof(*tickets));
    atomic_init(&tickets->refs, 1);
    pthread_mutex_init(&tickets->lock, NULL);
    if (!tls_context_ticket_key_make(&tickets->keys[0])) {
        mem_free(tickets);
        return NULL;
    }
    tickets->count = 1;
    tickets->since = clock_mono_ms();
    return tickets;
}

static void tls_context_tickets_unref(struct tickets *tickets)
{
    if (tickets != NULL && atomic_fetch_sub(&tickets->refs, 1) == 1) {
        pthread_mutex_destroy(&tickets->lock);
        OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
        mem_free(tickets);
    }
}

/* The key for new tickets. A fresh one takes over when the old one has been in use for a ticket's
 * life; should there be no randomness, the old one goes on. */
static void tls_context_tickets_current(struct tickets *tickets, struct ticket_key *out)
{
    pthread_mutex_lock(&tickets->lock);
    uint64_t age = clock_mono_ms() - tickets->since;
    struct ticket_key fresh;
    if (age >= TICKET_SECONDS * UINT64_C(1000) && tls_context_ticket_key_make(&fresh)) {
        /* After a quiet time the old one is past its use as well. */
        tickets->count = age < 2 * TICKET_SECONDS * UINT64_C(1000) ? 2 : 1;
        tickets->keys[1] = tickets->keys[0];
        tickets->keys[0] = fresh;
        tickets->since += age;
        OPENSSL_cleanse(&fresh, sizeof(fresh));
    }
    *out = tickets->keys[0];
    pthread_mutex_unlock(&tickets->lock);
}

static bool tls_context_tickets_find(struct tickets *tickets, const uint8_t *name,
                                     struct ticket_key *out, bool *current)
{
    bool found = false;
    pthread_mutex_lock(&tickets->lock);
    for (uint32_t i = 0; i < tickets->count && !found; i++) {
        if (memcmp(tickets->keys[i].name, name, TICKET_NAME) == 0) {
            *out = tickets->keys[i];
            *current = i == 0;
            found = true;
        }
    }
    pthread_mutex_unlock(&tickets->lock);
    return found;
}

static int tls_context_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
                                 EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
    struct tls_context *context = SSL_get_app_data(ssl);
    struct ticket_key key;
    bool current = true;
    int result = -1;
    if (encrypt != 0) {
        tls_context_tickets_current(context->tickets, &key);
        memcpy(name, key.name, TICKET_NAME);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) {
            goto out;
        }
    } else if (!tls_context_tickets_find(context->tickets, name, &key, &current)) {
        return 0; /* a full handshake */
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, sizeof(key.mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_MAC_CTX_set_params(mac, params) == 1 &&
        EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv, encrypt) == 1) {
        result = current ? 1 : 2; /* 2: and give the client a new one */
    }
out:
    OPENSSL_cleanse(&key, sizeof(key));
    return result;
}

/* ---- the choice of a certificate ---- */

static void tls_context_name_key(const void *value, const char **key, size_t *len)
{
    const struct name *name = value;
    *key = name->text;
    *len = name->len;
}

/* In lower case, without a dot at its end. 0: no name at all, or longer than one can be. */
static size_t tls_context_name_clean(const char *text, size_t len, char out[NAME_MAX_LEN + 1])
{
    if (len > 0 && text[len - 1] == '.') {
        len--;
    }
    if (len > NAME_MAX_LEN || memchr(text, '\0', len) != NULL) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    }
    out[len] = '\0';
    return len;
}

/* The exact name, or a wildcard in the place of its first label. */
static struct identity *tls_context_identity_of(const struct tls_context *context,
                                                const char *asked)
{
    char text[NAME_MAX_LEN + 1];
    size_t len = tls_context_name_clean(asked, strlen(asked), text);
    if (len == 0) {
        return NULL;
    }
    const struct name *name = strmap_get(&context->names, text, len);
    if (name == NULL) {
        char *dot = memchr(text, '.', len);
        if (dot == NULL || dot == text) {
            return NULL;
        }
        dot[-1] = '*';
        name = strmap_get(&context->names, dot - 1, len - (size_t)(dot - 1 - text));
    }
    return name != NULL ? name->identity : NULL;
}

static int tls_context_on_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    (void)arg;
    struct tls_context *context = SSL_get_app_data(ssl);
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (asked == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    struct identity *identity = tls_context_identity_of(context, asked);
    if (identity == NULL) {
        return SSL_TLSEXT_ERR_NOACK; /* the first one; the client will judge it */
    }
    return SSL_set_SSL_CTX(ssl, identity->ctx) != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static int tls_context_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                               const unsigned char *in, unsigned int in_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    unsigned char *chosen;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* bytes meant for another protocol are not for us */
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- contexts ---- */

static SSL_CTX *ctx_new(void)
{
    static const unsigned char id[] = "fanfare";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL) {
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_security_level(ctx, 2);
    /* One read takes head and body of a record, and those behind it. */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, TICKET_SECONDS);
    SSL_CTX_set_tlsext_servername_callback(ctx, tls_context_on_server_name);
    SSL_CTX_set_alpn_select_cb(ctx, tls_context_on_alpn, NULL);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1 || SSL_CTX_set1_groups_list(ctx, GROUPS) != 1 ||
        SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) != 1 ||
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_context_on_ticket) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct tls_context *tls_context_new(struct tls_context *previous)
{
    struct tls_context *context = mem_zalloc(sizeof(*context));
    atomic_init(&context->refs, 1);
    strmap_init(&context->names, tls_context_name_key);
    if (previous != NULL) {
        context->tickets = previous->tickets;
        atomic_fetch_add(&context->tickets->refs, 1);
    } else {
        context->tickets = tls_context_tickets_new();
    }
    if (context->tickets == NULL) {
        tls_context_unref(context);
        return NULL;
    }
    return context;
}

void tls_context_ref(struct tls_context *context)
{
    atomic_fetch_add(&context->refs, 1);
}

void tls_context_unref(struct tls_context *context)
{
    if (context == NULL || atomic_fetch_sub(&context->refs, 1) != 1) {
        return;
    }
    void *name;
    for (size_t cursor = 0; strmap_next(&context->names, &cursor, &name);) {
        mem_free(name);
    }
    strmap_free(&context->names);
    for (size_t i = 0; i < context->count; i++) {
        SSL_CTX_free(context->identities[i]->ctx);
        mem_free(context->identities[i]);
    }
    mem_free(context->identities);
    tls_context_tickets_unref(context->tickets);
    mem_free(context);
}

SSL *tls_context_ssl(struct tls_context *context)
{
    SSL *ssl = SSL_new(context->identities[0]->ctx);
    if (ssl != NULL) {
        SSL_set_app_data(ssl, context);
        SSL_set_accept_state(ssl);
    }
    return ssl;
}

/* ---- names of certificates ---- */

typedef void name_fn(void *arg, const char *text, size_t len);

static void tls_context_each_name(X509 *leaf, name_fn *fn, void *arg)
{
    char text[NAME_MAX_LEN + 1];
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    if (names != NULL) {
        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
            const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
            if (one->type == GEN_DNS) {
                size_t len =
                    tls_context_name_clean((const char *)ASN1_STRING_get0_data(one->d.dNSName),
                                           (size_t)ASN1_STRING_length(one->d.dNSName), text);
                if (len > 0) {
                    fn(arg, text, len);
                }
            }
        }
        GENERAL_NAMES_free(names);
        return;
    }
    /* Without alternative names the subject's common name counts, as it did for clients of old. */
    X509_NAME *subject = X509_get_subject_name(leaf);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) {
        const ASN1_STRING *common = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        size_t len = tls_context_name_clean((const char *)ASN1_STRING_get0_data(common),
                                            (size_t)ASN1_STRING_length(common), text);
        if (len > 0) {
            fn(arg, text, len);
        }
    }
}

struct same_names {
    struct tls_context *context;
    struct identity *identity; /* whose all names so far were */
    size_t count;
    bool differ;
};

static void tls_context_compare_name(void *arg, const char *text, size_t len)
{
    struct same_names *same = arg;
    const struct name *name = strmap_get(&same->context->names, text, len);
    if (name == NULL || (same->identity != NULL && name->identity != same->identity)) {
        same->differ = true;
        return;
    }
    same->identity = name->identity;
    same->count++;
}

/* The identity that has exactly these names and no key of this kind yet. */
static struct identity *tls_context_companion(struct tls_context *context, X509 *leaf, int kind)
{
    struct same_names same = {.context = context};
    tls_context_each_name(leaf, tls_context_compare_name, &same);
    struct identity *identity = same.identity;
    if (same.differ || identity == NULL || same.count != identity->names ||
        identity->nkinds == sizeof(identity->kinds) / sizeof(identity->kinds[0])) {
        return NULL;
    }
    for (size_t i = 0; i < identity->nkinds; i++) {
        if (identity->kinds[i] == kind) {
            return NULL;
        }
    }
    return identity;
}

struct add_names {
    struct tls_context *context;
    struct identity *identity;
};

static void add_name(void *arg, const char *text, size_t len)
{
    struct add_names *add = arg;
    if (strmap_get(&add->context->names, text, len) != NULL) {
        return; /* listed twice, or an earlier certificate's */
    }
    struct name *name = mem_zalloc(sizeof(*name));
    name->identity = add->identity;
    name->len = len;
    memcpy(name->text, text, len);
    strmap_put(&add->context->names, name);
    add->identity->names++;
}

int tls_context_add(struct tls_context *context, X509 *leaf, STACK_OF(X509) * chain, EVP_PKEY *key,
                    const char **why)
{
    int kind = EVP_PKEY_get_base_id(key);
    struct identity *identity = tls_context_companion(context, leaf, kind);
    SSL_CTX *ctx = identity != NULL ? identity->ctx : ctx_new();
    ERR_clear_error();
    if (ctx == NULL || SSL_CTX_use_certificate(ctx, leaf) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_set1_chain(ctx, chain) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        *why = reason != NULL ? reason : "out of memory";
        ERR_clear_error();
        if (identity == NULL) {
            SSL_CTX_free(ctx);
        }
        return -1;
    }
    if (identity == NULL) {
        identity = mem_zalloc(sizeof(*identity));
        identity->ctx = ctx;
        context->identities =
            mem_realloc(context->identities, (context->count + 1) * sizeof(*context->identities));
        context->identities[context->count++] = identity;
        struct add_names add = {.context = context, .identity = identity};
        tls_context_each_name(leaf, add_name, &add);
    }
    identity->kinds[identity->nkinds++] = kind;
    return 0;
}
