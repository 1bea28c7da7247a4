#include "base/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define FDS_LISTED 4096u /* descriptors that are counted one by one at most */

static const struct metric *metrics_find(const char *name)
{
    for (size_t i = 0; i < metric_count; i++) {
        if (metric_table[i].type != METRIC_SECTION && strcmp(metric_table[i].name, name) == 0) {
            return &metric_table[i];
        }
    }
    return NULL;
}

static void metrics_write_head(struct metrics *metrics, const char *name, const char *type,
                               const char *help)
{
    size_t len = strlen(name);
    /* In OpenMetrics the family of a counter is named without the suffix of its samples. */
    if (metrics->openmetrics && strcmp(type, "counter") == 0) {
        check(len > 6 && strcmp(name + len - 6, "_total") == 0);
        len -= 6;
    }
    metrics->failed |= buf_printf(metrics->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)len, name,
                                  help, (int)len, name, type);
}

void metrics_head(struct metrics *metrics, const char *name)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    const struct metric *metric = metrics_find(name);
    check(metric != NULL && metric->type >= METRIC_COUNTER);
    metrics_write_head(metrics, name, types[metric->type], metric->help);
}

static void metrics_name(struct metrics *metrics, const char *name, const char *labels)
{
    bool any = labels[0] != '\0';
    metrics->failed |=
        buf_printf(metrics->out, "%s%s%s%s ", name, any ? "{" : "", labels, any ? "}" : "");
}

void metrics_line(struct metrics *metrics, const char *name, const char *labels, uint64_t value)
{
    metrics_name(metrics, name, labels);
    metrics->failed |= buf_printf(metrics->out, "%" PRIu64 "\n", value);
}

void metrics_value(struct metrics *metrics, const char *name, uint64_t value)
{
    metrics_head(metrics, name);
    metrics_line(metrics, name, "", value);
}

void metrics_line_seconds(struct metrics *metrics, const char *name, const char *labels,
                          uint64_t ms)
{
    metrics_name(metrics, name, labels);
    metrics->failed |=
        buf_printf(metrics->out, "%" PRIu64 ".%03u\n", ms / 1000, (unsigned)(ms % 1000));
}

void metrics_seconds(struct metrics *metrics, const char *name, uint64_t ms)
{
    metrics_head(metrics, name);
    metrics_line_seconds(metrics, name, "", ms);
}

void metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                       const struct histogram *histogram)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    char full[100];
    uint64_t count = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += __atomic_load_n((const uint64_t *)&histogram->buckets[i], __ATOMIC_RELAXED);
        metrics->failed |=
            buf_printf(metrics->out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name, labels, comma,
                       i < HISTOGRAM_BOUNDS ? histogram_bounds[i].seconds : "+Inf", count);
    }
    uint64_t ns = __atomic_load_n((const uint64_t *)&histogram->sum_ns, __ATOMIC_RELAXED);
    snprintf(full, sizeof(full), "%s_sum", name);
    metrics_name(metrics, full, labels);
    metrics->failed |= buf_printf(metrics->out, "%" PRIu64 ".%09u\n", ns / 1000000000u,
                                  (unsigned)(ns % 1000000000u));
    snprintf(full, sizeof(full), "%s_count", name);
    metrics_line(metrics, full, labels, count);
}

void metrics_counter(struct metrics *metrics, enum counter counter, uint64_t value)
{
    const struct counter_info *info = &counter_infos[counter];
    char name[100];
    snprintf(name, sizeof(name), "fanfare_%s", info->metric);
    if (counter == 0 || strcmp(info[-1].metric, info->metric) != 0) {
        metrics_write_head(metrics, name, "counter", info->help);
    }
    metrics_line(metrics, name, info->labels, value);
}

void metrics_end(struct metrics *metrics)
{
    if (metrics->openmetrics) {
        metrics->failed |= buf_printf(metrics->out, "# EOF\n");
    }
}

size_t metrics_label(char *out, size_t size, const char *value)
{
    size_t len = 0;
    for (; value[len] != '\0' && len + 1 < size; len++) {
        bool plain = value[len] != '"' && value[len] != '\\' && (uint8_t)value[len] >= ' ';
        out[len] = plain ? value[len] : '_';
    }
    out[len] = '\0';
    return len;
}

/* ---- the process ---- */

/* Open descriptors. Linux 6.2 and newer know; before, they are counted where that is quick.
 * WHY: going through a hundred thousand would hold the loop up for longer than all else in a
 * scrape, so with more clients than that, those are added to what else was open the last time. */
static uint64_t metrics_fds(uint64_t clients)
{
    static _Atomic uint64_t others = 16;
    struct stat status;
    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
        return (uint64_t)status.st_size;
    }
    if (clients > FDS_LISTED) {
        return clients + others;
    }
    DIR *directory = opendir("/proc/self/fd");
    uint64_t n = 0;
    if (directory == NULL) {
        return clients + others;
    }
    while (readdir(directory) != NULL) {
        n++;
    }
    closedir(directory);
    n -= n > 3 ? 3 : n; /* ".", ".." and the directory itself */
    others = n > clients ? n - clients : 0;
    return n;
}

/* The fields of /proc/self/stat from the third on, which is behind the name of the program.
 * Returns how many there are. */
static size_t metrics_stat(uint64_t *fields, size_t max)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t len = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    char *at = strrchr(text, ')');
    size_t n = 0;
    if (at == NULL || strlen(at) < 4) {
        return 0;
    }
    fields[n++] = 0; /* the state, a letter */
    at += 3;
    while (n < max && *at == ' ') {
        fields[n++] = strtoull(at, &at, 10);
    }
    return n;
}

static void metrics_limit(struct metrics *metrics, const char *name, __rlimit_resource_t resource)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) {
        return;
    }
    metrics_head(metrics, name);
    if (limit.rlim_cur == RLIM_INFINITY) {
        metrics->failed |= buf_printf(metrics->out, "%s +Inf\n", name);
    } else {
        metrics_line(metrics, name, "", limit.rlim_cur);
    }
}

void metrics_process(struct metrics *metrics, uint64_t clients, uint64_t started_ms)
{
    enum { THREADS = 17, VSIZE = 20, RSS = 21, FIELDS };
    uint64_t fields[FIELDS];
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        uint64_t us = (uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
        uint64_t s = (uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec;
        metrics_seconds(metrics, "process_cpu_seconds_total", s * 1000 + us / 1000);
    }
    metrics_value(metrics, "process_open_fds", metrics_fds(clients));
    metrics_limit(metrics, "process_max_fds", RLIMIT_NOFILE);
    if (metrics_stat(fields, FIELDS) == FIELDS) {
        metrics_value(metrics, "process_threads", fields[THREADS]);
        metrics_value(metrics, "process_virtual_memory_bytes", fields[VSIZE]);
        metrics_value(metrics, "process_resident_memory_bytes",
                      fields[RSS] * (uint64_t)sysconf(_SC_PAGESIZE));
    }
    metrics_limit(metrics, "process_virtual_memory_max_bytes", RLIMIT_AS);
    metrics_seconds(metrics, "process_start_time_seconds", started_ms);
}
