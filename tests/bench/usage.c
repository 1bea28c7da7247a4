/*
 * bench_usage: what a process uses over some seconds in which nobody asks anything of it. Prints
 * one JSON line: memory, processor time a second, and how often a second it woke up.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "util.h"

int main(int argc, char **argv)
{
    static const struct option options[] = {{"pid", 1, NULL, 'i'},
                                            {"seconds", 1, NULL, 's'},
                                            {"server", 1, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    const char *server = "server";
    pid_t pid = 0;
    struct timespec wait = {10, 0};

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'i':
            pid = (pid_t)bench_number("--pid", optarg, 1, 1 << 30);
            break;
        case 's':
            wait.tv_sec = (time_t)bench_number("--seconds", optarg, 1, 3600);
            break;
        case 'n':
            server = optarg;
            break;
        default:
            bench_die("usage: bench_usage --pid N [--seconds N] [--server NAME]");
        }
    }
    if (pid == 0) {
        bench_die("usage: bench_usage --pid N [--seconds N] [--server NAME]");
    }
    uint64_t cpu = bench_cpu(pid), wakes = bench_wakes(pid), start = bench_now();
    nanosleep(&wait, NULL); /* what is measured is what happens in this time */
    double seconds = (double)(bench_now() - start) / 1e9;
    cpu = bench_cpu(pid) - cpu;
    wakes = bench_wakes(pid) - wakes;
    struct bench_memory memory = bench_memory(pid);
    printf("{\"server\":\"%s\",\"phase\":\"idle\",\"rss\":%" PRIu64 ",\"anon\":%" PRIu64
           ",\"cpu_us_per_s\":%.1f,\"wakes_per_s\":%.1f}\n",
           server, memory.rss, memory.anon, (double)cpu / 1e3 / seconds, (double)wakes / seconds);
    return 0;
}
