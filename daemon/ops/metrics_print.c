#include "ops/metrics_print.h"

#include <string.h>

#include "base/metrics.h"

/* Without the prefix that all of COUNTERS have. */
static const char *metrics_print_short(const struct metric *metric)
{
    return metric->name + strlen("fanfare_");
}

/* Labels of counters with the values that they can have, each as `name`: `a`, `b`. */
static void metrics_print_values(FILE *out, const char *counter)
{
    const char *before = "";
    for (size_t i = 0; i < COUNTER_MAX; i++) {
        const char *labels = counter_infos[i].labels;
        const char *value = strchr(labels, '"');
        if (strcmp(counter_infos[i].metric, counter) != 0 || value == NULL) {
            continue;
        }
        if (*before == '\0') {
            fprintf(out, " `%.*s`:", (int)strcspn(labels, "="), labels);
        }
        fprintf(out, "%s `%.*s`", before, (int)strcspn(value + 1, "\""), value + 1);
        before = ",";
    }
    fputs(*before != '\0' ? "." : "", out);
}

static const char *metrics_print_help(const char *counter)
{
    for (size_t i = 0; i < COUNTER_MAX; i++) {
        if (strcmp(counter_infos[i].metric, counter) == 0) {
            return counter_infos[i].help;
        }
    }
    return "";
}

static void metrics_print_heading(FILE *out, const char *title)
{
    fprintf(out, "\n### %s\n\n| metric | what it means | when to worry |\n| --- | --- | --- |\n",
            title);
}

static void metrics_print_row(FILE *out, const struct metric *metric)
{
    static const char *const kinds[] = {[METRIC_COUNTED] = "counter",
                                        [METRIC_COUNTER] = "counter",
                                        [METRIC_GAUGE] = "gauge",
                                        [METRIC_HISTOGRAM] = "histogram"};
    bool counted = metric->type == METRIC_COUNTED;
    fprintf(out, "| `%s` (%s) | %s.", metric->name, kinds[metric->type],
            counted ? metrics_print_help(metrics_print_short(metric)) : metric->help);
    if (counted) {
        metrics_print_values(out, metrics_print_short(metric));
    } else if (metric->labels[0] != '\0') {
        fprintf(out, " By `%s`.", metric->labels);
    }
    fprintf(out, " | %s |\n", metric->worry);
}

static bool metrics_print_listed(const char *counter)
{
    for (size_t i = 0; i < metric_count; i++) {
        if (metric_table[i].type == METRIC_COUNTED &&
            strcmp(metrics_print_short(&metric_table[i]), counter) == 0) {
            return true;
        }
    }
    return false;
}

void metrics_print(FILE *out)
{
    char name[100];
    bool others = false;
    for (size_t i = 0; i < metric_count; i++) {
        if (metric_table[i].type == METRIC_SECTION) {
            metrics_print_heading(out, metric_table[i].help);
        } else {
            metrics_print_row(out, &metric_table[i]);
        }
    }
    /* Counters that say all there is to say by their help. */
    for (size_t i = 0; i < COUNTER_MAX; i++) {
        const char *counter = counter_infos[i].metric;
        if (metrics_print_listed(counter) ||
            (i > 0 && strcmp(counter, counter_infos[i - 1].metric) == 0)) {
            continue;
        }
        if (!others) {
            metrics_print_heading(out, "Others");
            others = true;
        }
        snprintf(name, sizeof(name), "fanfare_%s", counter);
        metrics_print_row(out, &(struct metric){METRIC_COUNTED, name, "", NULL, ""});
    }
    fputs("\n", out);
}
