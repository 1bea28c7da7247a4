/* ops/config: the environment. ops/options: the command line. ops/workers: quotas. ops/suggest:
 * slips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ops/config_load.h"
#include "ops/options.h"
#include "ops/suggest.h"
#include "ops/workers.h"

#define APP "[app \"a\"]\nkey = k\nsecret = long-enough\n"

struct report {
    char text[8000];
    size_t len;
};

static void collect(void *arg, bool error, const char *text)
{
    struct report *report = arg;

    report->len += (size_t)snprintf(report->text + report->len, sizeof(report->text) - report->len,
                                    "%s: %s\n", error ? "error" : "warning", text);
    assert_true(report->len < sizeof(report->text));
}

/* file NULL: none. */
static struct config *load(const char *file, char *const envp[], struct report *report)
{
    memset(report, 0, sizeof(*report));
    if (file == NULL) {
        return config_load(NULL, -1, envp, collect, report);
    }
    return config_parse("f.conf", file, strlen(file), envp, collect, report);
}

static struct config *load_fine(const char *file, char *const envp[])
{
    struct report report;
    struct config *config = load(file, envp, &report);

    if (config == NULL || report.len > 0) {
        fail_msg("reported: %s", report.text);
    }
    return config;
}

static void load_bad(const char *file, char *const envp[], const char *says)
{
    struct report report;

    assert_null(load(file, envp, &report));
    if (strstr(report.text, says) == NULL) {
        fail_msg("wanted %s\ngot %s", says, report.text);
    }
}

#define ENV(...) ((char *const[]){__VA_ARGS__, NULL})

static void test_development(void **state)
{
    (void)state;
    struct config *c = load_fine(NULL, ENV("PATH=/bin", "FANFARE_APP_ID=", "FANFARE_APP_KEY=",
                                           "FANFARE_APP_SECRET=", "FANFARE_SOCKET="));
    assert_true(c->development);
    assert_int_equal(c->listen.count, 1);
    assert_string_equal(c->listen.items[0], "127.0.0.1:8080");
    assert_string_equal(c->socket, "/run/fanfare/fanfare.sock");
    assert_int_equal(c->napps, 1);
    assert_string_equal(c->apps[0].id, "fanfare");
    assert_string_equal(c->apps[0].key, "fanfare-key");
    assert_string_equal(c->apps[0].secret, "fanfare-secret");
    assert_true(c->apps[0].enabled);
    config_free(c);

    c = load_fine(NULL, ENV("FANFARE_SERVER_LISTEN=0.0.0.0:9000"));
    assert_true(c->development);
    assert_string_equal(c->listen.items[0], "0.0.0.0:9000");
    config_free(c);
    config_free(load_fine(NULL, NULL));
}

static void test_application_from_the_environment(void **state)
{
    (void)state;
    char *const full[] = {"FANFARE_APP_ID=my-app", "FANFARE_APP_KEY=my-key",
                          "FANFARE_APP_SECRET=my-secret;# and \"all\"", NULL};
    struct config *c = load_fine(NULL, full);
    assert_false(c->development);
    assert_string_equal(c->listen.items[0], "0.0.0.0:8080");
    assert_int_equal(c->napps, 1);
    assert_string_equal(c->apps[0].id, "my-app");
    assert_string_equal(c->apps[0].key, "my-key");
    assert_string_equal(c->apps[0].secret, "my-secret;# and \"all\"");
    assert_true(c->apps[0].enabled);
    config_free(c);

    /* a file without applications takes it, one with applications does not look at it */
    c = load_fine("[server]\nworkers = 1\n", full);
    assert_string_equal(c->apps[0].id, "my-app");
    config_free(c);
    c = load_fine(APP, full);
    assert_int_equal(c->napps, 1);
    assert_string_equal(c->apps[0].id, "a");
    config_free(c);
    config_free(load_fine(APP, ENV("FANFARE_APP_ID=bad id")));

    load_bad(NULL, ENV("FANFARE_APP_ID=x", "FANFARE_APP_KEY=y"),
             "error: FANFARE_APP_SECRET is not set");
    load_bad(NULL, ENV("FANFARE_APP_ID=x", "FANFARE_APP_KEY=", "FANFARE_APP_SECRET=long-enough"),
             "error: FANFARE_APP_KEY is not set");
    load_bad("", ENV("FANFARE_APP_SECRET=x"), "error: FANFARE_APP_ID is not set");
    load_bad(NULL, ENV("FANFARE_APP_ID=a b", "FANFARE_APP_KEY=y", "FANFARE_APP_SECRET=long-enough"),
             "error: FANFARE_APP_ID must be 1 to 40 letters");
    load_bad(NULL, ENV("FANFARE_APP_ID=a", "FANFARE_APP_KEY=a b", "FANFARE_APP_SECRET=long-enough"),
             "error: FANFARE_APP_KEY must be 1 to 128 letters");
    load_bad(NULL, ENV("FANFARE_APP_ID=a", "FANFARE_APP_KEY=k", "FANFARE_APP_SECRET=\xff"),
             "error: FANFARE_APP_SECRET must be valid UTF-8");
}

