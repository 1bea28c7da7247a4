#include "ops/config_table.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ops/config.h"
#include "ops/workers.h"

#define KB      UINT64_C(1024)
#define MB      (KB * 1024)
#define DAY     UINT64_C(86400)
#define MILLION UINT64_C(1000000)

/* In the order of enum log_level, enum log_format, enum client_events. */
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const client_events[] = {"members", "none", "all", NULL};

const struct section_info section_infos[SECTION_MAX] = {
    [SECTION_SERVER] = {"server", "SERVER", "Where clients connect, and how the process behaves."},
    [SECTION_IPC] = {"ipc", "IPC",
                     "The Unix socket on which PHP publishes. mode and group are for one that the "
                     "daemon makes, not for "
                     "one that systemd passes."},
    [SECTION_ADMIN] = {"admin", "ADMIN",
                       "Where /metrics, /stats and /health are served, and the socket for fanfared "
                       "ctl. Keep it off "
                       "public networks."},
    [SECTION_TLS] = {"tls", "TLS", "TLS without a proxy in front."},
    [SECTION_REDIS] = {"redis", "REDIS", "Redis, which connects several nodes."},
    [SECTION_CLUSTER] = {"cluster", "CLUSTER", "How the nodes that share a Redis work together."},
    [SECTION_TRACE] = {"trace", "TRACE",
                       "Spans of publishes, exported to an OpenTelemetry collector."},
    [SECTION_LIMITS] = {"limits", "LIMITS",
                        "Limits of the process and of each connection. 0 means no limit."},
    [SECTION_APP] =
        {"app \"my-app\"", NULL,
         "One section for each application. The name in quotes is the application's id: 1 to 40 "
         "letters, digits, dots, underscores and dashes. key and secret are required. 0 means no "
         "limit."},
};

#define IN_CONFIG(field) .offset = offsetof(struct config, field)
#define IN_APP(field)    .offset = offsetof(struct app_settings, field)

#define LIMIT(field, key_type, default_text, most, text)                                           \
    {                                                                                              \
        SECTION_LIMITS, #field, key_type, KEY_UNLIMITED, default_text, IN_CONFIG(limits.field),    \
            .max = (most), .help = text                                                            \
    }

