#include "proto/api.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "proto/sign.h"
#include "shared/hex.h"

#define MD5_LEN              16u
#define MAX_TIMESTAMP_DIGITS 12u

static int api_auth_unescape(struct slice text, bool plus, char *room, struct slice *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '%') {
            if (text.len - i < 3 || ff_hex_value((unsigned char)text.p[i + 1]) < 0 ||
                ff_hex_value((unsigned char)text.p[i + 2]) < 0) {
                return -1;
            }
            c = (char)(ff_hex_value((unsigned char)text.p[i + 1]) << 4 |
                       ff_hex_value((unsigned char)text.p[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        room[n++] = c;
    }
    *out = (struct slice){room, n};
    return 0;
}

int api_unescape(struct slice text, char *room, struct slice *out)
{
    return api_auth_unescape(text, false, room, out);
}

int api_query_read(struct slice query, char *room, struct api_query *out)
{
    out->count = 0;
    while (query.p != NULL && query.len > 0) {
        const char *amp = memchr(query.p, '&', query.len);
        size_t len = amp != NULL ? (size_t)(amp - query.p) : query.len;
        struct slice pair = {query.p, len};
        if (len > 0) {
            if (out->count == API_MAX_PARAMS) {
                return -1;
            }
            struct api_param *param = &out->params[out->count++];
            const char *equals = memchr(pair.p, '=', pair.len);
            size_t key_len = equals != NULL ? (size_t)(equals - pair.p) : pair.len;
            struct slice key = {pair.p, key_len};
            struct slice value = {pair.p + key_len, 0};
            if (equals != NULL) {
                value = (struct slice){equals + 1, pair.len - key_len - 1};
            }
            if (api_auth_unescape(key, true, room, &param->key) != 0) {
                return -1;
            }
            for (size_t i = 0; i < param->key.len; i++) {
                room[i] = (char)(room[i] >= 'A' && room[i] <= 'Z' ? room[i] | 0x20 : room[i]);
            }
            room += param->key.len;
            if (api_auth_unescape(value, true, room, &param->value) != 0) {
                return -1;
            }
            room += param->value.len;
        }
        size_t used = amp != NULL ? len + 1 : len;
        query = (struct slice){query.p + used, query.len - used};
    }
    return 0;
}

struct slice api_param(const struct api_query *query, const char *key)
{
    for (size_t i = 0; i < query->count; i++) {
        if (slice_is(query->params[i].key, key)) {
            return query->params[i].value;
        }
    }
    return (struct slice){NULL, 0};
}

/* ---- signatures ---- */

/* False: `why` says both times. */
static bool api_auth_recent(struct slice timestamp, uint64_t now, char why[API_WHY_MAX])
{
    uint64_t then = 0;
    bool number = timestamp.p != NULL && timestamp.len > 0 && timestamp.len <= MAX_TIMESTAMP_DIGITS;
    for (size_t i = 0; number && i < timestamp.len; i++) {
        number = timestamp.p[i] >= '0' && timestamp.p[i] <= '9';
        then = then * 10 + (uint64_t)(timestamp.p[i] - '0');
    }
    if (!number) {
        snprintf(why, API_WHY_MAX,
                 "auth_timestamp is %s; it must be the Unix time in seconds, here it is %" PRIu64,
                 timestamp.p == NULL ? "missing" : "no number of seconds", now);
        return false;
    }
    if ((now > then ? now - then : then - now) > API_MAX_SKEW_SECONDS) {
        snprintf(why, API_WHY_MAX,
                 "auth_timestamp %" PRIu64 " is more than %d seconds away from the time here, "
                 "%" PRIu64,
                 then, API_MAX_SKEW_SECONDS, now);
        return false;
    }
    return true;
}

static int api_auth_order(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.p, b.p, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The parameters that are signed, in order of their keys. */
static size_t api_auth_sorted(const struct api_query *query,
                              const struct api_param *out[API_MAX_PARAMS])
{
    size_t n = 0;
    for (size_t i = 0; i < query->count; i++) {
        const struct api_param *param = &query->params[i];
        if (slice_is(param->key, "auth_signature")) {
            continue;
        }
        size_t at = n++;
        while (at > 0 && api_auth_order(param->key, out[at - 1]->key) < 0) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = param;
    }
    return n;
}

static bool api_auth_hex_is(struct slice hex, const uint8_t *bytes, size_t len)
{
    uint8_t given[SIGN_LEN];
    if (hex.p == NULL || hex.len != 2 * len || len > sizeof(given)) {
        return false;
    }
    return ff_hex_read(given, hex.p, len) && sign_equal(given, bytes, len);
}

/* The HMAC of one way to write the path. */
static void api_auth_hmac(const struct api_signer *signer, struct slice path,
                          const struct api_param *const *params, size_t count,
                          uint8_t out[SIGN_LEN])
{
    struct slice parts[4 + 4 * API_MAX_PARAMS];
    size_t n = 0;
    parts[n++] = signer->method;
    parts[n++] = SLICE("\n");
    parts[n++] = path;
    parts[n++] = SLICE("\n");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            parts[n++] = SLICE("&");
        }
        parts[n++] = params[i]->key;
        parts[n++] = SLICE("=");
        parts[n++] = params[i]->value;
    }
    sign_hmac(signer->secret, parts, n, out);
}

bool api_signed(const struct api_query *query, const struct api_signer *signer,
                char why[API_WHY_MAX])
{
    const struct api_param *params[API_MAX_PARAMS];
    struct slice key = api_param(query, "auth_key"), version = api_param(query, "auth_version"),
                 signature = api_param(query, "auth_signature");
    if (!slice_equal(key, signer->key)) {
        snprintf(why, API_WHY_MAX, "auth_key is %s",
                 key.p == NULL ? "missing" : "not the key of this application");
        return false;
    }
    if (!slice_is(version, "1.0")) {
        snprintf(why, API_WHY_MAX, "auth_version is %s; it must be 1.0",
                 version.p == NULL ? "missing" : "another one");
        return false;
    }
    if (!api_auth_recent(api_param(query, "auth_timestamp"), signer->now, why)) {
        return false;
    }
    size_t count = api_auth_sorted(query, params);
    for (size_t i = 0; i < signer->npaths && signature.p != NULL; i++) {
        uint8_t wanted[SIGN_LEN];
        api_auth_hmac(signer, signer->paths[i], params, count, wanted);
        if (api_auth_hex_is(signature, wanted, SIGN_LEN)) {
            return true;
        }
    }
    snprintf(why, API_WHY_MAX, "auth_signature is %s",
             signature.p == NULL ? "missing"
                                 : "not the HMAC-SHA256 of method, path and parameters with the "
                                   "secret of this application");
    return false;
}

bool api_body_matches(struct slice md5, struct slice body)
{
    uint8_t wanted[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (body.len == 0 && md5.p == NULL) {
        return true;
    }
    if (EVP_Digest(body.p, body.len, wanted, &len, EVP_md5(), NULL) != 1) {
        return false;
    }
    return api_auth_hex_is(md5, wanted, MD5_LEN);
}
