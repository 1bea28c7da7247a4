#include "ctl/ctl_table.h"

#include <inttypes.h>
#include <langinfo.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "shared/utf8.h"

/* A terminal that takes bytes for characters obeys the second half of many letters in UTF-8: 0x9B,
 * which is in "\xC4\x9B", begins a sequence there as escape and bracket do. */
static bool ctl_table_bytes(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") != 0 &&
           (isatty(STDOUT_FILENO) || isatty(STDERR_FILENO));
}

/* Of the character at `text`; 0: it cannot be shown. */
static size_t ctl_table_char(const char *text, size_t len)
{
    size_t n = ff_utf8_char(text, len);
    uint8_t first = (uint8_t)text[0];
    /* C1 controls are U+0080 to U+009F; U+202A to U+202E and U+2066 to U+2069 turn the direction
     * of what follows. */
    if (n == 1 && (first < ' ' || first == 0x7F)) {
        return 0;
    }
    if (n == 2 && first == 0xC2 && (uint8_t)text[1] < 0xA0) {
        return 0;
    }
    if (n == 3 && first == 0xE2) {
        uint8_t second = (uint8_t)text[1], third = (uint8_t)text[2];
        if ((second == 0x80 && third >= 0xA8 && third <= 0xAE) ||
            (second == 0x81 && third >= 0xA6 && third <= 0xA9)) {
            return 0;
        }
    }
    return n;
}

char *ctl_table_shown(const char *text, size_t len, size_t max, size_t *chars)
{
    static const char more[] = "...";
    char *out = mem_alloc(len + sizeof(more));
    size_t used = 0, cut = 0;
    bool bytes = ctl_table_bytes();
    *chars = 0;
    for (size_t at = 0; at < len;) {
        size_t n = ctl_table_char(text + at, len - at);
        n = n > 1 && bytes ? 0 : n;
        if (max != 0 && *chars == max) {
            memcpy(out + cut, more, sizeof(more) - 1);
            used = cut + sizeof(more) - 1;
            break;
        }
        if (max != 0 && *chars + sizeof(more) - 1 == max) {
            cut = used;
        }
        if (n == 0) {
            out[used++] = '?';
            n = ff_utf8_char(text + at, len - at);
            at += n == 0 ? 1 : n;
        } else {
            memcpy(out + used, text + at, n);
            used += n;
            at += n;
        }
        ++*chars;
    }
    out[used] = '\0';
    return out;
}

/* The code point of a character of two to four bytes. */
static uint32_t ctl_table_point(const char *text, size_t n)
{
    uint32_t point = (uint8_t)text[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        point = point << 6 | ((uint8_t)text[i] & 0x3Fu);
    }
    return point;
}

void ctl_table_json(FILE *out, const char *text, size_t len)
{
    bool bytes = ctl_table_bytes();
    size_t n;
    for (size_t at = 0; at < len; at += n) {
        size_t shown = ctl_table_char(text + at, len - at);
        n = ff_utf8_char(text + at, len - at);
        if (shown != 0 && (n == 1 || !bytes)) {
            fwrite(text + at, 1, n, out);
        } else if (n == 0 || (n == 1 && (uint8_t)text[at] < ' ')) {
            fputc(' ', out); /* a blank between values; no string has these */
            n = 1;
        } else {
            uint32_t point = n == 1 ? (uint8_t)text[at] : ctl_table_point(text + at, n);
            if (point >= 0x10000) {
                fprintf(out, "\\u%04x", 0xD800 + ((point - 0x10000) >> 10));
                point = 0xDC00 + ((point - 0x10000) & 0x3FF);
            }
            fprintf(out, "\\u%04x", point);
        }
    }
}

void ctl_table_init(struct ctl_table *table, const char *const *names)
{
    *table = (struct ctl_table){.columns = 0};
    for (; names[table->columns] != NULL; table->columns++) {
        check(table->columns < CTL_COLUMNS);
        const char *name = names[table->columns];
        bool right = name[0] == '>';
        table->names[table->columns] = name + (right ? 1 : 0);
        table->right[table->columns] = right;
        table->widths[table->columns] = strlen(name) - (right ? 1 : 0);
    }
    check(table->columns > 0);
}

void ctl_table_free(struct ctl_table *table)
{
    for (size_t i = 0; i < table->rows * table->columns + table->at; i++) {
        mem_free(table->cells[i]);
    }
    mem_free(table->cells);
    *table = (struct ctl_table){.columns = 0};
}

void ctl_table_text(struct ctl_table *table, const char *text, size_t len)
{
    size_t cell = table->rows * table->columns + table->at, chars;
    if (table->at == 0 && (table->rows & (table->rows - 1)) == 0) {
        size_t room = table->rows == 0 ? 1 : table->rows * 2;
        table->cells = mem_realloc(table->cells, room * table->columns * sizeof(char *));
    }
    table->cells[cell] = ctl_table_shown(text, len, CTL_CELL, &chars);
    if (chars > table->widths[table->at]) {
        table->widths[table->at] = chars;
    }
    if (++table->at == table->columns) {
        table->at = 0;
        table->rows++;
    }
}

void ctl_table_number(struct ctl_table *table, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRIu64, number);
    ctl_table_text(table, text, (size_t)len);
}

static size_t ctl_table_chars(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((uint8_t)*text & 0xC0) != 0x80 ? 1 : 0;
    }
    return n;
}

/* Puts out as much of a text as there is room left in the line; 0: as much as it has. */
static void ctl_table_put(FILE *out, const char *text, size_t *at, size_t width)
{
    for (; *text != '\0'; text++) {
        bool begins = ((uint8_t)*text & 0xC0) != 0x80;
        if (begins && width != 0 && *at >= width) {
            return;
        }
        *at += begins ? 1 : 0;
        fputc(*text, out);
    }
}

static void ctl_table_row(const struct ctl_table *table, FILE *out, char *const *cells,
                          size_t width)
{
    size_t at = 0;
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = cells != NULL ? cells[i] : table->names[i];
        size_t fill = table->widths[i] - ctl_table_chars(text);
        bool last = i + 1 == table->columns;
        for (size_t j = 0; table->right[i] && j < fill; j++) {
            ctl_table_put(out, " ", &at, width);
        }
        ctl_table_put(out, text, &at, width);
        for (size_t j = 0; !last && j < (table->right[i] ? 0 : fill) + 2; j++) {
            ctl_table_put(out, " ", &at, width);
        }
    }
    fputc('\n', out);
}

void ctl_table_print(const struct ctl_table *table, FILE *out, size_t rows, size_t width)
{
    ctl_table_row(table, out, NULL, width);
    for (size_t i = 0; i < table->rows && (rows == 0 || i < rows); i++) {
        ctl_table_row(table, out, table->cells + i * table->columns, width);
    }
}

void ctl_table_span(uint64_t seconds, char out[24])
{
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (days > 0) {
        snprintf(out, 24, "%" PRIu64 "d%02uh", days % 1000000, (unsigned int)(hours % 24));
    } else if (hours > 0) {
        snprintf(out, 24, "%uh%02um", (unsigned int)hours, (unsigned int)(minutes % 60));
    } else if (minutes > 0) {
        snprintf(out, 24, "%um%02us", (unsigned int)minutes, (unsigned int)(seconds % 60));
    } else {
        snprintf(out, 24, "%us", (unsigned int)seconds);
    }
}
