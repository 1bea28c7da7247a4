/* base/log: what a line looks like, that nobody can forge one, and that a stuck reader never blocks
 * the writer. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <errno.h>
#include <cmocka.h>

#include "base/log.h"
#include "proto/json.h"

static int real_stderr = -1;
static int reader = -1;

/* From here on stderr is the write end of a pipe (or of a socket pair), until restore(). */
static void capture(bool as_socket)
{
    int ends[2];

    if (as_socket) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    } else {
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    }
    real_stderr = dup(STDERR_FILENO);
    assert_true(real_stderr >= 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    reader = ends[0];
}

static void restore(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    if (reader >= 0) {
        close(reader);
    }
    reader = -1;
}

static int teardown(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    if (reader >= 0) {
        restore();
    }
    return 0;
}

/* What one log call wrote, terminated. Each line is one write, so one read finds it whole. */
static const char *taken(void)
{
    static char text[16384];
    int flags = fcntl(reader, F_GETFL);
    fcntl(reader, F_SETFL, flags | O_NONBLOCK);
    ssize_t n = read(reader, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void test_text(void **state)
{
    int year, month, day, hour, minute, second, ms;
    char end[200];
    (void)state;

    capture(false);
    errno = ENOENT;
    log_info("ipc", "%s has %d", "peer", 3);
    assert_int_equal(errno, ENOENT);
    const char *line = taken();
    assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %199[^\n]", &year, &month, &day,
                            &hour, &minute, &second, &ms, end),
                     8);
    assert_string_equal(end, "info ipc: peer has 3");
    assert_string_equal(line + 24, " info ipc: peer has 3\n");
    assert_true(year >= 2024);
    restore();
}

static void test_levels(void **state)
{
    (void)state;
    capture(false);
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    assert_true(log_enabled(LOG_LEVEL_ERROR));
    assert_true(log_enabled(LOG_LEVEL_WARN));
    assert_false(log_enabled(LOG_LEVEL_INFO));
    log_info("a", "no");
    log_debug("a", "no");
    assert_string_equal(taken(), "");
    log_warn("a", "yes");
    assert_non_null(strstr(taken(), " warn a: yes\n"));
    log_error("a", "yes");
    assert_non_null(strstr(taken(), " error a: yes\n"));
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    log_debug("a", "%d", 5);
    assert_non_null(strstr(taken(), " debug a: 5\n"));
    restore();
}

static const char hostile[] = "a\nb\r\x1B[2J\t\x7F\xC2\x9B" /* C1's CSI */
                              "\xFF\xC3\xA9\"\\\xED\xA0\x80\xF0\x9F\x98\x80\xE2\x82";

static void test_escapes_in_text(void **state)
{
    (void)state;
    capture(false);
    log_info("a", "%s", hostile);
    assert_string_equal(taken() + 24,
                        " info a: a\\x0ab\\x0d\\x1b[2J\\x09\\x7f\\x9b\\xff\xC3\xA9\"\\"
                        "\\xed\\xa0\\x80\xF0\x9F\x98\x80\\xe2\\x82\n");
    restore();
}

static void test_escapes_in_json(void **state)
{
    (void)state;
    capture(false);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_info("a", "%s", hostile);
    const char *line = taken();
    assert_memory_equal(line, "{\"time\":\"20", 11);
    assert_string_equal(
        line + 33, "\",\"level\":\"info\",\"area\":\"a\",\"message\":\"a\\u000ab\\u000d\\u001b[2J"
                   "\\u0009\\u007f\\u009b\\\\xff\xC3\xA9\\\"\\\\\\\\xed\\\\xa0\\\\x80"
                   "\xF0\x9F\x98\x80\\\\xe2\\\\x82\"}\n");
    restore();
}

/* 200 characters, whatever their bytes; what is no UTF-8 counts by the byte. */
static void test_texts_are_cut(void **state)
{
    char text[900];
    (void)state;
    assert_int_equal(log_cut(NULL, 0).len, 0);
    assert_string_equal(log_cut(NULL, 0).p, "");
    memset(text, 'a', sizeof(text));
    assert_int_equal(log_cut(text, 200).len, 200);
    assert_string_equal(log_cut(text, 200).more, "");
    assert_int_equal(log_cut(text, 201).len, 200);
    assert_string_equal(log_cut(text, 201).more, "...");
    for (size_t i = 0; i + 4 <= sizeof(text); i += 4) {
        memcpy(text + i, "\xF0\x9F\x8E\xBA", 4);
    }
    assert_int_equal(log_cut(text, sizeof(text)).len, 800);
    assert_int_equal(log_cut(text, 799).len, 797); /* 199 and a byte of what is no character */
    memset(text, 0x80, sizeof(text));
    assert_int_equal(log_cut(text, sizeof(text)).len, 200);
}

