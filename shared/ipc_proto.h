/*
 * The wire between a publisher (PHP) and fanfared: message types, limits, names of reasons.
 *
 * Owns nothing and runs anywhere. docs/ipc.md describes the same protocol for people who write
 * another client; the two change together. A frame is a u32 big-endian length followed by one
 * msgpack array [type, seq, ...].
 */
#ifndef FF_IPC_PROTO_H
#define FF_IPC_PROTO_H

#define FF_IPC_VERSION     1 /* what this source speaks */
#define FF_IPC_VERSION_MIN 1 /* the oldest version that it accepts */

#define FF_IPC_HEADER            4u          /* bytes of the length prefix */
#define FF_IPC_MAX_FRAME         (16u << 20) /* bytes of one msgpack array, without the prefix */
#define FF_IPC_MAX_CHANNELS      10000u  /* channels of one publish, and messages of one batch */
#define FF_IPC_MAX_KEY           128u    /* bytes of a caller's idempotency key */
#define FF_IPC_MAX_SOCKETS       10000u  /* connections of one page */
#define FF_IPC_MAX_TRACE         255u    /* bytes of a traceparent that is looked at */
#define FF_IPC_MAX_NAME          64u     /* bytes of the client's name in the hello */
#define FF_IPC_PRODUCER          16u     /* bytes of a producer id */
#define FF_IPC_MAC               32u     /* bytes of the hello's HMAC-SHA256 */
#define FF_IPC_MAX_CLOCK_SKEW_MS 600000u /* how far a hello's clock may be off */
#define FF_IPC_MAX_OUTSTANDING   256u    /* frames that a client leaves unanswered at most */
#define FF_IPC_MAX_GROUP         64u     /* bytes of the name of a listeners' group */
#define FF_IPC_MAX_WINDOW        1000u   /* unsettled events that a listener is sent at most */
#define FF_IPC_MIN_ACK_MS        100u    /* how long an event may stay unsettled */
#define FF_IPC_MAX_ACK_MS        3600000u
#define FF_IPC_MAX_SETTLED       10000u          /* numbers of one SETTLE */
#define FF_IPC_MAC_PREFIX        "fanfare-ipc-1" /* first line of the text that the hello's mac signs */

/*
 * A request's answer is its type + 64, or FF_IPC_ERROR, with the request's seq. seq is an unsigned
 * integer chosen by the client, rising by one with each frame of a producer from 1 on; the hello
 * has 0, as has an error that concerns the connection as a whole and not one frame.
 */
enum ff_ipc_type {
    FF_IPC_HELLO = 1,   /* [1, 0, version, app_id, producer, unix_ms, mac, client_name]; no answer
                           when accepted */
    FF_IPC_PUBLISH = 2, /* [2, seq, [channel...], event, except|nil, key|nil, data, traceparent?] */
    FF_IPC_BATCH = 3,   /* [3, seq, [[[channel...], event, except|nil, key|nil, data], ...]] */
    FF_IPC_PING = 4,    /* [4, seq] */
    FF_IPC_STATS = 5,   /* [5, seq] */
    FF_IPC_TERMINATE = 6,        /* [6, seq, user_id]: end all connections of the user */
    FF_IPC_DISCONNECT = 7,       /* [7, seq, socket_id]: end this one */
    FF_IPC_CHANNELS = 8,         /* [8, seq, prefix|nil, [attribute...]]: the occupied channels */
    FF_IPC_CHANNEL = 9,          /* [9, seq, channel, [attribute...]] */
    FF_IPC_MEMBERS = 10,         /* [10, seq, channel] */
    FF_IPC_CONNECTIONS = 11,     /* [11, seq] */
    FF_IPC_CLUSTER_PUBLISH = 12, /* [12, seq, ack_ms, [channel...], event, except|nil, key|nil,
                                    data]: answered when the cluster has it */
    FF_IPC_CLUSTER_BATCH = 13,   /* [13, seq, ack_ms, [[[channel...], event, except|nil, key|nil,
                                    data], ...]] */
    FF_IPC_LISTEN = 14,  /* [14, seq, [type word...], group|nil, window, ack_ms, snapshot]: from now
                            on this connection is a listener's */
    FF_IPC_SETTLE = 15,  /* [15, seq, [number...], done]: no answer */
    FF_IPC_CONTROL = 16, /* [16, seq, action]: one of FF_IPC_ACTION_* */
    FF_IPC_SOCKETS = 17, /* [17, seq, after|nil, limit]: connections behind this socket id */

