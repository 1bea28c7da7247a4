/*
 * Sentinels: who is the master. All of them are asked, every second, or ten times as often while
 * the master is not connected; so a failover is noticed without a subscription, and a Sentinel that
 * was cut off from the others does not decide. The answer with the highest epoch counts, which each
 * failover raises.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/redis_state.h"

#define ASK_MS  1000u
#define LOST_MS 100u
#define GONE_MS 5000u /* after so long without the master epochs are of no account */

struct sentinel {
    struct redis_sentinels *all;
    struct redis_link link;
    struct redis_said said;
    bool asked;
    bool unknown; /* it does not know the master's name */
    uint64_t ask_at;
};

struct redis_sentinels {
    struct redis *redis;
    uint64_t epoch;      /* of the master */
    uint64_t lost_since; /* ms; 0: the master is connected */
    size_t count;
    struct sentinel list[];
};

static void sentinel_on_change(void *owner)
{
    struct sentinel *sentinel = owner;
    redis_unsettled(sentinel->all->redis);
}

struct redis_sentinels *redis_sentinels_new(struct redis *redis)
{
    const struct text_list *texts = &redis->settings.sentinels;
    struct redis_sentinels *all = mem_zalloc(sizeof(*all) + texts->count * sizeof(struct sentinel));
    all->redis = redis;
    for (size_t i = 0; i < texts->count; i++) {
        struct redis_place place;
        struct sentinel *sentinel = &all->list[all->count];
        if (redis_place_read(texts->items[i], strlen(texts->items[i]), 26379, &place)) {
            sentinel->all = all;
            redis_link_init(&sentinel->link, redis->base, &redis->login, &place, "sentinel", 0,
                            sentinel_on_change, sentinel);
            all->count++;
        }
    }
    return all;
}

void redis_sentinels_free(struct redis_sentinels *all)
{
    if (all == NULL) {
        return;
    }
    for (size_t i = 0; i < all->count; i++) {
        redis_link_free(&all->list[i].link);
    }
    mem_free(all);
}

/* ---- an answer ---- */

static void sentinel_unknown(struct sentinel *sentinel, const struct redisReply *reply)
{
    char place[REDIS_PLACE];
    if (!sentinel->unknown) {
        sentinel->unknown = true;
        log_with(LOG_LEVEL_WARN, "redis",
                 LOG_FIELDS(.endpoint = redis_place_print(&sentinel->link.place, place)),
                 "Sentinel %s knows no master %s (%s): see [redis] master",
                 redis_place_print(&sentinel->link.place, place),
                 sentinel->all->redis->settings.master, reply->str);
    }
}

/* Names and values in turn. A Sentinel that has promoted a replica, and tells the other ones yet,
 * names the old master with the new epoch: taken together they would make what follows look old. So
 * the epoch is 0 until it is done. */
static bool sentinel_read(const struct redisReply *reply, struct redis_place *place,
                          uint64_t *epoch)
{
    char text[REDIS_PLACE], host[REDIS_HOST] = "";
    const char *port = "";
    bool moving = false;
    *epoch = 0;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const struct redisReply *name = reply->element[i], *value = reply->element[i + 1];
        struct redis_id number;
        if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING) {
            return false;
        }
        if (strcmp(name->str, "ip") == 0) {
            snprintf(host, sizeof(host), "%s", value->str);
        } else if (strcmp(name->str, "port") == 0) {
            port = value->str;
        } else if (strcmp(name->str, "config-epoch") == 0 &&
                   redis_id_read(value->str, value->len, &number)) {
            *epoch = number.ms;
        } else if (strcmp(name->str, "flags") == 0) {
            moving = strstr(value->str, "failover_in_progress") != NULL;
        }
    }
    *epoch = moving ? 0 : *epoch;
    snprintf(text, sizeof(text), strchr(host, ':') != NULL ? "[%s]:%.5s" : "%s:%.5s", host, port);
    return redis_place_read(text, strlen(text), 0, place);
}

