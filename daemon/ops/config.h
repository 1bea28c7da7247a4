/*
 * The configuration as plain values: what ops/config_load makes of the file and the environment.
 *
 * Immutable once it is loaded, and then read by any thread.
 */
#ifndef FF_OPS_CONFIG_H
#define FF_OPS_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/settings.h"

/* Every char * is set; "" when empty. Listen addresses are normalised to "1.2.3.4:80" or "[::1]:80"
 * (never a name). */
struct config {
    /* [server] */
    struct text_list listen; /* empty: a relay, which has no clients; tls_listen is empty, too */
    uint32_t workers;        /* 0: auto, one for a relay, else workers_auto() */
    char *path_prefix;       /* "" or "/prefix", no slash at the end */
    enum log_level log_level;
    enum log_format log_format;
    bool log_messages;
    struct text_list trusted_proxies; /* addresses, with /bits for networks */
    bool proxy_protocol, permessage_deflate;
    uint64_t drain_delay, drain_period; /* seconds; 0 is 0 */
    /* [ipc] */
    char *socket; /* fits sockaddr_un */
    uint32_t mode;
    char *group; /* "": leave the group as it is */
    /* [admin] */
    struct text_list admin_listen; /* empty: off */
    /* A path, "none", or "auto" until it is loaded: then it is one beside the publishers' socket.
     */
    char *admin_socket;
    bool admin_socket_derived; /* nobody has named it */
    char *admin_token;         /* "": none */
    /* [tls] */
    struct text_list tls_listen, tls_certificate, tls_key;
    /* [redis] and [cluster] */
    struct redis_settings redis;
    struct cluster_settings cluster;
    struct trace_settings trace; /* [trace] */
    /* [limits] and [app "id"] */
    struct limits limits;
    struct app_settings *apps; /* at least one; ids and keys are unique */
    size_t napps;

    bool development; /* neither a file nor an application in the environment: app fanfare, on
                         loopback */
};

/* One call per problem, those of lines in their order: `text` is one line without its end, such as
 * "fanfare.conf:12: workers must be auto or a number from 1 to 64". error false: a warning,
 * the load goes on. */
typedef void config_report_fn(void *arg, bool error, const char *text);

#endif
