/*
 * The bytes as what a client sends first.
 *
 * Holds: of an accepted head every shorter part asks for more and anything may follow it; what was
 * refused stays refused however much follows; every view lies inside the head; the head written
 * again from its parts means the same; no head is both of a given length and chunked; a plain path
 * means what the path meant, and is plain.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "proto/http.h"
#include "shared/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_result parse(const char *bytes, size_t len, struct http_request *out, int *status)
{
    const char *why = NULL;

    *status = 0;
    enum http_result result = http_parse(bytes, len, out, status, &why);
    check((result == HTTP_BAD) == (why != NULL));
    check((result == HTTP_BAD) == (*status != 0));
    check(*status == 0 || strcmp(http_reason(*status), "Unknown") != 0);
    return result;
}

/* On a copy that ends where the bytes end. */
static enum http_result parse_part(const char *bytes, size_t len, int *status)
{
    struct http_request request;
    char *block = malloc(len + 1);

    check(block != NULL);
    memcpy(block + 1, bytes, len);
    enum http_result result = parse(block + 1, len, &request, status);
    free(block);
    return result;
}

static bool inside(struct slice view, const char *bytes, size_t len)
{
    return view.p >= bytes && view.len <= len && view.p + view.len <= bytes + len;
}

static void check_views(const struct http_request *request, const char *bytes)
{
    size_t len = request->head_len;

    check(inside(request->method, bytes, len) && request->method.len != 0);
    check(inside(request->target, bytes, len) && request->target.len != 0);
    check(request->path.len != 0);
    check(request->query.p == NULL || inside(request->query, bytes, len));
    check(memchr(request->path.p, '?', request->path.len) == NULL);
    check(request->nheaders <= HTTP_MAX_HEADERS);
    for (size_t i = 0; i < request->nheaders; i++) {
        struct slice name = request->headers[i].name, value = request->headers[i].value;
        check(inside(name, bytes, len) && name.len != 0);
        check(inside(value, bytes, len));
        for (size_t j = 0; j < value.len; j++) {
            unsigned char c = (unsigned char)value.p[j];
            check((c >= ' ' && c != 0x7F) || (c == '\t' && j != 0 && j + 1 != value.len));
        }
    }
    check(request->minor == 0 || http_header_count(request, "host") == 1);
    check(http_header_count(request, "content-length") +
              http_header_count(request, "transfer-encoding") <=
          1);
    check(request->chunked == (http_header_count(request, "Transfer-Encoding") == 1));
    check(request->body_len == 0 || !request->chunked);
    check(!http_header_has(request, "connection", "close") || !request->keep_alive);
}

static void add(struct buf *out, struct slice text, const char *behind)
{
    check(buf_append(out, text.p, text.len) == 0 && buf_text(out, behind) == 0);
}

/* Written again in the plainest way, it is the same request. */
static void check_again(const struct http_request *request)
{
    struct http_request again;
    struct buf out;
    int status;

    buf_init(&out, 2 * HTTP_MAX_HEAD);
    add(&out, request->method, " ");
    add(&out, request->target, request->minor != 0 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    for (size_t i = 0; i < request->nheaders; i++) {
        add(&out, request->headers[i].name, ":");
        add(&out, request->headers[i].value, "\r\n");
    }
    check(buf_text(&out, "\r\n") == 0);
    check(parse((char *)out.data, out.len, &again, &status) == HTTP_DONE);
    check(again.head_len == out.len && again.nheaders == request->nheaders);
    check(slice_equal(again.path, request->path) && slice_equal(again.query, request->query));
    check(again.body_len == request->body_len && again.chunked == request->chunked);
    check(again.keep_alive == request->keep_alive && again.minor == request->minor);
    buf_free(&out);
}

static void unescape(struct slice text, char *out, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '%' && text.len - i >= 3 && ff_hex_value((unsigned char)text.p[i + 1]) >= 0 &&
            ff_hex_value((unsigned char)text.p[i + 2]) >= 0) {
            c = (char)(ff_hex_value((unsigned char)text.p[i + 1]) << 4 |
                       ff_hex_value((unsigned char)text.p[i + 2]));
            i += 2;
        }
        out[(*len)++] = c;
    }
}

static void check_plain_path(struct slice path)
{
    char *room = malloc(4 * path.len + 1);
    size_t wanted, got;
    check(room != NULL);
    struct slice plain = http_plain_path(path, room);
    check(plain.len <= path.len);
    check(memchr(path.p, '%', path.len) != NULL || plain.p == path.p);
    struct slice again = http_plain_path(plain, room + path.len);
    check(slice_equal(again, plain));
    unescape(path, room + 2 * path.len, &wanted);
    unescape(plain, room + 3 * path.len, &got);
    check(wanted == got && memcmp(room + 2 * path.len, room + 3 * path.len, got) == 0);
    free(room);
}

static void check_handshake(const struct http_request *request)
{
    struct slice key = {NULL, 0};
    const char *why = NULL;
    int status = http_websocket(request, &key, &why);

    check((status != 0) == (why != NULL));
    if (status == 0) {
        check(slice_is(request->method, "GET") && request->minor == 1 && key.len == 24);
        check(request->body_len == 0 && !request->chunked);
    } else {
        check(status == 400 || status == 405 || status == 426 || status == 505);
    }
    struct slice value = http_query(request->query, "protocol");
    check(value.p == NULL || inside(value, request->query.p, request->query.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request request;
    int status, other;
    char *bytes = malloc(size + 1);

    check(bytes != NULL);
    if (size != 0) {
        memcpy(bytes, data, size);
    }
    enum http_result result = parse(bytes, size, &request, &status);
    size_t whole = result == HTTP_DONE ? request.head_len : size;
    if (result == HTTP_DONE) {
        check(whole != 0 && whole <= size && whole <= HTTP_MAX_HEAD);
        check(whole >= 4 && memcmp(bytes + whole - 2, "\r\n", 2) == 0);
        check_views(&request, bytes);
        check_again(&request);
        check_handshake(&request);
        check_plain_path(request.path);
        check(parse_part(bytes, whole, &other) == HTTP_DONE);
    }
    size_t step = whole > 48 ? whole / 32 : 1;
    bool refused = false;
    for (size_t len = 0; len < whole; len += len + 8 < whole ? step : 1) {
        enum http_result part = parse_part(bytes, len, &other);
        check(part != HTTP_DONE);
        check(result == HTTP_BAD ? part == HTTP_MORE || other == status : part == HTTP_MORE);
        check(!refused || part == HTTP_BAD);
        refused = part == HTTP_BAD;
    }
    free(bytes);
    return 0;
}
