/*
 * Counters: one struct per loop, written by its own thread alone, read by anyone. The hub sums them
 * when asked.
 *
 * To add one: a line in COUNTERS. The name is the Prometheus name without its prefix; the label
 * part, if any, follows it. Nothing is reset.
 */
#ifndef FF_BASE_COUNTERS_H
#define FF_BASE_COUNTERS_H

#include <stdint.h>

#include "base/histogram.h"

/* X(symbol, metric, labels, help): lines with the same metric stand together. */
#define COUNTERS(X)                                                                                \
    X(CONNECTIONS_OPENED, "connections_opened_total", "",                                          \
      "WebSocket connections that were established")                                               \
    X(CONNECTIONS_CLOSED, "connections_closed_total", "", "WebSocket connections that ended")      \
    X(ACCEPTED, "accepted_total", "", "Sockets accepted on the public listeners")                  \
    X(ACCEPT_RESTS, "accept_rests_total", "",                                                      \
      "Times a listener rested because descriptors were used up")                                  \
    X(MESSAGES_IN, "messages_received_total", "", "Messages received from clients")                \
    X(MESSAGES_OUT, "messages_sent_total", "", "Messages queued to clients")                       \
    X(BYTES_IN, "bytes_received_total", "", "Bytes received from clients")                         \
    X(BYTES_OUT, "bytes_sent_total", "", "Bytes that the kernel took for clients")                 \
    X(UNPACKED, "messages_received_compressed_total", "",                                          \
      "Compressed messages received from clients")                                                 \
    X(PACKED_OUT, "messages_sent_compressed_total", "", "Messages queued to clients compressed")   \
    X(PACKED, "messages_compressed_total", "", "Messages compressed, once for all who get them")   \
    X(PACKED_BEFORE, "compression_input_bytes_total", "",                                          \
      "Bytes of the messages that were compressed, before that")                                   \
    X(PACKED_AFTER, "compression_output_bytes_total", "",                                          \
      "Bytes of the messages that were compressed, behind it")                                     \
    X(PUBLISHED_IPC, "published_total", "door=\"ipc\"",                                            \
      "Broadcasts taken, by the door they came through")                                           \
    X(PUBLISHED_HTTP, "published_total", "door=\"http\"",                                          \
      "Broadcasts taken, by the door they came through")                                           \
    X(PUBLISHED_CLIENT, "published_total", "door=\"client\"",                                      \
      "Broadcasts taken, by the door they came through")                                           \
    X(PUBLISH_DUPLICATE, "publish_duplicates_total", "",                                           \
      "Publishes answered with an earlier receipt")                                                \
    X(PUBLISH_REJECTED, "publish_rejected_total", "", "Publishes refused with a reason")           \
    X(SUBSCRIBED, "subscriptions_total", "", "Subscriptions that succeeded")                       \
    X(SUBSCRIBE_REFUSED, "subscriptions_refused_total", "", "Subscriptions that were refused")     \
    X(CLIENT_EVENT_REFUSED, "client_events_refused_total", "", "Client events that were refused")  \
    X(LIMIT_MESSAGE_SIZE, "limits_reached_total", "limit=\"max_message_size\"",                    \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_MESSAGE_RATE, "limits_reached_total", "limit=\"message_rate\"",                        \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_CLIENT_EVENT_RATE, "limits_reached_total", "limit=\"client_event_rate\"",              \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_EVENT_SIZE, "limits_reached_total", "limit=\"max_event_size\"",                        \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_EVENT_NAME, "limits_reached_total", "limit=\"max_event_name\"",                        \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_CHANNEL_NAME, "limits_reached_total", "limit=\"max_channel_name\"",                    \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_CHANNELS_PER_PUBLISH, "limits_reached_total", "limit=\"max_channels_per_publish\"",    \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_BATCH, "limits_reached_total", "limit=\"max_batch\"",                                  \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_CHANNELS, "limits_reached_total", "limit=\"max_channels_per_connection\"",             \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_MEMBERS, "limits_reached_total", "limit=\"max_presence_members\"",                     \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_USER_INFO, "limits_reached_total", "limit=\"max_user_info_size\"",                     \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(LIMIT_WATCHLIST, "limits_reached_total", "limit=\"watchlist\"",                              \
      "What was refused for a limit on its size, number or rate, by limit")                        \
    X(BAD_HTTP, "bad_input_total", "kind=\"http\"", "Input refused, by kind")                      \
    X(BAD_HANDSHAKE, "bad_input_total", "kind=\"handshake\"", "Input refused, by kind")            \
    X(BAD_FRAME, "bad_input_total", "kind=\"frame\"", "Input refused, by kind")                    \
    X(BAD_MESSAGE, "bad_input_total", "kind=\"message\"", "Input refused, by kind")                \
    X(BAD_PROXY, "bad_input_total", "kind=\"proxy\"", "Input refused, by kind")                    \
    X(BAD_IPC, "bad_input_total", "kind=\"ipc\"", "Input refused, by kind")                        \
    X(BAD_TLS, "bad_input_total", "kind=\"tls\"", "Input refused, by kind")                        \
    X(TLS_HANDSHAKES, "tls_handshakes_total", "", "TLS handshakes that succeeded")                 \
    X(TLS_RESUMED, "tls_resumed_total", "", "Those among them that resumed an earlier session")    \
    X(TLS_HTTP, "tls_failed_total", "reason=\"http\"", "TLS handshakes that failed, by reason")    \
    X(TLS_UNSUPPORTED, "tls_failed_total", "reason=\"unsupported\"",                               \
      "TLS handshakes that failed, by reason")                                                     \
    X(TLS_REJECTED, "tls_failed_total", "reason=\"rejected\"",                                     \
      "TLS handshakes that failed, by reason")                                                     \
    X(TLS_ENDED, "tls_failed_total", "reason=\"ended\"", "TLS handshakes that failed, by reason")  \
    X(TLS_MALFORMED, "tls_failed_total", "reason=\"malformed\"",                                   \
      "TLS handshakes that failed, by reason")                                                     \
    X(API_REQUESTS, "api_requests_total", "", "Requests of the HTTP API")                          \
    X(API_UNAUTHORIZED, "api_refused_total", "reason=\"unauthorized\"",                            \
      "Requests of the HTTP API refused, by reason")                                               \
    X(API_INVALID, "api_refused_total", "reason=\"invalid\"",                                      \
      "Requests of the HTTP API refused, by reason")                                               \
    X(API_OVERLOADED, "api_refused_total", "reason=\"overloaded\"",                                \
      "Requests of the HTTP API refused, by reason")                                               \
    X(HELD_IPC, "flow_held_total", "door=\"ipc\"",                                                 \
      "Times that a source was held back because threads had too much to do, by door")             \
    X(HELD_CLIENT, "flow_held_total", "door=\"client\"",                                           \
      "Times that a source was held back because threads had too much to do, by door")             \
    X(HELD_JOIN, "flow_held_total", "door=\"join\"",                                               \
      "Times that a source was held back because threads had too much to do, by door")             \
    X(HELD_UNREAD, "flow_held_total", "door=\"unread\"",                                           \
      "Times that a source was held back because threads had too much to do, by door")             \
    X(REFUSED_APP, "handshakes_refused_total", "reason=\"app\"", "Handshakes refused, by reason")  \
    X(REFUSED_PROTOCOL, "handshakes_refused_total", "reason=\"protocol\"",                         \
      "Handshakes refused, by reason")                                                             \
    X(REFUSED_ORIGIN, "handshakes_refused_total", "reason=\"origin\"",                             \
      "Handshakes refused, by reason")                                                             \
    X(REFUSED_QUOTA, "handshakes_refused_total", "reason=\"quota\"",                               \
      "Handshakes refused, by reason")                                                             \
    X(REFUSED_CAPACITY, "handshakes_refused_total", "reason=\"capacity\"",                         \
      "Handshakes refused, by reason")                                                             \
    X(REFUSED_RATE, "handshakes_refused_total", "reason=\"rate\"",                                 \
      "Handshakes refused, by reason")                                                             \
    X(DROPPED_OUTPUT_HARD, "slow_consumers_total", "limit=\"output_hard\"",                        \
      "Slow consumers closed, by limit")                                                           \
    X(DROPPED_OUTPUT_SOFT, "slow_consumers_total", "limit=\"output_soft\"",                        \
      "Slow consumers closed, by limit")                                                           \
    X(DROPPED_OUTPUT_TOTAL, "slow_consumers_total", "limit=\"output_total\"",                      \
      "Slow consumers closed, by limit")                                                           \
    X(TIMEOUT_HEAD, "timeouts_total", "kind=\"head\"", "Connections ended by a time-out, by kind") \
    X(TIMEOUT_PONG, "timeouts_total", "kind=\"pong\"", "Connections ended by a time-out, by kind") \
    X(TIMEOUT_CLOSE, "timeouts_total", "kind=\"close\"",                                           \
      "Connections ended by a time-out, by kind")                                                  \
    X(ADMIN_ACCEPTED, "admin_accepted_total", "", "Connections accepted on the admin listener")    \
    X(ADMIN_REFUSED, "admin_refused_total", "",                                                    \
      "Requests of the operator's interface refused: no token, a wrong one, another site's page")  \
    X(CONSOLE_SAMPLED, "console_samples_total", "",                                                \
      "Messages and announcements that were noted for consoles; none while nobody looks")          \
    X(CONSOLE_SKIPPED, "console_skipped_total", "",                                                \
      "Seconds that a console was not told of, because it had not read what came before")          \
    X(IPC_ACCEPTED, "ipc_accepted_total", "", "Publisher connections accepted")                    \
    X(IPC_REFUSED, "ipc_refused_total", "", "Publisher connections refused at their hello")        \
    X(IPC_FRAMES, "ipc_frames_total", "", "Frames received from publishers")                       \
    X(IPC_UNCONFIRMED, "ipc_unconfirmed_total", "",                                                \
      "Publishes to be acknowledged by the cluster whose time was over before")                    \
    X(IPC_QUERY_REFUSED, "ipc_queries_refused_total", "",                                          \
      "Queries and terminations of publishers refused with a reason")                              \
    X(WEBHOOK_REQUESTS, "webhook_requests_total", "", "Requests to webhook endpoints")             \
    X(WEBHOOK_FAILED, "webhook_requests_failed_total", "",                                         \
      "Requests to webhook endpoints without an answer of 2xx")                                    \
    X(WEBHOOK_RETRIED, "webhook_requests_retried_total", "",                                       \
      "Requests to webhook endpoints that repeated one that failed")                               \
    X(WEBHOOK_SENT, "webhook_events_sent_total", "", "Webhook events that were delivered")         \
    X(WEBHOOK_DROPPED_FULL, "webhook_events_dropped_total", "reason=\"queue\"",                    \
      "Webhook events that were never delivered, by reason")                                       \
    X(WEBHOOK_DROPPED_EXPIRED, "webhook_events_dropped_total", "reason=\"expired\"",               \
      "Webhook events that were never delivered, by reason")                                       \
    X(WEBHOOK_DROPPED_ENDED, "webhook_events_dropped_total", "reason=\"ended\"",                   \
      "Webhook events that were never delivered, by reason")                                       \
    X(LISTEN_EVENTS, "listen_events_total", "", "Events that some group of listeners wanted")      \
    X(LISTEN_DELIVERED, "listen_deliveries_total", "", "Events sent to listeners")                 \
    X(LISTEN_REDELIVERED, "listen_redeliveries_total", "",                                         \
      "Those among them that were not the first attempt")                                          \
    X(LISTEN_SETTLED, "listen_settled_total", "", "Events that a listener has dealt with")         \
    X(LISTEN_LOST, "listen_lost_total", "",                                                        \
      "Events that a group of listeners never got: its queue was full, or it was away too long")   \
    X(TRACEPARENT_INVALID, "traceparent_invalid_total", "",                                        \
      "Publishes whose traceparent was none, and was ignored")                                     \
    X(SPANS_EXPORTED, "trace_spans_exported_total", "", "Spans that the collector has taken")      \
    X(SPANS_DROPPED_QUEUE, "trace_spans_dropped_total", "reason=\"queue\"",                        \
      "Spans that were never exported, by reason")                                                 \
    X(SPANS_DROPPED_COLLECTOR, "trace_spans_dropped_total", "reason=\"collector\"",                \
      "Spans that were never exported, by reason")                                                 \
    X(RELOADS, "config_reloads_total", "result=\"ok\"", "Configuration reloads, by result")        \
    X(RELOADS_FAILED, "config_reloads_total", "result=\"failed\"",                                 \
      "Configuration reloads, by result")                                                          \
    X(CLOSED_REMOVED, "reload_closed_total", "reason=\"removed\"",                                 \
      "Connections that a reload closed, by reason")                                               \
    X(CLOSED_DISABLED, "reload_closed_total", "reason=\"disabled\"",                               \
      "Connections that a reload closed, by reason")                                               \
    X(CLOSED_PUBLISHER, "reload_closed_total", "reason=\"publisher\"",                             \
      "Connections that a reload closed, by reason")

enum counter {
#define COUNTERS_ENUM(symbol, metric, labels, help) COUNTER_##symbol,
    COUNTERS(COUNTERS_ENUM)
#undef COUNTERS_ENUM
        COUNTER_MAX
};

/* Own cache lines, so that two loops never share one. */
struct counters {
    _Alignas(64) _Atomic uint64_t values[COUNTER_MAX];
    /* By application, see histogram_place(). */
    struct histogram histograms[HISTOGRAM_MAX][HISTOGRAM_APPS + 1];
};

struct counter_info {
    const char *metric, *labels, *help;
};
extern const struct counter_info counter_infos[COUNTER_MAX];

/* Only by the thread that owns the struct: a plain load, add and store. */
static inline void counter_add(struct counters *counters, enum counter counter, uint64_t n)
{
    uint64_t now = __atomic_load_n((uint64_t *)&counters->values[counter], __ATOMIC_RELAXED);
    __atomic_store_n((uint64_t *)&counters->values[counter], now + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_get(const struct counters *counters, enum counter counter)
{
    return __atomic_load_n((const uint64_t *)&counters->values[counter], __ATOMIC_RELAXED);
}

#endif
