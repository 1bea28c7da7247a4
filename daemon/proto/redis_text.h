/*
 * Texts about Redis: URLs, addresses, redirections, errors, ids of stream entries, hash slots.
 * Pure; owns nothing, and neither prints nor logs.
 */
#ifndef FF_PROTO_REDIS_TEXT_H
#define FF_PROTO_REDIS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/slice.h"

#define REDIS_PORT     6379u
#define REDIS_HOST     256u /* room for a host's name, an address or a path, with its NUL */
#define REDIS_USER     256u
#define REDIS_PASSWORD 1024u
#define REDIS_DB_MAX   65535u
#define REDIS_SLOTS    16384u
#define REDIS_PLACE    (REDIS_HOST + 8u) /* room for a place as text */
#define REDIS_ID       42u               /* room for an id as text */

/* Where a server listens. */
struct redis_place {
    char host[REDIS_HOST]; /* a name, an address without brackets, or a path; "": not said */
    uint16_t port;         /* 0: host is the path of a Unix socket */
};

/*
 * What a URL says. Forms: redis://[user:password@]host[:port][/db], rediss:// the same over TLS,
 * unix://[user:password@]/path[?db=N]. A password alone is written ":password@". Both may hold
 * percent-escapes; an '@' or '/' of a password may stand as it is. The host may be left out
 * ("redis://:password@"), since sentinels and cluster nodes have theirs elsewhere.
 */
struct redis_url {
    struct redis_place place;
    bool tls;
    uint32_t db;
    char user[REDIS_USER], password[REDIS_PASSWORD]; /* "": none; never shown */
};

/* False: not of these forms, `out` is undefined. */
bool redis_url_read(const char *text, size_t len, struct redis_url *out) MUST_CHECK;

/* "host:port", "[::1]:port", or either without a port, which is `port` then; 0: it is required. */
bool redis_place_read(const char *text, size_t len, uint16_t port,
                      struct redis_place *out) MUST_CHECK;
bool redis_place_equal(const struct redis_place *a, const struct redis_place *b);
/* As it is written in a configuration. Returns `room`. */
const char *redis_place_print(const struct redis_place *place, char room[REDIS_PLACE]);

/* The hash slot of a key in a Redis Cluster: CRC16 of it, or of what stands between the first '{'
 * and the '}' behind it unless that is nothing. Below REDIS_SLOTS. */
uint16_t redis_slot(const char *key, size_t len);

/* The id of an entry of a stream: entries have ascending ids, no entry has 0-0. */
struct redis_id {
    uint64_t ms, seq;
};

/* "1526919030474-55"; a missing "-55" is 0, as for Redis. */
bool redis_id_read(const char *text, size_t len, struct redis_id *out) MUST_CHECK;
const char *redis_id_print(struct redis_id id, char room[REDIS_ID]); /* returns room */
int redis_id_compare(struct redis_id a, struct redis_id b);          /* < 0, 0, > 0 */

/* Why a server does not do what it was asked. */
enum redis_trouble {
    REDIS_TROUBLE_NONE,
    REDIS_TROUBLE_COMMAND, /* the command is at fault: the same again is refused again */
    /* another server is to be asked */
    REDIS_TROUBLE_MOVED,
    REDIS_TROUBLE_ASK,
    REDIS_TROUBLE_READONLY,  /* it is a replica */
    REDIS_TROUBLE_UNBLOCKED, /* it has become one while it kept a reader waiting */
    /* again in a moment */
    REDIS_TROUBLE_LOADING,
    REDIS_TROUBLE_MASTERDOWN,
    REDIS_TROUBLE_CLUSTERDOWN,
    REDIS_TROUBLE_TRYAGAIN,
    REDIS_TROUBLE_BUSY,
    REDIS_TROUBLE_CLIENTS, /* it has too many */
    /* somebody has to change something */
    REDIS_TROUBLE_DENIED, /* protected mode */
    REDIS_TROUBLE_NOAUTH,
    REDIS_TROUBLE_WRONGPASS,
    REDIS_TROUBLE_NOPERM,
    REDIS_TROUBLE_OOM,
    REDIS_TROUBLE_MISCONF,
    REDIS_TROUBLE_NOREPLICAS,
    REDIS_TROUBLE_NOCLUSTER, /* it is none of a Redis Cluster */
    /* not said by a server */
    REDIS_TROUBLE_CONNECT,  /* cannot be reached */
    REDIS_TROUBLE_LOST,     /* the connection has ended */
    REDIS_TROUBLE_SILENT,   /* a command or a connection attempt was not answered in time */
    REDIS_TROUBLE_PROTOCOL, /* what answers is no Redis */
    REDIS_TROUBLE_MAX
};

/* Of the text of an error reply, which begins with a word in capitals. */
enum redis_trouble redis_trouble_of(const char *text, size_t len);
/* What is wrong, and what can be done: two parts of a sentence, "" for the second where nothing can
 * be done but wait. */
const char *redis_trouble_says(enum redis_trouble trouble);
const char *redis_trouble_fix(enum redis_trouble trouble);

struct redis_redirect {
    bool ask; /* this once: the slot is being moved there */
    uint16_t slot;
    struct redis_place place; /* host "": the one who has said it */
};

/* "MOVED 3999 127.0.0.1:6381" or "ASK ...". An IPv6 address has no brackets. */
bool redis_redirect_read(const char *text, size_t len, struct redis_redirect *out) MUST_CHECK;

#endif
