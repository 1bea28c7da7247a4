/* Reading from streams: XREAD that waits at the server, asked again as soon as it is answered. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/redis_state.h"

#define CHECK_MS   5000u /* a silent stream is asked for its last id so often */
#define AGAIN_MS   1000u /* after a refusal that may pass */
#define COUNT_MAX  1024u /* entries of a stream in one answer */
#define COUNT_MIN  16u   /* of the first one after silence; each later one may have twice as many */
#define ENTRY_MIN  128u  /* bytes that an entry is reckoned at least */
#define FIELDS_MAX 64u   /* names and values of an entry that are looked at */

static const char *const asking[] = {"ASKING"};
static const size_t asking_len[] = {6};

/* ---- which keys ---- */

static bool reader_reads(const struct redis_reader *reader, const struct redis_key *key)
{
    return key->reading && key->server == reader->server &&
           (reader->slot < 0 || key->slot == reader->slot);
}

static void reader_on_change(void *owner)
{
    struct redis_reader *reader = owner;
    redis_unsettled(reader->server->redis);
}

static struct redis_reader *reader_for(struct redis_server *server, int slot)
{
    struct redis_reader *reader;
    struct redis *redis = server->redis;
    for (reader = server->readers; reader != NULL; reader = reader->next) {
        if (reader->slot == slot) {
            return reader;
        }
    }
    reader = mem_zalloc(sizeof(*reader));
    reader->server = server;
    reader->slot = slot;
    reader->average = ENTRY_MIN;
    redis_link_init(&reader->link, redis->base, &redis->login, &server->place, "read",
                    LINK_LOGIN | LINK_NUMBER | (slot < 0 ? LINK_SELECT | LINK_MASTER : 0),
                    reader_on_change, reader);
    reader->next = server->readers;
    server->readers = reader;
    return reader;
}

static void key_changed(struct redis_key *key)
{
    key->turn++;
    for (struct redis_server *server = key->redis->servers; server != NULL; server = server->next) {
        for (struct redis_reader *reader = server->readers; reader != NULL; reader = reader->next) {
            reader->stale |= reader->slot < 0 || reader->slot == key->slot;
        }
    }
    redis_unsettled(key->redis);
}

void redis_read(struct redis_key *key, struct redis_id after)
{
    key->reading = true;
    key->at = after;
    key->check = true;
    key_changed(key);
}

void redis_read_stop(struct redis_key *key)
{
    key->reading = false;
    key_changed(key);
}

struct redis_id redis_read_at(const struct redis_key *key)
{
    return key->at;
}

void redis_read_pause(struct redis *redis, bool pause)
{
    redis->paused = pause;
    redis_unsettled(redis);
}

/* ---- answers ---- */

static void reader_refused(struct redis_reader *reader, struct redis_key *key,
                           const struct redisReply *reply)
{
    switch (redis_key_error(key, reader->server, reply->str, reply->len)) {
    case REDIS_ELSEWHERE:
        break;
    case REDIS_LATER:
    case REDIS_NEVER:
        reader->again_at = clock_mono_ms() + AGAIN_MS;
        redis_server_refuses(reader->server, redis_trouble_of(reply->str, reply->len), "XREAD",
                             reply->str);
        break;
    }
}

static void reader_takes(struct redis_reader *reader)
{
    struct redis_server *server = reader->server;
    char place[REDIS_PLACE];
    if (server->refusing != REDIS_TROUBLE_NONE && strcmp(server->refused, "XREAD") == 0) {
        server->refusing = REDIS_TROUBLE_NONE;
        log_with(LOG_LEVEL_INFO, "redis",
                 LOG_FIELDS(.endpoint = redis_place_print(&server->place, place)),
                 "Redis %s can be read again", redis_place_print(&server->place, place));
    }
}

static bool reply_has(const struct redisReply *reply, size_t elements)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= elements;
}

static bool reply_id(const struct redisReply *reply, struct redis_id *out)
{
    return reply->type == REDIS_REPLY_STRING && redis_id_read(reply->str, reply->len, out);
}

