/*
 * The bytes as what "fanfared ctl" receives: it may run as root, and what is at a socket's path
 * need not be a daemon.
 *
 * Holds: nothing outside of the answer is read; what is shown of any text has no control character
 * and not more characters than asked for; JSON that is printed is valid, has no control character
 * and means the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_read.h"
#include "ctl/ctl_table.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void harmless(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        check(c >= ' ' && c != 0x7F);
        check(c != 0xC2 || (uint8_t)text[i + 1] >= 0xA0);
    }
}

static void shown(const char *text, size_t len)
{
    static const size_t most[] = {0, 3, 4, 30};
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        size_t chars, begun = 0;
        char *out = ctl_table_shown(text, len, most[i], &chars);
        harmless(out, strlen(out));
        for (const char *at = out; *at != '\0'; at++) {
            begun += ((uint8_t)*at & 0xC0) != 0x80;
        }
        check(most[i] == 0 || begun <= most[i]);
        mem_free(out);
    }
}

/* The value of a string, wherever the first one stands. */
static struct slice string_of(struct slice body, char **room)
{
    struct slice item;
    size_t cursor = 0;
    *room = NULL;
    if (json_type(body) == JSON_ARRAY && json_element(body, &cursor, &item)) {
        return ctl_text(item, room);
    }
    return ctl_text(body, room);
}

static void printed(struct slice body)
{
    char *text, *before_room, *after_room;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    check(out != NULL);
    ctl_table_json(out, body.p, body.len);
    check(fclose(out) == 0);
    check(json_valid(text, len));
    harmless(text, len);
    struct slice before = string_of(body, &before_room);
    struct slice after = string_of((struct slice){text, len}, &after_room);
    check(slice_equal(before, after));
    mem_free(before_room);
    mem_free(after_room);
    free(text); /* open_memstream's */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctl_answer answer;
    char *copy = malloc(size + 1), *room;
    check(copy != NULL);
    /* No byte behind it belongs to it. */
    char *end = copy + 1;
    memcpy(end, data, size);
    struct slice whole = {end, size};
    struct slice body = whole;
    if (ctl_answer_read(whole, &answer) == 0) {
        check(answer.body.p >= end && answer.body.p + answer.body.len == end + size);
        check(answer.status >= 0 && answer.status < 1000);
        body = answer.body;
    }
    shown(body.p, body.len);
    if (json_valid(body.p, body.len)) {
        body = json_trim(body);
        (void)ctl_number(body, "connections");
        (void)ctl_true(body, "partial");
        (void)ctl_counters(ctl_field(body, "counters"), "published_total");
        struct slice text = ctl_text(ctl_field(body, "error"), &room);
        check(text.p == NULL || text.len <= body.len);
        mem_free(room);
        printed(body);
    }
    free(copy);
    return 0;
}
