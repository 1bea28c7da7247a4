/*
 * bench_rtt: what a bare Unix stream socket costs, 300 B there and 16 B back, between two processes
 * that do nothing else. The yardstick for a publish from PHP. Prints one JSON line: a blocking
 * round trip, the same with 10 us of work between two ("paced"), a one-way write (with a reader
 * that drains), and connect + round trip + close.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#define THERE    300
#define BACK     16
#define PAUSE_US 10 /* about what Laravel does around a broadcast */

static void read_full(int fd, size_t want)
{
    char bytes[THERE];

    while (want != 0) {
        ssize_t n = read(fd, bytes, want);
        if (n <= 0) {
            bench_die("rtt: the other side is gone");
        }
        want -= (size_t)n;
    }
}

/* Answers each 300 B with 16 B until the client ends, connection after connection. */
static void answer(int listener)
{
    static const char back[BACK];
    char bytes[THERE];

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        size_t have = 0;
        for (ssize_t n; (n = read(fd, bytes + have, sizeof(bytes) - have)) > 0;) {
            have += (size_t)n;
            if (have == THERE) {
                have = 0;
                if (write(fd, back, BACK) != BACK) {
                    break;
                }
            }
        }
        close(fd);
    }
}

static void swallow(int listener)
{
    static char bytes[1 << 18];

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        while (read(fd, bytes, sizeof(bytes)) > 0) {
        }
        close(fd);
    }
}

static int dial(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        bench_die("rtt: %s", strerror(errno));
    }
    return fd;
}

static pid_t serve(int listener, int cpu, void (*body)(int))
{
    pid_t pid = fork();

    if (pid == 0) {
        bench_pin(cpu);
        body(listener);
    }
    if (pid < 0) {
        bench_die("rtt: fork: %s", strerror(errno));
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void print_samples(const char *name, uint64_t *samples, size_t n)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i++) {
        total += samples[i];
    }
    printf(",\"%s_p50_us\":%.2f", name, bench_percentile(samples, n, 0.5) / 1e3);
    printf(",\"%s_p99_us\":%.2f,\"%s_p999_us\":%.2f", name,
           bench_percentile(samples, n, 0.99) / 1e3, name,
           bench_percentile(samples, n, 0.999) / 1e3);
    printf(",\"%s_mean_us\":%.2f", name, (double)total / 1e3 / (double)n);
}

static void round_trips(const struct sockaddr_un *address, uint64_t *samples, size_t count,
                        uint64_t pause_ns)
{
    static const char there[THERE];
    const size_t warm = 200;
    int fd = dial(address);

    for (size_t i = 0; i < count + warm; i++) {
        bench_work(pause_ns);
        uint64_t start = bench_now();
        if (write(fd, there, THERE) != THERE) {
            bench_die("rtt: write: %s", strerror(errno));
        }
        read_full(fd, BACK);
        samples[i < warm ? 0 : i - warm] = bench_now() - start;
    }
    close(fd);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"server-cpu", 1, NULL, 's'},
                                            {"client-cpu", 1, NULL, 'c'},
                                            {"count", 1, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    static const char there[THERE];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int server_cpu = -1, client_cpu = -1;
    size_t count = 10000;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 's':
            server_cpu = (int)bench_number("--server-cpu", optarg, 0, 1023);
            break;
        case 'c':
            client_cpu = (int)bench_number("--client-cpu", optarg, 0, 1023);
            break;
        case 'n':
            count = bench_number("--count", optarg, 1, 10000000);
            break;
        default:
            bench_die("usage: bench_rtt [--server-cpu N] [--client-cpu N] [--count N]");
        }
    }
    uint64_t *samples = malloc(count * sizeof(uint64_t));
    /* An abstract name: nothing to remove. */
    snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "bench-rtt-%d", (int)getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (samples == NULL || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 16) != 0) {
        bench_die("rtt: %s", strerror(errno));
    }
    pid_t pid = serve(listener, server_cpu, answer);
    bench_pin(client_cpu);

    printf("{\"server_cpu\":%d,\"client_cpu\":%d", server_cpu, client_cpu);
    round_trips(&address, samples, count, 0);
    print_samples("rtt", samples, count);
    round_trips(&address, samples, count, PAUSE_US * 1000u);
    print_samples("paced", samples, count);

    size_t few = count / 10 + 1;
    for (size_t i = 0; i < few; i++) {
        uint64_t start = bench_now();
        int fd = dial(&address);
        if (write(fd, there, THERE) != THERE) {
            bench_die("rtt: write: %s", strerror(errno));
        }
        read_full(fd, BACK);
        close(fd);
        samples[i] = bench_now() - start;
    }
    print_samples("connect", samples, few);
    end(pid);

    pid = serve(listener, server_cpu, swallow);
    int fd = dial(&address);
    for (size_t i = 0; i < count; i++) {
        uint64_t start = bench_now();
        if (write(fd, there, THERE) != THERE) {
            bench_die("rtt: write: %s", strerror(errno));
        }
        samples[i] = bench_now() - start;
    }
    close(fd);
    print_samples("write", samples, count);
    puts("}");
    end(pid);
    free(samples);
    return 0;
}
