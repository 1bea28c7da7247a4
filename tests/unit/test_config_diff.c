/* ops/config_diff: what a reload says that it has changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ops/config_diff.h"
#include "ops/config_load.h"

#define A "[app \"a\"]\nkey = k\nsecret = long-enough\n"
#define B "[app \"b\"]\nkey = l\nsecret = long-enough-too\n"

static void fail_on_report(void *arg, bool error, const char *text)
{
    (void)arg;
    if (error) {
        fail_msg("%s", text);
    }
}

static struct config *parse(const char *text)
{
    struct config *config = config_parse("f.conf", text, strlen(text), NULL, fail_on_report, NULL);
    assert_non_null(config);
    return config;
}

static void expect(const char *old_text, const char *now_text, const char *expected)
{
    char out[3000];
    struct config *old = parse(old_text), *now = parse(now_text);
    config_diff(old, old, now, out, sizeof(out));
    assert_string_equal(out, expected);
    config_free(old);
    config_free(now);
}

static void applications_are_named(void **state)
{
    (void)state;
    expect(A B, A B, "nothing has changed");
    expect(A, A B, "application b added");
    expect(A, A B "enabled = no\n", "application b added, disabled");
    expect(A B, B, "application a removed");
    expect(A B, B A, "nothing has changed");
    expect(A, A "enabled = no\n", "application a disabled");
    expect(A "enabled = no\n", A, "application a enabled");
    expect(A, A "max_connections = 3\nallowed_origins = x.example, y.example\n",
           "application a changed: allowed_origins, max_connections");
    expect(A, A "enabled = no\ncache_ttl = 1\n",
           "application a disabled; application a changed: cache_ttl");
}

/* A secret is never shown, and that it has changed always is. */
static void no_value_is_shown(void **state)
{
    (void)state;
    expect(A, "[app \"a\"]\nkey = other\nsecret = another-one\n",
           "application a changed: key, secret");
}

static void keys_are_named_with_their_section(void **state)
{
    (void)state;
    expect(A, "[server]\nlog_level = debug\n[limits]\nmax_batch = 7\noutput_soft = 1K\n" A,
           "[server] log_level; [limits] max_batch; [limits] output_soft");
    expect(A, "[server]\nlisten = 127.0.0.1:1\nworkers = 2\n" A, "nothing has changed");
    expect("[server]\ntrusted_proxies = 10.0.0.0/8\n" A, A, "[server] trusted_proxies");
}

static void collect(void *arg, const char *section, const char *key)
{
    char *text = arg;
    snprintf(text + strlen(text), 500 - strlen(text), "[%s] %s; ", section, key);
}

static void what_needs_a_restart_is_told_apart(void **state)
{
    (void)state;
    char text[500] = "";
    struct config *old = parse("[server]\nworkers = 1\n" A);
    struct config *now = parse("[server]\nworkers = 2\nlisten = 127.0.0.1:1\nlog_level = debug\n"
                               "[ipc]\nsocket = /tmp/x\nmode = 0600\ngroup = www-data\n"
                               "[admin]\nlisten =\n" A);
    config_diff_fixed(old, now, collect, text);
    assert_string_equal(text, "[server] listen; [server] workers; [ipc] socket; [ipc] mode; [ipc] "
                              "group; [admin] listen; [admin] socket; ");
    text[0] = '\0';
    config_diff_fixed(old, old, collect, text);
    assert_string_equal(text, "");
    config_free(old);
    config_free(now);
}

#define R "[redis]\nurl = redis://h\n"

/* A node stays joined, or alone, as it was started; what it uses of Redis changes at once. */
static void of_redis_only_what_is_used_is_told(void **state)
{
    (void)state;
    static const char other[] = "[redis]\nurl = redis://:password@i\nrequire = yes\nprefix = p\n"
                                "[cluster]\nnode_timeout = 3\nlanes = 2\nnode = n\n";
    char text[500] = "", out[3000];
    struct config *alone = parse(A), *joined = parse(R A), *now = parse("[cluster]\nlanes = 2\n" A);
    char both[500];
    snprintf(both, sizeof(both), "%s" A, other);
    struct config *changed = parse(both);

    config_diff(joined, joined, changed, out, sizeof(out));
    assert_string_equal(out, "[redis] url; [redis] require; [cluster] node_timeout");
    config_diff_fixed(joined, changed, collect, text);
    assert_string_equal(text, "[redis] prefix; [cluster] node; [cluster] lanes; ");
    assert_false(config_diff_joins(joined, changed));

    text[0] = '\0';
    config_diff(alone, alone, changed, out, sizeof(out));
    assert_string_equal(out, "nothing has changed");
    config_diff(alone, joined, changed, out, sizeof(out)); /* of the second reload */
    assert_string_equal(out, "nothing has changed");
    config_diff_fixed(alone, changed, collect, text);
    assert_string_equal(text, "");
    assert_true(config_diff_joins(alone, changed));

    config_diff(joined, changed, now, out, sizeof(out));
    assert_string_equal(out, "nothing has changed");
    config_diff_fixed(joined, now, collect, text);
    assert_string_equal(text, "");
    assert_true(config_diff_joins(joined, now));
    assert_false(config_diff_joins(alone, now));
    config_free(alone);
    config_free(joined);
    config_free(now);
    config_free(changed);
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    char text[64 * 100] = "", out[200];
    size_t len = 0;
    for (int i = 0; i < 50; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "[app \"n%02d\"]\nkey = k%02d\nsecret = long-enough\n", i, i);
    }
    struct config *old = parse(A), *now = parse(text);
    memset(out, 'x', sizeof(out));
    config_diff(old, old, now, out, sizeof(out));
    assert_non_null(memchr(out, '\0', sizeof(out)));
    unsigned int named = 0, more = 0;
    for (const char *at = out; (at = strstr(at, "application ")) != NULL; at++) {
        named++;
    }
    assert_non_null(strstr(out, "application n00 added; application n01 added; "));
    assert_int_equal(sscanf(strstr(out, "; and ") + 6, "%u more", &more), 1);
    assert_int_equal(named + more, 51);
    config_free(old);
    config_free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applications_are_named),
        cmocka_unit_test(no_value_is_shown),
        cmocka_unit_test(keys_are_named_with_their_section),
        cmocka_unit_test(what_needs_a_restart_is_told_apart),
        cmocka_unit_test(of_redis_only_what_is_used_is_told),
        cmocka_unit_test(what_does_not_fit_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
