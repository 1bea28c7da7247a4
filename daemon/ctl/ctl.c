#include "ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/ctl_list.h"
#include "ctl/ctl_read.h"
#include "ctl/ctl_run.h"
#include "ctl/ctl_table.h"
#include "ctl/ctl_top.h"
#include "proto/json.h"

#define CTL_BODY_MAX (8u << 20)

/* ---- showing one thing ---- */

/* "name   value", the value as its text. */
static void ctl_show(const char *name, struct slice value)
{
    char *room;
    size_t chars;
    struct slice text = ctl_text(value, &room);
    if (text.p == NULL) {
        text = value;
    }
    if (text.p != NULL) {
        char *shown = ctl_table_shown(text.p, text.len, 0, &chars);
        printf("%-16s %s\n", name, shown);
        mem_free(shown);
    }
    mem_free(room);
}

static void ctl_show_number(const char *name, uint64_t number)
{
    printf("%-16s %" PRIu64 "\n", name, number);
}

static void ctl_show_list(const char *name, struct slice list)
{
    struct slice item;
    size_t cursor = 0;
    while (list.p != NULL && json_type(list) == JSON_ARRAY && json_element(list, &cursor, &item)) {
        ctl_show(name, item);
    }
}

static void ctl_show_status(struct slice status)
{
    static const struct {
        const char *name, *counter;
    } counted[] = {
        {"published", "published_total"},
        {"sent", "messages_sent_total"},
        {"received", "messages_received_total"},
        {"refused", "handshakes_refused_total"},
        {"limits reached", "limits_reached_total"},
        {"slow consumers", "slow_consumers_total"},
        {"timed out", "timeouts_total"},
        {"bad input", "bad_input_total"},
    };
    struct slice counters = ctl_field(status, "counters");
    char uptime[24];
    ctl_table_span(ctl_number(status, "uptime"), uptime);
    ctl_show("state", ctl_field(status, "state"));
    ctl_show("version", ctl_field(status, "version"));
    ctl_show("pid", ctl_field(status, "pid"));
    ctl_show("up", (struct slice){uptime, strlen(uptime)});
    ctl_show("node", ctl_field(status, "node"));
    ctl_show("nodes", ctl_field(status, "nodes"));
    ctl_show("workers", ctl_field(status, "workers"));
    ctl_show("apps", ctl_field(status, "apps"));
    ctl_show("connections", ctl_field(status, "connections"));
    ctl_show("channels", ctl_field(status, "channels"));
    ctl_show_list("clients", ctl_field(status, "listen"));
    ctl_show_list("clients (TLS)", ctl_field(status, "tls_listen"));
    ctl_show("publishers", ctl_field(status, "socket"));
    if (!slice_is(ctl_field(status, "config"), "null")) {
        ctl_show("configuration", ctl_field(status, "config"));
    }
    ctl_show("log level", ctl_field(status, "log_level"));
    if (ctl_number(status, "log_dropped") > 0) {
        ctl_show("lines not logged", ctl_field(status, "log_dropped"));
    }
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
        ctl_show_number(counted[i].name, ctl_counters(counters, counted[i].counter));
    }
}

static void ctl_cell(struct ctl_table *table, struct slice value)
{
    char *room;
    struct slice text = ctl_text(value, &room);
    if (text.p == NULL) {
        text = value.p != NULL ? value : SLICE("-");
    }
    ctl_table_text(table, text.p, text.len);
    mem_free(room);
}

static void ctl_show_apps(struct slice body)
{
    static const char *const names[] = {"APP",      "STATE",     ">CONNECTIONS",
                                        ">AT MOST", ">CHANNELS", NULL};
    struct slice apps = ctl_field(body, "apps"), app;
    struct ctl_table table;
    size_t cursor = 0;
    ctl_table_init(&table, names);
    while (apps.p != NULL && json_type(apps) == JSON_ARRAY && json_element(apps, &cursor, &app)) {
        ctl_cell(&table, ctl_field(app, "id"));
        ctl_cell(&table, ctl_field(app, "state"));
        ctl_cell(&table, ctl_field(app, "connections"));
        if (ctl_number(app, "max_connections") == 0) {
            ctl_table_text(&table, "-", 1);
        } else {
            ctl_cell(&table, ctl_field(app, "max_connections"));
        }
        ctl_cell(&table, ctl_field(app, "channels"));
    }
    ctl_table_print(&table, stdout, 0, 0);
    ctl_table_free(&table);
}

