/* ops/config: the file, line by line, and what is reported about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/counters.h"
#include "base/mem.h"
#include "ops/config_load.h"
#include "ops/config_print.h"
#include "ops/config_table.h"

#define APP "[app \"a\"]\nkey = k\nsecret = long-enough\n"

/* What was reported: one line a problem, "error: " or "warning: " in front. */
struct report {
    char text[20000];
    size_t len;
    unsigned int errors, warnings;
};

static void collect(void *arg, bool error, const char *text)
{
    struct report *report = arg;

    assert_null(strchr(text, '\n'));
    *(error ? &report->errors : &report->warnings) += 1;
    report->len += (size_t)snprintf(report->text + report->len, sizeof(report->text) - report->len,
                                    "%s: %s\n", error ? "error" : "warning", text);
    assert_true(report->len < sizeof(report->text));
}

static struct config *parse_len(const char *text, size_t len, struct report *report)
{
    memset(report, 0, sizeof(*report));
    return config_parse("f.conf", text, len, NULL, collect, report);
}

static struct config *parse(const char *text, struct report *report)
{
    return parse_len(text, strlen(text), report);
}

static struct config *parse_fine(const char *text)
{
    struct report report;
    struct config *config = parse(text, &report);

    if (config == NULL || report.len > 0) {
        fail_msg("reported: %s", report.text);
    }
    return config;
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *c = parse_fine(APP);

    assert_int_equal(c->listen.count, 1);
    assert_string_equal(c->listen.items[0], "0.0.0.0:8080");
    assert_int_equal(c->workers, 0);
    assert_string_equal(c->path_prefix, "");
    assert_int_equal(c->log_level, LOG_LEVEL_INFO);
    assert_int_equal(c->log_format, LOG_FORMAT_TEXT);
    assert_int_equal(c->trusted_proxies.count, 0);
    assert_int_equal(c->drain_delay, 0);
    assert_int_equal(c->drain_period, 5);
    assert_string_equal(c->socket, "/run/fanfare/fanfare.sock");
    assert_int_equal(c->mode, 0660);
    assert_string_equal(c->group, "");
    assert_int_equal(c->admin_listen.count, 1);
    assert_string_equal(c->admin_listen.items[0], "127.0.0.1:9601");
    assert_int_equal(c->tls_listen.count + c->tls_certificate.count + c->tls_key.count, 0);
    assert_string_equal(c->redis.url, "");
    assert_int_equal(c->redis.sentinels.count + c->redis.cluster.count, 0);
    assert_string_equal(c->redis.master, "");
    assert_string_equal(c->redis.prefix, "fanfare");
    assert_false(c->redis.require);
    assert_int_equal(c->redis.connect_timeout_ms, 2000);
    assert_string_equal(c->cluster.node, "");
    assert_int_equal(c->cluster.lanes, 1);
    assert_int_equal(c->cluster.resend_window, 60);
    assert_int_equal(c->cluster.resend_bytes, 64 << 20);
    assert_int_equal(c->cluster.node_timeout, 15);
    assert_int_equal(c->cluster.query_deadline_ms, 500);
    assert_false(c->development);

    const struct limits *l = &c->limits;
    assert_int_equal(l->max_message_size, 10 * 1024);
    assert_int_equal(l->max_event_size, 100 * 1024);
    assert_int_equal(l->max_event_name, 200);
    assert_int_equal(l->max_channel_name, 200);
    assert_int_equal(l->max_channels_per_publish, 100);
    assert_int_equal(l->max_batch, 100);
    assert_int_equal(l->max_channels_per_connection, 1000);
    assert_int_equal(l->max_connections, 0);
    assert_int_equal(l->header_timeout, 10);
    assert_int_equal(l->keepalive_timeout, 60);
    assert_int_equal(l->activity_timeout, 30);
    assert_int_equal(l->ping_interval, 40);
    assert_int_equal(l->pong_timeout, 30);
    assert_int_equal(l->output_soft, 256 * 1024);
    assert_int_equal(l->output_soft_seconds, 10);
    assert_int_equal(l->output_hard, 8 << 20);
    assert_int_equal(l->output_total, 256 << 20);
    assert_int_equal(l->close_timeout, 5);
    assert_int_equal(l->mailbox_high, 64 << 20);
    assert_int_equal(l->max_handshakes, 4096);

