#include "channel.h"

#include <stdint.h>
#include <string.h>

#include "utf8.h"

#define MAX_SOCKET_ID 64u

/* One bit per byte value: letters, digits and -_=@,.; */
static const uint64_t name_bytes[4] = {
    /* , - . 0-9 ; = */
    UINT64_C(1) << ',' | UINT64_C(1) << '-' | UINT64_C(1) << '.' | UINT64_C(0x3FF) << '0' |
        UINT64_C(1) << ';' | UINT64_C(1) << '=',
    /* @ A-Z _ a-z */
    UINT64_C(1) << ('@' - 64) | UINT64_C(0x3FFFFFF) << ('A' - 64) | UINT64_C(1) << ('_' - 64) |
        UINT64_C(0x3FFFFFF) << ('a' - 64),
    0,
    0,
};

static bool channel_has_prefix(const char *text, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    return len >= n && memcmp(text, prefix, n) == 0;
}

unsigned int ff_channel_type(const char *name, size_t len)
{
    static const struct {
        const char *prefix;
        unsigned int type;
    } prefixes[] = {
        /* the longer one first */
        {"private-encrypted-cache-", FF_CHANNEL_PRIVATE | FF_CHANNEL_ENCRYPTED | FF_CHANNEL_CACHE},
        {"private-encrypted-", FF_CHANNEL_PRIVATE | FF_CHANNEL_ENCRYPTED},
        {"private-cache-", FF_CHANNEL_PRIVATE | FF_CHANNEL_CACHE},
        {"private-", FF_CHANNEL_PRIVATE},
        {"presence-cache-", FF_CHANNEL_PRIVATE | FF_CHANNEL_PRESENCE | FF_CHANNEL_CACHE},
        {"presence-", FF_CHANNEL_PRIVATE | FF_CHANNEL_PRESENCE},
        {"cache-", FF_CHANNEL_CACHE},
        {FF_USER_CHANNEL_PREFIX, FF_CHANNEL_USER},
        {FF_WATCH_CHANNEL_PREFIX, FF_CHANNEL_WATCH},
    };

    if (len == 0 || (name[0] != 'p' && name[0] != 'c' && name[0] != '#')) {
        return FF_CHANNEL_PUBLIC;
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (channel_has_prefix(name, len, prefixes[i].prefix)) {
            return prefixes[i].type;
        }
    }
    return FF_CHANNEL_PUBLIC;
}

bool ff_channel_name_valid(const char *name, size_t len, size_t max)
{
    if (len == 0 || (max != 0 && len > max)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (!(name_bytes[byte >> 6] >> (byte & 63) & 1)) {
            return false;
        }
    }
    return true;
}

bool ff_channel_publishable(const char *name, size_t len, size_t max)
{
    size_t prefix = sizeof(FF_USER_CHANNEL_PREFIX) - 1;

    if (channel_has_prefix(name, len, FF_USER_CHANNEL_PREFIX)) {
        return ff_user_id_valid(name + prefix, len - prefix);
    }
    return ff_channel_name_valid(name, len, max);
}

bool ff_event_name_valid(const char *name, size_t len, size_t max)
{
    return len != 0 && (max == 0 || len <= max) && ff_utf8_valid(name, len);
}

bool ff_event_name_reserved(const char *name, size_t len)
{
    return channel_has_prefix(name, len, "pusher:") ||
           channel_has_prefix(name, len, "pusher_internal:");
}

bool ff_socket_id_valid(const char *id, size_t len)
{
    size_t dot = 0; /* 0 = none yet: a dot in front is refused anyway */

    if (len < 3 || len > MAX_SOCKET_ID) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (id[i] == '.') {
            if (i == 0 || dot != 0) {
                return false;
            }
            dot = i;
        } else if (id[i] < '0' || id[i] > '9') {
            return false;
        }
    }
    return dot != 0 && dot != len - 1;
}