static void ctl_show_channel(struct slice body)
{
    struct slice channel = ctl_field(body, "channel"), cached = ctl_field(body, "cached");
    ctl_show("app", ctl_field(body, "app"));
    ctl_show("channel", ctl_field(channel, "name"));
    ctl_show("type", ctl_field(channel, "type"));
    ctl_show("occupied", ctl_true(body, "occupied") ? SLICE("yes") : SLICE("no"));
    ctl_show("subscribers", ctl_field(channel, "subscriptions"));
    ctl_show("users", ctl_field(channel, "users"));
    if (cached.p != NULL) {
        ctl_show("cached bytes", ctl_field(cached, "bytes"));
        ctl_show("kept for (s)", ctl_field(cached, "ttl"));
    }
}

static void ctl_show_nodes(const struct ctl *ctl, struct slice body)
{
    static const char *const names[] = {"NODE", "ID", "STATE", ">HEARD (ms)", ">LOST", NULL};
    struct slice cluster = ctl_field(body, "cluster"), nodes = ctl_field(cluster, "nodes"), node;
    struct slice redis = ctl_field(cluster, "redis");
    struct ctl_table table;
    size_t cursor = 0;
    if (nodes.p == NULL || json_type(nodes) != JSON_ARRAY) {
        ctl_say(ctl, "this node stands alone: its configuration has no [redis]");
        return;
    }
    ctl_table_init(&table, names);
    while (json_element(nodes, &cursor, &node)) {
        bool self = ctl_true(node, "self");
        ctl_cell(&table, ctl_field(node, "node"));
        ctl_cell(&table, ctl_field(node, "id"));
        const char *state = ctl_true(node, "known") ? "known" : "joining";
        state = self ? "this one" : state;
        ctl_table_text(&table, state, strlen(state));
        ctl_cell(&table, ctl_field(node, "age_ms"));
        ctl_cell(&table, ctl_field(node, "lost"));
    }
    ctl_table_print(&table, stdout, 0, 0);
    ctl_table_free(&table);
    printf("\n");
    ctl_show("redis", ctl_true(redis, "up") ? SLICE("up") : SLICE("away"));
    if (!ctl_true(redis, "up")) {
        ctl_show("why", ctl_field(redis, "why"));
    }
    ctl_show("lag (ms)", ctl_field(cluster, "lag_ms"));
    ctl_show("log covers (ms)", ctl_field(cluster, "log_ms"));
    ctl_show("reconnects", ctl_field(redis, "reconnects"));
}

/* ---- questions ---- */

static int ctl_ask(const struct ctl *ctl, const char *target)
{
    struct ctl_answer answer;
    int status = (int)ctl_call(ctl, target, NULL, &answer);
    if (status != CTL_EXIT_DONE) {
        return status;
    }
    if (ctl->args.command == CTL_STATUS &&
        !slice_is(ctl_field(answer.body, "state"), "\"ready\"")) {
        status = CTL_EXIT_NOT_READY;
    }
    if (ctl->args.json && !ctl->args.quiet) {
        ctl_print_json(answer.body);
    } else if (ctl->args.command == CTL_LOG_LEVEL) {
        ctl_show("log level", ctl_field(answer.body, "log_level"));
    } else if (ctl->args.command == CTL_STATUS && !ctl->args.quiet) {
        ctl_show_status(answer.body);
    } else if (ctl->args.command == CTL_APPS) {
        ctl_show_apps(answer.body);
    } else if (ctl->args.command == CTL_CHANNEL) {
        ctl_show_channel(answer.body);
    } else if (ctl->args.command == CTL_NODES) {
        ctl_show_nodes(ctl, answer.body);
    }
    if (ctl->args.command == CTL_CHANNEL && !ctl_true(answer.body, "occupied")) {
        status = CTL_EXIT_REFUSED; /* nobody is there */
    }
    ctl_answer_free(&answer);
    return status;
}

