/*
 * The bytes as what a trusted proxy sends first, and as an X-Forwarded-For that it adds.
 *
 * Holds: of an accepted header every shorter part asks for more and anything may follow it; what
 * was refused stays refused however much follows; no header is longer than its maximum; who is not
 * trusted is the client, and a client behind a proxy is an address that the header has.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/forwarded.h"
#include "proto/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* On a copy that ends where the bytes end. */
static enum proxy_result read_part(const uint8_t *data, size_t len, struct proxy_header *out)
{
    const char *why = NULL;
    uint8_t *block = malloc(len + 1);

    check(block != NULL);
    if (len != 0) {
        memcpy(block + 1, data, len);
    }
    enum proxy_result result = proxy_read(block + 1, len, out, &why);
    check((result == PROXY_BAD) == (why != NULL));
    check(result == PROXY_DONE || !out->known);
    free(block);
    return result;
}

static void check_header(const uint8_t *data, size_t size)
{
    struct proxy_header header, part;
    enum proxy_result result = read_part(data, size, &header);
    size_t whole = result == PROXY_DONE ? header.len : size;
    bool refused = false;

    check(whole <= size);
    if (result == PROXY_DONE) {
        check(whole >= PROXY_HEADER && whole <= PROXY_MAX_HEADER);
        check(read_part(data, whole, &part) == PROXY_DONE && part.len == whole);
        check(part.known == header.known && address_equal(&part.client, &header.client));
    }
    check(result != PROXY_MORE || size < PROXY_MAX_HEADER);
    for (size_t len = 0; len < whole && len <= PROXY_MAX_HEADER; len++) {
        enum proxy_result now = read_part(data, len, &part);
        check(now != PROXY_DONE);
        check(now == PROXY_MORE || result == PROXY_BAD);
        check(!refused || now == PROXY_BAD);
        refused = now == PROXY_BAD;
    }
}

static void check_forwarded(const uint8_t *data, size_t size)
{
    char *trusted[] = {(char *)"10.0.0.0/8", (char *)"fd00::/8"};
    struct http_request request = {.nheaders = 2};
    struct networks networks;
    struct address proxy, stranger, client;
    char *value = malloc(size + 1), text[ADDRESS_TEXT];
    size_t half = size / 2;

    check(value != NULL);
    if (size != 0) {
        memcpy(value, data, size);
    }
    networks_init(&networks, trusted, 2);
    check(address_read("10.1.2.3", 8, &proxy) && address_read("203.0.113.1", 11, &stranger));
    request.headers[0] = (struct http_header){SLICE("X-Forwarded-For"), {value, half}};
    request.headers[1] =
        (struct http_header){SLICE("x-forwarded-for"), {value + half, size - half}};
    client = forwarded_for(&request, &networks, &stranger);
    check(address_equal(&client, &stranger));
    client = forwarded_for(&request, &networks, &proxy);
    check(address_print(&client, text) != NULL && address_read(text, strlen(text), &stranger));
    check(address_equal(&client, &stranger));
    networks_free(&networks);
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_header(data, size);
    check_forwarded(data, size);
    return 0;
}