static void test_long_lines_are_cut(void **state)
{
    static char text[20000];
    (void)state;

    capture(false);
    for (int json = 0; json < 2; json++) {
        log_setup(LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
        const char *end = json ? "...\"}\n" : "...\n";
        for (int hard = 0; hard < 2; hard++) {
            memset(text, hard ? '\n' : 'x', sizeof(text) - 1);
            log_info("a", "%s", text);
            const char *line = taken();
            size_t len = strlen(line);
            assert_in_range(len, 3900, 4096);
            assert_string_equal(line + len - strlen(end), end);
            assert_ptr_equal(strchr(line, '\n'), line + len - 1);
        }
    }
    /* the longest that fits whole has no mark */
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    memset(text, 'x', 4000);
    text[4000] = '\0';
    log_info("a", "%s", text);
    assert_null(strstr(taken(), "..."));
    restore();
}

static void stuck_reader(bool as_socket)
{
    static char text[3000];
    uint64_t before = log_dropped();
    unsigned int lines = 0;

    memset(text, 'x', sizeof(text) - 1);
    capture(as_socket);
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    for (int i = 0; i < 1000; i++) {
        log_info("a", "%s", text); /* would block for good if it waited */
    }
    assert_int_equal(fcntl(STDERR_FILENO, F_GETFL), flags);
    assert_true(log_dropped() > before);
    for (const char *got = taken(); *got != '\0'; got = taken()) {
        for (const char *p = got; (p = strchr(p, '\n')) != NULL; p++) {
            lines++;
        }
    }
    assert_true(lines > 0);
    if (!as_socket) { /* a socket may take a part of the last line */
        assert_int_equal(lines + (log_dropped() - before), 1000);
    }
    before = log_dropped();
    log_info("a", "back");
    assert_non_null(strstr(taken(), " info a: back\n"));
    assert_int_equal(log_dropped(), before);
    restore();
}

static void test_stuck_pipe(void **state)
{
    (void)state;
    stuck_reader(false);
}

static void test_stuck_socket(void **state)
{
    (void)state;
    stuck_reader(true);
}

static void test_closed_stderr(void **state)
{
    (void)state;
    capture(false);
    close(STDERR_FILENO);
    uint64_t before = log_dropped();
    log_info("a", "to nobody");
    assert_int_equal(log_dropped(), before + 1);
    restore();
}

static void *log_many(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        log_info("a", "%s %d", (const char *)arg, i);
    }
    return NULL;
}

static void *drain(void *arg)
{
    size_t *bad = arg;
    char text[65536];
    char line[256];
    size_t used = 0;
    ssize_t n;

    while ((n = read(reader, text, sizeof(text))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] != '\n') {
                if (used + 1 < sizeof(line)) {
                    line[used++] = text[i];
                }
                continue;
            }
            line[used] = '\0';
            used = 0;
            char who[16];
            int number, end = 0;
            if (sscanf(line + 24, " info a: %15s %d%n", who, &number, &end) != 2 ||
                line[24 + end] != '\0') {
                (*bad)++;
            }
        }
    }
    return NULL;
}

static void test_threads_do_not_mix_lines(void **state)
{
    static char names[2][8] = {"first", "second"};
    pthread_t writers[2], reading;
    size_t bad = 0;
    (void)state;

    capture(false);
    assert_int_equal(pthread_create(&reading, NULL, drain, &bad), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, log_many, names[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    }
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0); /* ends the reader */
    assert_int_equal(pthread_join(reading, NULL), 0);
    assert_int_equal(bad, 0);
    restore();
}

static void test_limit(void **state)
{
    struct log_limit limit = {0};
    (void)state;

    capture(false);
    for (int i = 0; i < 25; i++) {
        assert_int_equal(log_allowed(&limit), i < 10);
    }
    assert_string_equal(taken(), "");
    limit.window -= 10000; /* as if ten seconds had passed */
    assert_true(log_allowed(&limit));
    assert_non_null(strstr(taken(), " warn log: 15 lines like the next one were left out\n"));
    for (int i = 0; i < 20; i++) {
        assert_int_equal(log_allowed(&limit), i < 9);
    }
    for (int i = 0; i < 100; i++) {
        log_limited(LOG_LEVEL_INFO, "a", "line");
    }
    const char *p = taken();
    int lines = 0;
    for (; (p = strchr(p, '\n')) != NULL; p++) {
        lines++;
    }
    assert_int_equal(lines, 10);
    restore();
}