static void test_overrides(void **state)
{
    (void)state;
    struct config *c = load_fine(
        "[server]\nlisten = :1, :2\nworkers = 4\n[admin]\nlisten = :4\n" APP,
        ENV("FANFARE_SERVER_LISTEN= localhost:3 ,[::1]:3", "FANFARE_SERVER_WORKERS=auto",
            "FANFARE_SERVER_LOG_FORMAT=json", "FANFARE_ADMIN_LISTEN=", "FANFARE_IPC_MODE=0600",
            "FANFARE_LIMITS_OUTPUT_HARD=16M", "FANFARE_SOCKET=/tmp/x.sock",
            /* of the application around the daemon, or of an orchestrator */
            "FANFARE_HOST=example.com", "FANFARE_PORT=tcp://10.0.0.1:80", "FANFARE_SERVER_PORT=x",
            "FANFARE_APP_ENABLED=no", "FANFARE_LIMITS=x", "FANFARE_SERVER_WORKERS_X=x"));
    assert_int_equal(c->listen.count, 2);
    assert_string_equal(c->listen.items[0], "127.0.0.1:3");
    assert_string_equal(c->listen.items[1], "[::1]:3");
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->log_format, LOG_FORMAT_JSON);
    assert_int_equal(c->admin_listen.count, 0);
    assert_int_equal(c->mode, 0600);
    assert_int_equal(c->limits.output_hard, 16 << 20);
    assert_string_equal(c->socket, "/tmp/x.sock");
    assert_true(c->apps[0].enabled);
    config_free(c);

    c = load_fine(APP, ENV("FANFARE_SOCKET=/tmp/x", "FANFARE_IPC_SOCKET=/tmp/y"));
    assert_string_equal(c->socket, "/tmp/y");
    config_free(c);

    load_bad(APP, ENV("FANFARE_SERVER_WORKERS=99"), "error: FANFARE_SERVER_WORKERS must be auto");
    load_bad(APP, ENV("FANFARE_SERVER_LISTEN="), "error: FANFARE_SERVER_LISTEN must not be empty");
    load_bad(APP, ENV("FANFARE_LIMITS_MAX_BATCH=x"),
             "error: FANFARE_LIMITS_MAX_BATCH must be a number");
    load_bad(APP, ENV("FANFARE_SOCKET=/tmp/"), "error: FANFARE_SOCKET must be the path of a file");
    load_bad(APP, ENV("FANFARE_IPC_GROUP=a\nb"), "error: FANFARE_IPC_GROUP must be valid UTF-8");

    c = load_fine(APP, ENV("FANFARE_SERVER_LISTEN=none", "FANFARE_REDIS_URL=redis://h"));
    assert_int_equal(c->listen.count, 0);
    assert_string_equal(c->redis.url, "redis://h");
    config_free(c);

    struct report report;
    c = load(APP, ENV("FANFARE_SERVER_LISTEN=none"), &report);
    assert_non_null(c);
    assert_non_null(strstr(report.text, "set FANFARE_REDIS_URL"));
    config_free(c);
}

