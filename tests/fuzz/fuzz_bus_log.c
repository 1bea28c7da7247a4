/*
 * The bytes as what happens to one node's side of the cluster's log: entries of others, true and
 * false ones, its own coming back, lost connections, a log that loses its place, time that passes.
 *
 * Holds: own records are confirmed in order, and none twice; records of others are applied in the
 * order of their numbers; what is kept is one list, without gaps, and its weight is what is said;
 * every node is in one of the two lists.
 */
#include <stdint.h>
#include <string.h>

#include "links/bus_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SELF  1u
#define TAKEN 16u

struct world {
    struct bus_log log;
    uint64_t now, confirmed, id;
    struct {
        uint8_t bytes[512];
        size_t len;
    } taken[TAKEN];
    uint32_t ntaken;
    const uint8_t *data;
    size_t size;
};

static uint8_t byte(struct world *world)
{
    if (world->size == 0) {
        return 0;
    }
    world->size--;
    return *world->data++;
}

/* Small ones mostly, so that they meet. */
static uint64_t number(struct world *world)
{
    uint8_t n = byte(world);
    return n < 250 ? n % 32u : UINT64_MAX >> (n - 250) * 8;
}

static void world_apply(void *arg, struct bus_node *node, const struct bus_record *record)
{
    struct world *world = arg;
    check(node == NULL || node->id != SELF);
    check(node == NULL || !bus_type_state(record->type) || node->alive);
    if (record->type == BUS_QUERY) {
        struct bus_record answer = {.type = BUS_ANSWER, .node = node->id, .number = record->number};
        (void)!bus_log_add_loose(&world->log, &answer);
    }
}

static void world_event(void *arg, const struct bus_event *event)
{
    struct world *world = arg;
    if (event->kind == BUS_EVENT_CONFIRMED) {
        check(event->to >= world->confirmed && event->to < world->log.out.next);
        world->confirmed = event->to;
    } else if (event->kind == BUS_EVENT_STATE) {
        (void)!bus_log_begin(&world->log, world->now);
        (void)!bus_log_end(&world->log, world->now);
    }
}

static void check_world(const struct world *world)
{
    const struct bus_out *out = &world->log.out;
    uint64_t next = out->head != NULL ? out->head->first : out->next;
    size_t weight = 0;
    bool unsent = out->unsent == NULL && out->unconfirmed == NULL;
    bool unconfirmed = out->unconfirmed == NULL;
    for (const struct bus_kept *kept = out->head; kept != NULL; kept = kept->next) {
        check(kept->first == next);
        next += kept->count;
        weight += kept->weight;
        unconfirmed |= kept == out->unconfirmed;
        check(kept != out->unsent || unconfirmed); /* what was not sent has not come back */
        unsent |= kept == out->unsent;
    }
    check(next == out->next && weight == out->bytes);
    check(unconfirmed && (unsent || out->unsent == NULL));
    const struct bus_nodes *nodes = &world->log.nodes;
    check(nodes->map.count == nodes->alive.count + nodes->dead.count);
}

static void feed(struct world *world, const void *bytes, size_t len, bool back)
{
    struct bus_id id = {back ? number(world) : ++world->id, 0};
    bus_log_entry(&world->log, id, (struct slice){bytes, len}, world->now);
}