    assert_int_equal(c->napps, 1);
    const struct app_settings *a = &c->apps[0];
    assert_string_equal(a->id, "a");
    assert_string_equal(a->key, "k");
    assert_string_equal(a->secret, "long-enough");
    assert_true(a->enabled);
    assert_int_equal(a->allowed_origins.count, 1);
    assert_string_equal(a->allowed_origins.items[0], "*");
    assert_true(a->allow_missing_origin);
    assert_int_equal(a->client_events, CLIENT_EVENTS_MEMBERS);
    assert_int_equal(a->client_event_rate, 10);
    assert_int_equal(a->max_connections, 0);
    assert_int_equal(a->cache_ttl, 1800);
    assert_int_equal(a->cache_max, 64 << 20);
    assert_true(a->user_authentication);
    assert_false(a->watchlist);
    assert_false(a->subscription_count);
    assert_string_equal(a->webhook_url, "");
    config_free(c);
}

static void test_values(void **state)
{
    (void)state;
    struct config *c = parse_fine("\xef\xbb\xbf# a mark of Windows editors, and its line ends\r\n"
                                  "[server]\r\n"
                                  "listen = localhost:1 , [::1]:2\r\n"
                                  "workers=64\r\n"
                                  "  ; an indented comment\r\n"
                                  "listen = *:3\n"
                                  "listen = :65535\n"
                                  "path_prefix = /a/b/\n"
                                  "log_level = debug\n"
                                  "log_format =json\n"
                                  "\t\n"
                                  "[ipc]\n"
                                  "mode = 600\n"
                                  "group = www-data   \n"
                                  "[admin]\n"
                                  "listen =\n"
                                  "[server]\n"
                                  "drain_delay = 1\n"
                                  "[limits]\n"
                                  "output_soft = 1m\n"
                                  "output_hard = 2M\n"
                                  "output_soft_seconds = 0\n"
                                  "max_event_size = 1536\n"
                                  "max_message_size = 64k\n"
                                  "max_connections = 0\n"
                                  "[app \"A.b_c-9\"]\n"
                                  "key = a=b\n"
                                  "secret = \xc3\xa9t\xc3\xa9=with=signs;and#marks\n"
                                  "enabled = off\n"
                                  "allow_missing_origin = False\n"
                                  "client_events = all\n"
                                  "allowed_origins = Example.com, *.example.com\n"
                                  "allowed_origins = https://Example.com:8443/, http://[::1]:3000\n"
                                  "allowed_origins = https://*.Example.com:8443, Null, SELF\n"
                                  "allowed_origins = file://, file:///, Capacitor://localhost/\n"
                                  "allowed_origins = app://., app://-, tauri://localhost:80\n"
                                  "[app \"b\"]\n"
                                  "key = k2\n"
                                  "secret = long-enough");
    static const char *const listen[] = {"127.0.0.1:1", "[::1]:2", "0.0.0.0:3", "0.0.0.0:65535"};
    static const char *const origins[] = {"example.com",
                                          "*.example.com",
                                          "https://example.com:8443",
                                          "http://[::1]:3000",
                                          "https://*.example.com:8443",
                                          "null",
                                          "self",
                                          "file://",
                                          "file://",
                                          "capacitor://localhost",
                                          "app://.",
                                          "app://-",
                                          "tauri://localhost:80"};
    const size_t norigins = sizeof(origins) / sizeof(origins[0]);

    assert_int_equal(c->listen.count, 4);
    assert_int_equal(c->apps[0].allowed_origins.count, norigins);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(c->listen.items[i], listen[i]);
    }
    for (size_t i = 0; i < norigins; i++) {
        assert_string_equal(c->apps[0].allowed_origins.items[i], origins[i]);
    }
    assert_int_equal(c->workers, 64);
    assert_string_equal(c->path_prefix, "/a/b");
    assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(c->log_format, LOG_FORMAT_JSON);
    assert_int_equal(c->mode, 0600);
    assert_string_equal(c->group, "www-data");
    assert_int_equal(c->admin_listen.count, 0);
    assert_int_equal(c->drain_delay, 1);
    assert_int_equal(c->limits.output_soft, 1 << 20);
    assert_int_equal(c->limits.output_soft_seconds, 0);
    assert_int_equal(c->limits.max_event_size, 1536);
    assert_int_equal(c->limits.max_message_size, 65536);
    assert_int_equal(c->napps, 2);
    assert_string_equal(c->apps[0].id, "A.b_c-9");
    assert_string_equal(c->apps[0].key, "a=b");
    assert_string_equal(c->apps[0].secret, "\xc3\xa9t\xc3\xa9=with=signs;and#marks");
    assert_false(c->apps[0].enabled);
    assert_false(c->apps[0].allow_missing_origin);
    assert_int_equal(c->apps[0].client_events, CLIENT_EVENTS_ALL);
    assert_string_equal(c->apps[1].id, "b");
    config_free(c);
}