/* --- the command line --- */

static FILE *out_saved, *err_saved;

/* Runs with stdout and stderr in memory. */
static enum options_next run(char **argv, char *const envp[], struct options *options, char **out,
                             char **err)
{
    size_t out_len, err_len;
    int argc = 0;
    enum options_next next;

    while (argv[argc] != NULL) {
        argc++;
    }
    out_saved = stdout;
    err_saved = stderr;
    stdout = open_memstream(out, &out_len);
    stderr = open_memstream(err, &err_len);
    next = options_run(argc, argv, envp, options);
    fclose(stdout);
    fclose(stderr);
    stdout = out_saved;
    stderr = err_saved;
    return next;
}

static void run_says(char **argv, char *const envp[], enum options_next wanted,
                     const char *out_says, const char *err_says)
{
    struct options options;
    char *out, *err;
    enum options_next next = run(argv, envp, &options, &out, &err);

    assert_int_equal(next, wanted);
    if (*out_says == '\0' ? *out != '\0' : strstr(out, out_says) == NULL) {
        fail_msg("wanted %s\ngot %s", out_says, out);
    }
    if (*err_says == '\0' ? *err != '\0' : strstr(err, err_says) == NULL) {
        fail_msg("wanted %s\ngot %s", err_says, err);
    }
    free(out);
    free(err);
}

#define ARGS(...) ((char *[]){"fanfared", __VA_ARGS__ __VA_OPT__(, ) NULL})

static void test_command_line(void **state)
{
    struct options options;
    char *out, *err;

    (void)state;
    assert_int_equal(run(ARGS(), NULL, &options, &out, &err), OPTIONS_SERVE);
    assert_null(options.config_path);
    free(out);
    free(err);
    assert_int_equal(run(ARGS("-c", "/x"), NULL, &options, &out, &err), OPTIONS_SERVE);
    assert_string_equal(options.config_path, "/x");
    free(out);
    free(err);
    assert_int_equal(run(ARGS("--config=/y"), NULL, &options, &out, &err), OPTIONS_SERVE);
    assert_string_equal(options.config_path, "/y");
    free(out);
    free(err);

    run_says(ARGS("--help"), NULL, OPTIONS_DONE, "Usage: fanfared", "");
    run_says(ARGS("--version"), NULL, OPTIONS_DONE, "fanfared " FANFARE_VERSION "\n", "");
    run_says(ARGS("-V"), NULL, OPTIONS_DONE, "OpenSSL    3", "");
    run_says(ARGS("--print-sample"), NULL, OPTIONS_DONE, "\n[server]\n", "");
    run_says(ARGS("--print-reference"), NULL, OPTIONS_DONE, "### [limits]\n", "");
    run_says(ARGS("-t"), ENV("A=b"), OPTIONS_DONE, "environment: ok (1 app, 2 listeners)\n", "");
    run_says(ARGS("-t"), ENV("FANFARE_SERVER_WORKERS=x"), OPTIONS_FAILED, "",
             "error: FANFARE_SERVER_WORKERS must be");
    run_says(ARGS("-t", "--config", "/nonexistent"), NULL, OPTIONS_FAILED, "",
             "error: cannot read the configuration file /nonexistent: No such file");
    run_says(ARGS("--confg"), NULL, OPTIONS_MISTAKEN, "", "did you mean --config?");
    run_says(ARGS("--zzz"), NULL, OPTIONS_MISTAKEN, "", "unknown or ambiguous option --zzz\n");
    run_says(ARGS("-z"), NULL, OPTIONS_MISTAKEN, "", "unknown option -z\n");
    run_says(ARGS("--version=2"), NULL, OPTIONS_MISTAKEN, "", "--version takes no value");
    run_says(ARGS("--config"), NULL, OPTIONS_MISTAKEN, "", "--config needs the path");
    run_says(ARGS("--config="), NULL, OPTIONS_MISTAKEN, "", "--config needs the path");
    run_says(ARGS("fanfare.conf"), NULL, OPTIONS_MISTAKEN, "", "given with --config FILE");
}

