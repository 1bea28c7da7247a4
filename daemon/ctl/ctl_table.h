/*
 * A table for people: columns as wide as their widest cell, numbers to the right. Kept whole until
 * it is printed; for the command line.
 *
 * What comes from outside is shown, never obeyed: control characters and what is no UTF-8 become
 * question marks, so that no name of a channel moves the cursor.
 */
#ifndef FF_CTL_TABLE_H
#define FF_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CTL_COLUMNS 8u
#define CTL_CELL    60u /* characters of a cell; of longer ones the end is left out */

struct ctl_table {
    size_t columns, rows, at;
    const char *names[CTL_COLUMNS];
    bool right[CTL_COLUMNS];
    size_t widths[CTL_COLUMNS];
    char **cells; /* row by row */
};

/* `names`: ended by NULL and outlives the table; one that begins with '>' is of numbers. */
void ctl_table_init(struct ctl_table *table, const char *const *names);
void ctl_table_free(struct ctl_table *table);
/* The next cell; rows begin by themselves. */
void ctl_table_text(struct ctl_table *table, const char *text, size_t len);
void ctl_table_number(struct ctl_table *table, uint64_t number);
/* At most `rows` of them, each cut at `width` characters; 0: all, and whole. */
void ctl_table_print(const struct ctl_table *table, FILE *out, size_t rows, size_t width);

/* A copy that can be shown, of at most `max` characters (0: all), freed with mem_free. Writes how
 * many there are. */
char *ctl_table_shown(const char *text, size_t len, size_t max, size_t *chars);
/* Valid JSON with what could not be shown as its escape: the same value. */
void ctl_table_json(FILE *out, const char *text, size_t len);
/* "45s", "3m12s", "5h07m", "12d03h"; at least 16 bytes. */
void ctl_table_span(uint64_t seconds, char out[24]);

#endif
