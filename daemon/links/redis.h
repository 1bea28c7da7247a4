/*
 * Redis: who is responsible for a key, connections to it, commands, and reading from streams.
 *
 * Owns every connection to Redis servers, Sentinels and Cluster nodes, and knows where they are.
 * Runs on the hub's loop. Never blocks, knows nothing of what is written or read, and keeps nothing
 * for its caller: a command is sent now or not at all, and whoever needs it done keeps it until it
 * is confirmed.
 *
 * A server has a connection for commands, which are pipelined and answered in order, and others for
 * reading, since a read that waits holds its connection: one for all keys, or in a Redis Cluster
 * one for each hash slot, because Redis refuses a read over several. They are named
 * fanfare:NODE:write and :read in CLIENT LIST. A lost one is opened again after 50 ms, doubling to
 * 2 s, with jitter; a server that answers nothing for answer_ms has lost its connections as well.
 *
 * What goes wrong is logged once for each change, with what can be done about it, and never for
 * each command. No user name or password is ever logged.
 */
#ifndef FF_LINKS_REDIS_H
#define FF_LINKS_REDIS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/settings.h"
#include "proto/redis_text.h"
#include "proto/slice.h"

#define REDIS_KEYS_MAX   64u /* of a struct redis */
#define REDIS_ARGUMENTS  32u /* of a command at most */
#define REDIS_ANSWER_MS  5000u
#define REDIS_QUEUE_MAX  (8u << 20)
#define REDIS_BLOCK_MS   1000u      /* that a read waits at the server before it is asked again */
#define REDIS_READ_BYTES (1u << 20) /* aimed at in one answer to a read */

struct redis;
struct redis_key; /* one key, for as long as the struct redis lives */
struct redisReply;

enum redis_key_state {
    REDIS_KEY_UP,   /* commands are taken */
    REDIS_KEY_DOWN, /* they are not, until it is up again */
    REDIS_KEY_ROOM, /* it is up, one was not taken for want of room, and now there is some */
};

/* All are called from the loop, and never from within a function of this module. */
struct redis_handler {
    /*
     * Keys begin down. Commands of a key fail as a group: after the first with REDIS_AGAIN or
     * REDIS_UNSURE none is taken until all that were sent have been answered and the key was said
     * to be down and then up. So who begins anew with the first unconfirmed one at REDIS_KEY_UP
     * writes in order.
     */
    void (*state)(void *arg, struct redis_key *key, enum redis_key_state state);
    /* An entry of a stream that is read. fields: names and values in turn, n slices, of Redis'
     * bytes, good for the call. */
    void (*entry)(void *arg, struct redis_key *key, struct redis_id id, const struct slice *fields,
                  size_t n);
    /* The last id ever given in the stream is `last`, below the one behind which it was read
     * (`was`): it was emptied, or a replica took over that lacked the newest entries. New entries
     * may have ids that were read over, so reading has been set back to the beginning; redis_read
     * chooses another place. */
    void (*rewound)(void *arg, struct redis_key *key, struct redis_id was, struct redis_id last);
};

struct redis_options {
    const struct redis_settings *settings; /* copied; checked by the configuration */
    const char *node;                      /* copied; 1 to 64 letters, digits, dots, dashes, _ */
    size_t queue_max;                      /* bytes that a server may owe answers to; 0:
                                              REDIS_QUEUE_MAX. One command is always taken */
    uint64_t answer_ms;                    /* 0: REDIS_ANSWER_MS */
};

/* Whether the settings name a Redis at all. */
bool redis_wanted(const struct redis_settings *settings);

/* `handler` outlives it. Connects as soon as there are keys and the loop runs. */
struct redis *redis_new(struct event_base *base, const struct redis_options *options,
                        const struct redis_handler *handler, void *arg);
/* Calls back all commands that are under way, with REDIS_UNSURE. Not from a callback. NULL is fine.
 */
void redis_free(struct redis *redis);

/*
 * Takes new settings: addresses, user, password, database, TLS, time-outs. Where they change what
 * is connected to, commands under way are still waited for on the old connections, and the keys go
 * down and up. -1: TLS cannot be had, and nothing has changed. Not from a callback.
 */
int redis_reload(struct redis *redis, const struct redis_settings *settings) MUST_CHECK;

/* A key by its whole name, copied; REDIS_KEYS_MAX at most. `tag` is the caller's. */
struct redis_key *redis_key_new(struct redis *redis, const char *name, size_t len, void *tag);
void *redis_key_tag(const struct redis_key *key);
struct slice redis_key_name(const struct redis_key *key);
bool redis_key_up(const struct redis_key *key);

enum redis_result {
    REDIS_ANSWERED, /* reply is not NULL and no error */
    REDIS_REFUSED,  /* Redis did not execute it and the same again would fail again: reply->str */
    REDIS_AGAIN,    /* Redis did not execute it, and may later or elsewhere: after REDIS_KEY_UP */
    REDIS_UNSURE,   /* it was sent, and may have been executed or not: after REDIS_KEY_UP */
};

/* reply: NULL for REDIS_AGAIN and REDIS_UNSURE; else a struct redisReply of hiredis, good for the
 * call. May send further commands. */
typedef void redis_reply_fn(void *arg, enum redis_result result, const struct redisReply *reply);

/*
 * Sends a command that concerns `key` to who is responsible for it; its arguments are copied. 0: fn
 * (may be NULL) will be called exactly once, later. -1: it was not sent, and fn will not be called:
 * the key is down, or there is no room (REDIS_KEY_ROOM will follow). After a command was refused
 * for reasons that may pass (no memory left, no replicas), one is taken at a time until one
 * succeeds.
 */
int redis_send(struct redis_key *key, const struct slice *argv, size_t argc, redis_reply_fn *fn,
               void *arg) MUST_CHECK;

/*
 * Reads the stream `key` from behind `after` on, all entries that are there and those that come,
 * each once and in order, across lost connections and other servers. Called again it goes on
 * behind another id. redis_read_stop: no entry is delivered from now on.
 */
void redis_read(struct redis_key *key, struct redis_id after);
void redis_read_stop(struct redis_key *key);
struct redis_id redis_read_at(const struct redis_key *key); /* the last that was delivered */

/* Asks for no more entries; those of one answer per connection may still come. */
void redis_read_pause(struct redis *redis, bool pause);

struct redis_status {
    bool up; /* all keys are, and are read where they should be; false without */
    uint32_t servers, servers_up;
    uint64_t reconnects;        /* connections to servers that came up again */
    uint64_t commands, failed;  /* sent; of these answered AGAIN or UNSURE */
    uint64_t entries;           /* delivered */
    uint64_t bytes;             /* of commands without an answer */
    uint64_t unsent;            /* of these, what the kernel has not taken yet */
    enum redis_trouble trouble; /* while it is not up */
    char why[200];              /* in words, for people: "" while it is up */
};
void redis_status(const struct redis *redis, struct redis_status *out);

#endif
