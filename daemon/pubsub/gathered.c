#include "pubsub/gathered.h"

#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

struct gathered_channel {
    uint32_t subscriptions, len;
    char name[];
};

struct gathered {
    struct strmap channels;
    uint64_t connections;
    bool whole;
};

static void gathered_name_of(const void *value, const char **key, size_t *len)
{
    const struct gathered_channel *channel = value;
    *key = channel->name;
    *len = channel->len;
}

struct gathered *gathered_new(void)
{
    struct gathered *gathered = mem_zalloc(sizeof(*gathered));
    strmap_init(&gathered->channels, gathered_name_of);
    return gathered;
}

void gathered_free(struct gathered *gathered)
{
    size_t cursor = 0;
    void *value;
    if (gathered == NULL) {
        return;
    }
    while (strmap_next(&gathered->channels, &cursor, &value)) {
        mem_free(value);
    }
    strmap_free(&gathered->channels);
    mem_free(gathered);
}

void gathered_add(struct gathered *gathered, struct slice channel, uint32_t subscriptions)
{
    struct gathered_channel *known = strmap_get(&gathered->channels, channel.p, channel.len);
    if (known == NULL) {
        known = mem_alloc(sizeof(*known) + channel.len);
        *known = (struct gathered_channel){.len = (uint32_t)channel.len};
        memcpy(known->name, channel.p, channel.len);
        strmap_put(&gathered->channels, known);
    }
    known->subscriptions += subscriptions;
}

void gathered_add_connections(struct gathered *gathered, uint64_t n)
{
    gathered->connections += n;
}

void gathered_end(struct gathered *gathered, bool whole)
{
    gathered->whole = whole;
}

bool gathered_whole(const struct gathered *gathered)
{
    return gathered->whole;
}

uint64_t gathered_connections(const struct gathered *gathered)
{
    return gathered->connections;
}

uint32_t gathered_subscriptions(const struct gathered *gathered, struct slice channel)
{
    const struct gathered_channel *known = strmap_get(&gathered->channels, channel.p, channel.len);
    return known != NULL ? known->subscriptions : 0;
}

bool gathered_next(const struct gathered *gathered, size_t *cursor, struct slice *name,
                   uint32_t *subscriptions)
{
    void *value;
    if (!strmap_next(&gathered->channels, cursor, &value)) {
        return false;
    }
    const struct gathered_channel *channel = value;
    *name = (struct slice){channel->name, channel->len};
    *subscriptions = channel->subscriptions;
    return true;
}