static void sentinel_on_master(void *arg, const struct redisReply *reply)
{
    struct sentinel *sentinel = arg;
    struct redis_sentinels *all = sentinel->all;
    struct redis *redis = all->redis;
    struct redis_place place;
    uint64_t epoch;
    char text[REDIS_PLACE], by[REDIS_PLACE];

    sentinel->asked = false;
    if (reply == NULL) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        enum redis_trouble trouble = redis_trouble_of(reply->str, reply->len);
        if (trouble == REDIS_TROUBLE_COMMAND) {
            sentinel_unknown(sentinel, reply);
        } else {
            redis_link_close(&sentinel->link, trouble, "");
        }
        return;
    }
    sentinel->unknown = false;
    if (!sentinel_read(reply, &place, &epoch)) {
        return;
    }
    if (redis->placed && redis_place_equal(&place, &redis->place)) {
        all->epoch = epoch > all->epoch ? epoch : all->epoch;
        return;
    }
    /* Epochs begin anew when the master is taken out of the Sentinels' configuration and put back:
     * who cannot be reached for long is left whatever they say. */
    uint64_t now = clock_mono_ms();
    bool lost = all->lost_since != 0;
    if (!redis->placed || epoch > all->epoch ||
        (lost && (epoch == all->epoch || now - all->lost_since > GONE_MS))) {
        all->epoch = epoch;
        log_with(LOG_LEVEL_INFO, "redis", LOG_FIELDS(.endpoint = redis_place_print(&place, text)),
                 "the master %s is %s, says Sentinel %s", redis->settings.master,
                 redis_place_print(&place, text), redis_place_print(&sentinel->link.place, by));
        redis->place = place;
        redis->placed = true;
        redis_unsettled(redis);
    }
}

static void sentinel_ask(struct sentinel *sentinel)
{
    const char *name = sentinel->all->redis->settings.master;
    const char *argv[] = {"SENTINEL", "MASTER", name};
    size_t lens[] = {8, 6, strlen(name)};
    sentinel->asked =
        redis_link_send(&sentinel->link, 3, argv, lens, 0, sentinel_on_master, sentinel) == 0;
}

/* ---- connections ---- */

static void sentinel_settle(struct sentinel *sentinel, uint64_t now, uint64_t every, bool stalled)
{
    struct redis_link *link = &sentinel->link;
    redis_link_settle(link, now, stalled);
    if (link->state == LINK_DOWN && link->trouble == REDIS_TROUBLE_NOAUTH &&
        (link->wants & LINK_LOGIN) == 0 && link->login->password[0] != '\0') {
        /* It wants a password: most have the one of their servers. */
        link->wants |= LINK_LOGIN;
        link->trouble = REDIS_TROUBLE_NONE;
        link->retry_at = now;
    }
    redis_say(&sentinel->said, "Sentinel", link, true);
    if (redis_link_gone(link) && now >= link->retry_at) {
        redis_link_open(link);
    } else if (link->state == LINK_UP && !sentinel->asked && now >= sentinel->ask_at) {
        sentinel->ask_at = now + every;
        sentinel_ask(sentinel);
    }
}

void redis_sentinels_settle(struct redis_sentinels *all, uint64_t now, bool stalled)
{
    struct redis *redis = all->redis;
    bool fine = redis->placed && redis_server_up(redis_server_at(redis, &redis->place));
    all->lost_since = fine ? 0 : all->lost_since != 0 ? all->lost_since : now;
    for (size_t i = 0; i < all->count; i++) {
        struct sentinel *sentinel = &all->list[i];
        if (!fine && sentinel->ask_at > now + LOST_MS) {
            sentinel->ask_at = now;
        }
        sentinel_settle(sentinel, now, fine ? ASK_MS : LOST_MS, stalled);
    }
}

bool redis_sentinels_why(const struct redis_sentinels *all, char *out, size_t size)
{
    size_t up = 0, unknown = 0;
    for (size_t i = 0; i < all->count; i++) {
        up += all->list[i].link.state == LINK_UP;
        unknown += all->list[i].unknown;
    }
    if (all->redis->placed) {
        return false;
    }
    if (up > 0 && unknown == up) {
        snprintf(out, size, "no Sentinel knows a master %s", all->redis->settings.master);
    } else {
        snprintf(out, size, "%zu of %zu Sentinels can be reached, and none has told the master yet",
                 up, all->count);
    }
    return true;
}