const struct config_key config_keys[] = {
    {SECTION_SERVER, "listen", KEY_LIST, KEY_REQUIRED | KEY_RESTART, "0.0.0.0:8080",
     IN_CONFIG(listen), .kind = &kind_listen,
     .help = "Addresses for clients. Without a file and without an application: 127.0.0.1:8080. "
             "none: a relay, which has no clients of its own and passes what PHP publishes on to "
             "the other nodes."},
    {SECTION_SERVER, "workers", KEY_WORKERS, KEY_RESTART, "auto", IN_CONFIG(workers), .min = 1,
     .max = WORKERS_MAX,
     .help =
         "Threads that serve clients. auto: as many as the process has CPUs, and one for a relay."},
    {SECTION_SERVER, "path_prefix", KEY_TEXT, 0, "", IN_CONFIG(path_prefix), .kind = &kind_prefix,
     .help = "Stands in front of every public path: with /ws clients connect to /ws/app/KEY."},
    {SECTION_SERVER, "log_level", KEY_CHOICE, 0, "info", IN_CONFIG(log_level),
     .choices = log_levels, .help = "The least important lines that are logged."},
    {SECTION_SERVER, "log_format", KEY_CHOICE, 0, "text", IN_CONFIG(log_format),
     .choices = log_formats, .help = "One line an event on stderr, as text or as a JSON object."},
    {SECTION_SERVER, "log_messages", KEY_BOOL, 0, "no", IN_CONFIG(log_messages),
     .help = "yes: connections, subscriptions and messages are logged as they happen, cut to 200 "
             "characters and without signatures, at level info. For development: every message "
             "costs a line, and shows what is in it."},
    {SECTION_SERVER, "trusted_proxies", KEY_LIST, 0, "", IN_CONFIG(trusted_proxies),
     .kind = &kind_proxy,
     .help = "Addresses and networks (10.0.0.0/8) of proxies that are believed when they say whom "
             "they speak for: in X-Forwarded-For, or with the PROXY protocol."},
    {SECTION_SERVER, "proxy_protocol", KEY_BOOL, 0, "no", IN_CONFIG(proxy_protocol),
     .help =
         "yes: every connection from a trusted proxy begins with a header of the PROXY protocol, "
         "version 2 (send-proxy-v2 in haproxy)."},
    {SECTION_SERVER, "permessage_deflate", KEY_BOOL, 0, "no", IN_CONFIG(permessage_deflate),
     .help = "Compress messages to clients that offer it (RFC 7692), once for all of them. An "
             "application can be left out with its own permessage_deflate = no."},
    {SECTION_SERVER, "drain_delay", KEY_SECONDS, 0, "0", IN_CONFIG(drain_delay), .max = 3600,
     .help =
         "At SIGTERM: how long to go on serving, not ready any more, before clients are closed."},
    {SECTION_SERVER, "drain_period", KEY_SECONDS, 0, "5", IN_CONFIG(drain_period), .max = 3600,
     .help = "At SIGTERM: over how long the closing of clients is spread, so that they do not come "
             "back at once."},

    {SECTION_IPC, "socket", KEY_TEXT, KEY_REQUIRED | KEY_RESTART, "/run/fanfare/fanfare.sock",
     IN_CONFIG(socket), .kind = &kind_socket,
     .help = "Path of the socket. Its directory must exist or be creatable. FANFARE_SOCKET sets it "
             "too."},
    {SECTION_IPC, "mode", KEY_MODE, KEY_RESTART, "0660", IN_CONFIG(mode), .max = 0777,
     .help = "Who may connect: permissions of the socket."},
    {SECTION_IPC, "group", KEY_TEXT, KEY_RESTART, "", IN_CONFIG(group), .kind = &kind_group,
     .help = "Group that the socket is given to, for example www-data. The daemon's user must be "
             "in it."},

    {SECTION_ADMIN, "listen", KEY_LIST, KEY_RESTART, "127.0.0.1:9601", IN_CONFIG(admin_listen),
     .kind = &kind_address, .help = "Addresses for metrics and health checks. Empty: none."},
    {SECTION_ADMIN, "socket", KEY_TEXT, KEY_REQUIRED | KEY_RESTART, "auto", IN_CONFIG(admin_socket),
     .kind = &kind_admin_socket,
     .help = "Path of the socket for fanfared ctl, for root and the daemon's own user only. auto: "
             "beside that of [ipc], /run/fanfare/fanfare-admin.sock. none: there is none."},
    {SECTION_ADMIN, "token", KEY_TEXT, 0, "", IN_CONFIG(admin_token), .kind = &kind_admin_token,
     .help = "Whoever has it may see names of channels and users at an address of listen, and "
             "change things, as with fanfared ctl: in the console, or by Authorization: Bearer "
             "TOKEN. Empty: root and the daemon's own user may, on this machine. Needed where "
             "listen has an address that is not loopback; none: nobody may there, and numbers are "
             "all that it serves."},

    {SECTION_TLS, "listen", KEY_LIST, KEY_RESTART, "", IN_CONFIG(tls_listen), .kind = &kind_address,
     .help = "Addresses for clients over TLS."},
    {SECTION_TLS, "certificate", KEY_LIST, 0, "", IN_CONFIG(tls_certificate), .kind = &kind_file,
     .help = "PEM files, each with a certificate and its chain. The one that has the name that a "
             "client "
             "asks for is chosen, else the first. A reload (SIGHUP) reads them again."},
    {SECTION_TLS, "key", KEY_LIST, 0, "", IN_CONFIG(tls_key), .kind = &kind_file,
     .help = "PEM files with the private keys, in the order of the certificates."},

    {SECTION_REDIS, "url", KEY_TEXT, 0, "", IN_CONFIG(redis.url), .kind = &kind_redis_url,
     .help = "The Redis that the nodes share. Empty, with neither sentinels nor cluster: this node "
             "stands alone. With one of them it has no host, and says what all servers have in "
             "common: redis://user:password@/0."},
    {SECTION_REDIS, "sentinels", KEY_LIST, 0, "", IN_CONFIG(redis.sentinels),
     .kind = &kind_sentinel,
     .help = "The Sentinels that know who is the master. One that wants a password gets that of "
             "url."},
    {SECTION_REDIS, "master", KEY_TEXT, 0, "", IN_CONFIG(redis.master), .kind = &kind_redis_master,
     .help = "The name by which the Sentinels know the master."},
    {SECTION_REDIS, "cluster", KEY_LIST, 0, "", IN_CONFIG(redis.cluster),
     .kind = &kind_cluster_node, .help = "Some nodes of a Redis Cluster, who tell of the others."},
    {SECTION_REDIS, "prefix", KEY_TEXT, KEY_RESTART, "fanfare", IN_CONFIG(redis.prefix),
     .kind = &kind_redis_prefix,
     .help = "Stands in front of the names of all keys, so that several services can share one "
             "Redis."},
    {SECTION_REDIS, "require", KEY_BOOL, 0, "no", IN_CONFIG(redis.require),
     .help = "yes: without Redis this node is not ready (/health/ready answers 503)."},
    {SECTION_REDIS, "connect_timeout", KEY_MOMENT, 0, "2", IN_CONFIG(redis.connect_timeout_ms),
     .min = 50, .max = 60000,
     .help = "How long it may take to connect to a server, with its greeting."},

    {SECTION_CLUSTER, "node", KEY_TEXT, KEY_RESTART, "", IN_CONFIG(cluster.node),
     .kind = &kind_node,
     .help =
         "The name of this node in logs, metrics and Redis' CLIENT LIST. Empty: the host's name "
         "and the process id."},
    {SECTION_CLUSTER, "lanes", KEY_COUNT, KEY_RESTART, "1", IN_CONFIG(cluster.lanes), .min = 1,
     .max = 64,
     .help = "Streams over which the channels are spread, the same number on every node. More "
             "than one is of use with a Redis Cluster."},
    {SECTION_CLUSTER, "resend_window", KEY_SECONDS, 0, "60", IN_CONFIG(cluster.resend_window),
     .min = 1, .max = 3600,
     .help = "How long a node keeps what it has written, to write it again after a fault of "
             "Redis."},
    {SECTION_CLUSTER, "resend_bytes", KEY_SIZE, 0, "64M", IN_CONFIG(cluster.resend_bytes),
     .min = MB, .max = 1024 * 1024 * MB, .help = "How much of it at most."},
    {SECTION_CLUSTER, "node_timeout", KEY_SECONDS, 0, "15", IN_CONFIG(cluster.node_timeout),
     .min = 1, .max = 3600,
     .help = "A node that was silent for so long, while Redis was not, is taken for dead and its "
             "members leave."},
    {SECTION_CLUSTER, "query_deadline", KEY_MOMENT, 0, "0.5", IN_CONFIG(cluster.query_deadline_ms),
     .min = 10, .max = 30000,
     .help = "How long other nodes are waited for when channels or members are asked for."},

    {SECTION_TRACE, "endpoint", KEY_TEXT, KEY_RESTART, "", IN_CONFIG(trace.endpoint),
     .kind = &kind_trace_endpoint,
     .help =
         "Where spans are sent to by OTLP over HTTP, for example http://127.0.0.1:4318. Without a "
         "path: /v1/traces. Empty: nothing is traced."},
    {SECTION_TRACE, "service", KEY_TEXT, KEY_REQUIRED | KEY_RESTART, "fanfared",
     IN_CONFIG(trace.service), .kind = &kind_node, .help = "The service.name of the spans."},
    {SECTION_TRACE, "headers", KEY_LIST, KEY_RESTART, "", IN_CONFIG(trace.headers),
     .kind = &kind_trace_header,
     .help = "Headers of every request to the collector, for example Authorization: Bearer TOKEN. "
             "They are never logged; a comma separates two."},
    {SECTION_TRACE, "ca_file", KEY_TEXT, KEY_RESTART, "", IN_CONFIG(trace.ca_file),
     .kind = &kind_file,
     .help =
         "PEM file with the certificates that the collector's may be signed by. Empty: those of "
         "the system, or of SSL_CERT_FILE."},
    {SECTION_TRACE, "sample", KEY_COUNT, KEY_RESTART, "0", IN_CONFIG(trace.sample), .max = MILLION,
     .help =
         "Of publishes without a traceparent one of so many is traced, 0: none. Those with one are "
         "traced when it says that they are sampled."},

    LIMIT(max_message_size, KEY_SIZE, "10K", 16 * MB,
          "A message from a client; over it the connection is closed with 1009."),
    LIMIT(max_event_size, KEY_SIZE, "100K", 15 * MB, "The data of one published event."),
    LIMIT(max_event_name, KEY_COUNT, "200", 65535, "Bytes of an event's name."),
    LIMIT(max_channel_name, KEY_COUNT, "200", 65535, "Bytes of a channel's name."),
    {SECTION_LIMITS, "max_channels_per_publish", KEY_COUNT, KEY_UNLIMITED, "100",
     IN_CONFIG(limits.max_channels_per_publish), .max = 10000,
     .help = "Channels of one publish through the HTTP API."},
    {SECTION_LIMITS, "max_batch", KEY_COUNT, KEY_UNLIMITED, "100", IN_CONFIG(limits.max_batch),
     .max = 10000, .help = "Events of one batch through the HTTP API."},
    LIMIT(max_channels_per_connection, KEY_COUNT, "1000", 65535,
          "Channels that one client may be subscribed to."),
    LIMIT(max_connections, KEY_COUNT, "0", 100 * MILLION,
          "Clients of the process; over it new ones are refused with 4100."),
    LIMIT(header_timeout, KEY_SECONDS, "10", DAY,
          "From the first byte of a request to the end of its head."),
    LIMIT(keepalive_timeout, KEY_SECONDS, "60", DAY, "How long an idle HTTP connection is kept."),
    LIMIT(activity_timeout, KEY_SECONDS, "30", DAY,
          "Told to clients: after so much silence they send a ping."),
    LIMIT(ping_interval, KEY_SECONDS, "40", DAY,
          "A client that was silent for so long is pinged. Keep it below what proxies in front "
          "allow."),
    LIMIT(pong_timeout, KEY_SECONDS, "30", DAY,
          "A client that does not answer a ping for so long is closed with 4201."),
    LIMIT(output_soft, KEY_SIZE, "256K", 1024 * MB,
          "Unsent bytes of a slow client that takes nothing for output_soft_seconds: closed."),
    LIMIT(output_soft_seconds, KEY_SECONDS, "10", DAY,
          "How long such a client may take nothing. 0: as long as it likes."),
    LIMIT(output_hard, KEY_SIZE, "8M", 1024 * MB, "Unsent bytes of a slow client: closed at once."),
    LIMIT(output_total, KEY_SIZE, "256M", 1024 * 1024 * MB,
          "Unsent bytes of all clients of a worker; over it the oldest backlog is closed first."),
    LIMIT(close_timeout, KEY_SECONDS, "5", 3600,
          "How long a connection that is being closed may take to answer."),
    LIMIT(mailbox_high, KEY_SIZE, "64M", 1024 * 1024 * MB,
          "Bytes waiting between two threads, over which reading from their sources pauses."),
    LIMIT(max_handshakes, KEY_COUNT, "4096", MILLION,
          "Connections of a worker that wait for a request head: unfinished handshakes, and HTTP "
          "connections kept alive."),
    {SECTION_LIMITS, "handshake_rate", KEY_COUNT, KEY_UNLIMITED, "0",
     IN_CONFIG(limits.handshake_rate), .max = MILLION,
     .help = "Handshakes a second from one address; more are refused with 429."},
    {SECTION_LIMITS, "webhook_queue", KEY_COUNT, 0, "10000", IN_CONFIG(limits.webhook_queue),
     .min = 1, .max = 10 * MILLION,
     .help = "Webhook events of an application that wait to be delivered; more are dropped and "
             "counted."},
    LIMIT(listen_queue, KEY_COUNT, "10000", 10 * MILLION,
          "Events that wait for a group of listeners; over it the oldest are dropped and counted, "
          "and the group is told."),
    LIMIT(listen_queue_size, KEY_SIZE, "16M", 1024 * 1024 * MB,
          "Bytes that the events of a group occupy, likewise."),
    LIMIT(listen_groups, KEY_COUNT, "100", MILLION,
          "Groups of listeners of an application; a listener without a group is one."),
    LIMIT(listen_group_ttl, KEY_SECONDS, "86400", 365 * 86400,
          "How long a group without listeners is kept, with the events that wait for it."),

    {SECTION_APP, "key", KEY_TEXT, KEY_REQUIRED, "", IN_APP(key), .kind = &kind_app_key,
     .help = "Public key, which clients connect with (REVERB_APP_KEY, PUSHER_APP_KEY)."},
    {SECTION_APP, "secret", KEY_TEXT, KEY_REQUIRED, "", IN_APP(secret), .kind = &kind_secret,
     .help = "Signs publishers and channel authorizations. Never leaves the servers."},
    {SECTION_APP, "enabled", KEY_BOOL, 0, "yes", IN_APP(enabled),
     .help = "no: clients and publishers are refused with a reason."},
    {SECTION_APP, "allowed_origins", KEY_LIST, 0, "*", IN_APP(allowed_origins),
     .kind = &kind_origin,
     .help = "Web sites and apps whose pages may connect. *: all. docs/security.md lists what apps "
             "send."},
    {SECTION_APP, "allow_missing_origin", KEY_BOOL, 0, "yes", IN_APP(allow_missing_origin),
     .help = "Whether clients that send no Origin, such as mobile apps, may connect."},
    {SECTION_APP, "client_events", KEY_CHOICE, 0, "members", IN_APP(client_events),
     .choices = client_events,
     .help = "Who may send client events (whispers): members of private and presence channels, "
             "nobody, or subscribers of public channels too."},
    {SECTION_APP, "client_event_rate", KEY_COUNT, KEY_UNLIMITED, "10", IN_APP(client_event_rate),
     .max = MILLION,
     .help = "Client events a second from one connection; more are refused with 4301."},
    {SECTION_APP, "max_connections", KEY_COUNT, KEY_UNLIMITED, "0", IN_APP(max_connections),
     .max = 100 * MILLION,
     .help = "Clients of this application; over it new ones are refused with 4004."},
    {SECTION_APP, "message_rate", KEY_COUNT, KEY_UNLIMITED, "0", IN_APP(message_rate),
     .max = MILLION,
     .help = "Messages a second from one connection, pings and subscriptions included; more are "
             "refused with 4301."},
    {SECTION_APP, "message_rate_terminate", KEY_BOOL, 0, "no", IN_APP(message_rate_terminate),
     .help = "yes: who goes over message_rate is disconnected with 4301."},
    {SECTION_APP, "max_message_size", KEY_SIZE, KEY_UNLIMITED, "0", IN_APP(max_message_size),
     .max = 16 * MB, .help = "As in [limits], for this application: the smaller one counts."},
    {SECTION_APP, "max_event_size", KEY_SIZE, KEY_UNLIMITED, "0", IN_APP(max_event_size),
     .max = 15 * MB, .help = "As in [limits], for this application: the smaller one counts."},
    {SECTION_APP, "max_channel_name", KEY_COUNT, KEY_UNLIMITED, "0", IN_APP(max_channel_name),
     .max = 65535, .help = "As in [limits], for this application: the smaller one counts."},
    {SECTION_APP, "max_channels_per_connection", KEY_COUNT, KEY_UNLIMITED, "0",
     IN_APP(max_channels_per_connection), .max = 65535,
     .help = "As in [limits], for this application: the smaller one counts."},
    {SECTION_APP, "max_presence_members", KEY_COUNT, KEY_UNLIMITED, "0",
     IN_APP(max_presence_members), .max = MILLION,
     .help = "Users of one presence channel (Pusher: 100)."},
    {SECTION_APP, "max_user_info_size", KEY_SIZE, KEY_UNLIMITED, "0", IN_APP(max_user_info_size),
     .max = 16 * MB, .help = "Bytes of a presence member's user_info (Pusher: 1K)."},
    {SECTION_APP, "permessage_deflate", KEY_BOOL, 0, "yes", IN_APP(permessage_deflate),
     .help = "no: leaves this application out when [server] permessage_deflate is on."},
    {SECTION_APP, "cache_ttl", KEY_SECONDS, KEY_UNLIMITED, "1800", IN_APP(cache_ttl),
     .max = 365 * DAY, .help = "How long a cache channel keeps its last event."},
    {SECTION_APP, "cache_max", KEY_SIZE, KEY_UNLIMITED, "64M", IN_APP(cache_max),
     .max = 1024 * 1024 * MB, .help = "Bytes of all cached events of this application."},
    {SECTION_APP, "user_authentication", KEY_BOOL, 0, "yes", IN_APP(user_authentication),
     .help = "Whether clients may sign in as users."},
    {SECTION_APP, "watchlist", KEY_BOOL, 0, "no", IN_APP(watchlist),
     .help = "Whether signed-in users are told when users on their watchlist come and go."},
    {SECTION_APP, "subscription_count", KEY_BOOL, 0, "no", IN_APP(subscription_count),
     .help = "Whether subscribers are told how many they are."},
    {SECTION_APP, "control", KEY_BOOL, 0, "no", IN_APP(control),
     .help =
         "yes: a publisher of this application may stop, restart and reload the daemon (artisan "
         "fanfare:stop and so on), whatever user it runs as. Otherwise that is for the daemon's "
         "own user and root."},
    {SECTION_APP, "webhook_url", KEY_TEXT, 0, "", IN_APP(webhook_url), .kind = &kind_webhook,
     .help = "Where webhooks are sent."},
    {SECTION_APP, "webhook_events", KEY_LIST, 0,
     "channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss, "
     "subscription_count",
     IN_APP(webhook_events), .kind = &kind_webhook_event, .help = "Which webhooks are sent."},
};

