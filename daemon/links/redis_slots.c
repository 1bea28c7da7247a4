/*
 * Redis Cluster: which node has a slot. One connection, the scout, asks one node after the other
 * for CLUSTER SLOTS while some key is not connected, and is closed again. Slots that move are told
 * by MOVED and ASK, where a command or a read meets them.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/redis_state.h"

#define ROUND_MS 250u /* between two questions while keys are not connected */

struct redis_slots {
    struct redis *redis;
    struct redis_link scout;
    struct redis_said said;
    bool begun; /* scout is initialised */
    bool asked, answered;
    uint64_t next_at;
    size_t turn;    /* which node is asked */
    bool uncovered; /* as the last answer said */
    bool told;      /* that was logged */
    struct redis_place *seeds;
    size_t nseeds;
};

static void slots_on_change(void *owner)
{
    struct redis_slots *slots = owner;
    redis_unsettled(slots->redis);
}

struct redis_slots *redis_slots_new(struct redis *redis)
{
    const struct text_list *texts = &redis->settings.cluster;
    struct redis_slots *slots = mem_zalloc(sizeof(*slots));
    slots->redis = redis;
    slots->seeds = mem_zalloc(texts->count * sizeof(*slots->seeds));
    for (size_t i = 0; i < texts->count; i++) {
        if (redis_place_read(texts->items[i], strlen(texts->items[i]), REDIS_PORT,
                             &slots->seeds[slots->nseeds])) {
            slots->nseeds++;
        }
    }
    return slots;
}

void redis_slots_free(struct redis_slots *slots)
{
    if (slots == NULL) {
        return;
    }
    if (slots->begun) {
        redis_link_free(&slots->scout);
    }
    mem_free(slots->seeds);
    mem_free(slots);
}

/* ---- an answer ---- */

/* [first, last, [host, port, ...], replica...] */
static bool slots_range(const struct redisReply *range, uint16_t slot)
{
    return range->type == REDIS_REPLY_ARRAY && range->elements >= 3 &&
           range->element[0]->type == REDIS_REPLY_INTEGER &&
           range->element[1]->type == REDIS_REPLY_INTEGER && slot >= range->element[0]->integer &&
           slot <= range->element[1]->integer;
}

static bool slots_place(const struct redis_slots *slots, const struct redisReply *node,
                        struct redis_place *out)
{
    memset(out, 0, sizeof(*out));
    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2 ||
        node->element[1]->type != REDIS_REPLY_INTEGER || node->element[1]->integer < 1 ||
        node->element[1]->integer > 65535) {
        return false;
    }
    const struct redisReply *host = node->element[0];
    bool said = host->type == REDIS_REPLY_STRING && host->len > 0 && strcmp(host->str, "?") != 0;
    snprintf(out->host, sizeof(out->host), "%s", said ? host->str : slots->scout.place.host);
    out->port = (uint16_t)node->element[1]->integer;
    return true;
}

/* Keys that are connected are left alone: the node that was asked may know less than theirs. */
static void slots_apply(struct redis_slots *slots, const struct redisReply *reply)
{
    struct redis *redis = slots->redis;
    slots->uncovered = false;
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        struct redis_place place;
        bool found = false;
        if (redis_server_up(key->server)) {
            continue;
        }
        for (size_t i = 0; i < reply->elements && !found; i++) {
            const struct redisReply *range = reply->element[i];
            found = slots_range(range, key->slot) && slots_place(slots, range->element[2], &place);
        }
        if (found) {
            redis_key_route(key, redis_server_at(redis, &place), 0);
        } else {
            slots->uncovered = true;
        }
    }
    if (slots->uncovered && !slots->told) {
        log_warn("redis", "the Redis Cluster serves not all slots: see CLUSTER INFO");
    }
    slots->told = slots->uncovered;
}

static void slots_on_slots(void *arg, const struct redisReply *reply)
{
    struct redis_slots *slots = arg;
    if (reply == NULL) {
        return;
    }
    slots->answered = true;
    if (reply->type == REDIS_REPLY_ERROR) {
        enum redis_trouble trouble = redis_trouble_of(reply->str, reply->len);
        redis_link_close(&slots->scout, trouble,
                         trouble == REDIS_TROUBLE_COMMAND ? reply->str : "");
        return;
    }
    if (reply->type == REDIS_REPLY_ARRAY) {
        slots_apply(slots, reply);
    }
    slots->said = (struct redis_said){.trouble = REDIS_TROUBLE_NONE};
    redis_link_close(&slots->scout, REDIS_TROUBLE_NONE, "");
}

/* ---- the scout ---- */

static const struct redis_place *slots_candidate(struct redis_slots *slots, size_t *count)
{
    size_t at, n = slots->nseeds;
    for (struct redis_server *server = slots->redis->servers; server != NULL;
         server = server->next) {
        n += !server->retired;
    }
    *count = n;
    at = n > 0 ? slots->turn % n : 0;
    if (at < slots->nseeds) {
        return &slots->seeds[at];
    }
    at -= slots->nseeds;
    for (struct redis_server *server = slots->redis->servers; server != NULL;
         server = server->next) {
        if (!server->retired && at-- == 0) {
            return &server->place;
        }
    }
    return NULL;
}

static void slots_scout(struct redis_slots *slots, uint64_t now)
{
    size_t count;
    const struct redis_place *place = slots_candidate(slots, &count);
    if (place == NULL) {
        return;
    }
    if (slots->begun) {
        redis_link_free(&slots->scout);
    }
    slots->begun = true;
    slots->asked = slots->answered = false;
    slots->turn++;
    slots->next_at = slots->turn % count == 0 ? now + ROUND_MS : now;
    redis_link_init(&slots->scout, slots->redis->base, &slots->redis->login, place, "scout",
                    LINK_LOGIN, slots_on_change, slots);
    redis_link_open(&slots->scout);
}

static bool slots_wanted(const struct redis_slots *slots)
{
    for (struct redis_key *key = slots->redis->keys; key != NULL; key = key->next) {
        if (!redis_server_up(key->server)) {
            return true;
        }
    }
    return false;
}

void redis_slots_settle(struct redis_slots *slots, uint64_t now, bool stalled)
{
    static const char *const argv[] = {"CLUSTER", "SLOTS"};
    static const size_t lens[] = {7, 5};
    struct redis_link *scout = &slots->scout;
    if (slots->begun) {
        redis_link_settle(scout, now, stalled);
        redis_say(&slots->said, "Redis Cluster, asking", scout, true);
        if (scout->state == LINK_UP && !slots->asked) {
            slots->asked = redis_link_send(scout, 2, argv, lens, 0, slots_on_slots, slots) == 0;
        }
    }
    if ((!slots->begun || redis_link_gone(scout)) && slots_wanted(slots)) {
        if (slots->begun && slots->answered && slots->next_at < scout->opened_at + ROUND_MS) {
            slots->next_at = scout->opened_at + ROUND_MS; /* give the servers time to connect */
            slots->answered = false;
        }
        if (now >= slots->next_at) {
            slots_scout(slots, now);
        }
    }
}

bool redis_slots_why(const struct redis_slots *slots, char *out, size_t size)
{
    for (struct redis_key *key = slots->redis->keys; key != NULL; key = key->next) {
        if (key->server == NULL) {
            snprintf(out, size, "%s",
                     slots->uncovered ? "the Redis Cluster serves not all slots"
                                      : "no node of the Redis Cluster has told who serves what");
            return true;
        }
    }
    return false;
}
