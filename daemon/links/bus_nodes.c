#include "links/bus_nodes.h"

#include "base/mem.h"

static void bus_nodes_key(const void *value, const char **key, size_t *len)
{
    const struct bus_node *node = value;
    *key = (const char *)&node->id;
    *len = sizeof(node->id);
}

void bus_nodes_init(struct bus_nodes *nodes, uint64_t self)
{
    *nodes = (struct bus_nodes){.self = self};
    strmap_init(&nodes->map, bus_nodes_key);
}

void bus_nodes_free(struct bus_nodes *nodes)
{
    void *value;
    for (size_t cursor = 0; strmap_next(&nodes->map, &cursor, &value);) {
        mem_free(value);
    }
    strmap_free(&nodes->map);
}

static void bus_list_append(struct bus_list *list, struct bus_node *node)
{
    node->prev = list->last;
    node->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = node;
    list->last = node;
    list->count++;
}

static void bus_list_remove(struct bus_list *list, struct bus_node *node)
{
    *(node->prev != NULL ? &node->prev->next : &list->first) = node->next;
    *(node->next != NULL ? &node->next->prev : &list->last) = node->prev;
    list->count--;
}

struct bus_node *bus_nodes_find(const struct bus_nodes *nodes, uint64_t id)
{
    return strmap_get(&nodes->map, (const char *)&id, sizeof(id));
}

void bus_nodes_trim(struct bus_nodes *nodes)
{
    while (nodes->dead.count > BUS_DEAD_MAX) {
        struct bus_node *oldest = nodes->dead.first;
        bus_list_remove(&nodes->dead, oldest);
        (void)strmap_del(&nodes->map, (const char *)&oldest->id, sizeof(oldest->id));
        mem_free(oldest);
    }
}

struct bus_node *bus_nodes_add(struct bus_nodes *nodes, uint64_t id)
{
    struct bus_node *node = mem_zalloc(sizeof(*node));
    node->id = id;
    node->died_at = nodes->ticks;
    strmap_put(&nodes->map, node);
    bus_list_append(&nodes->dead, node);
    return node;
}

void bus_nodes_revive(struct bus_nodes *nodes, struct bus_node *node, uint64_t incarnation)
{
    if (!node->alive) {
        bus_list_remove(&nodes->dead, node);
        bus_list_append(&nodes->alive, node);
    }
    node->alive = true;
    node->incarnation = incarnation;
    node->heard_at = nodes->ticks;
    node->suspect = false;
    node->owned = BUS_OWNED_ASKED;
    node->asked_at = nodes->ticks;
}

void bus_nodes_bury(struct bus_nodes *nodes, struct bus_node *node, uint64_t incarnation, bool left)
{
    if (node->alive) {
        bus_list_remove(&nodes->alive, node);
        bus_list_append(&nodes->dead, node);
    }
    node->alive = false;
    node->left = left;
    node->incarnation = incarnation;
    node->died_at = nodes->ticks;
    node->declared_at = nodes->ticks;
}

/* ---- time ---- */

bool bus_nodes_is_first(const struct bus_nodes *nodes, const struct bus_node *but)
{
    for (const struct bus_node *node = nodes->alive.first; node != NULL; node = node->next) {
        if (node != but && node->id < nodes->self) {
            return false;
        }
    }
    return true;
}

bool bus_nodes_silent(const struct bus_nodes *nodes, const struct bus_node *node)
{
    uint64_t limit = node->suspect ? BUS_SUSPECT_TICKS : BUS_TICKS;
    if (nodes->ticks - node->heard_at < limit || nodes->ticks - node->declared_at < 2) {
        return false;
    }
    return nodes->ticks - node->heard_at > limit || bus_nodes_is_first(nodes, node);
}

uint64_t bus_nodes_acked(const struct bus_nodes *nodes, uint64_t ticks)
{
    uint64_t least = UINT64_MAX;
    for (const struct bus_node *node = nodes->alive.first; node != NULL; node = node->next) {
        least = node->acked < least ? node->acked : least;
    }
    /* The last to die is the last in the list. */
    for (const struct bus_node *node = nodes->dead.last;
         node != NULL && nodes->ticks - node->died_at < ticks; node = node->prev) {
        if (!node->left) {
            least = node->acked < least ? node->acked : least;
        }
    }
    return least;
}

/* ---- records ---- */

enum bus_offer bus_node_offer(struct bus_node *node, const struct bus_entry *entry, bool old,
                              uint32_t *skip)
{
    uint64_t end = entry->first + entry->count;
    if (node->expected == 0) {
        node->expected = entry->first;
        node->broadcasts = entry->before;
        node->told = entry->first;
        node->told_broadcasts = entry->before;
    } else {
        old = false;
    }
    if (end > node->told) {
        node->told = end;
        node->told_broadcasts = entry->before + entry->broadcasts;
    }
    if (end <= node->expected) {
        return BUS_OFFER_DUPLICATE;
    }
    if (old || entry->first > node->expected) {
        return BUS_OFFER_GAP;
    }
    *skip = (uint32_t)(node->expected - entry->first);
    return BUS_OFFER_TAKE;
}

static void bus_node_skip(struct bus_node *node, uint64_t to, uint64_t broadcasts,
                          struct bus_loss *loss)
{
    loss->records = to - node->expected;
    loss->broadcasts = broadcasts > node->broadcasts ? broadcasts - node->broadcasts : 0;
    node->lost += loss->broadcasts;
    node->expected = to;
    node->broadcasts = broadcasts;
}

bool bus_node_beat(struct bus_node *node, const struct bus_record *beat, struct bus_loss *loss)
{
    if (node->expected == 0) {
        node->expected = beat->number;
        node->broadcasts = beat->broadcasts;
    }
    if (beat->number > node->told) {
        node->told = beat->number;
        node->told_broadcasts = beat->broadcasts;
    }
    if (node->expected >= beat->base) {
        return false;
    }
    bus_node_skip(node, beat->base, beat->base_broadcasts, loss);
    return true;
}

bool bus_node_give_up(struct bus_node *node, struct bus_loss *loss)
{
    if (!bus_node_gap(node)) {
        return false;
    }
    bus_node_skip(node, node->told, node->told_broadcasts, loss);
    return true;
}

bool bus_node_unreported(const struct bus_node *node)
{
    return node->expected != 0 && (bus_node_gap(node) || node->expected - 1 != node->reported);
}

int bus_node_report(struct bus_node *node, struct buf *list)
{
    struct bus_applied applied = {.node = node->id,
                                  .number = node->expected - 1,
                                  .seen = bus_node_gap(node) ? node->serial : 0};
    node->reported = applied.number;
    return bus_applied_write(list, &applied);
}