/* --- workers --- */

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void test_quotas(void **state)
{
    static const struct {
        const char *membership, *outer, *inner;
        uint32_t cpus;
    } cases[] = {
        {"0::/a/b\n", "max 100000\n", "max 100000\n", 0},
        {"0::/a/b\n", "max 100000\n", "50000 100000\n", 1},
        {"0::/a/b\n", "max 100000\n", "200000 100000\n", 2},
        {"0::/a/b\n", "max 100000\n", "200001 100000\n", 3},
        {"0::/a/b\n", "150000 100000\n", "400000 100000\n", 2},
        {"0::/a\n", "150000 100000\n", "100000 100000\n", 2},
        {"0::/elsewhere/on/the/host\n", "150000 100000\n", "100000 100000\n", 0},
        {"0::/a/b\n", "garbage\n", "", 0},
        {"0::/a/b\n", "900000000000 100000\n", "max 100000\n", WORKERS_MAX},
        {"12:memory:/a\n", "100000 100000\n", "100000 100000\n", 0},
        {"nonsense\n::\n", "100000 100000\n", "100000 100000\n", 0},
    };
    char dir[] = "/tmp/fanfare-quota-XXXXXX", path[200], file[200];

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/membership", dir);
    snprintf(path, sizeof(path), "%s/a", dir);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/a/b", dir);
    mkdir(path, 0700);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_file(dir, "membership", cases[i].membership);
        write_file(dir, "a/cpu.max", cases[i].outer);
        write_file(dir, "a/b/cpu.max", cases[i].inner);
        assert_int_equal(workers_cgroup_quota(file, dir), cases[i].cpus);
    }
    /* version 1 */
    snprintf(path, sizeof(path), "%s/cpu", dir);
    mkdir(path, 0700);
    write_file(dir, "membership", "3:cpuset:/\n4:cpuacct,cpu:/x\n");
    write_file(dir, "cpu/cpu.cfs_quota_us", "250000\n");
    write_file(dir, "cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(workers_cgroup_quota(file, dir), 3);
    write_file(dir, "cpu/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(workers_cgroup_quota(file, dir), 0);
    assert_int_equal(workers_cgroup_quota("/nonexistent", dir), 0);

    assert_in_range(workers_auto(), 1, WORKERS_MAX);

    static const char *const left[] = {"membership",
                                       "a/cpu.max",
                                       "a/b/cpu.max",
                                       "cpu/cpu.cfs_quota_us",
                                       "cpu/cpu.cfs_period_us",
                                       "cpu",
                                       "a/b",
                                       "a",
                                       ""};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, left[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void test_suggest(void **state)
{
    static const char *const names[] = {"listen", "workers", "log_level", "key"};

    (void)state;
    assert_int_equal(suggest("lisen", names, 4), 0);
    assert_int_equal(suggest("LISTEN", names, 4), 0);
    assert_int_equal(suggest("wrokers", names, 4), 1);
    assert_int_equal(suggest("loglevel", names, 4), 2);
    assert_int_equal(suggest("log-level", names, 4), 2);
    assert_int_equal(suggest("ky", names, 4), 3);
    assert_int_equal(suggest("", names, 4), SUGGEST_NONE);
    assert_int_equal(suggest("certificate", names, 4), SUGGEST_NONE);
    assert_int_equal(suggest("zzz", names, 4), SUGGEST_NONE);
    assert_int_equal(suggest("a name that is much longer than any name of a key can be", names, 4),
                     SUGGEST_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_development), cmocka_unit_test(test_application_from_the_environment),
        cmocka_unit_test(test_overrides),   cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_quotas),      cmocka_unit_test(test_suggest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