static int ctl_ask_channel(const struct ctl *ctl)
{
    struct buf target;
    buf_init(&target, 8192);
    int failed = buf_text(&target, "/api/channel?name=") | ctl_escape(&target, ctl->args.words[0]);
    if (ctl->args.app != NULL) {
        failed |= buf_text(&target, "&app=") | ctl_escape(&target, ctl->args.app);
    }
    failed |= buf_append(&target, "", 1);
    int status = CTL_EXIT_REFUSED;
    if (failed != 0) {
        ctl_say(ctl, "the name is too long");
    } else {
        status = ctl_ask(ctl, (const char *)target.data);
    }
    buf_free(&target);
    return status;
}

/* ---- orders ---- */

static int ctl_member(struct buf *out, const char *name, const char *text)
{
    if (text == NULL) {
        return 0;
    }
    return buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name) |
           json_write_string(out, text, strlen(text));
}

/* What is between commas. */
static int ctl_member_channels(struct buf *out, const char *names)
{
    int failed = buf_text(out, out->len > 1 ? ",\"channels\":[" : "\"channels\":[");
    for (bool first = true;; first = false) {
        size_t len = strcspn(names, ",");
        failed |= first ? 0 : buf_text(out, ",");
        failed |= json_write_string(out, names, len);
        if (names[len] == '\0') {
            break;
        }
        names += len + 1;
    }
    return failed | buf_text(out, "]");
}

/* -1: it is too long. */
static int ctl_read_input(struct buf *out)
{
    char room[16384];
    size_t n;
    while ((n = fread(room, 1, sizeof(room), stdin)) > 0) {
        if (buf_append(out, room, n) != 0) {
            return -1;
        }
    }
    return ferror(stdin) ? -1 : 0;
}

/* Text that is JSON goes as it is, any other as a string; what is published is the same text. */
static int ctl_member_data(struct buf *out, const char *data)
{
    struct buf input;
    buf_init(&input, CTL_BODY_MAX);
    int failed = 0;
    if (data != NULL && strcmp(data, "-") == 0) {
        failed = ctl_read_input(&input);
    } else {
        failed = buf_text(&input, data != NULL ? data : "{}");
    }
    failed |= buf_text(out, ",\"data\":");
    failed |= json_write_string(out, input.len > 0 ? (const char *)input.data : "", input.len);
    buf_free(&input);
    return failed;
}

static int ctl_tell(const struct ctl *ctl, const char *target, const struct buf *json)
{
    struct ctl_answer answer;
    if (!json_valid((const char *)json->data, json->len - 1)) {
        ctl_say(ctl, "arguments must be text in UTF-8");
        return CTL_EXIT_MISTAKEN;
    }
    int status = (int)ctl_call(ctl, target, (const char *)json->data, &answer);
    if (status != CTL_EXIT_DONE) {
        return status;
    }
    struct slice ended = ctl_field(answer.body, "ended");
    if (ctl->args.json) {
        ctl_print_json(answer.body);
    } else if (ended.p != NULL) {
        uint64_t n = ctl_number(answer.body, "ended");
        printf("%" PRIu64 " connection%s ended\n", n, n == 1 ? "" : "s");
    } else if (ctl->args.command == CTL_PUBLISH) {
        uint64_t n = ctl_number(answer.body, "recipients");
        printf("sent to %" PRIu64 " subscriber%s of this node\n", n, n == 1 ? "" : "s");
    } else if (ctl->args.command == CTL_LOG_LEVEL) {
        ctl_show("log level", ctl_field(answer.body, "level"));
        ctl_show("before", ctl_field(answer.body, "before"));
    } else {
        printf("%s\n", ctl->args.command == CTL_RELOAD
                           ? "reloaded"
                           : (ctl->args.restart ? "restarting" : "draining, then it ends"));
    }
    if (ended.p != NULL && ctl_number(answer.body, "ended") == 0) {
        status = CTL_EXIT_REFUSED; /* there was nobody */
    }
    ctl_answer_free(&answer);
    return status;
}