/* One entry: [id, [name, value, ...]]. Returns its bytes. */
static size_t reader_entry(struct redis_reader *reader, struct redis_key *key,
                           const struct redisReply *entry, uint64_t now)
{
    struct redis *redis = reader->server->redis;
    struct slice fields[FIELDS_MAX];
    struct redis_id id;
    size_t bytes = ENTRY_MIN, n = 0;
    if (!reply_has(entry, 2) || !reply_id(entry->element[0], &id) ||
        redis_id_compare(id, key->at) <= 0) {
        return bytes; /* another connection has brought it before the key moved here */
    }
    const struct redisReply *list = entry->element[1];
    /* An entry whose fields are deleted while it is read has none. */
    if (list->type == REDIS_REPLY_ARRAY) {
        for (; n < list->elements && n < FIELDS_MAX; n++) {
            fields[n] = (struct slice){list->element[n]->str, list->element[n]->len};
            bytes += list->element[n]->len;
        }
    }
    key->at = id;
    key->heard_at = now;
    redis->entries++;
    redis->handler->entry(redis->arg, key, id, fields, n);
    return bytes;
}

/* The key that an answer names, as it was asked for; NULL: since then its caller has chosen another
 * place, or it is read elsewhere. */
static struct redis_key *reader_key(const struct redis_reader *reader, const char *name, size_t len)
{
    for (size_t i = 0; i < reader->nasked; i++) {
        struct redis_key *key = reader->asked[i].key;
        if (key->len == len && memcmp(key->name, name, len) == 0) {
            return key->turn == reader->asked[i].turn && reader_reads(reader, key) ? key : NULL;
        }
    }
    return NULL;
}

/* One stream: [name, [entry, ...]]. */
static void reader_stream(struct redis_reader *reader, const struct redisReply *stream,
                          uint64_t *entries, uint64_t *bytes)
{
    uint64_t now = clock_mono_ms();
    if (!reply_has(stream, 2) || stream->element[0]->type != REDIS_REPLY_STRING ||
        stream->element[1]->type != REDIS_REPLY_ARRAY) {
        return;
    }
    const struct redisReply *name = stream->element[0], *list = stream->element[1];
    for (size_t i = 0; i < list->elements; i++) {
        struct redis_key *key = reader_key(reader, name->str, name->len);
        if (key == NULL || reader->server->redis->ending) {
            return;
        }
        *bytes += reader_entry(reader, key, list->element[i], now);
        (*entries)++;
    }
}

static void reader_on_read(void *arg, const struct redisReply *reply)
{
    struct redis_reader *reader = arg;
    uint64_t entries = 0, bytes = 0, now = clock_mono_ms();
    reader->busy = reader->waiting = false;
    redis_unsettled(reader->server->redis);
    if (reply == NULL) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        if (reader->nasked > 0) {
            reader_refused(reader, reader->asked[0].key, reply);
        }
        return;
    }
    reader_takes(reader);
    if (reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < reply->elements; i++) {
            reader_stream(reader, reply->element[i], &entries, &bytes);
        }
    }
    reader->got = entries;
    if (entries > 0) { /* follows a change of sizes within a few answers */
        reader->average = (reader->average + bytes / entries) / 2;
    }
    for (size_t i = 0; i < reader->nasked; i++) {
        struct redis_key *key = reader->asked[i].key;
        key->check |= now - key->heard_at >= CHECK_MS;
    }
}

/* ---- whether the stream still is where it was ---- */

/* Of XINFO STREAM, names and values in turn. */
static bool info_last_id(const struct redisReply *reply, struct redis_id *out)
{
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const struct redisReply *name = reply->element[i];
        if (name->type == REDIS_REPLY_STRING && strcmp(name->str, "last-generated-id") == 0) {
            return reply_id(reply->element[i + 1], out);
        }
    }
    return false;
}

static void reader_compare(struct redis_reader *reader, struct redis_key *key, struct redis_id last)
{
    struct redis *redis = reader->server->redis;
    struct redis_id was = key->at;
    key->check = false;
    key->heard_at = clock_mono_ms();
    if (redis_id_compare(last, was) >= 0) {
        return;
    }
    key->at = (struct redis_id){0, 0};
    key->turn++;
    if (redis->handler->rewound != NULL) {
        redis->handler->rewound(redis->arg, key, was, last);
    }
}

