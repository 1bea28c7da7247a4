#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct address address_of_v4(const uint8_t bytes[4])
{
    struct address address;
    memcpy(address.bytes, mapped, sizeof(mapped));
    memcpy(address.bytes + sizeof(mapped), bytes, 4);
    return address;
}

struct address address_of_v6(const uint8_t bytes[16])
{
    struct address address;
    memcpy(address.bytes, bytes, sizeof(address.bytes));
    return address;
}

bool address_of_socket(const struct sockaddr *from, struct address *out)
{
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof(v4));
        *out = address_of_v4((const uint8_t *)&v4.sin_addr);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof(v6));
        *out = address_of_v6(v6.sin6_addr.s6_addr);
        return true;
    }
    return false;
}

bool address_read(const char *text, size_t len, struct address *out)
{
    char copy[ADDRESS_TEXT];
    uint8_t raw[16];
    if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len) != NULL) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (memchr(text, ':', len) != NULL) {
        if (inet_pton(AF_INET6, copy, raw) != 1) {
            return false;
        }
        *out = address_of_v6(raw);
        return true;
    }
    if (inet_pton(AF_INET, copy, raw) != 1) {
        return false;
    }
    *out = address_of_v4(raw);
    return true;
}

const char *address_print(const struct address *address, char room[ADDRESS_TEXT])
{
    bool v4 = address_is_v4(address);
    const uint8_t *raw = v4 ? address->bytes + sizeof(mapped) : address->bytes;
    return inet_ntop(v4 ? AF_INET : AF_INET6, raw, room, ADDRESS_TEXT);
}

bool address_is_v4(const struct address *address)
{
    return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool network_read(const char *text, size_t len, struct network *out)
{
    const char *slash = memchr(text, '/', len);
    size_t host = slash != NULL ? (size_t)(slash - text) : len;
    if (!address_read(text, host, &out->first)) {
        return false;
    }
    bool v4 = memchr(text, ':', host) == NULL;
    unsigned int most = v4 ? 32 : 128, bits = most;
    if (slash != NULL) {
        size_t digits = len - host - 1;
        bits = 0;
        if (digits == 0 || digits > 3) {
            return false;
        }
        for (size_t i = host + 1; i < len; i++) {
            if (text[i] < '0' || text[i] > '9') {
                return false;
            }
            bits = bits * 10 + (unsigned int)(text[i] - '0');
        }
        if (bits > most) {
            return false;
        }
    }
    out->bits = (uint8_t)(v4 ? bits + 8 * sizeof(mapped) : bits);
    return true;
}

void networks_init(struct networks *networks, char *const *texts, size_t count)
{
    networks->items = mem_zalloc((count + 1) * sizeof(*networks->items));
    networks->count = count;
    for (size_t i = 0; i < count; i++) {
        check(network_read(texts[i], strlen(texts[i]), &networks->items[i]));
    }
}

void networks_free(struct networks *networks)
{
    mem_free(networks->items);
    *networks = (struct networks){NULL, 0};
}

static bool network_has(const struct network *network, const struct address *address)
{
    size_t whole = network->bits / 8;
    unsigned int rest = network->bits % 8;
    if (memcmp(network->first.bytes, address->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || (network->first.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool networks_have(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (network_has(&networks->items[i], address)) {
            return true;
        }
    }
    return false;
}
