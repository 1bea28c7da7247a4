#include "links/admin.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "links/admin_api.h"
#include "links/admin_call.h"
#include "links/cluster.h"
#include "links/console.h"
#include "links/listen_report.h"
#include "links/webhook.h"
#include "proto/json.h"
#include "pubsub/hub.h"
#include "pubsub/worker.h"
#include "web/http_conn.h"

#define MAX_RESPONSE (4u << 20)

static struct hub *admin_hub_of(const struct conn *conn)
{
    return conn->loop->hub;
}

static uint64_t admin_connections(const struct hub *hub)
{
    return apps_connections(hub->apps);
}

/* Removed, and its last connection has ended. */
static bool admin_is_gone(const struct app *app)
{
    return app->removed && app_connections(app) == 0;
}

/* ---- pages; each returns 0, or -1 when the buffer is full ---- */

static int admin_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    return buf_printf(out,
                      "# HELP fanfare_%s %s\n# TYPE fanfare_%s gauge\nfanfare_%s %" PRIu64 "\n",
                      name, help, name, name, value);
}

static int admin_metrics(struct buf *out, const struct hub *hub)
{
    int failed = 0;
    const char *last = "";
    for (int i = 0; i < COUNTER_MAX; i++) {
        const struct counter_info *info = &counter_infos[i];
        if (strcmp(info->metric, last) != 0) {
            failed |= buf_printf(out, "# HELP fanfare_%s %s\n# TYPE fanfare_%s counter\n",
                                 info->metric, info->help, info->metric);
            last = info->metric;
        }
        bool labels = info->labels[0] != '\0';
        failed |= buf_printf(out, "fanfare_%s%s%s%s %" PRIu64 "\n", info->metric, labels ? "{" : "",
                             info->labels, labels ? "}" : "", hub_counter(hub, (enum counter)i));
    }
    failed |= admin_gauge(out, "connections", "Established WebSocket connections",
                          admin_connections(hub));
    failed |= admin_gauge(out, "channels", "Occupied channels", hub_channels(hub));
    failed |= admin_gauge(out, "workers", "Worker loops", hub_workers(hub));
    failed |= admin_gauge(out, "uptime_seconds", "Seconds since the start",
                          (clock_mono_ms() - hub->started_ms) / 1000);
    failed |= admin_gauge(out, "draining", "1 while the node is shutting down", hub->draining);
    failed |=
        admin_gauge(out, "config_generations", "Configurations in use: 1, and more after a reload",
                    atomic_load(&hub->apps->registry->generations));
    failed |= admin_gauge(out, "webhook_queue", "Webhook events that wait to be delivered",
                          hub->webhooks != NULL ? webhooks_waiting(hub->webhooks) : 0);
    failed |=
        admin_gauge(out, "log_lines_dropped", "Log lines that stderr did not take", log_dropped());
    failed |= buf_printf(
        out, "# HELP fanfare_app_connections Established WebSocket connections, by application\n"
             "# TYPE fanfare_app_connections gauge\n");
    for (size_t i = 0; i < hub->apps->count; i++) {
        const struct app *app = &hub->apps->items[i];
        if (!admin_is_gone(app)) {
            failed |= buf_printf(out, "fanfare_app_connections{app=\"%s\"} %" PRIu32 "\n",
                                 app->settings->id, app_connections(app));
        }
    }
    failed |= buf_printf(
        out,
        "# HELP fanfare_build_info The version that runs\n# TYPE fanfare_build_info gauge\n"
        "fanfare_build_info{version=\"%s\"} 1\n",
        FANFARE_VERSION);
    if (hub->listens != NULL) {
        failed |= listens_metrics(hub->listens, out);
    }
    if (hub->cluster != NULL) {
        failed |= cluster_metrics(hub->cluster, out);
    }
    return failed;
}

