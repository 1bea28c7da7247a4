#include "ops/config_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

#include "base/mem.h"
#include "shared/utf8.h"

struct reading {
    const struct config_lines *to;
    unsigned int line;
    char section[CONFIG_SECTION_MAX + 1]; /* "" before the first */
};

bool config_text_is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return ff_utf8_valid(text, len);
}

static bool config_file_is_space(char c)
{
    return c == ' ' || c == '\t';
}

static void config_file_trim(const char **text, size_t *len)
{
    while (*len > 0 && config_file_is_space(**text)) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && config_file_is_space((*text)[*len - 1])) {
        (*len)--;
    }
}

static void config_file_problem(struct reading *reading, const char *text)
{
    reading->to->problem(reading->to->arg, reading->line, text);
}

/* A space and then ; or #: libinih takes ; for a comment, people mean # as one. */
static bool config_file_has_comment(const char *text, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if (config_file_is_space(text[i - 1]) && (text[i] == ';' || text[i] == '#')) {
            return true;
        }
    }
    return false;
}

struct expected {
    const char *section, *name, *value;
    bool same;
};

static int config_file_on_ini(void *user, const char *section, const char *name, const char *value)
{
    struct expected *expected = user;

    expected->same = strcmp(section, expected->section) == 0 && strcmp(name, expected->name) == 0 &&
                     value != NULL && strcmp(value, expected->value) == 0;
    return 1;
}

/* Whether libinih reads exactly these three: whatever its build cuts or joins, nothing is changed
 * unseen. */
static bool config_file_ini_agrees(const char *section, const char *name, const char *value)
{
    struct expected expected = {section, name, value, false};
    size_t size = strlen(section) + strlen(name) + strlen(value) + 8;
    char *text = mem_alloc(size);

    snprintf(text, size, "[%s]\n%s=%s\n", section, name, value);
    int result = ini_parse_string(text, config_file_on_ini, &expected);
    mem_free(text);
    return result == 0 && expected.same;
}

static void config_file_read_section(struct reading *reading, const char *text, size_t len)
{
    const char *close = memchr(text, ']', len);
    size_t name_len;

    if (close == NULL) {
        config_file_problem(reading, "a section is written [name], with the closing bracket");
        return;
    }
    if (close != text + len - 1) {
        config_file_problem(
            reading,
            "nothing may follow a [section] in its line; a comment stands in a line of its own");
        return;
    }
    text++;
    name_len = (size_t)(close - text);
    config_file_trim(&text, &name_len);
    if (name_len == 0) {
        config_file_problem(reading, "a section is written [name], and its name must not be empty");
        return;
    }
    if (name_len > CONFIG_SECTION_MAX) {
        config_file_problem(reading, "the name of a section must not be over 49 bytes");
        return;
    }
    char name[CONFIG_SECTION_MAX + 1];
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    if (config_file_has_comment(name, name_len) || !config_file_ini_agrees(name, "x", "y")) {
        config_file_problem(reading, "a section's name must not hold a comment");
        return;
    }
    memcpy(reading->section, name, name_len + 1);
    reading->to->section(reading->to->arg, reading->line, name);
}

static const char *config_file_value_problem(const char *raw, size_t raw_len, const char *value,
                                             size_t len)
{
    if (config_file_has_comment(raw, raw_len)) {
        return "a comment must stand in a line of its own; \" ;\" and \" #\" are not allowed in a "
               "value";
    }
    if (len > CONFIG_VALUE_MAX) {
        return "a value must not be over 181 bytes (a list may be continued by repeating its key)";
    }
    if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0]) {
        return "values are written without quotes";
    }
    return NULL;
}

static void config_file_read_key(struct reading *reading, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);
    const char *colon = memchr(text, ':', len);
    const char *why;

    if (equals == NULL || (colon != NULL && colon < equals)) {
        config_file_problem(
            reading,
            "a line must be \"key = value\", a [section], or a comment that starts with # or ;");
        return;
    }
    const char *raw = equals + 1;
    size_t name_len = (size_t)(equals - text), raw_len = len - name_len - 1, value_len = raw_len;
    const char *value = raw;
    config_file_trim(&text, &name_len);
    config_file_trim(&value, &value_len);
    if (name_len == 0) {
        config_file_problem(reading, "the key in front of \"=\" is missing");
        return;
    }
    why = config_file_value_problem(raw, raw_len, value, value_len);
    if (why == NULL && config_file_has_comment(text, name_len)) {
        why = "a key must not hold a comment";
    }
    if (why == NULL && reading->section[0] == '\0') {
        why = "a key must stand below a [section]";
    }
    if (why != NULL) {
        config_file_problem(reading, why);
        return;
    }
    char *name_copy = mem_strndup(text, name_len), *value_copy = mem_strndup(value, value_len);
    if (!config_file_ini_agrees(reading->section, name_copy, value_copy)) {
        config_file_problem(reading,
                            "this line is too long, or cannot be read without changing it");
    } else {
        reading->to->key(reading->to->arg, reading->line, name_copy, value_copy);
    }
    mem_free(name_copy);
    mem_free(value_copy);
}

static void config_file_read_line(struct reading *reading, const char *text, size_t len)
{
    const char *start = text;
    size_t inner = len;

    if (!ff_utf8_valid(text, len)) {
        config_file_problem(reading, "not valid UTF-8");
        return;
    }
    if (!config_text_is_clean(text, len)) {
        config_file_problem(reading, "control characters are not allowed");
        return;
    }
    config_file_trim(&start, &inner);
    if (inner == 0 || *start == ';' || *start == '#') {
        return;
    }
    if (start != text) {
        config_file_problem(
            reading, "a line must not be indented: a value cannot be continued in the next line "
                     "(a list may be continued by repeating its key)");
        return;
    }
    if (*start == '[') {
        config_file_read_section(reading, start, inner);
    } else {
        config_file_read_key(reading, start, inner);
    }
}

void config_read_lines(const char *text, size_t len, const struct config_lines *to)
{
    struct reading reading = {to, 0, ""};
    const char *end = text + len;

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3; /* a byte order mark, as Windows editors write it */
    }
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((newline == NULL ? end : newline) - text);

        reading.line++;
        if (memchr(text, '\0', line_len) != NULL) {
            config_file_problem(
                &reading,
                "a NUL byte: the file must be text in UTF-8; the rest of it was not read");
            return;
        }
        config_file_read_line(&reading, text,
                              line_len > 0 && text[line_len - 1] == '\r' ? line_len - 1 : line_len);
        text += line_len + 1;
    }
}
