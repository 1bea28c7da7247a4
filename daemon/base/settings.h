/*
 * What an operator can set that the layers below ops/ read: plain values, immutable once a
 * generation of the configuration is in use.
 *
 * Owns nothing and runs anywhere. ops/config_load fills these from the file and the environment.
 * Sizes are bytes, times are seconds; 0 means no limit for every number in struct limits and struct
 * app_settings.
 */
#ifndef FF_BASE_SETTINGS_H
#define FF_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limits {
    uint64_t max_message_size, max_event_size, max_event_name, max_channel_name;
    uint64_t max_channels_per_publish, max_batch, max_channels_per_connection, max_connections;
    uint64_t header_timeout, keepalive_timeout, activity_timeout, ping_interval, pong_timeout;
    uint64_t output_soft, output_soft_seconds, output_hard, output_total, close_timeout,
        mailbox_high, max_handshakes, handshake_rate, webhook_queue;
    uint64_t listen_queue, listen_queue_size, listen_groups, listen_group_ttl;
};

struct text_list {
    char **items;
    size_t count;
};

/* Which Redis, and how. Nothing of it is set: the node stands alone. */
struct redis_settings {
    char *url; /* proto/redis_text.h; "" when unset. Without a host it says what sentinels and
                  cluster nodes have in common: TLS, user, password, database */
    struct text_list sentinels, cluster; /* host:port; one of them at most is not empty */
    char *master;                        /* the name by which sentinels know it */
    char *prefix;                        /* of all keys; "" is none */
    bool require;
    uint64_t connect_timeout_ms;
};

/* What the nodes that share a Redis must agree upon, and what each may have for itself. */
struct cluster_settings {
    char *node; /* "": made of the host's name and the process */
    uint64_t lanes;
    uint64_t resend_window, resend_bytes, node_timeout, query_deadline_ms;
};

/* Where spans of publishes go. */
struct trace_settings {
    char *endpoint; /* "": nothing is traced */
    char *service;
    char *ca_file;            /* "": the system's */
    struct text_list headers; /* "Name: value"; secret */
    uint64_t sample;          /* one of so many publishes without a traceparent; 0: none */
};

enum client_events { CLIENT_EVENTS_MEMBERS, CLIENT_EVENTS_NONE, CLIENT_EVENTS_ALL };

struct app_settings {
    char *id, *key, *secret;
    bool enabled;
    /* In lower case: "*" for all; [*.]host; scheme://[*.]host[:port]; scheme:// without a host for
     * exactly that; "null"; "self" for the host that the client connects to. */
    struct text_list allowed_origins;
    bool allow_missing_origin;
    enum client_events client_events;
    uint64_t client_event_rate, max_connections, message_rate;
    bool message_rate_terminate;
    /* Of struct limits, for this application alone: the smaller one counts. */
    uint64_t max_message_size, max_event_size, max_channel_name, max_channels_per_connection;
    uint64_t max_presence_members, max_user_info_size;
    bool permessage_deflate;
    uint64_t cache_ttl, cache_max;
    bool user_authentication, watchlist, subscription_count, control;
    char *webhook_url; /* "" when unset */
    struct text_list webhook_events;
};

#endif