static int admin_stats(struct buf *out, const struct hub *hub)
{
    int failed =
        buf_printf(out,
                   "{\"version\":\"%s\",\"pid\":%ld,\"uptime\":%" PRIu64 ",\"workers\":%" PRIu32
                   ",\"draining\":%s,\"connections\":%" PRIu64 ",\"channels\":%zu,\"counters\":",
                   FANFARE_VERSION, (long)getpid(), (clock_mono_ms() - hub->started_ms) / 1000,
                   hub_workers(hub), hub->draining ? "true" : "false", admin_connections(hub),
                   hub_channels(hub));
    failed |= admin_api_counters(out, hub) | buf_text(out, ",\"apps\":[");
    const char *comma = "";
    for (size_t i = 0; i < hub->apps->count; i++) {
        const struct app *app = &hub->apps->items[i];
        if (!admin_is_gone(app)) {
            failed |= buf_printf(
                out, "%s{\"id\":\"%s\",\"connections\":%" PRIu32 ",\"channels\":%zu}", comma,
                app->settings->id, app_connections(app), hub_app_channels(hub, (uint32_t)i));
            comma = ",";
        }
    }
    failed |= buf_text(out, "]");
    if (hub->cluster != NULL) {
        failed |= cluster_stats(hub->cluster, out);
    }
    return failed | buf_text(out, "}");
}

/* Whether new clients should come here. Returns the status, and writes it as JSON. */
static int admin_ready(struct buf *out, const struct hub *hub, int *failed)
{
    const char *state = admin_api_state(hub);
    *failed = buf_printf(out, "{\"status\":\"%s\"}", state);
    return strcmp(state, "ready") == 0 ? 200 : 503;
}

/* ---- requests ---- */

static void admin_no_page(struct conn *conn, const struct http_request *request)
{
    if (slice_is(request->method, "GET") || slice_is(request->method, "HEAD")) {
        http_refuse(conn, 404, NULL,
                    "Not found; there are /metrics, /stats, /health/live, /health/ready, "
                    "/api/ and /console/");
    } else {
        http_refuse(conn, 405, "Allow: GET, HEAD\r\n", "Method not allowed");
    }
}

static void *admin_head(struct conn *conn, const struct http_request *request)
{
    static const char json[] = "application/json",
                      text[] = "text/plain; version=0.0.4; charset=utf-8";
    struct hub *hub = admin_hub_of(conn);
    struct buf body;
    int status = 200, failed = 0;
    const char *type = json;
    bool read = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
    if (slice_starts(request->path, "/api/")) {
        return admin_call_head(conn, request);
    }
    if (conn->kind == KIND_ADMIN && console_path(request->path)) {
        return console_head(conn, request);
    }
    buf_init(&body, MAX_RESPONSE);
    if (read && slice_is(request->path, "/metrics")) {
        type = text;
        failed = admin_metrics(&body, hub);
    } else if (read && slice_is(request->path, "/stats")) {
        failed = admin_stats(&body, hub);
    } else if (read && slice_is(request->path, "/health/live")) {
        failed = buf_text(&body, "{\"status\":\"live\"}");
    } else if (read && slice_is(request->path, "/health/ready")) {
        status = admin_ready(&body, hub, &failed);
    } else {
        admin_no_page(conn, request);
        buf_free(&body);
        return NULL;
    }
    if (failed != 0) {
        conn_doom(conn);
    } else {
        http_answer(conn, status, type, NULL, (struct slice){(const char *)body.data, body.len});
    }
    buf_free(&body);
    return NULL;
}

static void admin_body(struct conn *conn, void *job, struct slice body, int status)
{
    if (console_owns(job)) {
        console_body(conn, job, body, status);
    } else {
        admin_call_body(conn, job, body, status);
    }
}

static const struct http_service admin_service = {
    .head = admin_head,
    .body = admin_body,
    .drop = admin_call_drop,
    .max_body = admin_call_max_body,
};

static void admin_leave(struct conn *conn)
{
    admin_call_leave(conn);
    http_leave(conn);
}

static size_t admin_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    return http_input(conn, &admin_service, bytes, len);
}

const struct conn_handler admin_handler = {
    .input = admin_input,
    .leave = admin_leave,
    .expired = http_expired,
    .max_input = HTTP_MAX_HEAD,
};

const struct conn_handler admin_control_handler = {
    .input = admin_input,
    .leave = admin_leave,
    .expired = http_expired,
    .max_input = HTTP_MAX_HEAD,
};
