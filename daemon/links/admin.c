#include "links/admin.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "links/admin_api.h"
#include "links/admin_call.h"
#include "links/cluster.h"
#include "links/console_pages.h"
#include "links/listen_report.h"
#include "links/webhook.h"
#include "net/latency.h"
#include "proto/json.h"
#include "pubsub/hub.h"
#include "pubsub/worker.h"
#include "web/http_conn.h"

#define MAX_RESPONSE  (4u << 20)
#define ADMIN_TURN_NS 1000000u /* of a turn, for all of them together */

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

/* The histograms of one kind, summed over all loops. app: its index, or HISTOGRAM_APPS. */
static void admin_histogram(struct metrics *metrics, const struct hub *hub,
                            enum histogram_kind kind, const char *name, const char *labels,
                            uint32_t app)
{
    struct histogram sum = {.sum_ns = 0};
    for (uint32_t i = 0; i < hub->ncounters; i++) {
        histogram_sum(&sum, &hub->counters[i]->histograms[kind][app]);
    }
    metrics_histogram(metrics, name, labels, &sum);
}

static void admin_app_histograms(struct metrics *metrics, const struct hub *hub,
                                 enum histogram_kind kind, const char *name)
{
    metrics_head(metrics, name);
    for (size_t i = 0; i < hub->apps->count && i < HISTOGRAM_APPS; i++) {
        const struct app *app = &hub->apps->items[i];
        char labels[80];
        snprintf(labels, sizeof(labels), "app=\"%s\"", app->settings->id);
        if (!admin_is_gone(app)) {
            admin_histogram(metrics, hub, kind, name, labels, (uint32_t)i);
        }
    }
    if (hub->apps->count > HISTOGRAM_APPS) {
        admin_histogram(metrics, hub, kind, name, "app=\"" METRICS_OTHERS "\"", HISTOGRAM_APPS);
    }
}

static void admin_apps(struct metrics *metrics, const struct hub *hub)
{
    const char *name = "fanfare_app_connections";
    uint64_t others = 0;
    uint32_t told = 0;
    metrics_head(metrics, name);
    for (size_t i = 0; i < hub->apps->count; i++) {
        const struct app *app = &hub->apps->items[i];
        if (admin_is_gone(app)) {
            continue;
        }
        if (told++ >= METRICS_APPS) {
            others += app_connections(app);
        } else {
            char labels[80];
            snprintf(labels, sizeof(labels), "app=\"%s\"", app->settings->id);
            metrics_line(metrics, name, labels, app_connections(app));
        }
    }
    if (told > METRICS_APPS) {
        metrics_line(metrics, name, "app=\"" METRICS_OTHERS "\"", others);
    }
}

static int admin_metrics(struct buf *out, const struct hub *hub, bool openmetrics)
{
    struct metrics metrics = {.out = out, .openmetrics = openmetrics};
    uint64_t connections = admin_connections(hub);
    for (int i = 0; i < COUNTER_MAX; i++) {
        metrics_counter(&metrics, (enum counter)i, hub_counter(hub, (enum counter)i));
    }
    metrics_value(&metrics, "fanfare_connections", connections);
    admin_apps(&metrics, hub);
    metrics_value(&metrics, "fanfare_channels", hub_channels(hub));
    metrics_value(&metrics, "fanfare_workers", hub_workers(hub));
    metrics_value(&metrics, "fanfare_draining", hub->draining);
    metrics_value(&metrics, "fanfare_config_generations",
                  atomic_load(&hub->apps->registry->generations));
    metrics_value(&metrics, "fanfare_webhook_events_waiting",
                  hub->webhooks != NULL ? webhooks_waiting(hub->webhooks) : 0);
    metrics_value(&metrics, "fanfare_log_lines_dropped_total", log_dropped());
    metrics_head(&metrics, "fanfare_build_info");
    metrics_line(&metrics, "fanfare_build_info", "version=\"" FANFARE_VERSION "\"", 1);
    admin_app_histograms(&metrics, hub, HISTOGRAM_DELIVERY, "fanfare_publish_delivery_seconds");
    admin_app_histograms(&metrics, hub, HISTOGRAM_ANSWER, "fanfare_ipc_answer_seconds");
    metrics_head(&metrics, "fanfare_turn_seconds");
    admin_histogram(&metrics, hub, HISTOGRAM_TURN, "fanfare_turn_seconds", "", 0);
    if (hub->listens != NULL) {
        listens_metrics(hub->listens, &metrics);
    }
    if (hub->cluster != NULL) {
        cluster_metrics(hub->cluster, &metrics);
    }
    metrics_process(&metrics, connections, hub->started_wall_ms);
    metrics_end(&metrics);
    return metrics.failed;
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

/* Prometheus names both formats and prefers OpenMetrics; whoever names none gets the older one. */
static bool admin_wants_openmetrics(const struct http_request *request)
{
    static const char name[] = "application/openmetrics-text";
    struct slice accept = http_header(request, "accept");
    return accept.p != NULL && memmem(accept.p, accept.len, name, sizeof(name) - 1) != NULL;
}

static void *admin_head(struct conn *conn, const struct http_request *request)
{
    static const char json[] = "application/json",
                      text[] = "text/plain; version=0.0.4; charset=utf-8",
                      open[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
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
        bool openmetrics = admin_wants_openmetrics(request);
        type = openmetrics ? open : text;
        failed = admin_metrics(&body, hub, openmetrics);
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
        http_refuse(conn, 500, NULL, "The answer is larger than is served here: use /api/");
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

/* Whoever watches waits for publishers and clients, and not they for him: a hundred scrapers that
 * ask without a pause would each stand before them in every turn. */
static bool admin_must_rest(struct conn *conn)
{
    struct hub *hub = admin_hub_of(conn);
    uint64_t turn = latency_turn(conn->loop);
    if (hub->admin_turn_ns != turn) {
        hub->admin_turn_ns = turn;
        hub->admin_ns = 0;
    }
    if (hub->admin_ns < ADMIN_TURN_NS) {
        return false;
    }
    conn_postpone(conn);
    return true;
}

static size_t admin_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct hub *hub = admin_hub_of(conn);
    if (admin_must_rest(conn)) {
        return 0;
    }
    uint64_t from = clock_mono_ns();
    size_t used = http_input(conn, &admin_service, bytes, len);
    hub->admin_ns += clock_mono_ns() - from;
    return used;
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
