#include "proto/api.h"

#include <openssl/evp.h>
#include <string.h>

#include "proto/hex.h"
#include "proto/sign.h"

#define MD5_LEN              16u
#define MAX_TIMESTAMP_DIGITS 12u

static int unescape(struct slice text, bool plus, char *room, struct slice *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '%') {
            if (text.len - i < 3 || hex_value((unsigned char)text.p[i + 1]) < 0 ||
                hex_value((unsigned char)text.p[i + 2]) < 0) {
                return -1;
            }
            c = (char)(hex_value((unsigned char)text.p[i + 1]) << 4 |
                       hex_value((unsigned char)text.p[i + 2]));
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
    return unescape(text, false, room, out);
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
            if (unescape(key, true, room, &param->key) != 0) {
                return -1;
            }
            room += param->key.len;
            if (unescape(value, true, room, &param->value) != 0) {
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

static bool recent(struct slice timestamp, uint64_t now)
{
    uint64_t then = 0;
    if (timestamp.p == NULL || timestamp.len == 0 || timestamp.len > MAX_TIMESTAMP_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < timestamp.len; i++) {
        if (timestamp.p[i] < '0' || timestamp.p[i] > '9') {
            return false;
        }
        then = then * 10 + (uint64_t)(timestamp.p[i] - '0');
    }
    return (now > then ? now - then : then - now) <= API_MAX_SKEW_SECONDS;
}

static int compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.p, b.p, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The parameters that are signed, in order of their keys. */
static size_t sorted(const struct api_query *query, const struct api_param *out[API_MAX_PARAMS])
{
    size_t n = 0;
    for (size_t i = 0; i < query->count; i++) {
        const struct api_param *param = &query->params[i];
        if (slice_is(param->key, "auth_signature")) {
            continue;
        }
        size_t at = n++;
        while (at > 0 && compare(param->key, out[at - 1]->key) < 0) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = param;
    }
    return n;
}

static bool hex_equals(struct slice hex, const uint8_t *bytes, size_t len)
{
    uint8_t given[SIGN_LEN];
    if (hex.p == NULL || hex.len != 2 * len || len > sizeof(given)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int high = hex_value((unsigned char)hex.p[2 * i]),
            low = hex_value((unsigned char)hex.p[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        given[i] = (uint8_t)(high << 4 | low);
    }
    return sign_equal(given, bytes, len);
}

bool api_signed(const struct api_query *query, struct slice method, struct slice path,
                struct slice key, struct slice secret, uint64_t now)
{
    const struct api_param *params[API_MAX_PARAMS];
    struct slice parts[4 + 4 * API_MAX_PARAMS];
    uint8_t wanted[SIGN_LEN];
    size_t n = 0, count = sorted(query, params);
    if (!slice_equal(api_param(query, "auth_key"), key) ||
        !slice_is(api_param(query, "auth_version"), "1.0") ||
        !recent(api_param(query, "auth_timestamp"), now)) {
        return false;
    }
    parts[n++] = method;
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
    sign_hmac(secret, parts, n, wanted);
    return hex_equals(api_param(query, "auth_signature"), wanted, SIGN_LEN);
}

bool api_body_matches(const struct api_query *query, struct slice body)
{
    uint8_t md5[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    struct slice given = api_param(query, "body_md5");
    if (body.len == 0 && given.p == NULL) {
        return true;
    }
    if (EVP_Digest(body.p, body.len, md5, &len, EVP_md5(), NULL) != 1) {
        return false;
    }
    return hex_equals(given, md5, MD5_LEN);
}