/* Each is followed by a good application; the first error must be this line and hold this text. */
static const struct {
    const char *text;
    unsigned int line;
    const char *says;
} bad[] = {
    {"[server]\nworkers = 0\n", 2, "workers must be auto or a number from 1 to 64, not \"0\""},
    {"[server]\nworkers = 65\n", 2, "from 1 to 64"},
    {"[server]\nworkers = Auto\n", 2, "auto or"},
    {"[server]\nworkers =\n", 2, "must not be empty"},
    {"[server]\n\n\nworker = 1\n", 4, "did you mean \"workers\"? Allowed are listen, workers,"},
    {"[server]\nmax_batch = 1\n", 2, "it is a key of [limits]"},
    {"[server]\nzzzzzz = 1\n", 2, "Allowed are listen"},
    {"[admin]\nLISTEN = 1\n", 2, "did you mean \"listen\"? Allowed are listen, socket, token"},
    {"[sever]\nx = 1\n", 1, "did you mean [server]?"},
    {"[Limits]\n", 1, "did you mean [limits]?"},
    {"[app]\nkey = x\n", 1, "is written [app \"my-id\"]"},
    {"[app a]\n", 1, "is written [app \"my-id\"]"},
    {"[app \"\"]\n", 1, "1 to 40"},
    {"[app \"a b\"]\n", 1, "1 to 40"},
    {"[app \"a\"\n", 1, "closing bracket"},
    {"[app \"12345678901234567890123456789012345678901\"]\n", 1, "1 to 40"},
    {"[application \"a\"]\n", 1, "unknown section"},
    {"[1234567890123456789012345678901234567890123456789x]\n", 1, "not be over 49 bytes"},
    {"[]\n", 1, "must not be empty"},
    {"[server] # c\n", 1, "nothing may follow"},
    {"[server]x\n", 1, "nothing may follow"},
    {"[server ;x]\n", 1, "comment"},
    {"[server]\nlisten = 1.2.3.4\n", 2, "with a port"},
    {"[server]\nlisten = 1.2.3.4:0\n", 2, "from 1 to 65535"},
    {"[server]\nlisten = 1.2.3.4:65536\n", 2, "from 1 to 65535"},
    {"[server]\nlisten = 1.2.3:80\n", 2, "addresses such as"},
    {"[server]\nlisten = ::1:80\n", 2, "[::1]:8080"},
    {"[server]\nlisten = [::g]:80\n", 2, "[::1]:8080"},
    {"[server]\nlisten = example.com:80\n", 2, "localhost:8080"},
    {"[server]\nlisten = 8080\n", 2, "addresses such as"},
    {"[server]\nlisten =\n", 2, "must not be empty"},
    {"[server]\nlisten = :1,,:2\n", 2, "empty entry"},
    {"[server]\nlisten = :1,\n", 2, "empty entry"},
    {"[server]\nlisten = :1\nlisten = 0.0.0.0:1\n", 2, "listed in [server]"},
    {"[admin]\nlisten = :9\n[server]\nlisten = :9\n", 2, "again in [admin] listen"},
    {"[server]\nworkers = 1\nworkers = 1\n", 3, "workers is set twice, first in line 2"},
    {"[server]\nworkers = 1\n[ipc]\n[server]\nworkers = 2\n", 5, "first in line 2"},
    {"[server]\nlog_level = verbose\n", 2, "error, warn, info or debug"},
    {"[server]\nlog_format = xml\n", 2, "text or json"},
    {"[server]\npath_prefix = ws\n", 2, "a path such as /ws"},
    {"[server]\npath_prefix = /a//b\n", 2, "a path such as /ws"},
    {"[server]\npath_prefix = /a?b\n", 2, "a path such as /ws"},
    {"[server]\ndrain_delay = 5s\n", 2, "a number of seconds from 0 to 3600, not \"5s\""},
    {"[server]\ndrain_delay = -1\n", 2, "a number of seconds"},
    {"[server]\ndrain_delay = 1.5\n", 2, "a number of seconds"},
    {"[server]\ntrusted_proxies = 10.0.0.0/33\n", 2, "addresses or networks"},
    {"[server]\ntrusted_proxies = proxy\n", 2, "addresses or networks"},
    {"[server]\nworkers = 1 ; one\n", 2, "a comment must stand in a line of its own"},
    {"[server]\nworkers = ;1\n", 2, "a comment must stand in a line of its own"},
    {"[server]\nworkers = 1 # one\n", 2, "a comment must stand in a line of its own"},
    {"[server]\nworkers\n", 2, "a line must be \"key = value\""},
    {"[server]\nworkers: 1\n", 2, "a line must be \"key = value\""},
    {"[server]\nlisten 1.2.3.4:80\n", 2, "a line must be \"key = value\""},
    {"[server]\n= 1\n", 2, "is missing"},
    {"workers = 1\n", 1, "must stand below a [section]"},
    {"[server]\nworkers = 1\n  listen = :1\n", 3, "must not be indented"},
    {"[server]\n\tworkers = 1\n", 2, "must not be indented"},
    {" [server]\n", 1, "must not be indented"},
    {"[server]\nlisten = :1,\n  :2\n", 2, "empty entry"},
    {"[server]\nlog_level = \"info\"\n", 2, "without quotes"},
    {"[server]\nlog_level = 'info'\n", 2, "without quotes"},
    {"[server]\nlog_level = inf\xffo\n", 2, "not valid UTF-8"},
    {"[server]\nlog_level = in\x01o\n", 2, "control characters"},
    {"[server]\nlog_level\r = info\n", 2, "control characters"},
    {"[ipc]\nmode = 0999\n", 2, "octal"},
    {"[ipc]\nmode = 1777\n", 2, "octal"},
    {"[ipc]\nmode = rw\n", 2, "octal"},
    {"[ipc]\nsocket =\n", 2, "must not be empty"},
    {"[ipc]\nsocket = /run/\n", 2, "the path of a file"},
    {"[ipc]\nsocket = "
     "/1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"
     "2345678901234567\n",
     2, "at most 107 bytes"},
    {"[ipc]\ngroup = a b\n", 2, "the name of a group"},
    {"[tls]\nlisten = :443\n", 2, "needs a certificate"},
    {"[server]\nlisten = none, :1\n", 2, "listen = none stands alone"},
    {"[server]\nlisten = :1\nlisten = none\n", 2, "listen = none stands alone"},
    {"[server]\nlisten = None\n", 2, "or none"},
    {"[admin]\nlisten = none\n", 2, "addresses such as"},
    {"[admin]\nsocket =\n", 2, "auto, none, or the path"},
    {"[admin]\nsocket = /run/\n", 2, "auto, none, or the path"},
    {"[admin]\ntoken = short\n", 2, "16 to 256 printable"},
    {"[admin]\ntoken = 0123456789 abcdef\n", 2, "16 to 256 printable"},
    {"[server]\nlisten = none\n[tls]\nlisten = :443\ncertificate = /a\nkey = /b\n", 4,
     "[tls] listen must be empty"},
    {"[tls]\ncertificate = /a, /b\nkey = /a\n", 2, "as many files"},
    {"[redis]\nurl = localhost:6379\n", 2, "redis://"},
    {"[redis]\nprefix = a b\n", 2, "64 letters"},
    {"[redis]\nurl = redis://secret@host\n", 2, "redis://:password@host"},
    {"[redis]\nurl = redis://:secret@/1\n", 2, "has no host"},
    {"[redis]\nsentinels = a, b:1\n", 2, "needs master = NAME"},
    {"[redis]\nmaster = m\n", 2, "it needs sentinels"},
    {"[trace]\nendpoint = http://u:p@a:4318\n", 2, "credentials stand in headers"},
    {"[trace]\nendpoint = http://a:4318/v1?key=1\n", 2, "credentials stand in headers"},
    {"[trace]\nheaders = nothing\n", 2, "Authorization: Bearer"},
    {"[trace]\nheaders = Content-Type: text/plain\n", 2, "Authorization: Bearer"},
    {"[trace]\nheaders = a b: c\n", 2, "Authorization: Bearer"},
    {"[redis]\nmaster = m m\n", 2, "64 letters"},
    {"[redis]\nsentinels = a:b\nmaster = m\n", 2, "such as host or host:26379"},
    {"[redis]\nsentinels = a\nmaster = m\nurl = redis://h\n", 4, "must have no host"},
    {"[redis]\ncluster = a\nurl = unix:///a\n", 3, "must have no host"},
    {"[redis]\ncluster = a\nurl = redis:///1\n", 3, "no database but 0"},
    {"[redis]\nsentinels = a\nmaster = m\ncluster = a\n", 4, "exclude each other"},
    {"[redis]\ncluster = redis://a\n", 2, "such as host or host:6379"},
    {"[redis]\nconnect_timeout = 0\n", 2, "seconds such as 2 or 0.5, from 0.05 to 60"},
    {"[redis]\nconnect_timeout = 1.\n", 2, "from 0.05 to 60"},
    {"[redis]\nconnect_timeout = .5\n", 2, "from 0.05 to 60"},
    {"[redis]\nconnect_timeout = 1.0001\n", 2, "from 0.05 to 60"},
    {"[redis]\nconnect_timeout = 18446744073709551615\n", 2, "from 0.05 to 60"},
    {"[cluster]\nnode = a b\n", 2, "64 letters"},
    {"[cluster]\nlanes = 0\n", 2, "a number from 1 to 64"},
    {"[cluster]\nlanes = 65\n", 2, "a number from 1 to 64"},
    {"[cluster]\nresend_window = 0\n", 2, "from 1 to 3600"},
    {"[cluster]\nresend_bytes = 1K\n", 2, "from 1048576 to"},
    {"[cluster]\nquery_deadline = 31\n", 2, "from 0.01 to 30"},
    {"[limits]\nmax_message_size = 10KB\n", 2, "a size such as 512, 64K or 8M, from 0 to 16M"},
    {"[limits]\nmax_message_size = 17M\n", 2, "16M"},
    {"[limits]\nmax_message_size = K\n", 2, "16M"},
    {"[limits]\nmax_message_size = 99999999999999999999\n", 2, "16M"},
    {"[limits]\nmax_message_size = 18446744073709551615M\n", 2, "16M"},
    {"[limits]\nmax_connections = 1K\n", 2, "a number from 0 to 100000000"},
    {"[limits]\nmax_connections = 18446744073709551616\n", 2, "a number from 0"},
    {"[limits]\noutput_hard = 1M\noutput_soft = 2M\n", 3, "must not be over output_hard"},
    {"[app \"b\"]\n", 1, "the application has no key"},
    {"[app \"b\"]\nkey = b\n", 1, "the application has no secret"},
    {"[app \"b\"]\nkey =\nsecret = long-enough\n", 2, "key must not be empty"},
    {"[app \"b\"]\nkey = a:b\nsecret = long-enough\n", 2, "1 to 128 letters"},
    {"[app \"b\"]\nkey = b\nkey = c\nsecret = long-enough\n", 3, "set twice"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nclient_events = yes\n", 4,
     "members, none or all"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nenabled = 1\n", 4, "yes or no"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = a*b\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = a.com:80\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = https://\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = http://a/b\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = file:///a/b\n", 4,
     "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = http://.\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = ://a\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = http://*\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = http://*.\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = http://*.[::1]\n", 4,
     "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nallowed_origins = *.a:80\n", 4, "host names"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = a.com\n", 4, "https://"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = http://a.com:99999/h\n", 4,
     "https://"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = http://a.com:0\n", 4, "https://"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = http://:80/h\n", 4, "https://"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = https:///h\n", 4, "https://"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = https://[::1/h\n", 4, "https://"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = http://u:p@:80/\n", 4, "https://"},
    {"[app \"b\"]\nkey = b\nsecret = long-enough\nwebhook_url = http://a.com:x/\n", 4, "https://"},
    {"[app \"b\"]\nkey = k\nsecret = long-enough\n", 4,
     "has the key of application \"b\" (line 1)"},
    {"[app \"a\"]\nkey = b\nsecret = long-enough\n", 4, "is defined twice, first in line 1"},
};

static void test_bad_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[2000], place[64];
        struct report report;

        snprintf(text, sizeof(text), "%s" APP, bad[i].text);
        snprintf(place, sizeof(place), "error: f.conf:%u: ", bad[i].line);
        assert_null(parse(text, &report));
        if (strncmp(report.text, place, strlen(place)) != 0 ||
            strstr(report.text, bad[i].says) == NULL || report.errors == 0) {
            fail_msg("case %zu, %s\nwanted %s%s\ngot %s", i, bad[i].text, place, bad[i].says,
                     report.text);
        }
    }
}