/* A question about one key. */
struct read_check {
    struct redis_reader *reader;
    struct redis_key *key;
    uint32_t turn;
};

static void reader_on_check(void *arg, const struct redisReply *reply)
{
    struct read_check *asked = arg;
    struct redis_reader *reader = asked->reader;
    struct redis_key *key = asked->key;
    struct redis_id last = {0, 0};
    bool current = key->turn == asked->turn && reader_reads(reader, key);
    mem_free(asked);
    reader->checks--;
    reader->busy = reader->checks > 0;
    redis_unsettled(reader->server->redis);
    if (reply == NULL || !current) {
        return;
    }
    bool missing = reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "no such key") != NULL;
    if (reply->type == REDIS_REPLY_ERROR && !missing) {
        reader_refused(reader, key, reply);
    } else if (missing || info_last_id(reply, &last)) {
        reader_compare(reader, key, last);
    } else { /* a Redis that does not say it */
        key->check = false;
    }
}

static int reader_send(struct redis_reader *reader, bool ask, int argc, const char *const *argv,
                       const size_t *lens, uint64_t wait_ms, redis_link_fn *fn, void *arg)
{
    if (ask && redis_link_send(&reader->link, 1, asking, asking_len, 0, NULL, NULL) != 0) {
        return -1;
    }
    return redis_link_send(&reader->link, argc, argv, lens, wait_ms, fn, arg);
}

static void reader_check(struct redis_reader *reader, struct redis_key *key, bool ask)
{
    const char *argv[] = {"XINFO", "STREAM", key->name};
    size_t lens[] = {5, 6, key->len};
    struct read_check *asked = mem_zalloc(sizeof(*asked));
    *asked = (struct read_check){.reader = reader, .key = key, .turn = key->turn};
    if (reader_send(reader, ask, 3, argv, lens, 0, reader_on_check, asked) != 0) {
        mem_free(asked);
        return;
    }
    reader->checks++;
    reader->busy = true;
}

/* ---- questions ---- */

static void reader_xread(struct redis_reader *reader, bool ask)
{
    const char *argv[6 + 2 * REDIS_KEYS_MAX] = {"XREAD", "COUNT", NULL, "BLOCK", NULL, "STREAMS"};
    size_t lens[6 + 2 * REDIS_KEYS_MAX], n = reader->nasked;
    char ids[REDIS_KEYS_MAX][REDIS_ID], count[24], block[24];
    uint64_t most = REDIS_READ_BYTES / (reader->average + 1) / n;
    /* Entries that have gathered while nothing was read may be far larger than those seen before,
     * and Redis holds an answer in its memory as a whole. */
    uint64_t grown = COUNT_MIN + 2 * reader->got;

    most = most > grown ? grown : most;
    snprintf(count, sizeof(count), "%llu",
             (unsigned long long)(most < 1           ? 1
                                  : most > COUNT_MAX ? COUNT_MAX
                                                     : most));
    snprintf(block, sizeof(block), "%u", REDIS_BLOCK_MS);
    argv[2] = count;
    argv[4] = block;
    for (size_t i = 0; i < n; i++) {
        struct redis_key *key = reader->asked[i].key;
        argv[6 + i] = key->name;
        argv[6 + n + i] = redis_id_print(key->at, ids[i]);
    }
    for (size_t i = 0; i < 6 + 2 * n; i++) {
        bool name = i >= 6 && i < 6 + n;
        lens[i] = name ? reader->asked[i - 6].key->len : strlen(argv[i]);
    }
    reader->stale = reader->woken = false;
    if (reader_send(reader, ask, (int)(6 + 2 * n), argv, lens,
                    REDIS_BLOCK_MS + reader->server->redis->login.answer_ms, reader_on_read,
                    reader) == 0) {
        reader->busy = reader->waiting = true;
    }
}

