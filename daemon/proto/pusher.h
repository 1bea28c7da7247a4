/*
 * Messages of the Pusher protocol 7: reading what a client sends (pusher.c), writing the
 * JSON of what the server sends (pusher_write.c). Pure.
 *
 * Writers append the JSON text alone (no WebSocket header) to a buf and return -1 when it is full.
 * Key order and double encoding follow the protocol: `event`, `data`, `channel`; `data` of server
 * events is a JSON string that holds JSON, but an object in `pusher:error`.
 */
#ifndef FF_PROTO_PUSHER_H
#define FF_PROTO_PUSHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/slice.h"

enum pusher_kind {
    PUSHER_SUBSCRIBE,
    PUSHER_UNSUBSCRIBE,
    PUSHER_SIGNIN,
    PUSHER_PING,
    PUSHER_PONG,
    PUSHER_CLIENT_EVENT, /* an event named client-* */
    PUSHER_IGNORED,      /* any other event that names a channel: silently ignored */
};

struct pusher_message {
    enum pusher_kind kind;
    struct slice event;   /* unescaped */
    struct slice channel; /* unescaped; always there in SUBSCRIBE, UNSUBSCRIBE and CLIENT_EVENT */
    struct slice auth;    /* SUBSCRIBE: unescaped; .p == NULL when absent or null */
    /* SUBSCRIBE: unescaped valid JSON; .p == NULL when absent, null or "" */
    struct slice channel_data;
    struct slice user_data; /* SIGNIN: unescaped, known to be valid JSON */
    struct slice data;      /* CLIENT_EVENT: the raw JSON value; .p == NULL when absent */
};

/*
 * Reads one text message. `scratch` needs 2 * len bytes and holds what had to be unescaped; views
 * point into it or into the text. Returns 0, or -1 for anything that is answered with 4200 "Invalid
 * message format": not JSON, not an object, event missing or not a string, data of a pusher: event
 * that is neither an object nor a string holding one (of ping and pong nobody looks at it), channel
 * missing or not a string where it is needed, auth not a string, channel_data not a
 * string that is empty or holds JSON, an unknown pusher: event, an event without a channel. An
 * empty channel name is returned as it is, for the session to refuse. Of repeated members the last
 * one counts. Client events keep any JSON value as data.
 */
int pusher_read(const char *text, size_t len, char *scratch, struct pusher_message *out) MUST_CHECK;

/* A presence member, out of channel_data. */
struct pusher_member {
    struct slice user_id; /* as text, for comparing: 1 and "1" are the same user */
    /* The raw JSON scalar, as it came; but an integer beyond 2^53, which clients whose numbers are
     * doubles would read as another one, as a string. */
    struct slice id_json;
    struct slice info_json; /* the raw JSON value; .p == NULL when absent */
};

/* channel_data is valid JSON; `scratch` needs channel_data.len bytes. -1: not an object, or user_id
 * missing, null, an object, an array or empty. */
int pusher_member_read(struct slice channel_data, char *scratch,
                       struct pusher_member *out) MUST_CHECK;

/* The id in the user_data of a sign-in, as text. `scratch` needs user_data.len bytes. -1: not an
 * object, or the id is missing, null, an object, an array or empty. */
int pusher_user_read(struct slice user_data, char *scratch, struct slice *id) MUST_CHECK;

/* The member that a signed-in user is on a presence channel: the id and the user_info of the same.
 * Returns as pusher_user_read. */
int pusher_user_member_read(struct slice user_data, char *scratch,
                            struct pusher_member *out) MUST_CHECK;

/* The watchlist in the same: raw; .p == NULL when there is none. -1: it is not an array, or
 * user_data is no object. */
int pusher_watchlist_read(struct slice user_data, struct slice *list) MUST_CHECK;
/* Walks over the ids of a watchlist, as text; start with *cursor = 0. `scratch` needs list.len
 * bytes for each of them. An element that cannot be an id gives an empty one. False at the end. */
bool pusher_watchlist_next(struct slice list, size_t *cursor, char *scratch, struct slice *id);

int pusher_established(struct buf *out, struct slice socket_id,
                       uint32_t activity_timeout) MUST_CHECK;
/* data is an object here, as native clients read nothing else. code 0 writes null, as Pusher does
 * for errors without a code. */
int pusher_error(struct buf *out, int code, const char *message) MUST_CHECK;
int pusher_ping(struct buf *out) MUST_CHECK;
int pusher_pong(struct buf *out) MUST_CHECK;
/* subscription_succeeded with data "{}", of any channel but presence. */
int pusher_subscribed(struct buf *out, struct slice channel) MUST_CHECK;
int pusher_signed_in(struct buf *out, struct slice user_data) MUST_CHECK;
int pusher_subscription_count(struct buf *out, struct slice channel, uint32_t count) MUST_CHECK;
int pusher_cache_miss(struct buf *out, struct slice channel) MUST_CHECK;
/* subscription_error: {"type":type,"error":error,"status":status}. */
int pusher_subscription_error(struct buf *out, struct slice channel, const char *type,
                              const char *error, int status) MUST_CHECK;
/* watchlist_events: who of a watchlist is there, and who is not; what is empty is left out. */
int pusher_watchlist_events(struct buf *out, const struct slice *online, size_t nonline,
                            const struct slice *offline, size_t noffline) MUST_CHECK;

/* member_added: {"user_id":id_json,"user_info":info_json}, the latter left out when absent. */
int pusher_member_added(struct buf *out, struct slice channel,
                        const struct pusher_member *member) MUST_CHECK;
int pusher_member_removed(struct buf *out, struct slice channel, struct slice id_json) MUST_CHECK;

/* subscription_succeeded of a presence channel, for which the members are handed over one by one,
 * in the order in which they joined, by `next` (false at the end; called over the whole list twice
 * after `rewind`). A member without info has null in the hash. */
struct pusher_members {
    void *arg;
    size_t count;
    void (*rewind)(void *arg);
    bool (*next)(void *arg, struct pusher_member *out);
};
int pusher_presence_subscribed(struct buf *out, struct slice channel,
                               const struct pusher_members *members) MUST_CHECK;

/*
 * A published event comes in two halves, so that one event on many channels is escaped once:
 * {"event":"E","data":"...","channel":  and  "C"}. data is text and becomes a JSON string.
 */
int pusher_event_head(struct buf *out, struct slice event, struct slice data) MUST_CHECK;
int pusher_event_tail(struct buf *out, struct slice channel) MUST_CHECK;

/* {"event":..,"channel":..,"data":"..","user_id":".."}. `data` is a raw JSON value: a string leaves
 * as it is, anything else as its own bytes in a string, since some native clients read strings
 * only; left out when absent. user_id (text, as a JSON string) when .p is not NULL. */
int pusher_client_event(struct buf *out, struct slice event, struct slice channel,
                        struct slice data, struct slice user_id) MUST_CHECK;

#endif
