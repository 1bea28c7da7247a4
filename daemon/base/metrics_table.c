#include "base/metrics.h"

#define SECTION(title)                                                                             \
    {                                                                                              \
        METRIC_SECTION, NULL, "", title, ""                                                        \
    }
#define COUNTED(name, worry)                                                                       \
    {                                                                                              \
        METRIC_COUNTED, "fanfare_" name, "", NULL, worry                                           \
    }
#define COUNTER(name, labels, help, worry)                                                         \
    {                                                                                              \
        METRIC_COUNTER, name, labels, help, worry                                                  \
    }
#define GAUGE(name, labels, help, worry)                                                           \
    {                                                                                              \
        METRIC_GAUGE, name, labels, help, worry                                                    \
    }
#define TIMES(name, labels, help, worry)                                                           \
    {                                                                                              \
        METRIC_HISTOGRAM, name, labels, help, worry                                                \
    }

const struct metric metric_table[] = {
    SECTION("Clients"),
    GAUGE("fanfare_connections", "", "Established WebSocket connections",
          "A sudden fall: a proxy or the network ended them; look at its log first. Near "
          "`process_max_fds`: raise `LimitNOFILE`."),
    GAUGE("fanfare_app_connections", "app", "Established WebSocket connections, by application",
          "Near the application's `max_connections`: clients will be refused with 4004."),
    GAUGE("fanfare_channels", "", "Occupied channels", ""),
    COUNTED("connections_opened_total",
            "Many more than usual while `fanfare_connections` stays level: clients come and go; "
            "look at `fanfare_timeouts_total` and at the proxy's time-outs."),
    COUNTED("connections_closed_total", ""),
    COUNTED("accepted_total", ""),
    COUNTED("accept_rests_total", "Any: descriptors are used up and clients wait in the kernel. "
                                  "Raise `LimitNOFILE` (`ulimit -n`)."),
    COUNTED("handshakes_refused_total",
            "`app`: a wrong key in a front end. `origin`: `allowed_origins` lacks a host. `quota`, "
            "`capacity`: a limit is reached. `rate`: one address asks too often, which may be a "
            "proxy that is missing in `trusted_proxies`."),
    COUNTED("timeouts_total", "`pong`: clients vanish without a word, as phones do; a jump is a "
                              "network or proxy that failed. `head`: slow or idle scanners."),
    COUNTED("slow_consumers_total",
            "More than a few an hour: events are larger or more frequent than clients can take. "
            "Send less to each, or raise `output_hard` and `output_total`."),
    COUNTED("reload_closed_total", ""),
    SECTION("Messages"),
    COUNTED("published_total", "None for long while the site is used: PHP does not reach the "
                               "daemon; look for `fanfare_ipc_refused_total` and PHP's log."),
    COUNTED("publish_duplicates_total", "Some are normal: repeated after a lost connection. Many: "
                                        "connections between PHP and the daemon break."),
    COUNTED("publish_rejected_total", "Any: an application publishes what is not allowed; the "
                                      "exception in PHP's log names it."),
    COUNTED("messages_received_total", ""),
    COUNTED("messages_sent_total", ""),
    COUNTED("bytes_received_total", ""),
    COUNTED("bytes_sent_total", ""),
    COUNTED("messages_received_compressed_total", ""),
    COUNTED("messages_sent_compressed_total", ""),
    COUNTED("messages_compressed_total", ""),
    COUNTED("compression_input_bytes_total", ""),
    COUNTED("compression_output_bytes_total", "Not well below the input: the events do not "
                                              "compress, and the setting costs time for nothing."),
    COUNTED("subscriptions_total", ""),
    COUNTED("subscriptions_refused_total", "Many: the secret that signs differs from the "
                                           "daemon's, or clients subscribe to what they may not."),
    COUNTED("client_events_refused_total", ""),
    COUNTED("limits_reached_total", "The label is the key to raise, if what was refused was meant "
                                    "to pass; see [limits.md](limits.md)."),
    COUNTED("bad_input_total",
            "`ipc`: something else speaks to the publishers' socket. `proxy`: `trusted_proxies` "
            "names an address that does not send the header. The rest are scanners mostly."),
    SECTION("How long it takes"),
    TIMES("fanfare_publish_delivery_seconds", "app",
          "From a broadcast being taken in until the flush has written to all subscribers' "
          "sockets, once for each channel and worker with subscribers",
          "The 99th percentile above 0.1 s: the node has more to write than its cores can; see "
          "`fanfare_turn_seconds`, and add workers or nodes."),
    TIMES("fanfare_ipc_answer_seconds", "app",
          "From reading a frame of PHP until its answer was written: the part of PHP's wait that "
          "the daemon has a hand in",
          "The 99th percentile above 0.05 s: the hub is busy, or, with `fanfare.ack = cluster`, "
          "Redis is slow; requests in PHP take that much longer."),
    TIMES("fanfare_turn_seconds", "",
          "One turn of a loop: read, route, write; everybody else on that loop waits for it",
          "The 99th percentile above 0.05 s: one thread has too much to do, or the machine gives "
          "it no core (`process_cpu_seconds_total` says which). Raise `workers`."),
    COUNTED("flow_held_total", "Grows steadily: more comes in than threads can handle. `ipc` and "
                               "`join`: add workers; `unread`: a publisher does not read answers."),
    SECTION("PHP"),
    COUNTED("ipc_accepted_total", "As many as requests: PHP connects anew each time; workers that "
                                  "live for one request do."),
    COUNTED("ipc_refused_total", "Any: a wrong secret or application in some `.env`; the log names "
                                 "the process."),
    COUNTED("ipc_frames_total", ""),
    COUNTED("ipc_unconfirmed_total", "Any: Redis did not confirm in time; the publish may be known "
                                     "to this node's clients alone. Look at `fanfare_redis_up`."),
    COUNTED("ipc_queries_refused_total", ""),
    SECTION("Listeners"),
    GAUGE("fanfare_listen_groups", "app", "Groups of listeners, by application", ""),
    GAUGE("fanfare_listeners", "app", "Connections that listen, by application",
          "0 where a worker should run: it is gone; start it again."),
    GAUGE("fanfare_listen_events_waiting", "app",
          "Events that are not settled, summed over the groups of an application",
          "Grows: listeners are too few, too slow or gone."),
    COUNTED("listen_events_total", ""),
    COUNTED("listen_deliveries_total", ""),
    COUNTED("listen_redeliveries_total", "Grows: listeners do not settle in time, or end before."),
    COUNTED("listen_settled_total", ""),
    COUNTED("listen_lost_total", "Any: raise `listen_queue` or `listen_group_ttl`, or add "
                                 "listeners."),
    SECTION("Webhooks"),
    GAUGE("fanfare_webhook_events_waiting", "", "Webhook events that wait to be delivered",
          "Grows: the endpoint fails or is slow; see [webhooks.md](webhooks.md)."),
    COUNTED("webhook_events_sent_total", ""),
    COUNTED("webhook_events_dropped_total", "Any: the application never hears of these. `queue`: "
                                            "raise `webhook_queue`; `expired`: mend the endpoint."),
    COUNTED("webhook_requests_total", ""),
    COUNTED("webhook_requests_failed_total", "A large part of all: the log has the endpoint's "
                                             "status."),
    COUNTED("webhook_requests_retried_total", ""),
    SECTION("HTTP API"),
    COUNTED("api_requests_total", ""),
    COUNTED("api_refused_total", "`unauthorized`: a wrong secret or a wrong clock. `invalid`: the "
                                 "answer says what. `overloaded`: as `fanfare_flow_held_total`."),
    SECTION("TLS"),
    COUNTED("tls_handshakes_total", ""),
    COUNTED("tls_resumed_total", ""),
    COUNTED("tls_failed_total", "`rejected`: clients do not trust the certificate, which may have "
                                "expired or lack its chain. `http`: a proxy speaks plain HTTP to "
                                "the TLS port."),
    SECTION("The daemon"),
    GAUGE("fanfare_build_info", "version", "The version that runs",
          "Several at once for longer than a rolling release takes."),
    GAUGE("fanfare_workers", "", "Worker loops", ""),
    GAUGE("fanfare_draining", "", "1 while the node is shutting down",
          "1 for longer than `drain_delay` and `drain_period`."),
    GAUGE("fanfare_config_generations", "", "Configurations in use: 1, and more after a reload",
          "Above 1 for longer than `drain_period`."),
    COUNTED("config_reloads_total", "`failed`: the file was wrong and nothing has changed; the log "
                                    "has file and line. A restart would not start."),
    COUNTER("fanfare_log_lines_dropped_total", "", "Log lines that stderr did not take",
            "Any: whoever reads the log is too slow or stopped."),
    COUNTED("admin_accepted_total", ""),
    COUNTED("admin_refused_total", "Any: somebody tries tokens, or a script has the wrong one."),
    COUNTED("console_samples_total", ""),
    COUNTED("console_skipped_total", ""),
    SECTION("Traces"),
    COUNTED("traceparent_invalid_total", "Any: a program sends another format; see "
                                         "[tracing.md](tracing.md)."),
    COUNTED("trace_spans_exported_total", ""),
    COUNTED("trace_spans_dropped_total", "`collector`: it is away or refuses them; the log has its "
                                         "answer. `queue`: sample less (`[trace] sample`)."),
    SECTION("The process"),
    COUNTER("process_cpu_seconds_total", "", "Processor time used, user and system",
            "Its rate near `fanfare_workers`: all threads are busy."),
    GAUGE("process_open_fds", "",
          "Open file descriptors; with more than 4096 clients on Linux before 6.2 an estimate",
          "Above 80 % of `process_max_fds`."),
    GAUGE("process_max_fds", "", "Limit of open file descriptors", ""),
    GAUGE("process_threads", "", "Threads", ""),
    GAUGE("process_virtual_memory_bytes", "", "Virtual memory", ""),
    GAUGE("process_virtual_memory_max_bytes", "", "Limit of virtual memory", ""),
    GAUGE("process_resident_memory_bytes", "", "Resident memory",
          "Grows while `fanfare_connections` does not: please report it."),
    GAUGE("process_start_time_seconds", "", "Unix time of the start",
          "Changes when nobody restarted it: it crashed; look at the log."),
    SECTION("Several nodes"),
    GAUGE("fanfare_cluster_nodes", "", "Nodes that are alive, this one included",
          "Other than the number that you run: a node is away, or there are two services."),
    GAUGE("fanfare_cluster_ready", "", "1 once this node has heard what the others have",
          "0 for more than some seconds."),
    GAUGE("fanfare_cluster_lanes", "", "Lanes", "Must be the same on all nodes."),
    GAUGE("fanfare_cluster_lanes_up", "", "Lanes whose Redis takes commands",
          "Below `fanfare_cluster_lanes`: a Redis is away."),
    GAUGE("fanfare_cluster_members", "",
          "Users on presence channels that are known, here and elsewhere", ""),
    GAUGE("fanfare_cluster_node_age_seconds", "node",
          "Since the last entry of another node was read",
          "Above `node_timeout` (15 s) it is declared dead."),
    COUNTER("fanfare_bus_bytes_total", "direction", "Bytes of entries appended to the log and read",
            ""),
    COUNTER("fanfare_bus_entries_total", "direction", "Entries appended to the log and read", ""),
    COUNTER("fanfare_bus_records_total", "direction",
            "Records said to other nodes, and those of others that were applied", ""),
    COUNTER("fanfare_bus_resent_total", "", "Own records that were appended again",
            "Grows while Redis is up: it loses what it took; see its `maxmemory-policy`."),
    COUNTER("fanfare_bus_duplicates_total", "",
            "Records of others that were read again and not applied", ""),
    COUNTER("fanfare_bus_lost_total", "node",
            "Broadcasts of other nodes that never reached this one, one for each publish and "
            "channel",
            "Any: clients have missed events. Raise `resend_window`, look at Redis."),
    COUNTER("fanfare_bus_lost_control_total", "node",
            "Records of other nodes that are no broadcasts and never reached this one",
            "Any, as above; the state was asked for anew."),
    COUNTER("fanfare_bus_dropped_total", "",
            "Own broadcasts that were kept no longer, and are not known to be in the log",
            "Any: Redis was away for too long, and other nodes may miss these."),
    COUNTER("fanfare_bus_unsaid_total", "", "Own records for which there was no memory",
            "Any: the machine is out of memory."),
    GAUGE("fanfare_bus_kept_bytes", "", "Own entries that are kept until all others have them",
          "Near `resend_bytes`: Redis or a node is away; what does not fit is dropped."),
    COUNTER("fanfare_bus_unreadable_total", "",
            "Entries that are no node's, or of another format or number of lanes",
            "Any: nodes differ in `lanes` or release, or something else writes to the key."),
    COUNTER("fanfare_bus_rewinds_total", "",
            "Times that the log had lost something that was read before",
            "Any: Redis was emptied, or a failover lost its last writes."),
    GAUGE("fanfare_bus_lag_seconds", "",
          "From the append of an entry until this node has read it back",
          "Above 0.1 s: Redis or the network to it is slow."),
    GAUGE("fanfare_bus_log_seconds", "",
          "Time that the log covers: a node that reads later than this has lost something",
          "Below `resend_window` under load: raise `resend_bytes`."),
    GAUGE("fanfare_redis_up", "", "1 while all lanes are written and read",
          "0: this node serves its own clients alone."),
    COUNTER("fanfare_redis_reconnects_total", "", "Connections to Redis that came up again", ""),
    COUNTER("fanfare_redis_commands_total", "", "Commands sent to Redis", ""),
    COUNTER("fanfare_redis_commands_failed_total", "",
            "Commands that Redis did not answer, or wants later",
            "Any: the log has what Redis said."),
    GAUGE("fanfare_redis_unanswered_bytes", "", "Of commands that Redis has not answered",
          "Megabytes: Redis does not keep up."),
};
const size_t metric_count = sizeof(metric_table) / sizeof(metric_table[0]);