const size_t config_keys_count = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX,
               "raise CONFIG_KEYS_MAX");

const struct config_key *config_key_find(enum config_section section, const char *name)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].section == section && strcmp(config_keys[i].name, name) == 0) {
            return &config_keys[i];
        }
    }
    return NULL;
}

bool config_section_find(const char *name, enum config_section *out)
{
    for (int i = 0; i < SECTION_APP; i++) {
        if (strcmp(section_infos[i].name, name) == 0) {
            *out = (enum config_section)i;
            return true;
        }
    }
    return false;
}

/* The largest unit that leaves no remainder, as a size is written in a file. */
static void config_print_size(uint64_t bytes, char *out, size_t size)
{
    if (bytes > 0 && bytes % MB == 0) {
        snprintf(out, size, "%lluM", (unsigned long long)(bytes / MB));
    } else if (bytes > 0 && bytes % KB == 0) {
        snprintf(out, size, "%lluK", (unsigned long long)(bytes / KB));
    } else {
        snprintf(out, size, "%llu", (unsigned long long)bytes);
    }
}

void config_key_allowed(const struct config_key *key, char *out, size_t size)
{
    unsigned long long min = key->min, max = key->max;
    char most[32];

    switch (key->type) {
    case KEY_TEXT:
        snprintf(out, size, "%s%s", key->kind->allowed,
                 (key->flags & KEY_REQUIRED) != 0 ? "" : ", or empty");
        return;
    case KEY_LIST:
        snprintf(out, size, "a list of %s", key->kind->allowed);
        return;
    case KEY_BOOL:
        snprintf(out, size, "yes or no");
        return;
    case KEY_CHOICE: {
        size_t len = 0;
        out[0] = '\0';
        for (size_t i = 0; key->choices[i] != NULL && len < size; i++) {
            const char *glue = i == 0 ? "" : key->choices[i + 1] == NULL ? " or " : ", ";
            len += (size_t)snprintf(out + len, size - len, "%s%s", glue, key->choices[i]);
        }
        return;
    }
    case KEY_COUNT:
        snprintf(out, size, "a number from %llu to %llu", min, max);
        return;
    case KEY_SECONDS:
        snprintf(out, size, "a number of seconds from %llu to %llu", min, max);
        return;
    case KEY_MOMENT:
        snprintf(out, size, "a number of seconds such as 2 or 0.5, from %g to %g",
                 (double)min / 1000, (double)max / 1000);
        return;
    case KEY_SIZE:
        config_print_size(key->max, most, sizeof(most));
        snprintf(out, size, "a size such as 512, 64K or 8M, from %llu to %s", min, most);
        return;
    case KEY_WORKERS:
        snprintf(out, size, "auto or a number from %llu to %llu", min, max);
        return;
    case KEY_MODE:
        snprintf(out, size, "an octal number from 0 to 0777, such as 0660");
        return;
    }
}

