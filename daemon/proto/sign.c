#include "proto/sign.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>

#include "base/check.h"
#include "shared/hex.h"

#define HEX_LEN (2 * SIGN_LEN)

/*
 * Fetching an algorithm and making a context cost several times the HMAC of a short text, so the
 * first is done once per process and the second once per thread. The key frees a thread's context
 * when the thread ends.
 */
static EVP_MAC *hmac;
static pthread_key_t context_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void sign_free_context(void *context)
{
    EVP_MAC_CTX_free(context);
}

static void sign_fetch(void)
{
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    check(hmac != NULL);
    check(pthread_key_create(&context_key, sign_free_context) == 0);
}

static EVP_MAC_CTX *sign_own_context(void)
{
    char digest[] = "SHA256";
    EVP_MAC_CTX *context;

    pthread_once(&once, sign_fetch);
    context = pthread_getspecific(context_key);
    if (context == NULL) {
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_end(),
        };
        context = EVP_MAC_CTX_new(hmac);
        check(context != NULL);
        check(EVP_MAC_CTX_set_params(context, params) == 1);
        check(pthread_setspecific(context_key, context) == 0);
    }
    return context;
}

void sign_hmac(struct slice secret, const struct slice *parts, size_t nparts, uint8_t out[SIGN_LEN])
{
    EVP_MAC_CTX *context = sign_own_context();
    /* A key of NULL would mean the key of the time before. */
    const char *key = secret.p != NULL ? secret.p : "";
    size_t len = 0;

    check(EVP_MAC_init(context, (const unsigned char *)key, secret.len, NULL) == 1);
    for (size_t i = 0; i < nparts; i++) {
        if (parts[i].len != 0) {
            check(EVP_MAC_update(context, (const unsigned char *)parts[i].p, parts[i].len) == 1);
        }
    }
    check(EVP_MAC_final(context, out, &len, SIGN_LEN) == 1);
    check(len == SIGN_LEN);
}

bool sign_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

/* Digits of upper case are no signature of ours, though they would mean the same bytes. */
static bool sign_read_hex(const char *text, uint8_t out[SIGN_LEN])
{
    for (size_t i = 0; i < HEX_LEN; i++) {
        if (text[i] >= 'A' && text[i] <= 'F') {
            return false;
        }
    }
    return ff_hex_read(out, text, SIGN_LEN);
}

/* "key:" and the signature of the parts. The app's key is public: every client sends it. Only the
 * signature is compared in constant time. */
static bool sign_auth_signs(struct slice auth, struct slice key, struct slice secret,
                            const struct slice *parts, size_t nparts)
{
    uint8_t given[SIGN_LEN], wanted[SIGN_LEN];

    if (auth.p == NULL || key.p == NULL || auth.len != key.len + 1 + HEX_LEN) {
        return false;
    }
    if (memcmp(auth.p, key.p, key.len) != 0 || auth.p[key.len] != ':' ||
        !sign_read_hex(auth.p + key.len + 1, given)) {
        return false;
    }
    sign_hmac(secret, parts, nparts, wanted);
    return sign_equal(given, wanted, SIGN_LEN);
}

bool sign_channel_auth(struct slice auth, struct slice key, struct slice secret,
                       struct slice socket_id, struct slice channel, struct slice channel_data)
{
    const struct slice colon = SLICE(":");
    const struct slice parts[] = {socket_id, colon, channel, colon, channel_data};
    bool with_data = channel_data.p != NULL && channel_data.len != 0;

    return sign_auth_signs(auth, key, secret, parts, with_data ? 5 : 3);
}

bool sign_user_auth(struct slice auth, struct slice key, struct slice secret,
                    struct slice socket_id, struct slice user_data)
{
    const struct slice parts[] = {socket_id, SLICE("::user::"), user_data};

    return sign_auth_signs(auth, key, secret, parts, 3);
}
