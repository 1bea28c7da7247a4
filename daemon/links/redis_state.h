/*
 * What a struct redis is made of: data for its parts (redis_servers.c, redis_keys.c, redis_read.c,
 * redis_sentinel.c, redis_slots.c), and what they call of each other. For nobody else.
 *
 * Events only change data and call redis_unsettled; redis_on_settle, which runs behind them in the
 * same pass of the loop and on nobody's stack, opens, closes and frees connections, decides which
 * keys are up, and calls the caller back. So no callback meets a structure that is half changed.
 */
#ifndef FF_LINKS_REDIS_STATE_H
#define FF_LINKS_REDIS_STATE_H

#include "links/redis.h"
#include "links/redis_link.h"

#define REDIS_VERB 12u /* room for the name of a command */

enum redis_mode { REDIS_SINGLE, REDIS_SENTINELS, REDIS_CLUSTER };

/* What was last logged about a connection. */
struct redis_said {
    bool up;
    enum redis_trouble trouble;
};

/* The keys whose reads go over one connection. */
struct redis_reader {
    struct redis_reader *next;
    struct redis_server *server;
    struct redis_link link;
    struct redis_said said;
    int slot; /* -1: all keys of the server */
    bool wanted;
    bool busy;         /* something was asked and not answered */
    bool waiting;      /* and it is a read, which may wait at the server */
    bool stale;        /* keys or places have changed since it was asked */
    bool woken;        /* and it was told so */
    uint32_t checks;   /* answers about last ids that are awaited */
    uint64_t seen_up;  /* link.times_up when it was last looked at */
    uint64_t again_at; /* ms; asks for nothing before */
    uint64_t average;  /* bytes of an entry */
    uint64_t got;      /* entries in the last answer */
    struct redis_asked {
        struct redis_key *key;
        uint32_t turn;
    } asked[REDIS_KEYS_MAX];
    size_t nasked;
};

struct redis_server {
    struct redis_server *next;
    struct redis *redis;
    struct redis_place place;
    struct redis_link write;
    struct redis_reader *readers;
    struct redis_said said;
    bool wanted;
    bool retired; /* of settings that are replaced */
    uint64_t seen_up;
    enum redis_trouble refusing; /* commands, though it is connected: was logged */
    char refused[REDIS_VERB];
};

struct redis_key {
    struct redis_key *next;
    struct redis *redis;
    void *tag;
    uint16_t slot;
    /* Where. The server is known, and may not be connected; NULL: it is not known. */
    struct redis_server *server;
    uint64_t ask_until; /* ms; so long commands are sent with ASKING */
    /* Commands. */
    bool up;       /* as the caller was told */
    bool failed;   /* since then one has */
    bool draining; /* takes none until inflight is 0 */
    bool full;     /* one was refused for want of room */
    uint32_t inflight;
    uint32_t redirects;            /* since a command last succeeded */
    uint64_t penalty_ms, again_at; /* refused for reasons that may pass; 0: not */
    char refused[REDIS_VERB];      /* the command that was */
    /* Reading. */
    bool reading;
    bool check;    /* whether the stream still is where it was must be asked first */
    uint32_t turn; /* counts changes of its place from outside */
    struct redis_id at;
    uint64_t heard_at; /* ms; an entry, or that the stream is fine */
    size_t len;
    char name[];
};

struct redis {
    struct event_base *base;
    const struct redis_handler *handler;
    void *arg;
    struct redis_settings settings; /* a copy */
    struct redis_login login;
    enum redis_mode mode;
    struct redis_place place; /* of the one server, or of the master once sentinels told it */
    bool placed;
    size_t queue_max;
    struct redis_server *servers;
    struct redis_key *keys;
    size_t nkeys;
    struct redis_sentinels *sentinels; /* NULL unless in that mode */
    struct redis_slots *slots;
    bool paused, ending;
    uint64_t settled_at, interval;
    struct event settle, timer;
    uint64_t reconnects, commands, failed, entries;
};

/* redis_servers.c */
void redis_unsettled(struct redis *redis);
struct redis_server *redis_server_at(struct redis *redis, const struct redis_place *place);
bool redis_server_up(const struct redis_server *server); /* its commands are taken; NULL: no */
/* Logs what has changed. `what` stands before the place: "Redis", "Sentinel". A connection that is
 * merely one more (`also`) is mentioned only when it fails. */
void redis_say(struct redis_said *said, const char *what, const struct redis_link *link, bool also);

/* redis_keys.c */
void redis_keys_settle(struct redis *redis, uint64_t now);
void redis_keys_free(struct redis *redis);
void redis_key_route(struct redis_key *key, struct redis_server *server, uint64_t ask_until);
/* Draws the consequences of an error reply to a command or a read of a key, and says what is left
 * to do: nothing, since another server or another connection is asked; wait; or not to ask so
 * again. */
enum redis_verdict { REDIS_ELSEWHERE, REDIS_LATER, REDIS_NEVER };
enum redis_verdict redis_key_error(struct redis_key *key, struct redis_server *server,
                                   const char *text, size_t len);
void redis_server_refuses(struct redis_server *server, enum redis_trouble trouble, const char *verb,
                          const char *text);

/* redis_read.c */
void redis_readers_settle(struct redis_server *server, uint64_t now, bool stalled);
void redis_readers_close(struct redis_server *server, enum redis_trouble trouble);
void redis_readers_free(struct redis_server *server);
void redis_readers_hurry(struct redis_server *server);    /* it can be connected to */
bool redis_readers_up(const struct redis_server *server); /* NULL: no */

/* redis_sentinel.c: sets place and placed. */
struct redis_sentinels *redis_sentinels_new(struct redis *redis);
void redis_sentinels_free(struct redis_sentinels *sentinels); /* NULL is fine */
void redis_sentinels_settle(struct redis_sentinels *sentinels, uint64_t now, bool stalled);
bool redis_sentinels_why(const struct redis_sentinels *sentinels, char *out, size_t size);

/* redis_slots.c: routes keys that are not up. */
struct redis_slots *redis_slots_new(struct redis *redis);
void redis_slots_free(struct redis_slots *slots); /* NULL is fine */
void redis_slots_settle(struct redis_slots *slots, uint64_t now, bool stalled);
bool redis_slots_why(const struct redis_slots *slots, char *out, size_t size);

#endif
