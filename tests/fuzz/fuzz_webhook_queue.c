/*
 * The bytes as what happens to channels and users, as time that passes, and as an endpoint that
 * takes or refuses, for the queue of an application's webhooks.
 *
 * Holds: what the endpoint has taken of a channel or a user goes on and off by turns, and at the
 * end says what is so; what was there and back within the delay is not told; nothing is lost or
 * told twice unless it was counted; the queue keeps its bound, and holds nothing when all is told;
 * no request says a time that a receiver would refuse.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "links/webhook_queue.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANNELS 4
#define ALL      ((1u << ANNOUNCE_KINDS) - 1)

static const char *const names[CHANNELS] = {"a", "b", "c", "d"};

struct world {
    struct hook_queue queue;
    uint64_t now, dropped, given_up;
    bool on[2][CHANNELS], told[2][CHANNELS]; /* channels, and the user of each */
    uint32_t count[CHANNELS], told_count[CHANNELS];
    bool exact; /* nothing was dropped so far */
};

static void say(struct world *world, enum announce_kind kind, int channel, uint32_t before,
                uint32_t count)
{
    struct announcement what = {.kind = kind,
                                .channel = {names[channel], 1},
                                .user_id = SLICE("u"),
                                .before = before,
                                .count = count};
    world->dropped += hook_queue_add(&world->queue, &what, world->now);
    check(hook_queue_waiting(&world->queue) <= world->queue.max);
}

static void heard(struct world *world, struct slice event)
{
    struct slice key, value, name = {NULL, 0}, channel = {NULL, 0}, count = {NULL, 0};
    size_t cursor = 0;
    while (json_next(event, &cursor, &key, &value)) {
        if (json_string_is(key, "name")) {
            name = value;
        } else if (json_string_is(key, "channel")) {
            channel = value;
        } else if (json_string_is(key, "subscription_count")) {
            count = value;
        }
    }
    check(channel.len == 3);
    int at = channel.p[1] - 'a';
    if (json_string_is(name, "subscription_count")) {
        uint32_t n = (uint32_t)(count.p[0] - '0');
        check(!world->exact || n != world->told_count[at]);
        world->told_count[at] = n;
        return;
    }
    int what = json_string_is(name, "member_added") || json_string_is(name, "member_removed");
    bool on = json_string_is(name, "channel_occupied") || json_string_is(name, "member_added");
    check(!world->exact || world->told[what][at] != on);
    world->told[what][at] = on;
}

/* Has one digit in the first second, and more with time. */
static uint64_t wall(const struct world *world)
{
    return world->now - 1000000 + 1;
}

static void deliver(struct world *world)
{
    struct slice body = {(const char *)world->queue.body.data, world->queue.body.len}, key, value;
    size_t cursor = 0, n = 0;
    check(json_valid(body.p, body.len));
    check(json_next(body, &cursor, &key, &value) && json_string_is(key, "time_ms"));
    uint64_t time_ms = 0;
    for (size_t i = 0; i < value.len; i++) {
        time_ms = time_ms * 10 + (uint64_t)(value.p[i] - '0');
    }
    check(time_ms <= wall(world) && wall(world) - time_ms <= HOOK_FRESH_MS);
    check(json_next(body, &cursor, &key, &value) && json_string_is(key, "events"));
    struct slice event;
    for (size_t at = 0; json_element(value, &at, &event); n++) {
        heard(world, event);
    }
    check(n == world->queue.batch && n > 0 && n <= HOOK_BATCH);
}

/* What is due now. */
static void work(struct world *world, bool takes)
{
    world->dropped += hook_queue_tick(&world->queue, world->now);
    while (hook_queue_take(&world->queue, world->now, wall(world))) {
        if (takes) {
            deliver(world);
        }
        world->given_up += hook_queue_done(&world->queue, takes, world->now);
        if (!takes) {
            return;
        }
    }
    check(hook_queue_due(&world->queue) > world->now);
}

static void change(struct world *world, int what, int channel)
{
    bool on = world->on[what][channel] = !world->on[what][channel];
    say(world,
        what == 0 ? (on ? ANNOUNCE_OCCUPIED : ANNOUNCE_VACATED)
                  : (on ? ANNOUNCE_MEMBER_ADDED : ANNOUNCE_MEMBER_REMOVED),
        channel, 0, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    if (size < 1 || size > 4096) {
        return 0;
    }
    world = (struct world){.now = 1000000, .exact = true};
    hook_queue_init(&world.queue, data[0] % 2 == 0 ? 100000 : 3 + data[0], ALL);
    bool takes = true;
    for (size_t i = 1; i < size; i++) {
        int channel = data[i] & 3, arg = data[i] >> 5;
        uint32_t count;
        switch (data[i] >> 2 & 7) {
        case 0:
        case 1:
            change(&world, data[i] >> 2 & 7, channel);
            break;
        case 2:
            count = (uint32_t)arg;
            if (count != world.count[channel]) {
                say(&world, ANNOUNCE_COUNT, channel, world.count[channel], count);
                world.count[channel] = count;
            }
            break;
        case 3:
            world.now += 1u << arg;
            break;
        case 4:
            world.now += 700u * (unsigned int)arg;
            break;
        case 5:
            world.now += 100000u * (unsigned int)arg;
            break;
        case 6:
            takes = arg % 2 == 0;
            break;
        case 7:
            work(&world, takes);
            break;
        }
        world.exact = world.dropped == 0 && world.given_up == 0;
    }
    if (data[size - 1] % 5 == 0) {
        hook_queue_hurry(&world.queue);
    }
    for (uint64_t due; (due = hook_queue_due(&world.queue)) != HOOK_NEVER;) {
        world.now = due > world.now ? due : world.now;
        work(&world, true);
        world.exact = world.dropped == 0 && world.given_up == 0;
    }
    check(hook_queue_waiting(&world.queue) == 0 && world.queue.bytes == 0);
    check(world.queue.silent == 0 && world.queue.held.count == 0);
    if (world.exact) {
        check(memcmp(world.on, world.told, sizeof(world.on)) == 0);
        check(memcmp(world.count, world.told_count, sizeof(world.count)) == 0);
    }
    hook_queue_free(&world.queue);
    return 0;
}