static void test_a_nul_byte_ends_the_reading(void **state)
{
    static const char text[] = "[server]\nwork\0ers = 1\nbad bad\n" APP;
    struct report report;

    (void)state;
    assert_null(parse_len(text, sizeof(text) - 1, &report));
    assert_non_null(strstr(report.text, "error: f.conf:2: a NUL byte"));
    assert_null(strstr(report.text, "f.conf:3"));
}

static void test_all_problems_in_one_run(void **state)
{
    struct report report;

    (void)state;
    assert_null(parse("[server]\nworkers = x\nfoo = 1\n[what]\nfoo = 1\n[limits]\nmax_batch = -1\n"
                      "[app \"a\"]\nkey = k\n[app \"a\"]\nsecret = long-enough\n",
                      &report));
    assert_int_equal(report.errors, 7);
    for (unsigned int i = 0; i < 4; i++) {
        static const unsigned int lines[] = {2, 3, 4, 7};
        char place[64];
        snprintf(place, sizeof(place), "error: f.conf:%u: ", lines[i]);
        assert_non_null(strstr(report.text, place));
    }
}

static void test_many_errors_are_cut(void **state)
{
    char *text = mem_alloc(20000);
    size_t len = 0;
    struct report report;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        len += (size_t)snprintf(text + len, 20000 - len, "bad line\n");
    }
    assert_null(parse_len(text, len, &report));
    assert_int_equal(report.errors, 51);
    assert_non_null(strstr(report.text, "too many errors"));
    mem_free(text);
}

