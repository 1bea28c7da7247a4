/* Keys: where their commands go, when they are taken, and what an error means. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/redis_state.h"

#define PENALTY_MIN 100u  /* ms */
#define PENALTY_MAX 2000u /* ms */
#define REDIRECTS   4u    /* from one server to the next, before it waits */
#define ASK_MS      5000u /* then the slot may have arrived, and ASKING is left out */

/* A command under way. */
struct key_command {
    struct redis_key *key;
    struct redis_server *server;
    redis_reply_fn *fn;
    void *arg;
    char verb[REDIS_VERB];
};

struct redis_key *redis_key_new(struct redis *redis, const char *name, size_t len, void *tag)
{
    check(redis->nkeys++ < REDIS_KEYS_MAX);
    struct redis_key *key = mem_zalloc(sizeof(*key) + len + 1);
    memcpy(key->name, name, len);
    key->len = len;
    key->redis = redis;
    key->tag = tag;
    key->slot = redis_slot(name, len);
    key->next = redis->keys;
    redis->keys = key;
    redis_unsettled(redis);
    return key;
}

void *redis_key_tag(const struct redis_key *key)
{
    return key->tag;
}

struct slice redis_key_name(const struct redis_key *key)
{
    return (struct slice){key->name, key->len};
}

bool redis_key_up(const struct redis_key *key)
{
    return key->up;
}

void redis_keys_free(struct redis *redis)
{
    while (redis->keys != NULL) {
        struct redis_key *key = redis->keys;
        redis->keys = key->next;
        mem_free(key);
    }
}

/* ---- where ---- */

void redis_key_route(struct redis_key *key, struct redis_server *server, uint64_t ask_until)
{
    key->ask_until = ask_until;
    if (key->server == server) {
        return;
    }
    key->server = server;
    /* What was sent to the other one is answered before anything is sent to this one, so that
     * nothing overtakes it. */
    key->draining = key->inflight > 0;
    redis_unsettled(key->redis);
}

static void key_redirect(struct redis_key *key, struct redis_server *from, const char *text,
                         size_t len)
{
    struct redis_redirect to;
    char place[REDIS_PLACE];
    if (!redis_redirect_read(text, len, &to)) {
        log_limited_with(LOG_LEVEL_WARN, "redis",
                         LOG_FIELDS(.endpoint = redis_place_print(&from->place, place)),
                         "Redis %s redirects to nowhere", redis_place_print(&from->place, place));
        return;
    }
    if (key->server != from) {
        return; /* of a command from before it was known */
    }
    if (to.place.host[0] == '\0') {
        memcpy(to.place.host, from->place.host, sizeof(to.place.host));
    }
    redis_key_route(key, redis_server_at(key->redis, &to.place),
                    to.ask ? clock_mono_ms() + ASK_MS : 0);
}

/* ---- errors ---- */

void redis_server_refuses(struct redis_server *server, enum redis_trouble trouble, const char *verb,
                          const char *text)
{
    char place[REDIS_PLACE];
    const char *fix = redis_trouble_fix(trouble);
    if (server->refusing == trouble) {
        return;
    }
    server->refusing = trouble;
    snprintf(server->refused, sizeof(server->refused), "%s", verb);
    log_with(LOG_LEVEL_WARN, "redis",
             LOG_FIELDS(.endpoint = redis_place_print(&server->place, place)),
             "Redis %s %s (%s)%s%s", redis_place_print(&server->place, place),
             redis_trouble_says(trouble), text, *fix != '\0' ? ": " : "", fix);
}

static void server_takes(struct redis_server *server, const char *verb)
{
    char place[REDIS_PLACE];
    if (server->refusing != REDIS_TROUBLE_NONE && strcmp(server->refused, verb) == 0) {
        server->refusing = REDIS_TROUBLE_NONE;
        log_with(LOG_LEVEL_INFO, "redis",
                 LOG_FIELDS(.endpoint = redis_place_print(&server->place, place)),
                 "Redis %s takes commands again", redis_place_print(&server->place, place));
    }
}

/* Commands that were sent together fail together: once. */
static void key_punish(struct redis_key *key)
{
    uint64_t now = clock_mono_ms();
    if (key->penalty_ms != 0 && now < key->again_at) {
        return;
    }
    key->penalty_ms = key->penalty_ms == 0                 ? PENALTY_MIN
                      : key->penalty_ms * 2 <= PENALTY_MAX ? key->penalty_ms * 2
                                                           : PENALTY_MAX;
    key->again_at = now + key->penalty_ms;
}

enum redis_verdict redis_key_error(struct redis_key *key, struct redis_server *server,
                                   const char *text, size_t len)
{
    enum redis_trouble trouble = redis_trouble_of(text, len);
    switch (trouble) {
    case REDIS_TROUBLE_MOVED:
    case REDIS_TROUBLE_ASK:
        if (key->redis->mode == REDIS_CLUSTER) {
            key_redirect(key, server, text, len);
            if (++key->redirects % REDIRECTS == 0) { /* they do not agree yet */
                key_punish(key);
            }
            return REDIS_ELSEWHERE;
        }
        return REDIS_LATER;
    case REDIS_TROUBLE_READONLY:
    case REDIS_TROUBLE_UNBLOCKED:
    case REDIS_TROUBLE_LOADING:
    case REDIS_TROUBLE_MASTERDOWN:
    case REDIS_TROUBLE_NOAUTH:
        /* It is not what it was when it was connected to; a new greeting finds out what it is. */
        redis_link_close(&server->write, trouble, "");
        redis_readers_close(server, trouble);
        return REDIS_ELSEWHERE;
    case REDIS_TROUBLE_CLUSTERDOWN:
    case REDIS_TROUBLE_TRYAGAIN:
    case REDIS_TROUBLE_BUSY:
    case REDIS_TROUBLE_WRONGPASS:
    case REDIS_TROUBLE_NOPERM:
    case REDIS_TROUBLE_OOM:
    case REDIS_TROUBLE_MISCONF:
    case REDIS_TROUBLE_NOREPLICAS:
        return REDIS_LATER;
    default:
        return REDIS_NEVER;
    }
}