static void reader_ask(struct redis_reader *reader, uint64_t now)
{
    struct redis *redis = reader->server->redis;
    bool ask = false;
    reader->nasked = 0;
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        if (reader_reads(reader, key)) {
            reader->asked[reader->nasked++] = (struct redis_asked){.key = key, .turn = key->turn};
            ask |= key->ask_until > now;
        }
    }
    for (size_t i = 0; i < reader->nasked; i++) {
        if (reader->asked[i].key->check) {
            reader_check(reader, reader->asked[i].key, ask);
        }
    }
    if (!reader->busy && reader->nasked > 0) {
        reader_xread(reader, ask);
    }
}

/* A read that waits is for keys or places of before: the server is told to answer it. */
static void reader_wake(struct redis_reader *reader)
{
    char number[24];
    const char *argv[] = {"CLIENT", "UNBLOCK", number};
    size_t lens[] = {6, 7, 0};
    if (reader->woken || reader->link.number == 0) {
        return; /* else it ends by itself, a little later */
    }
    lens[2] =
        (size_t)snprintf(number, sizeof(number), "%llu", (unsigned long long)reader->link.number);
    reader->woken = redis_link_send(&reader->server->write, 3, argv, lens, 0, NULL, NULL) == 0;
}

static void reader_go(struct redis_reader *reader, uint64_t now)
{
    struct redis *redis = reader->server->redis;
    if (reader->seen_up != reader->link.times_up) {
        if (reader->seen_up != 0) {
            redis->reconnects++;
        }
        reader->seen_up = reader->link.times_up;
        for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
            key->check |= reader_reads(reader, key);
        }
    }
    if (reader->busy) {
        if (reader->waiting && reader->stale) {
            reader_wake(reader);
        }
    } else if (!redis->paused && now >= reader->again_at) {
        reader_ask(reader, now);
    }
}

/* ---- connections ---- */

static void reader_settle(struct redis_reader *reader, uint64_t now, bool stalled)
{
    redis_link_settle(&reader->link, now, stalled);
    /* When the server is lost, its other connection says so. */
    const struct redis_link *write = &reader->server->write;
    if (reader->link.state == LINK_UP ||
        (write->state == LINK_UP && reader->link.opened_at > write->up_at)) {
        redis_say(&reader->said, "Redis, reading from", &reader->link, true);
    }
    if (!reader->wanted) {
        redis_link_close(&reader->link, REDIS_TROUBLE_NONE, "");
    } else if (reader->link.state == LINK_UP) {
        reader_go(reader, now);
    } else if (redis_link_gone(&reader->link) && now >= reader->link.retry_at) {
        redis_link_open(&reader->link);
    }
}

void redis_readers_settle(struct redis_server *server, uint64_t now, bool stalled)
{
    struct redis *redis = server->redis;
    for (struct redis_reader *reader = server->readers; reader != NULL; reader = reader->next) {
        reader->wanted = false;
    }
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        if (key->reading && key->server == server) {
            reader_for(server, redis->mode == REDIS_CLUSTER ? key->slot : -1)->wanted = true;
        }
    }
    for (struct redis_reader **at = &server->readers; *at != NULL;) {
        struct redis_reader *reader = *at;
        reader_settle(reader, now, stalled);
        if (!reader->wanted && redis_link_gone(&reader->link)) {
            *at = reader->next;
            redis_link_free(&reader->link);
            mem_free(reader);
        } else {
            at = &reader->next;
        }
    }
}

bool redis_readers_up(const struct redis_server *server)
{
    if (server == NULL) {
        return false;
    }
    for (struct redis_reader *reader = server->readers; reader != NULL; reader = reader->next) {
        if (reader->wanted && reader->link.state != LINK_UP) {
            return false;
        }
    }
    return true;
}

void redis_readers_hurry(struct redis_server *server)
{
    for (struct redis_reader *reader = server->readers; reader != NULL; reader = reader->next) {
        reader->link.retry_at = 0;
    }
}

void redis_readers_close(struct redis_server *server, enum redis_trouble trouble)
{
    for (struct redis_reader *reader = server->readers; reader != NULL; reader = reader->next) {
        redis_link_close(&reader->link, trouble, "");
    }
}

void redis_readers_free(struct redis_server *server)
{
    while (server->readers != NULL) {
        struct redis_reader *reader = server->readers;
        server->readers = reader->next;
        redis_link_free(&reader->link);
        mem_free(reader);
    }
}