/* libinih's default build holds 181 bytes of a value. */
static void test_long_values(void **state)
{
    char text[600];
    struct report report;
    struct config *config;

    (void)state;
    for (int len = 178; len <= 184; len++) {
        snprintf(text, sizeof(text), "[app \"a\"]\nkey = k\nsecret = %0*d\n", len, 7);
        config = parse(text, &report);
        if (len <= 181) {
            assert_non_null(config);
            assert_int_equal(strlen(config->apps[0].secret), len);
        } else {
            assert_null(config);
            assert_non_null(strstr(report.text, "f.conf:3: a value must not be over 181 bytes"));
        }
        config_free(config);
    }
    /* the longest value behind the longest key that takes a text */
    snprintf(text, sizeof(text),
             "[app \"a\"]\nkey = k\nsecret = long-enough\nallowed_origins = %0*d\n", 181, 7);
    config = parse(text, &report);
    assert_non_null(config);
    config_free(config);
    /* a comment may be as long as it wants */
    snprintf(text, sizeof(text), "# %0400d\n" APP, 7);
    config_free(parse_fine(text));
}

static void test_no_application(void **state)
{
    struct report report;

    (void)state;
    assert_null(parse("", &report));
    assert_int_equal(report.errors, 1);
    assert_non_null(
        strstr(report.text, "f.conf defines no application: add a section [app \"my-id\"]"));
}