static int ctl_order(const struct ctl *ctl)
{
    const struct ctl_args *args = &ctl->args;
    const char *target = "/api/reload";
    struct buf json;
    buf_init(&json, 2 * CTL_BODY_MAX);
    int failed = buf_text(&json, "{") | ctl_member(&json, "app", args->app);
    if (args->command == CTL_KICK) {
        target = "/api/kick";
        failed |= ctl_member(&json, "socket", args->words[0]);
    } else if (args->command == CTL_TERMINATE) {
        target = "/api/terminate";
        failed |= ctl_member(&json, "user", args->words[0]);
    } else if (args->command == CTL_PUBLISH) {
        target = "/api/publish";
        failed |= ctl_member_channels(&json, args->words[0]) |
                  ctl_member(&json, "event", args->words[1]) |
                  ctl_member(&json, "except", args->except) |
                  ctl_member_data(&json, args->words[2]);
    } else if (args->command == CTL_LOG_LEVEL) {
        target = "/api/log-level";
        failed |= ctl_member(&json, "level", args->words[0]);
    } else if (args->command == CTL_DRAIN) {
        target = "/api/drain";
        failed |= buf_text(&json, args->restart ? "\"restart\":true" : "");
    }
    failed |= buf_text(&json, "}") | buf_append(&json, "", 1);
    int status = CTL_EXIT_REFUSED;
    if (failed != 0) {
        ctl_say(ctl, "what is to be sent cannot be read, or is too long");
    } else {
        status = ctl_tell(ctl, target, &json);
    }
    buf_free(&json);
    return status;
}

/* ---- the command line ---- */

static int ctl_run(struct ctl *ctl)
{
    switch (ctl->args.command) {
    case CTL_STATUS:
        return ctl_ask(ctl, "/api/status");
    case CTL_APPS:
        return ctl_ask(ctl, "/api/apps");
    case CTL_NODES:
        return ctl_ask(ctl, "/api/nodes");
    case CTL_CHANNEL:
        return ctl_ask_channel(ctl);
    case CTL_CHANNELS:
    case CTL_CONNECTIONS:
    case CTL_USERS:
        return ctl_list(ctl);
    case CTL_LOG_LEVEL:
        return ctl->args.nwords == 0 ? ctl_ask(ctl, "/api/status") : ctl_order(ctl);
    case CTL_KICK:
    case CTL_TERMINATE:
    case CTL_PUBLISH:
    case CTL_RELOAD:
    case CTL_DRAIN:
        return ctl_order(ctl);
    case CTL_TOP:
        return ctl_top(ctl);
    case CTL_COMMANDS:
        break;
    }
    return CTL_EXIT_MISTAKEN;
}

/* What could not be written, to a full disk say, must not look like a short list. */
static int ctl_end(const struct ctl *ctl, int status)
{
    char text[200];
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    snprintf(text, sizeof(text), "cannot write all of it to standard output (%s)", strerror(errno));
    ctl_say(ctl, text);
    return status == CTL_EXIT_DONE ? CTL_EXIT_REFUSED : status;
}

int ctl_main(int argc, char *const *argv, ctl_locate_fn *locate)
{
    struct ctl ctl;
    char why[1600], path[128];
    setlocale(LC_CTYPE, ""); /* tells which bytes the terminal takes for characters */
    if (ctl_args_read(argc, argv, &ctl.args, why, sizeof(why)) != 0) {
        fprintf(stderr, "fanfared ctl: %s\nTry \"fanfared ctl --help\".\n", why);
        return CTL_EXIT_MISTAKEN;
    }
    if (ctl.args.help) {
        fputs(ctl_args_help, stdout);
        return ctl_end(&ctl, CTL_EXIT_DONE);
    }
    ctl.socket = ctl.args.socket;
    if (ctl.socket == NULL) {
        if (locate(ctl.args.config, path, sizeof(path), why, sizeof(why)) != 0) {
            ctl_say(&ctl, why);
            return CTL_EXIT_UNREACHABLE;
        }
        ctl.socket = path;
    }
    return ctl_end(&ctl, ctl_run(&ctl));
}