static void feed_entry(struct world *world)
{
    static const uint8_t types[] = {BUS_DELIVER, BUS_JOINED, BUS_LEFT,    BUS_HELLO,   BUS_ASK,
                                    BUS_BEGIN,   BUS_END,    BUS_GOODBYE, BUS_DEAD,    BUS_BEAT,
                                    BUS_APPLIED, BUS_QUERY,  BUS_ANSWER,  BUS_DECLARED};
    struct buf buf, list;
    uint8_t head = byte(world);
    struct bus_entry entry = {.numbered = (head & 1) != 0,
                              .node = 1 + (head >> 1) % 4u,
                              .incarnation = number(world),
                              .lanes = 1,
                              .first = number(world),
                              .before = number(world)};
    buf_init(&buf, 4096);
    buf_init(&list, 4096);
    check(bus_entry_begin(&buf, &entry) == 0);
    for (unsigned int n = 1 + head % 3u; n > 0; n--) {
        struct bus_applied applied = {1 + byte(world) % 4u, number(world), number(world)};
        struct bus_known known = {applied.node, applied.number, applied.seen % 2 == 0};
        struct bus_record record = {.type = types[byte(world) % sizeof(types)],
                                    .restated = (head & 64) != 0,
                                    .node = applied.node,
                                    .incarnation = number(world),
                                    .number = number(world),
                                    .broadcasts = number(world),
                                    .base = number(world),
                                    .base_broadcasts = number(world),
                                    .text = {"name", (head & 32) != 0 ? 4 : 3}};
        buf_clear(&list);
        check((record.type == BUS_BEGIN ? bus_known_write(&list, &known)
                                        : bus_applied_write(&list, &applied)) == 0);
        record.list = (struct slice){(const char *)list.data, list.len};
        check(bus_record_write(&buf, &record) == 0);
    }
    feed(world, buf.data, buf.len, (head & 128) != 0);
    buf_free(&buf);
    buf_free(&list);
}

static void take(struct world *world)
{
    struct slice entry;
    for (int n = byte(world) % 8; n > 0 && bus_log_take(&world->log, world->now, &entry); n--) {
        uint32_t at = world->ntaken++ % TAKEN;
        world->taken[at].len = entry.len <= sizeof(world->taken[at].bytes) ? entry.len : 0;
        memcpy(world->taken[at].bytes, entry.p, world->taken[at].len);
    }
}

static void read_log(struct world *world)
{
    struct bus_id id;
    uint32_t at = byte(world) % TAKEN;
    struct slice one = {(const char *)world->taken[at].bytes, world->taken[at].len};
    one.p = one.len > 0 && (world->now & 1) != 0 ? one.p : NULL;
    switch (bus_log_read(&world->log, &id)) {
    case BUS_READ_TAIL:
        bus_log_tail(&world->log, (struct bus_id){world->id, 0}, one);
        break;
    case BUS_READ_LOOK:
        bus_log_looked(&world->log, one);
        break;
    case BUS_READ_AFTER:
        if (world->taken[at].len > 0) {
            feed(world, world->taken[at].bytes, world->taken[at].len, false);
        }
        break;
    }
}

static void work(struct world *world)
{
    struct bus_record record = {
        .type = BUS_DELIVER, .app = SLICE("a"), .channel = SLICE("c"), .text = SLICE("{}")};
    struct bus_log *log = &world->log;
    uint8_t what = byte(world);
    switch (what % 16) {
    case 0:
    case 1:
        check(bus_log_add(log, &record, world->now) != 0);
        break;
    case 2:
    case 3:
        take(world);
        break;
    case 4:
        if (log->out.nflights > 0) {
            bus_log_appended(log, (struct bus_id){number(world), 0}, world->now);
        }
        break;
    case 5:
        if (log->out.nflights > 0) {
            bus_log_refused(log, world->now);
        }
        break;
    case 6:
        bus_log_cut(log);
        break;
    case 7:
        bus_log_writable(log);
        break;
    case 8:
        bus_log_unread(log);
        break;
    case 9:
    case 10:
    case 11:
        read_log(world);
        break;
    case 12:
        world->now += 1u << what / 16;
        check(bus_log_tick(log, world->now) > world->now);
        break;
    case 13:
        if (what > 240) {
            check(bus_log_leave(log, world->now) != 0);
        }
        break;
    default:
        feed_entry(world);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct bus_log_settings settings = {.node = SELF,
                                        .name = "self",
                                        .lanes = 1,
                                        .window_ms = 5000,
                                        .max_bytes = 20000,
                                        .node_timeout_ms = 600};
    struct bus_callbacks callbacks = {world_apply, world_event, &world};
    if (size > 4096) {
        return 0;
    }
    world = (struct world){.now = 1000, .id = 1, .data = data, .size = size};
    bus_log_init(&world.log, &settings, &callbacks);
    bus_log_writable(&world.log);
    bus_log_tail(&world.log, (struct bus_id){0, 0}, (struct slice){NULL, 0});
    while (world.size > 0) {
        work(&world);
        check_world(&world);
    }
    bus_log_free(&world.log);
    return 0;
}