static void test_secrets_are_not_shown(void **state)
{
    struct report report;

    (void)state;
    assert_null(parse("[redis]\nurl = http://:hunter2@host\nsentinels = redis://:hunter2@a\n"
                      "cluster = redis://:hunter2@a\n[app \"a\"]\nkey = hunter2:x\n"
                      "secret = hunter2 ; x\nsecret = \"hunter2\"\nsecret hunter2\n"
                      "webhook_url = ftp://hunter2@host\n"
                      "[trace]\nendpoint = http://hunter2@a\nheaders = hunter2\n"
                      "[admin]\ntoken = hunter2\n",
                      &report));
    assert_true(report.errors >= 11);
    assert_null(strstr(report.text, "hunter2"));
}

static void test_weak_secret_is_a_warning(void **state)
{
    struct report report;
    struct config *config = parse("[app \"a\"]\nkey = k\nsecret = short\n", &report);

    (void)state;
    assert_non_null(config);
    assert_int_equal(report.warnings, 1);
    assert_non_null(strstr(report.text, "warning: f.conf:1: the secret of application \"a\""));
    config_free(config);
}

static void test_everything_has_its_effect(void **state)
{
    (void)state;
    config_free(parse_fine("[server]\ntrusted_proxies = 10.0.0.0/8, ::1\n"
                           "[tls]\nlisten = :443\ncertificate = /c.pem\nkey = /k.pem\n"
                           "[redis]\nurl = redis://localhost\nprefix = a:\n"
                           "[limits]\nmax_channels_per_publish = 5\nmax_batch = 5\n"
                           "[app \"a\"]\nkey = k\nsecret = long-enough\n"
                           "cache_ttl = 1\ncache_max = 1M\nuser_authentication = no\n"
                           "watchlist = yes\nsubscription_count = yes\n"
                           "webhook_url = https://u:p@[::1]:8443/hook?at=a:b@c:0\n"
                           "[app \"b\"]\nkey = l\nsecret = long-enough\nwatchlist = on\n"));
}