static void *config_key_field(const struct config_key *key, void *base)
{
    return (char *)base + key->offset;
}

static char *config_trimmed(const char *text, size_t len)
{
    while (len > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        len--;
    }
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    return mem_strndup(text, len);
}

/* Shows a value in a message only when it can hold no credentials. */
static void config_key_explain(const struct config_key *key, const char *value, char *why,
                               size_t size)
{
    char allowed[512];
    bool shown = key->kind != &kind_app_key && key->kind != &kind_secret &&
                 key->kind != &kind_redis_url && key->kind != &kind_webhook &&
                 key->kind != &kind_admin_token && key->kind != &kind_trace_endpoint &&
                 key->kind != &kind_trace_header;
    /* Where a URL with a password is put by mistake. */
    bool url = (key->kind == &kind_sentinel || key->kind == &kind_cluster_node) &&
               strchr(value, '@') != NULL;

    config_key_allowed(key, allowed, sizeof(allowed));
    if (shown && !url && strlen(value) <= 200) {
        snprintf(why, size, "must be %s, not \"%s\"", allowed, value);
    } else {
        snprintf(why, size, "must be %s", allowed);
    }
}

static int config_key_set_list(const struct config_key *key, void *base, const char *value,
                               bool append, char *why, size_t why_size)
{
    struct text_list *list = config_key_field(key, base);
    struct text_list items = {NULL, 0};

    for (const char *at = value; *value != '\0';) {
        size_t len = strcspn(at, ",");
        char *text = config_trimmed(at, len);
        char *item = *text == '\0' ? NULL : key->kind->take(text);

        if (item == NULL) {
            if (*text == '\0') {
                snprintf(why, why_size, "has an empty entry between commas");
            } else {
                config_key_explain(key, text, why, why_size);
            }
            mem_free(text);
            list_clear(&items);
            return -1;
        }
        mem_free(text);
        list_add(&items, item);
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    if (items.count == 0 && (key->flags & KEY_REQUIRED) != 0) {
        char allowed[512];
        config_key_allowed(key, allowed, sizeof(allowed));
        snprintf(why, why_size, "must not be empty: it must be %s", allowed);
        return -1;
    }
    if (!append) {
        list_clear(list);
    }
    for (size_t i = 0; i < items.count; i++) {
        list_add(list, items.items[i]);
    }
    mem_free(items.items);
    return 0;
}

static int config_key_set_text(const struct config_key *key, void *base, const char *value)
{
    char **slot = config_key_field(key, base);
    char *text;

    if (*value == '\0' && (key->flags & KEY_REQUIRED) == 0) {
        text = mem_strndup("", 0);
    } else {
        text = *value == '\0' ? NULL : key->kind->take(value);
    }
    if (text == NULL) {
        return -1;
    }
    mem_free(*slot);
    *slot = text;
    return 0;
}

static int config_key_set_number(const struct config_key *key, void *base, const char *value)
{
    uint64_t number;
    bool fine = key->type == KEY_SIZE     ? value_size(value, &number)
                : key->type == KEY_MOMENT ? value_moment(value, &number)
                                          : value_number(value, &number);

    if (!fine || number < key->min || number > key->max) {
        return -1;
    }
    if (key->type == KEY_WORKERS) {
        *(uint32_t *)config_key_field(key, base) = (uint32_t)number;
    } else {
        *(uint64_t *)config_key_field(key, base) = number;
    }
    return 0;
}

int config_key_set(const struct config_key *key, void *base, const char *value, bool append,
                   char *why, size_t why_size)
{
    unsigned int choice;
    int result = -1;

    switch (key->type) {
    case KEY_LIST:
        return config_key_set_list(key, base, value, append, why, why_size);
    case KEY_TEXT:
        result = config_key_set_text(key, base, value);
        break;
    case KEY_BOOL:
        result = value_bool(value, config_key_field(key, base)) ? 0 : -1;
        break;
    case KEY_MODE:
        result = value_mode(value, config_key_field(key, base)) ? 0 : -1;
        break;
    case KEY_CHOICE:
        if (value_choice(value, key->choices, &choice)) {
            memcpy(config_key_field(key, base), &choice, sizeof(choice));
            result = 0;
        }
        break;
    case KEY_WORKERS:
        if (strcmp(value, "auto") == 0) {
            *(uint32_t *)config_key_field(key, base) = 0;
            return 0;
        }
        result = config_key_set_number(key, base, value);
        break;
    case KEY_COUNT:
    case KEY_SECONDS:
    case KEY_MOMENT:
    case KEY_SIZE:
        result = config_key_set_number(key, base, value);
        break;
    }
    if (result != 0) {
        if (*value == '\0') {
            char allowed[512];
            config_key_allowed(key, allowed, sizeof(allowed));
            snprintf(why, why_size, "must not be empty: it must be %s%s", allowed,
                     key->section == SECTION_APP ? "; make one up: openssl rand -hex 16" : "");
        } else {
            config_key_explain(key, value, why, why_size);
        }
    }
    return result;
}

void config_key_free(const struct config_key *key, void *base)
{
    if (key->type == KEY_LIST) {
        list_clear(config_key_field(key, base));
    } else if (key->type == KEY_TEXT) {
        char **slot = config_key_field(key, base);
        mem_free(*slot);
        *slot = NULL;
    }
}

void config_key_reset(const struct config_key *key, void *base)
{
    char why[1024];

    config_key_free(key, base);
    if (key->type == KEY_TEXT && *key->initial == '\0') {
        /* A required text has no default: empty until it is set, which the loader checks. */
        *(char **)config_key_field(key, base) = mem_strndup("", 0);
        return;
    }
    check(config_key_set(key, base, key->initial, false, why, sizeof(why)) == 0);
}

static bool config_lists_equal(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool config_key_equal(const struct config_key *key, const void *base, const void *other)
{
    const void *a = (const char *)base + key->offset, *b = (const char *)other + key->offset;
    switch (key->type) {
    case KEY_LIST:
        return config_lists_equal(a, b);
    case KEY_TEXT:
        return strcmp(*(char *const *)a, *(char *const *)b) == 0;
    case KEY_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case KEY_CHOICE:
        return memcmp(a, b, sizeof(unsigned int)) == 0;
    case KEY_WORKERS:
    case KEY_MODE:
        return *(const uint32_t *)a == *(const uint32_t *)b;
    case KEY_COUNT:
    case KEY_SECONDS:
    case KEY_MOMENT:
    case KEY_SIZE:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    }
    return false;
}
