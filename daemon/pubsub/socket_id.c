#include "pubsub/socket_id.h"

#include <inttypes.h>
#include <stdio.h>

size_t socket_id_write(char *out, const struct socket_ref *ref)
{
    char text[SOCKET_ID_MAX + 1];
    uint64_t place = (uint64_t)ref->slot << 6 | ref->worker;
    int len = snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64, ref->random, place);
    memcpy(out, text, (size_t)len);
    return (size_t)len;
}

/* Digits up to `stop` or the end, without overflow. */
static bool socket_id_number(struct slice *text, char stop, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    while (i < text->len && text->p[i] != stop) {
        char c = text->p[i];
        if (c < '0' || c > '9' || value > (UINT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(c - '0');
        i++;
    }
    if (i == 0 || (stop != '\0' && i == text->len)) {
        return false;
    }
    size_t used = stop != '\0' ? i + 1 : i;
    text->p += used;
    text->len -= used;
    *out = value;
    return true;
}

bool socket_id_read(struct slice id, struct socket_ref *out)
{
    uint64_t place;
    struct socket_ref ref;
    *out = (struct socket_ref){0};
    if (id.p == NULL || id.len > SOCKET_ID_MAX || !socket_id_number(&id, '.', &ref.random) ||
        !socket_id_number(&id, '\0', &place)) {
        return false;
    }
    if (place >> 38 != 0 || ref.random == 0) {
        return false;
    }
    ref.worker = (uint32_t)(place & 63);
    ref.slot = (uint32_t)(place >> 6);
    *out = ref;
    return true;
}