static void test_a_relay(void **state)
{
    struct report report;

    (void)state;
    struct config *config = parse_fine("[server]\nlisten = none\n[redis]\nurl = redis://h\n" APP);
    assert_int_equal(config->listen.count, 0);
    config_free(config);
    /* without Redis it is accepted, and of no use */
    config = parse("[server]\nlisten = none\n" APP, &report);
    assert_non_null(config);
    assert_int_equal(report.warnings, 1);
    assert_non_null(strstr(report.text, "warning: f.conf:2: [server] listen = none, and no Redis"));
    assert_non_null(strstr(report.text, "url = redis://HOST:6379"));
    config_free(config);
}

static char *printed(void (*print)(FILE *), size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);

    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

/* The sample with its key and secret filled in, as it is and with every default written out. */
static void test_the_sample_is_a_configuration(void **state)
{
    size_t len, n = 0;
    char *sample = printed(config_print_sample, &len);
    char *text = mem_alloc(2 * len + 100);
    struct report report;

    (void)state;
    assert_null(parse(sample, &report));
    assert_int_equal(report.errors, 2); /* no key, no secret, and nothing else */
    for (int defaults = 0; defaults < 2; defaults++) {
        n = 0;
        for (const char *line = sample; *line != '\0'; line += strcspn(line, "\n") + 1) {
            bool is_default = line[0] == '#' && line[1] != ' ';
            size_t line_len = strcspn(line, "\n") + 1;
            if (strncmp(line, "key =\n", 6) == 0) {
                n += (size_t)snprintf(text + n, 2 * len + 100 - n, "key = k\n");
            } else if (strncmp(line, "secret =\n", 9) == 0) {
                n += (size_t)snprintf(text + n, 2 * len + 100 - n, "secret = long-enough\n");
            } else {
                size_t skip = is_default && defaults == 1 ? 1 : 0;
                memcpy(text + n, line + skip, line_len - skip);
                n += line_len - skip;
            }
        }
        text[n] = '\0';
        config_free(parse_fine(text));
    }
    for (size_t i = 0; i < config_keys_count; i++) {
        char key[64];
        snprintf(key, sizeof(key), "\n%s =", config_keys[i].name);
        assert_non_null(strstr(text, key));
    }
    mem_free(text);
    free(sample);
}

static char *read_source(const char *path, size_t *len)
{
    char name[4096];
    char *text = mem_zalloc(200000);
    const char *slash = strrchr(__FILE__, '/');

    snprintf(name, sizeof(name), "%.*s/../../%s", (int)(slash - __FILE__), __FILE__, path);
    FILE *in = fopen(name, "re");
    if (in == NULL) {
        fail_msg("cannot open %s", name);
    }
    *len = fread(text, 1, 199999, in);
    fclose(in);
    return text;
}

/* scripts/gen-config-docs brings them back in step. */
static void test_pages_are_in_step(void **state)
{
    size_t len, page_len;
    char *sample = printed(config_print_sample, &len);
    char *file = read_source("packaging/fanfared.conf", &page_len);

    (void)state;
    assert_string_equal(file, sample);
    mem_free(file);
    free(sample);

    char *reference = printed(config_print_reference, &len);
    char *page = read_source("docs/configuration.md", &page_len);
    char *at = strstr(page, reference);
    assert_non_null(at);
    /* between the markers, and nothing else there */
    static const char begin[] = "<!-- reference -->\n", end[] = "<!-- end of reference -->\n";
    assert_memory_equal(at - strlen(begin), begin, strlen(begin));
    assert_memory_equal(at + len, end, strlen(end));
    mem_free(page);
    free(reference);

    /* every counter is explained to who operates it */
    page = read_source("docs/metrics.md", &page_len);
    for (int i = 0; i < COUNTER_MAX; i++) {
        char metric[100];
        snprintf(metric, sizeof(metric), "fanfare_%s", counter_infos[i].metric);
        if (strstr(page, metric) == NULL) {
            fail_msg("docs/metrics.md lacks %s", metric);
        }
    }
    mem_free(page);

    /* and every limit to who reaches it */
    page = read_source("docs/limits.md", &page_len);
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        bool limit = (key->section == SECTION_LIMITS ||
                      (key->section == SECTION_APP && (key->flags & KEY_UNLIMITED) != 0));
        char name[100];
        snprintf(name, sizeof(name), "%s`", key->name);
        if (limit && strstr(page, name) == NULL) {
            fail_msg("docs/limits.md lacks %s", key->name);
        }
    }
    mem_free(page);
}

