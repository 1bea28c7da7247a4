/*
 * One connection to a Redis server (or a Sentinel): connecting, the greeting, commands in a
 * pipeline, and noticing that it is lost. The only file that speaks to hiredis' connections.
 *
 * Owns the connection and whatever hiredis holds for it. Runs on the loop of `base`. Knows nothing
 * of keys, of who is responsible for them, or of when it pays to try again beyond its own back-off.
 *
 * Lifetimes, which hiredis leaves to its user:
 * - hiredis frees its context by itself when the connection breaks, in the middle of a read or a
 *   write. So `ac` is only ever set by opening and unset by hiredis' own clean-up.
 * - Freeing it from a callback is safe only in the callback of one of its own replies. From all
 *   other places a link is marked, and freed by redis_link_settle, which runs on no hiredis stack.
 * - Every command is answered once: with its reply, or with NULL when the connection has ended.
 *   A reply belongs to hiredis and is good for the call.
 * - While a connection ends no command can be sent on it, in the callbacks of its end included.
 */
#ifndef FF_LINKS_REDIS_LINK_H
#define FF_LINKS_REDIS_LINK_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "links/redis_lookup.h"
#include "links/redis_tls.h"
#include "proto/redis_text.h"

#define REDIS_WHY  160u /* room for a reason */
#define REDIS_NAME 112u /* room for a connection's name */

#define REDIS_BACKOFF_MIN 50u   /* ms */
#define REDIS_BACKOFF_MAX 2000u /* ms */

struct redisAsyncContext;
struct redisReply;

/* What all connections have in common. Read when one is opened. */
struct redis_login {
    char user[REDIS_USER], password[REDIS_PASSWORD];
    uint32_t db;
    struct redis_tls *tls;          /* NULL: without */
    uint64_t connect_ms, answer_ms; /* to be connected and greeted; without a byte of an answer */
    char node[REDIS_NAME - 24u];    /* in the name that CLIENT LIST shows */
};

/* NULL: the connection has ended, and the command may have been executed. */
typedef void redis_link_fn(void *arg, const struct redisReply *reply);

struct redis_call {
    struct redis_call *next;
    struct redis_link *link;
    redis_link_fn *fn;
    void *arg;
    uint64_t sent, wait_ms;
    size_t bytes;
};

enum redis_link_state { LINK_DOWN, LINK_LOOKUP, LINK_OPENING, LINK_GREETING, LINK_UP };

enum redis_link_wants {
    LINK_LOGIN = 1,  /* sends user and password */
    LINK_SELECT = 2, /* chooses the database */
    LINK_MASTER = 4, /* refuses a replica */
    LINK_NUMBER = 8, /* asks for the number that CLIENT UNBLOCK takes */
};

struct redis_link {
    struct event_base *base;
    const struct redis_login *login;
    struct redis_place place;
    const char *role; /* the last word of its name: "write", "read", "sentinel" */
    unsigned int wants;
    void (*changed)(void *owner); /* state or bytes have changed. May be called within
                                     redis_link_send and redis_link_close: only note it */
    void *owner;

    enum redis_link_state state;
    enum redis_trouble trouble; /* while it is down: why */
    char why[REDIS_WHY];        /* in words, "" where trouble says all */
    uint64_t retry_at;          /* ms; while it is down: not before */
    uint64_t bytes;             /* of commands that were sent and not answered */
    uint64_t number;            /* the server's for this connection; 0: not known */
    uint64_t times_up;          /* how often it has come up */

    struct redisAsyncContext *ac;
    void *session; /* of TLS; NULL: without, or over */
    struct redis_lookup *lookup;
    struct redis_addresses addresses;
    size_t next_address;
    struct redis_call *first, *last;
    uint64_t opened_at, up_at, heard_at;
    uint64_t backoff_ms;
    bool doomed, in_reply, flushing;
    struct event reading, writing, flush;
};

void redis_link_init(struct redis_link *link, struct event_base *base,
                     const struct redis_login *login, const struct redis_place *place,
                     const char *role, unsigned int wants, void (*changed)(void *owner),
                     void *owner);
/* Ends it at once; calls back what is unanswered, never `changed`. Not from a callback of it. */
void redis_link_free(struct redis_link *link);

/* Begins to connect. Only while redis_link_gone. */
void redis_link_open(struct redis_link *link);
/* It is down, and nothing is left of its last connection. */
bool redis_link_gone(const struct redis_link *link);

/*
 * Sends a command. `wait_ms`: how long the server may be silent before the connection is given up
 * for lost; 0: the login's answer_ms. fn NULL: the answer is of no interest.
 * -1: it is not up, or there is no memory; fn will not be called.
 */
int redis_link_send(struct redis_link *link, int argc, const char *const *argv, const size_t *lens,
                    uint64_t wait_ms, redis_link_fn *fn, void *arg) MUST_CHECK;

/* Ends it, with a reason. May be called anywhere; what is unanswered is called back later, or
 * after the callback that this was called from. */
void redis_link_close(struct redis_link *link, enum redis_trouble trouble, const char *why);

/* Looks after it: time-outs, pings, freeing. From the loop, on no hiredis stack, every answer_ms /
 * 8 or more often. `stalled`: this process was not running for a while, so that silence of the
 * server proves nothing. */
void redis_link_settle(struct redis_link *link, uint64_t now, bool stalled);

/* Bytes that the kernel has not taken yet. */
size_t redis_link_unsent(const struct redis_link *link);

#endif