/* ---- commands ---- */

static void key_done(struct key_command *command, enum redis_result result,
                     const struct redisReply *reply)
{
    struct redis_key *key = command->key;
    check(key->inflight > 0);
    key->inflight--;
    if (result == REDIS_AGAIN || result == REDIS_UNSURE) {
        key->redis->failed++;
        key->failed = true;
        key->draining = key->inflight > 0;
    }
    redis_unsettled(key->redis);
    if (command->fn != NULL) {
        command->fn(command->arg, result, reply);
    }
    mem_free(command);
}

static void key_on_reply(void *arg, const struct redisReply *reply)
{
    struct key_command *command = arg;
    struct redis_key *key = command->key;
    if (reply == NULL) {
        key_done(command, REDIS_UNSURE, NULL);
        return;
    }
    if (reply->type != REDIS_REPLY_ERROR) {
        if (key->penalty_ms != 0 && strcmp(key->refused, command->verb) == 0) {
            key->penalty_ms = 0;
        }
        key->redirects = 0;
        server_takes(command->server, command->verb);
        key_done(command, REDIS_ANSWERED, reply);
        return;
    }
    enum redis_verdict verdict = redis_key_error(key, command->server, reply->str, reply->len);
    if (verdict == REDIS_NEVER) {
        key_done(command, REDIS_REFUSED, reply);
        return;
    }
    if (verdict == REDIS_LATER) {
        key_punish(key);
        memcpy(key->refused, command->verb, sizeof(key->refused));
        redis_server_refuses(command->server, redis_trouble_of(reply->str, reply->len),
                             command->verb, reply->str);
    }
    key_done(command, REDIS_AGAIN, NULL);
}

static bool key_ready(const struct redis_key *key, uint64_t now)
{
    return redis_server_up(key->server) && !key->draining && !key->failed &&
           (key->penalty_ms == 0 || now >= key->again_at);
}

/* While a refusal may pass, one command at a time tries. */
static bool key_room(const struct redis_key *key, size_t bytes)
{
    if (key->penalty_ms != 0 && key->inflight > 0) {
        return false;
    }
    uint64_t owed = key->server->write.bytes;
    return owed == 0 || owed + bytes <= key->redis->queue_max;
}

int redis_send(struct redis_key *key, const struct slice *argv, size_t argc, redis_reply_fn *fn,
               void *arg)
{
    static const char *const asking[] = {"ASKING"};
    static const size_t asking_len[] = {6};
    const char *texts[REDIS_ARGUMENTS];
    size_t lens[REDIS_ARGUMENTS], bytes = 0;
    uint64_t now = clock_mono_ms();

    check(argc > 0 && argc <= REDIS_ARGUMENTS);
    for (size_t i = 0; i < argc; i++) {
        texts[i] = argv[i].p;
        lens[i] = argv[i].len;
        bytes += argv[i].len;
    }
    if (!key->up || !key_ready(key, now)) {
        return -1;
    }
    if (!key_room(key, bytes)) {
        key->full = true;
        return -1;
    }
    struct redis_link *link = &key->server->write;
    if (key->ask_until > now && redis_link_send(link, 1, asking, asking_len, 0, NULL, NULL) != 0) {
        return -1;
    }
    struct key_command *command = mem_zalloc(sizeof(*command));
    *command = (struct key_command){.key = key, .server = key->server, .fn = fn, .arg = arg};
    snprintf(command->verb, sizeof(command->verb), "%.*s", (int)argv[0].len, argv[0].p);
    if (redis_link_send(link, (int)argc, texts, lens, 0, key_on_reply, command) != 0) {
        mem_free(command);
        return -1;
    }
    key->inflight++;
    key->redis->commands++;
    return 0;
}

/* ---- what the caller is told ---- */

static void key_tell(struct redis_key *key, enum redis_key_state state)
{
    const struct redis *redis = key->redis;
    if (redis->handler->state != NULL) {
        redis->handler->state(redis->arg, key, state);
    }
}

static void key_settle(struct redis_key *key, uint64_t now)
{
    if (key->draining && key->inflight == 0) {
        key->draining = false;
    }
    if (key->up && !key_ready(key, now)) {
        key->up = false;
        key->full = false;
        key_tell(key, REDIS_KEY_DOWN);
    }
    if (!key->draining) {
        key->failed = false;
    }
    if (!key->up && key_ready(key, now)) {
        key->up = true;
        key_tell(key, REDIS_KEY_UP);
    }
    if (key->full && key->up &&
        (key->penalty_ms != 0 ? key->inflight == 0
                              : key->server->write.bytes <= key->redis->queue_max / 2)) {
        key->full = false;
        key_tell(key, REDIS_KEY_ROOM);
    }
}

void redis_keys_settle(struct redis *redis, uint64_t now)
{
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        if (redis->mode != REDIS_CLUSTER) {
            redis_key_route(key, redis->placed ? redis_server_at(redis, &redis->place) : NULL, 0);
        }
        key_settle(key, now);
    }
}
