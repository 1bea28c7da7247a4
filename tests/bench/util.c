#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void bench_die(const char *format, ...)
{
    va_list args;

    fputs("bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

uint64_t bench_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The sum of what `read` finds in this file of each thread of the process. */
static uint64_t bench_sum_tasks(pid_t pid, const char *name, uint64_t (*read)(FILE *file))
{
    char path[96];
    uint64_t total = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        bench_die("process %d is gone: %s", (int)pid, strerror(errno));
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%d/task/%.20s/%s", (int)pid, entry->d_name, name);
        FILE *file = fopen(path, "re");
        if (file != NULL) {
            total += read(file);
            fclose(file);
        }
    }
    closedir(dir);
    return total;
}

static uint64_t bench_read_cpu(FILE *file)
{
    uint64_t ns;
    return fscanf(file, "%" SCNu64, &ns) == 1 ? ns : 0;
}

static uint64_t bench_read_wakes(FILE *file)
{
    char line[256];
    uint64_t n, total = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) == 1) {
            total += n;
        }
    }
    return total;
}

uint64_t bench_cpu(pid_t pid)
{
    return bench_sum_tasks(pid, "schedstat", bench_read_cpu);
}

uint64_t bench_wakes(pid_t pid)
{
    return bench_sum_tasks(pid, "status", bench_read_wakes);
}

void bench_work(uint64_t ns)
{
    uint64_t end = bench_now() + ns;

    while (bench_now() < end) {
    }
}

struct bench_memory bench_memory(pid_t pid)
{
    struct bench_memory memory = {0, 0};
    char path[64], line[256];

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        bench_die("%s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        uint64_t kb;
        if (sscanf(line, "Rss: %" SCNu64, &kb) == 1) {
            memory.rss = kb * 1024;
        } else if (sscanf(line, "Anonymous: %" SCNu64, &kb) == 1) {
            memory.anon = kb * 1024;
        }
    }
    fclose(file);
    return memory;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

double bench_percentile(uint64_t *samples, size_t n, double p)
{
    if (n == 0) {
        return 0;
    }
    qsort(samples, n, sizeof(*samples), compare);
    size_t at = (size_t)((double)n * p);
    return (double)samples[at < n ? at : n - 1];
}

uint64_t bench_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
    char *end;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max) {
        bench_die("%s: \"%s\" is not a number from %" PRIu64 " to %" PRIu64, option, text, min,
                  max);
    }
    return value;
}

void bench_pin(int cpu)
{
    cpu_set_t set;

    if (cpu < 0) {
        return;
    }
    CPU_ZERO(&set);
    CPU_SET((unsigned int)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0) {
        bench_die("cannot run on core %d: %s", cpu, strerror(errno));
    }
}

void bench_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