    FF_IPC_ERROR =
        64, /* [64, seq, reason, message, index|nil]; index counts the messages of a batch from 0 */
    FF_IPC_ACK = 66,               /* [66, seq, id, recipients, duplicate] */
    FF_IPC_BATCH_ACK = 67,         /* [67, seq, [[id, recipients, duplicate], ...]] */
    FF_IPC_PONG = 68,              /* [68, seq] */
    FF_IPC_STATS_REPLY = 69,       /* [69, seq, {name: value, ...}] */
    FF_IPC_TERMINATED = 70,        /* [70, seq, connections] */
    FF_IPC_DISCONNECTED = 71,      /* [71, seq, connections]: 0 or 1 */
    FF_IPC_CHANNELS_REPLY = 72,    /* [72, seq, [CHANNEL, ...], partial] with CHANNEL = [name,
                                      occupied, subscriptions|nil, users|nil, [data, ttl]|nil] */
    FF_IPC_CHANNEL_REPLY = 73,     /* [73, seq, CHANNEL, partial] */
    FF_IPC_MEMBERS_REPLY = 74,     /* [74, seq, [[user_id, info|nil], ...]] */
    FF_IPC_CONNECTIONS_REPLY = 75, /* [75, seq, connections, partial] */
    FF_IPC_CLUSTER_ACK = 76,       /* [76, seq, id, recipients, duplicate] */
    FF_IPC_CLUSTER_BATCH_ACK = 77, /* [77, seq, [[id, recipients, duplicate], ...]] */
    FF_IPC_LISTENING = 78,         /* [78, seq, created, waiting, order] */
    FF_IPC_CONTROLLED = 80,        /* [80, seq] */
    FF_IPC_SOCKETS_REPLY = 81,     /* [81, seq, [[socket_id, user_id|nil, address, opened_unix_ms,
                                      subscriptions], ...], next|nil, partial] */

    /* What comes to a listener unasked. */
    FF_IPC_EVENT = 96,    /* [96, number, id, type word, unix_ms, attempt, order, channel|nil,
                             user_id|nil, socket_id|nil, event|nil, data|nil, count|nil] */
    FF_IPC_SNAPSHOT = 97, /* [97, seq, order, [[channel, subscriptions, [[user_id, info|nil]...]
                             |nil]...], last] */
};

/* The words that an FF_IPC_ERROR carries as its reason. Unknown words must be taken for "other". */
#define FF_IPC_REASON_UNKNOWN_APP     "unknown_app"  /* closes the connection */
#define FF_IPC_REASON_APP_DISABLED    "app_disabled" /* closes */
#define FF_IPC_REASON_UNAUTHORIZED    "unauthorized" /* wrong mac or clock; closes */
#define FF_IPC_REASON_PROTOCOL        "protocol" /* not this protocol, or not this version; closes */
#define FF_IPC_REASON_INVALID_CHANNEL "invalid_channel" /* the rest leave the connection open */
#define FF_IPC_REASON_INVALID_EVENT   "invalid_event"
#define FF_IPC_REASON_INVALID_PAYLOAD "invalid_payload" /* not UTF-8 */
#define FF_IPC_REASON_TOO_LARGE       "too_large"       /* the data, or the answer */
#define FF_IPC_REASON_UNCONFIRMED     "unconfirmed"     /* delivered here, not confirmed by Redis */
#define FF_IPC_REASON_FORBIDDEN       "forbidden"       /* not for this user or application */
#define FF_IPC_REASON_RATE_LIMITED    "rate_limited"
#define FF_IPC_REASON_DRAINING        "draining"
#define FF_IPC_REASON_INTERNAL        "internal"
#define FF_IPC_REASON_OTHER           "other"

/* What FF_IPC_CONTROL has the daemon do: drain and end, drain and start anew, read its
 * configuration again. */
#define FF_IPC_ACTION_STOP    "stop"
#define FF_IPC_ACTION_RESTART "restart"
#define FF_IPC_ACTION_RELOAD  "reload"

/* What a daemon says, with FF_IPC_REASON_PROTOCOL, of a frame that only later versions know. */
#define FF_IPC_UNKNOWN_TYPE "the frame's type is unknown"

/* What a query of channels may ask for: words on the wire, bits in memory. Unknown words are left
 * out. */
enum ff_ipc_attribute {
    FF_IPC_SUBSCRIPTION_COUNT = 1, /* "subscription_count": connections that are subscribed */
    FF_IPC_USER_COUNT = 2,         /* "user_count": distinct users, of presence channels */
    FF_IPC_CACHE = 4,              /* "cache": the last published event, of cache channels */
};

/* Whether `type` is of those that carry ack_ms: publishes that the cluster acknowledges. */
#define FF_IPC_BY_CLUSTER(type) ((type) == FF_IPC_CLUSTER_PUBLISH || (type) == FF_IPC_CLUSTER_BATCH)

/* Bytes that carry a length and are not terminated; points into somebody else's buffer. */
struct ff_slice {
    const char *p; /* NULL stands for nil where nil is allowed */
    unsigned int len;
};

#endif
