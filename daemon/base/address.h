/*
 * Internet addresses and networks as values. Pure; owns nothing but the list of struct networks.
 *
 * An IPv4 address is held as IPv6's ::ffff:a.b.c.d, so that one that arrives mapped is the same.
 */
#ifndef FF_BASE_ADDRESS_H
#define FF_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/check.h"

#define ADDRESS_TEXT 46u /* room for an address as text, with its NUL */

struct address {
    uint8_t bytes[16];
};

struct network {
    struct address first;
    uint8_t bits; /* of the 128 */
};

struct networks {
    struct network *items;
    size_t count;
};

/* Of 4 or 16 bytes in network order. */
struct address address_of_v4(const uint8_t bytes[4]);
struct address address_of_v6(const uint8_t bytes[16]);
/* False: of another family. */
bool address_of_socket(const struct sockaddr *from, struct address *out);
/* "192.0.2.1", "2001:db8::1"; a whole text and nothing else, without a zone. */
bool address_read(const char *text, size_t len, struct address *out);
const char *address_print(const struct address *address, char room[ADDRESS_TEXT]);
bool address_is_v4(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);

/* "10.0.0.0/8", "fd00::/8", or an address alone; bits behind the prefix are of no account. */
bool network_read(const char *text, size_t len, struct network *out);

/* Reads a list of texts, all of which network_read accepts (checked). */
void networks_init(struct networks *networks, char *const *texts, size_t count);
void networks_free(struct networks *networks);
bool networks_have(const struct networks *networks, const struct address *address);

#endif
