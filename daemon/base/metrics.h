/*
 * What /metrics has: a table of every metric with what it means and when to worry, and the writing
 * of both text formats. docs/metrics.md is printed from the table.
 *
 * To add one: a counter is a line in COUNTERS (base/counters.h) and, with what to do about it, one
 * in metric_table; anything else a line in metric_table, and a call of one of the functions below.
 * A name that is not in the table cannot be written: it is checked.
 */
#ifndef FF_BASE_METRICS_H
#define FF_BASE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/counters.h"

/* Applications with a line of their own in what is told of each; the others are one line, with the
 * name below, so that a scrape stays small however many there are. */
#define METRICS_APPS   1000u
#define METRICS_OTHERS "(others)" /* no application's id: it has a bracket */

enum metric_type {
    METRIC_SECTION, /* no metric: `help` is the heading of what follows in the manual */
    METRIC_COUNTED, /* a counter of COUNTERS, which has its help and labels */
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

struct metric {
    enum metric_type type;
    const char *name;   /* whole */
    const char *labels; /* their names, for the manual; "" none */
    const char *help;
    const char *worry; /* when to, and what to do then, in Markdown; "" */
};
extern const struct metric metric_table[];
extern const size_t metric_count;

struct metrics {
    struct buf *out;
    bool openmetrics; /* that format, else Prometheus' text format 0.0.4 */
    int failed;       /* -1: the buffer was full */
};

/* Each metric begins with its head; metrics_value and metrics_seconds write it where it is the only
 * line. labels: as they stand between the braces, "" none. */
void metrics_head(struct metrics *metrics, const char *name);
void metrics_line(struct metrics *metrics, const char *name, const char *labels, uint64_t value);
void metrics_value(struct metrics *metrics, const char *name, uint64_t value);
void metrics_line_seconds(struct metrics *metrics, const char *name, const char *labels,
                          uint64_t ms);
void metrics_seconds(struct metrics *metrics, const char *name, uint64_t ms);
/* The lines of one histogram. */
void metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                       const struct histogram *histogram);
/* One of COUNTERS, with its head where the one before it has another name. */
void metrics_counter(struct metrics *metrics, enum counter counter, uint64_t value);
/* What the standard names of Prometheus say of the process. `clients` is how many sockets of
 * clients are open, started_ms the Unix time of the start. */
void metrics_process(struct metrics *metrics, uint64_t clients, uint64_t started_ms);
void metrics_end(struct metrics *metrics);

/* A label's value, of which not every byte may stand there: others become underscores. Returns its
 * length, less than size. */
size_t metrics_label(char *out, size_t size, const char *value);

#endif