static void test_files(void **state)
{
    char dir[] = "/tmp/fanfare-config-XXXXXX", path[100];
    struct report report = {.len = 0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/f.conf", dir);

    assert_null(config_load(path, -1, NULL, collect, &report));
    assert_non_null(
        strstr(report.text, "No such file or directory (a file is given with --config"));
    assert_null(config_load(dir, -1, NULL, collect, &report));
    assert_non_null(strstr(report.text, "it is a directory"));
    assert_int_equal(report.errors, 2);

    FILE *out = fopen(path, "we");
    assert_non_null(out);
    for (int i = 0; i < 2000; i++) { /* longer than the first read */
        fprintf(out, "# a comment in line %d\n", i);
    }
    fputs(APP, out);
    fclose(out);
    memset(&report, 0, sizeof(report));
    chmod(path, 0640);
    struct config *config = config_load(path, -1, NULL, collect, &report);
    assert_non_null(config);
    assert_int_equal(report.len, 0);
    config_free(config);

    chmod(path, 0644);
    config = config_load(path, -1, NULL, collect, &report);
    assert_non_null(config);
    assert_int_equal(report.warnings, 1);
    assert_non_null(strstr(report.text, "everybody on this machine can read it: chmod 640"));
    config_free(config);
    unlink(path);
    rmdir(dir);
}

/* ---- pipes ---- */

static const char piped[] = "[app \"p\"]\nkey = k\nsecret = long-enough\n";

struct writer {
    char path[100];
    const char *parts[3]; /* NULL: no more */
};

/* Opening waits for the reader, as a shell's > FIFO does. */
static void *write_parts(void *arg)
{
    const struct writer *writer = arg;
    int fd = open(writer->path, O_WRONLY | O_CLOEXEC);
    check(fd >= 0);
    for (size_t i = 0; i < 3 && writer->parts[i] != NULL; i++) {
        size_t len = strlen(writer->parts[i]);
        check(write(fd, writer->parts[i], len) == (ssize_t)len);
        int left = 1;
        while (left > 0) { /* until it has been read: the reader finds the pipe empty */
            check(ioctl(fd, FIONREAD, &left) == 0);
            sched_yield();
        }
    }
    close(fd);
    return NULL;
}

static void test_a_fifo_is_read_to_its_end(void **state)
{
    char dir[] = "/tmp/fanfare-config-XXXXXX";
    struct writer writer = {.parts = {piped, "\n[limits]\n", "max_batch = 7\n"}};
    struct report report = {.len = 0};
    pthread_t thread;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(writer.path, sizeof(writer.path), "%s/fifo", dir);
    assert_int_equal(mkfifo(writer.path, 0644), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_parts, &writer), 0);
    struct config *config = config_load(writer.path, -1, NULL, collect, &report);
    pthread_join(thread, NULL);
    assert_string_equal(report.text, "");
    assert_non_null(config);
    assert_int_equal(config->limits.max_batch, 7);
    config_free(config);
    unlink(writer.path);
    rmdir(dir);
}

/* As a shell's <(...) may be: opened by another name, and its writer has gone already. */
static void test_a_pipe_whose_writer_has_gone(void **state)
{
    struct report report = {.len = 0};
    char path[40];
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], piped, sizeof(piped) - 1), (ssize_t)sizeof(piped) - 1);
    close(ends[1]);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    struct config *config = config_load(path, -1, NULL, collect, &report);
    assert_string_equal(report.text, "");
    assert_non_null(config);
    config_free(config);
    close(ends[0]);
}

static void test_a_pipe_is_given_up(void **state)
{
    char dir[] = "/tmp/fanfare-config-XXXXXX", path[100];
    struct report report = {.len = 0};
    int stop = eventfd(1, EFD_CLOEXEC);

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(config_load(path, stop, NULL, collect, &report)); /* nobody writes */
    assert_non_null(strstr(report.text, "cannot read the configuration file"));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(write(fd, "[", 1), 1);
    assert_null(config_load(path, stop, NULL, collect, &report)); /* nobody writes on */
    assert_int_equal(report.errors, 2);
    close(fd);
    close(stop);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fifo_is_read_to_its_end),
        cmocka_unit_test(test_a_pipe_whose_writer_has_gone),
        cmocka_unit_test(test_a_pipe_is_given_up),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_a_nul_byte_ends_the_reading),
        cmocka_unit_test(test_all_problems_in_one_run),
        cmocka_unit_test(test_many_errors_are_cut),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_no_application),
        cmocka_unit_test(test_secrets_are_not_shown),
        cmocka_unit_test(test_weak_secret_is_a_warning),
        cmocka_unit_test(test_everything_has_its_effect),
        cmocka_unit_test(test_a_relay),
        cmocka_unit_test(test_the_sample_is_a_configuration),
        cmocka_unit_test(test_pages_are_in_step),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
