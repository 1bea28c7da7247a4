#include "proto/ws.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "base/check.h"
#include "shared/utf8.h"

#define FIN         0x80u
#define RESERVED    0x70u
#define OPCODE      0x0Fu
#define MASKED      0x80u
#define LENGTH      0x7Fu
#define LENGTH_16   126u
#define LENGTH_64   127u
#define CONTROL_BIT 0x08u

#define CLOSE_PROTOCOL   1002
#define CLOSE_BAD_TEXT   1007
#define CLOSE_TOO_BIG    1009
#define CLOSE_NO_CODE    1005
#define SHA1_LEN         20u
#define ACCEPT_GUID      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define ACCEPT_TEXT_MOST 128u

static enum ws_result ws_refuse(uint16_t *code, const char **why, uint16_t with, const char *reason)
{
    *code = with;
    *why = reason;
    return WS_BAD;
}

void ws_mask(uint8_t *payload, size_t len, const uint8_t *key)
{
    uint32_t half;
    uint64_t mask;
    size_t i = 0;

    memcpy(&half, key, sizeof(half));
    if (half == 0) {
        return;
    }
    mask = (uint64_t)half << 32 | half; /* the same bytes twice in either byte order */
    for (; len - i >= sizeof(mask); i += sizeof(mask)) {
        uint64_t word;
        memcpy(&word, payload + i, sizeof(word));
        word ^= mask;
        memcpy(payload + i, &word, sizeof(word));
    }
    for (; i < len; i++) {
        payload[i] ^= key[i & 3];
    }
}

static uint64_t ws_big_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

enum ws_result ws_decode(uint8_t *bytes, size_t len, size_t max, bool deflate, struct ws_frame *out,
                         uint16_t *code, const char **why)
{
    size_t header = 2;
    uint64_t payload;

    *out = (struct ws_frame){0};
    if (len < 1) {
        return WS_MORE;
    }
    unsigned int opcode = bytes[0] & OPCODE;
    bool control = (opcode & CONTROL_BIT) != 0;
    out->opcode = (enum ws_opcode)opcode;
    out->fin = (bytes[0] & FIN) != 0;
    out->compressed = (bytes[0] & RESERVED) == WS_COMPRESSED;
    bool may = deflate && (opcode == WS_TEXT || opcode == WS_BINARY);
    if ((bytes[0] & RESERVED) && !(out->compressed && may)) {
        return ws_refuse(code, why, CLOSE_PROTOCOL, "Reserved bits are set");
    }
    if ((opcode & ~CONTROL_BIT) > 2) {
        return ws_refuse(code, why, CLOSE_PROTOCOL, "Unknown opcode");
    }
    if (control && !out->fin) {
        return ws_refuse(code, why, CLOSE_PROTOCOL, "Fragmented control frame");
    }

    if (len < 2) {
        return WS_MORE;
    }
    if (!(bytes[1] & MASKED)) {
        return ws_refuse(code, why, CLOSE_PROTOCOL, "Frame is not masked");
    }
    payload = bytes[1] & LENGTH;
    if (payload >= LENGTH_16) {
        bool wide = payload == LENGTH_64;

        if (control) {
            return ws_refuse(code, why, CLOSE_PROTOCOL, "Control frame is too long");
        }
        header += wide ? 8 : 2;
        /* The top bit alone settles it, so do not wait for the other seven bytes. */
        if (wide && len > 2 && (bytes[2] & 0x80)) {
            return ws_refuse(code, why, CLOSE_PROTOCOL, "Frame length is out of range");
        }
        if (len < header) {
            return WS_MORE;
        }
        payload = ws_big_endian(bytes + 2, header - 2);
        if (payload < (wide ? 65536u : LENGTH_16)) {
            return ws_refuse(code, why, CLOSE_PROTOCOL, "Frame length is not in its shortest form");
        }
    }
    if (!control && max != 0 && payload > max) {
        return ws_refuse(code, why, CLOSE_TOO_BIG, "Maximum message size exceeded");
    }
    header += 4;
    if (payload > SIZE_MAX - header) { /* where size_t has 32 bits */
        return ws_refuse(code, why, CLOSE_TOO_BIG, "Maximum message size exceeded");
    }
    if (len < header) {
        return WS_MORE;
    }
    out->len = (size_t)payload;
    out->used = header + out->len;
    if (len < out->used) {
        return WS_MORE;
    }
    out->payload = bytes + header;
    ws_mask(out->payload, out->len, bytes + header - 4);
    return WS_DONE;
}

size_t ws_header(uint8_t *out, enum ws_opcode opcode, size_t len)
{
    uint64_t left = len;
    size_t wide;

    out[0] = (uint8_t)(FIN | (unsigned int)opcode);
    if (len < LENGTH_16) {
        out[1] = (uint8_t)len;
        return 2;
    }
    wide = len <= UINT16_MAX ? 2 : 8;
    out[1] = wide == 2 ? LENGTH_16 : LENGTH_64;
    for (size_t i = wide; i > 0; i--) {
        out[1 + i] = (uint8_t)left;
        left >>= 8;
    }
    return 2 + wide;
}

/* 1004, 1005, 1006 and 1015 never travel; 1016 to 2999 mean nothing yet. */
static bool ws_may_be_sent(unsigned int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

int ws_close_payload(const uint8_t *payload, size_t len, uint16_t *code)
{
    *code = CLOSE_NO_CODE;
    if (len == 0) {
        return 0;
    }
    if (len < 2) {
        return CLOSE_PROTOCOL;
    }
    *code = (uint16_t)ws_big_endian(payload, 2);
    if (!ws_may_be_sent(*code)) {
        return CLOSE_PROTOCOL;
    }
    return ff_utf8_valid((const char *)payload + 2, len - 2) ? 0 : CLOSE_BAD_TEXT;
}

/* Fetched once: looking an algorithm up by name costs more than hashing 60 bytes. Never freed. */
static EVP_MD *sha1;
static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;

static void ws_fetch_sha1(void)
{
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    check(sha1 != NULL);
}

void ws_accept(struct slice key, char *out)
{
    char text[ACCEPT_TEXT_MOST];
    unsigned char digest[SHA1_LEN];
    unsigned char base64[WS_ACCEPT_LEN + 1];
    size_t guid = sizeof(ACCEPT_GUID) - 1;

    pthread_once(&sha1_once, ws_fetch_sha1);
    check(key.p != NULL && key.len <= sizeof(text) - guid);
    memcpy(text, key.p, key.len);
    memcpy(text + key.len, ACCEPT_GUID, guid);
    check(EVP_Digest(text, key.len + guid, digest, NULL, sha1, NULL) == 1);
    EVP_EncodeBlock(base64, digest, SHA1_LEN);
    memcpy(out, base64, WS_ACCEPT_LEN);
}
