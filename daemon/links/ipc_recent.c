#include "links/ipc_recent.h"

#include "base/mem.h"
#include "pubsub/cluster.h"

#define RECENT_FIRST 64u

void ipc_recent_free(struct ipc_recent *recent)
{
    mem_free(recent->ring);
    *recent = (struct ipc_recent){0};
}

static struct ipc_published *ipc_recent_at(const struct ipc_recent *recent, size_t i)
{
    return &recent->ring[(recent->head + i) & (recent->cap - 1)];
}

/* From the oldest on. What was dropped stays for its time, with all behind it. */
static void ipc_recent_trim(struct ipc_recent *recent, const struct hub *hub)
{
    while (recent->count > 0) {
        const struct ipc_published *oldest = ipc_recent_at(recent, 0);
        if (hub->loop->now - oldest->at <= DEDUP_FORGET_MS &&
            hub->cluster_ops->fate(hub->cluster, oldest->place) != CLUSTER_CONFIRMED) {
            return;
        }
        recent->head = (recent->head + 1) & (recent->cap - 1);
        recent->count--;
    }
}

static bool ipc_recent_grow(struct ipc_recent *recent)
{
    size_t cap = recent->cap == 0 ? RECENT_FIRST : recent->cap * 2;
    struct ipc_published *ring = mem_try_alloc(cap * sizeof(*ring));
    if (ring == NULL) {
        return false;
    }
    for (size_t i = 0; i < recent->count; i++) {
        ring[i] = *ipc_recent_at(recent, i);
    }
    mem_free(recent->ring);
    *recent = (struct ipc_recent){.ring = ring, .count = recent->count, .cap = cap};
    return true;
}

void ipc_recent_add(struct ipc_recent *recent, const struct hub *hub, uint64_t id, uint64_t place)
{
    ipc_recent_trim(recent, hub);
    for (size_t i = recent->count; i > 0 && ipc_recent_at(recent, i - 1)->id == id; i--) {
        if (ipc_recent_at(recent, i - 1)->place == place) {
            return;
        }
    }
    if (recent->count == recent->cap && !ipc_recent_grow(recent)) {
        return;
    }
    *ipc_recent_at(recent, recent->count++) =
        (struct ipc_published){.id = id, .place = place, .at = hub->loop->now};
}

bool ipc_recent_next(const struct ipc_recent *recent, uint64_t id, size_t *cursor, uint64_t *place)
{
    if (*cursor == 0) {
        size_t low = 0, high = recent->count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (ipc_recent_at(recent, middle)->id < id) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        *cursor = low + 1;
    }
    if (*cursor > recent->count || ipc_recent_at(recent, *cursor - 1)->id != id) {
        return false;
    }
    *place = ipc_recent_at(recent, (*cursor)++ - 1)->place;
    return true;
}
