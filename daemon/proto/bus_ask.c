#include "proto/bus_ask.h"

#define LEN_BYTES    2u
#define COUNT_BYTES  4u
#define NUMBER_BYTES 8u

/* Highest byte first. */
static int bus_ask_put(struct buf *out, uint64_t value, size_t bytes)
{
    uint8_t text[NUMBER_BYTES];
    for (size_t i = 0; i < bytes; i++) {
        text[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
    return buf_append(out, text, bytes);
}

static bool bus_ask_get(struct slice *text, size_t bytes, uint64_t *value)
{
    *value = 0;
    if (text->len < bytes) {
        text->len = 0;
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        *value = *value << 8 | (uint8_t)text->p[i];
    }
    *text = (struct slice){text->p + bytes, text->len - bytes};
    return true;
}

int bus_ask_name(struct buf *out, struct slice name)
{
    if (name.len > UINT16_MAX) {
        return -1;
    }
    int failed = bus_ask_put(out, name.len, LEN_BYTES);
    return name.len > 0 ? failed | buf_append(out, name.p, name.len) : failed;
}

int bus_ask_channel(struct buf *out, struct slice name, uint32_t subscriptions)
{
    return bus_ask_put(out, subscriptions, COUNT_BYTES) | bus_ask_name(out, name);
}

int bus_ask_number(struct buf *out, uint64_t number)
{
    return bus_ask_put(out, number, NUMBER_BYTES);
}

bool bus_ask_name_next(struct slice *text, struct slice *name)
{
    uint64_t len;
    if (!bus_ask_get(text, LEN_BYTES, &len)) {
        return false;
    }
    if (text->len < len) {
        text->len = 0;
        return false;
    }
    *name = (struct slice){text->p, (size_t)len};
    *text = (struct slice){text->p + len, text->len - (size_t)len};
    return true;
}

bool bus_ask_channel_next(struct slice *text, struct slice *name, uint32_t *subscriptions)
{
    uint64_t value;
    if (!bus_ask_get(text, COUNT_BYTES, &value)) {
        return false;
    }
    *subscriptions = (uint32_t)value;
    return bus_ask_name_next(text, name);
}

bool bus_ask_number_next(struct slice *text, uint64_t *number)
{
    return bus_ask_get(text, NUMBER_BYTES, number);
}
