#include "pubsub/directory.h"

#include <string.h>

#include "base/mem.h"
#include "shared/channel.h"

static void directory_name_of(const void *value, const char **key, size_t *len)
{
    const struct dirent *entry = value;
    *key = entry->name;
    *len = entry->len;
}

void directory_init(struct directory *directory)
{
    directory->hidden = 0;
    strmap_init(&directory->entries, directory_name_of);
}

void directory_free(struct directory *directory)
{
    size_t cursor = 0;
    void *value;
    while (strmap_next(&directory->entries, &cursor, &value)) {
        mem_free(((struct dirent *)value)->away);
        mem_free(value);
    }
    strmap_free(&directory->entries);
}

static bool directory_hides(const struct dirent *entry)
{
    return (ff_channel_type(entry->name, entry->len) & FF_CHANNEL_HIDDEN) != 0;
}

struct dirent *directory_find(const struct directory *directory, uint32_t hash, struct slice name)
{
    return strmap_get_hashed(&directory->entries, hash, name.p, name.len);
}

struct dirent *directory_get(struct directory *directory, uint32_t nworkers,
                             const struct mail_channel *channel, const char *name)
{
    struct dirent *entry =
        directory_find(directory, channel->hash, (struct slice){name, channel->len});
    if (entry != NULL) {
        return entry;
    }
    size_t counts = nworkers * sizeof(entry->counts[0]);
    entry = mem_zalloc(sizeof(*entry) + counts + channel->len);
    char *copy = (char *)entry->counts + counts;
    memcpy(copy, name, channel->len);
    entry->name = copy;
    entry->len = channel->len;
    strmap_put_hashed(&directory->entries, channel->hash, entry);
    directory->hidden += directory_hides(entry);
    return entry;
}

void directory_remove(struct directory *directory, struct dirent *entry)
{
    strmap_del(&directory->entries, entry->name, entry->len);
    directory->hidden -= directory_hides(entry);
    mem_free(entry->away);
    mem_free(entry);
}
