/*
 * What the measuring programs share: time, percentiles, and what a process has used.
 * Single-threaded, never in the daemon.
 *
 * bench_die() prints on stderr and exits 1: a measurement that went wrong must not print figures.
 */
#ifndef FF_BENCH_UTIL_H
#define FF_BENCH_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint64_t bench_now(void); /* ns, monotonic */

/* CPU time of all threads of a process in ns (/proc/PID/task/TID/schedstat), user and system
 * together. */
uint64_t bench_cpu(pid_t pid);

uint64_t bench_wakes(pid_t pid); /* how often all threads of a process have gone to sleep */

/* Works for so long without sleeping, as an application does between two publishes: meanwhile the
 * other side falls asleep. */
void bench_work(uint64_t ns);

struct bench_memory {
    uint64_t rss, anon; /* bytes */
};
struct bench_memory bench_memory(pid_t pid);

/* Sorts, then the value below which `p` (0..1) of the samples lie. 0 without samples. */
double bench_percentile(uint64_t *samples, size_t n, double p);

/* A whole decimal number in [min, max], or bench_die naming the option. */
uint64_t bench_number(const char *option, const char *text, uint64_t min, uint64_t max);

void bench_pin(int cpu);            /* this process to one core; -1: leaves it */
void bench_raise_descriptors(void); /* soft limit to the hard one */

#endif