static void one_place(enum log_level level)
{
    log_limited(level, "a", "line");
}

/* Lines that the level leaves out use nothing up, and nobody is told that they were left out. */
static void test_limit_below_the_level(void **state)
{
    (void)state;
    capture(false);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    for (int i = 0; i < 25; i++) {
        one_place(LOG_LEVEL_DEBUG);
    }
    one_place(LOG_LEVEL_INFO);
    assert_non_null(strstr(taken(), " info a: line\n"));
    restore();
}

/* One object a line, whatever the fields hold and however long they are. */
static void test_fields(void **state)
{
    char longest[6000];
    (void)state;
    capture(false);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_with(LOG_LEVEL_INFO, "a",
             LOG_FIELDS(.app = "my-app", .client = "10.0.0.1:5", .socket = "1.23", .socket_len = 3,
                        .peer = "", .endpoint = "http://h", .trace = "0af7x", .trace_len = 4,
                        .error = ENOENT),
             "b");
    assert_string_equal(strstr(taken(), ",\"level\""),
                        ",\"level\":\"info\",\"area\":\"a\",\"app\":\"my-app\",\"client\":"
                        "\"10.0.0.1:5\",\"socket_id\":\"1.2\",\"endpoint\":\"http://"
                        "h\",\"trace_id\":\"0af7\",\"errno\":2,\"error\":"
                        "\"No such file or directory\",\"message\":\"b\"}\n");
    log_with(LOG_LEVEL_INFO, "a", LOG_FIELDS(.app = hostile, .client = hostile), "%s", hostile);
    const char *line = taken();
    size_t len = strlen(line);
    assert_true(len > 0 && line[len - 1] == '\n' && json_valid(line, len - 1));
    memset(longest, '\x01', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    for (size_t at = 0; at < sizeof(longest); at += 7) {
        log_with(LOG_LEVEL_INFO, "a",
                 LOG_FIELDS(.app = longest + at, .client = longest + sizeof(longest) - 1 - at / 9,
                            .error = EAGAIN),
                 "%s", longest + at);
        line = taken();
        len = strlen(line);
        assert_true(len > 0 && len <= 4096 && line[len - 1] == '\n' && json_valid(line, len - 1));
    }
    restore();
}

/* Priorities for journald, and only where stderr is its stream. */
static void test_journal(void **state)
{
    struct stat stat;
    char text[64];
    (void)state;
    capture(true);
    assert_int_equal(fstat(STDERR_FILENO, &stat), 0);
    snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)stat.st_dev,
             (unsigned long long)stat.st_ino);
    setenv("JOURNAL_STREAM", text, 1);
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    log_error("a", "b");
    assert_memory_equal(taken(), "<3>2", 4);
    log_warn("a", "b");
    assert_memory_equal(taken(), "<4>2", 4);
    log_info("a", "b");
    assert_memory_equal(taken(), "<6>2", 4);
    log_debug("a", "b");
    assert_memory_equal(taken(), "<7>2", 4);
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    log_info("a", "b");
    assert_memory_equal(taken(), "<6>{\"time\"", 10);
    snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)stat.st_dev,
             (unsigned long long)stat.st_ino + 1);
    setenv("JOURNAL_STREAM", text, 1);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_info("a", "b");
    assert_memory_equal(taken(), "2", 1);
    unsetenv("JOURNAL_STREAM");
    restore();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_text, teardown),
        cmocka_unit_test_teardown(test_levels, teardown),
        cmocka_unit_test_teardown(test_fields, teardown),
        cmocka_unit_test_teardown(test_journal, teardown),
        cmocka_unit_test_teardown(test_escapes_in_text, teardown),
        cmocka_unit_test_teardown(test_escapes_in_json, teardown),
        cmocka_unit_test(test_texts_are_cut),
        cmocka_unit_test_teardown(test_long_lines_are_cut, teardown),
        cmocka_unit_test_teardown(test_stuck_pipe, teardown),
        cmocka_unit_test_teardown(test_stuck_socket, teardown),
        cmocka_unit_test_teardown(test_closed_stderr, teardown),
        cmocka_unit_test_teardown(test_threads_do_not_mix_lines, teardown),
        cmocka_unit_test_teardown(test_limit, teardown),
        cmocka_unit_test_teardown(test_limit_below_the_level, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
