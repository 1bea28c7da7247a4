/* ctl: the command line, the table, and what is read of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "ctl/ctl_args.h"
#include "ctl/ctl_read.h"
#include "ctl/ctl_table.h"

/* Words separated by spaces. */
static int read_line(const char *line, struct ctl_args *args, char *why, size_t size)
{
    static char room[512];
    char *argv[16];
    int argc = 0;
    snprintf(room, sizeof(room), "%s", line);
    for (char *at = room; *at != '\0';) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at == ' ') {
            *at++ = '\0';
        }
    }
    return ctl_args_read(argc, argv, args, why, size);
}

static void good(const char *line, struct ctl_args *args)
{
    char why[300] = "";
    if (read_line(line, args, why, sizeof(why)) != 0) {
        fail_msg("%s: %s", line, why);
    }
}

static void bad(const char *line, const char *text)
{
    struct ctl_args args;
    char why[300] = "";
    if (read_line(line, &args, why, sizeof(why)) == 0) {
        fail_msg("%s was taken", line);
    }
    if (strstr(why, text) == NULL) {
        fail_msg("%s: %s", line, why);
    }
}

static void test_args(void **state)
{
    struct ctl_args args;
    (void)state;
    good("status", &args);
    assert_int_equal(args.command, CTL_STATUS);
    assert_int_equal(args.limit, 1000);
    good("--json channels --prefix=private- -n 5 --app a", &args);
    assert_int_equal(args.command, CTL_CHANNELS);
    assert_true(args.json);
    assert_string_equal(args.prefix, "private-");
    assert_int_equal(args.limit, 5);
    assert_string_equal(args.app, "a");
    good("publish a,b ev -", &args);
    assert_int_equal(args.nwords, 3);
    assert_string_equal(args.words[2], "-");
    good("publish a ev -- -5", &args);
    assert_string_equal(args.words[2], "-5");
    good("top --interval 0.25 --once", &args);
    assert_int_equal(args.interval_ms, 250);
    good("channels --limit 0", &args);
    assert_int_equal(args.limit, 0);
    good("kick --help", &args);
    assert_true(args.help);
}

static void test_args_refused(void **state)
{
    (void)state;
    bad("", "which command");
    bad("statuss", "no command \"statuss\"");
    bad("status x", "takes nothing");
    bad("channel", "name of a channel");
    bad("kick", "socket id");
    bad("publish a", "a channel, an event");
    bad("publish a b c d", "too many");
    bad("status --limit 3", "takes no --limit");
    bad("channels --limit", "needs a value");
    bad("channels --limit=", "needs a value");
    bad("channels --limit 1.5", "--limit must be a number");
    bad("channels --limit -1", "--limit must be a number");
    bad("channels --limit 99999999999999999999999", "--limit must be a number");
    bad("top --interval 0", "from 0.1");
    bad("top --interval 1e3", "from 0.1");
    bad("status --json=yes", "takes no value");
    bad("status --nope", "unknown option --nope");
    bad("status -z", "unknown option -z");
    bad("status --config a --socket b", "exclude each other");
}

static char *printed(const struct ctl_table *table, size_t rows, size_t width)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    ctl_table_print(table, out, rows, width);
    fclose(out);
    return text;
}

static void add(struct ctl_table *table, const char *text)
{
    ctl_table_text(table, text, strlen(text));
}

static void test_table(void **state)
{
    static const char *const names[] = {"NAME", ">N", "END", NULL};
    struct ctl_table table;
    (void)state;
    ctl_table_init(&table, names);
    add(&table, "caf\xC3\xA9");
    ctl_table_number(&table, 12345);
    add(&table, "x");
    add(&table, "longer name");
    ctl_table_number(&table, 7);
    add(&table, "");
    char *text = printed(&table, 0, 0);
    assert_string_equal(text, "NAME             N  END\n"
                              "caf\xC3\xA9         12345  x\n"
                              "longer name      7  \n");
    free(text);
    text = printed(&table, 1, 6);
    assert_string_equal(text, "NAME  \ncaf\xC3\xA9  \n");
    free(text);
    ctl_table_free(&table);
}

/* Nothing of a name is obeyed by a terminal. */
static void test_table_shows(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"\033[2Jx", "?[2Jx"},
        {"a\nb\tc", "a?b?c"},
        {"\xC2\x9B"
         "2J",
         "?2J"},
        {"\xE2\x80\xAE"
         "abc",
         "?abc"},
        {"\xFF\xFE", "??"},
        {"\xC3\xA9", "\xC3\xA9"},
        {"\x7F", "?"},
        {"1234567890", "1234567890"},
        {"12345678901", "1234567..."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t chars;
        char *shown = ctl_table_shown(cases[i].text, strlen(cases[i].text), 10, &chars);
        assert_string_equal(shown, cases[i].shown);
        mem_free(shown);
    }
}

static void test_span(void **state)
{
    char text[24];
    (void)state;
    ctl_table_span(0, text);
    assert_string_equal(text, "0s");
    ctl_table_span(192, text);
    assert_string_equal(text, "3m12s");
    ctl_table_span(5 * 3600 + 7 * 60, text);
    assert_string_equal(text, "5h07m");
    ctl_table_span(86400 * 12 + 3 * 3600, text);
    assert_string_equal(text, "12d03h");
    ctl_table_span(UINT64_MAX, text);
}

static void test_read(void **state)
{
    struct slice json = SLICE(
        "{\"a\":12,\"t\":true,\"s\":\"x\\u0041\",\"c\":{\"n{k=\\\"1\\\"}\":2,\"n\":3,\"nn\":9}}");
    struct buf out;
    char *room;
    (void)state;
    assert_int_equal(ctl_number(json, "a"), 12);
    assert_int_equal(ctl_number(json, "b"), 0);
    assert_true(ctl_true(json, "t"));
    assert_true(slice_is(ctl_text(ctl_field(json, "s"), &room), "xA"));
    mem_free(room);
    assert_null(ctl_text(ctl_field(json, "a"), &room).p);
    assert_null(ctl_field(SLICE("[1]"), "a").p);
    assert_int_equal(ctl_counters(ctl_field(json, "c"), "n"), 5);
    buf_init(&out, 100);
    assert_int_equal(ctl_escape(&out, "a&b=\xC3\xA9 %"), 0);
    assert_memory_equal(out.data, "a%26b%3D%C3%A9%20%25", out.len);
    assert_int_equal(out.len, 20);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args),  cmocka_unit_test(test_args_refused),
        cmocka_unit_test(test_table), cmocka_unit_test(test_table_shows),
        cmocka_unit_test(test_span),  cmocka_unit_test(test_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
