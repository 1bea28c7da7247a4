/*
 * bench_load: connects N subscribers to a server, runs phases against it, prints one JSON line a
 * phase.
 *
 * The server is anything that answers WebSocket handshakes and pusher:subscribe and takes the IPC
 * protocol's publishes: fanfared or bench_floor. Every phase checks that each publish reached each
 * subscriber exactly once and ends with an error otherwise. CPU figures are those of the server's
 * process, kernel work in its system calls included.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "util.h"

#define STALL_NS       30000000000u
#define MAX_PUBLISHES  1000000u
#define MAX_WINDOW     1000u /* what is sent at once must fit between daemon and generator */
#define UNHEARD_WINDOW 400u  /* publishes not yet answered */

static const char usage[] =
    "usage: bench_load --port N --pid N --socket PATH [options] PHASE...\n"
    "  --server NAME    a name for the output\n"
    "  --app ID --secret S --path /app/KEY\n"
    "  --clients N      subscribers (1000)\n"
    "  --channels N     spread over so many channels (1)\n"
    "  --per-client N   channels each subscriber takes (1)\n"
    "  --data N         bytes of event data (100)\n"
    "  --json           that data looks like an event of an application, not like one letter\n"
    "  --deflate        subscribers offer permessage-deflate\n"
    "  --cpu N          run on this core\n"
    "  --settle MS      before memory is read (1000)\n"
    "  --warm N         first N clients that come, get a publish and go (0)\n"
    "  --other NAME=PID a process whose CPU is shown as well, up to 4 of them\n"
    "  --elsewhere      the socket is another node's: its answers count none of the subscribers\n"
    "  --pause US       of work between two publishes, one at a time (0)\n"
    "phases, in the order given, after connecting:\n"
    "  memory           user memory of the server per idle subscriber\n"
    "  single:N         N publishes, one at a time\n"
    "  window:P:MS      P publishes outstanding for MS milliseconds\n"
    "  rate:R:MS        R publishes a second on a fixed schedule\n"
    "  unheard:N        N publishes on a channel that nobody has subscribed to\n";

static uint32_t subscribers(const struct load *load)
{
    return load->nclients * load->per_client / load->nchannels;
}

static void print_head(const struct load *load, const char *phase)
{
    printf("{\"server\":\"%s\",\"phase\":\"%s\",\"clients\":%u,\"channels\":%u", load->server,
           phase, load->nclients, load->nchannels);
}

static void others_begin(struct load *load)
{
    for (uint32_t i = 0; i < load->nothers; i++) {
        load->others[i].cpu = bench_cpu(load->others[i].pid);
    }
}

/* Before others_print(), so that printing is not measured. */
static void others_end(struct load *load)
{
    for (uint32_t i = 0; i < load->nothers; i++) {
        load->others[i].cpu = bench_cpu(load->others[i].pid) - load->others[i].cpu;
    }
}

static void others_print(const struct load *load, double publishes)
{
    for (uint32_t i = 0; i < load->nothers; i++) {
        printf(",\"%s_cpu_us\":%.4f", load->others[i].name,
               (double)load->others[i].cpu / 1e3 / publishes);
    }
    puts("}");
}

static void publish_one(struct load *load)
{
    load_publish(load, (uint32_t)(load->seq % load->nchannels));
}

/* Until all that was published has arrived and is acknowledged. */
static void drain(struct load *load, uint64_t deliveries)
{
    uint64_t start = bench_now();

    while (load->deliveries < deliveries || load->acked < load->seq) {
        load_pump(load, 1000);
        if (bench_now() - start > STALL_NS) {
            bench_die("%" PRIu64 " of %" PRIu64 " deliveries arrived", load->deliveries,
                      deliveries);
        }
    }
    if (load->deliveries != deliveries) {
        bench_die("%" PRIu64 " deliveries arrived and not %" PRIu64, load->deliveries, deliveries);
    }
}

/* One publish for each channel, and the answers: what is built once is built before a phase
 * measures. */
static void warm(struct load *load)
{
    uint64_t goal = load->deliveries;

    for (uint32_t i = 0; i < load->nchannels; i++) {
        publish_one(load);
        load_publisher_flush(load);
        goal += subscribers(load);
        drain(load, goal);
    }
}

static void phase_single(struct load *load, uint64_t count)
{
    uint64_t *last = malloc(count * sizeof(uint64_t));
    uint64_t cpu = 0, from = load->deliveries, started = 0;
    const uint32_t warmup = 3;

    if (last == NULL) {
        bench_die("out of memory");
    }
    for (uint64_t i = 0; i < count + warmup; i++) {
        if (i == warmup) {
            others_begin(load);
            cpu = bench_cpu(load->pid);
            from = load->deliveries;
            started = bench_now();
        }
        bench_work(load->pause_us * 1000);
        uint64_t goal = load->deliveries + subscribers(load);
        publish_one(load);
        load->reached_at = 0;
        load->threshold = goal;
        uint64_t sent = bench_now();
        load_publisher_flush(load);
        drain(load, goal);
        if (i >= warmup) {
            last[i - warmup] = load->reached_at - sent;
        }
    }
    load->threshold = UINT64_MAX;
    uint64_t elapsed = bench_now() - started;
    cpu = bench_cpu(load->pid) - cpu;
    others_end(load);
    double deliveries = (double)(load->deliveries - from);
    print_head(load, "single");
    printf(",\"publishes\":%" PRIu64 ",\"cpu_us_per_delivery\":%.4f,\"last_p50_ms\":%.3f,"
           "\"last_p99_ms\":%.3f,\"deliveries_per_s\":%.0f",
           count, (double)cpu / 1e3 / deliveries, bench_percentile(last, count, 0.5) / 1e6,
           bench_percentile(last, count, 0.99) / 1e6, deliveries / ((double)elapsed / 1e9));
    others_print(load, (double)count);
    free(last);
}

static void phase_window(struct load *load, uint64_t outstanding, uint64_t ms)
{
    uint64_t base = load->deliveries, base_seq = load->seq, per = subscribers(load);
    uint64_t start = bench_now(), end = start + ms * 1000000, progress = start;
    uint64_t cpu = bench_cpu(load->pid), now = start, last = 0;

    others_begin(load);
    while (now < end) {
        uint64_t complete = (load->deliveries - base) / per;
        while (load->seq - base_seq - complete < outstanding) {
            publish_one(load);
        }
        load_publisher_flush(load);
        load_pump(load, 1000);
        now = bench_now();
        if (load->deliveries != last) {
            last = load->deliveries;
            progress = now;
        } else if (now - progress > STALL_NS) {
            bench_die("nothing arrived for 30 s");
        }
    }
    cpu = bench_cpu(load->pid) - cpu;
    others_end(load);
    double seconds = (double)(bench_now() - start) / 1e9;
    double deliveries = (double)(load->deliveries - base);
    drain(load, base + (load->seq - base_seq) * per);
    print_head(load, "window");
    printf(",\"outstanding\":%" PRIu64 ",\"deliveries_per_s\":%.0f,\"publishes_per_s\":%.0f,"
           "\"cpu_us_per_delivery\":%.4f,\"server_busy\":%.3f",
           outstanding, deliveries / seconds, deliveries / (double)per / seconds,
           (double)cpu / 1e3 / deliveries, (double)cpu / 1e9 / seconds);
    others_print(load, deliveries / (double)per);
}

/* The channel behind the last one has no subscriber. One publish to the first says when all before
 * it have been dealt with. */
static void phase_unheard(struct load *load, uint64_t count)
{
    uint64_t goal = load->deliveries + subscribers(load), start = bench_now();
    uint64_t cpu = bench_cpu(load->pid);
    uint32_t recipients = load->recipients;

    load->recipients = UINT32_MAX;
    others_begin(load);
    for (uint64_t left = count; left > 0;) {
        /* In bursts: one for each answer would be one at a time, only faster. */
        if (load->seq - load->acked <= UNHEARD_WINDOW / 2) {
            for (; left > 0 && load->seq - load->acked < UNHEARD_WINDOW; left--) {
                load_publish(load, load->nchannels);
            }
            load_publisher_flush(load);
        }
        load_pump(load, 1000);
    }
    load_publish(load, 0);
    load_publisher_flush(load);
    drain(load, goal);
    load->recipients = recipients;
    cpu = bench_cpu(load->pid) - cpu;
    others_end(load);
    double seconds = (double)(bench_now() - start) / 1e9;
    print_head(load, "unheard");
    printf(",\"publishes\":%" PRIu64 ",\"publishes_per_s\":%.0f,\"cpu_us_per_publish\":%.4f", count,
           (double)count / seconds, (double)cpu / 1e3 / (double)count);
    others_print(load, (double)count);
}

static double latency_percentile(const struct load *load, uint64_t total, double p)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < LOAD_BUCKETS; i++) {
        seen += load->latency[i];
        if (seen != 0 && (double)seen >= (double)total * p) {
            return i < 10000 ? i * 0.01 : i - 9900.0;
        }
    }
    return 0;
}

static void phase_rate(struct load *load, uint64_t rate, uint64_t ms)
{
    uint64_t count = rate * ms / 1000, base = load->deliveries, per = subscribers(load);

    if (count == 0 || count > MAX_PUBLISHES || load->nchannels != 1) {
        bench_die("rate: one channel and 1 to %u publishes", MAX_PUBLISHES);
    }
    load->sent_at = calloc(count, sizeof(uint64_t));
    load->latency = calloc(LOAD_BUCKETS, sizeof(uint32_t));
    if (load->sent_at == NULL || load->latency == NULL) {
        bench_die("out of memory");
    }
    load->sent_base = load->clients[0].deliveries;
    load->sent_count = count;
    uint64_t cpu = bench_cpu(load->pid), start = bench_now();
    for (uint64_t i = 0; i < count; i++) {
        /* Latency counts from when the publish was due, so that a late sender hides nothing. */
        uint64_t due = start + i * 1000000000u / rate;
        for (uint64_t now; (now = bench_now()) < due;) {
            load_pump(load, due - now > 2000000 ? (int)((due - now) / 1000000) - 1 : 0);
        }
        load->sent_at[i] = due;
        publish_one(load);
        load_publisher_flush(load);
    }
    drain(load, base + count * per);
    cpu = bench_cpu(load->pid) - cpu;
    print_head(load, "rate");
    printf(",\"publishes_per_s\":%" PRIu64 ",\"latency_p50_ms\":%.2f,\"latency_p99_ms\":%.2f,"
           "\"latency_p999_ms\":%.2f,\"cpu_us_per_delivery\":%.4f}\n",
           rate, latency_percentile(load, count * per, 0.5),
           latency_percentile(load, count * per, 0.99),
           latency_percentile(load, count * per, 0.999), (double)cpu / 1e3 / (double)(count * per));
    free(load->sent_at);
    free(load->latency);
    load->sent_at = NULL;
    load->latency = NULL;
}

static void publish_answered(struct load *load)
{
    publish_one(load);
    load_publisher_flush(load);
    while (load->acked < load->seq) {
        load_pump(load, 1000);
    }
}

/* Clients that come, get a publish and go again: code pages and pools of the server are touched
 * before memory counts. */
static void warm_server(struct load *load, uint32_t clients)
{
    uint32_t wanted = load->nclients;
    uint64_t start = bench_now();

    load->nclients = clients;
    load->recipients = UINT32_MAX;
    load_connect(load);
    publish_answered(load);
    load_close(load);
    do {
        publish_answered(load);
        if (bench_now() - start > STALL_NS) {
            bench_die("the server still counts clients that are gone");
        }
    } while (load->last_recipients != 0);
    memset(load->clients, 0, wanted * sizeof(struct client));
    load->deliveries = 0;
    load->nclients = wanted;
    load->recipients = subscribers(load);
}

static void run_phase(struct load *load, const char *phase, struct bench_memory cold,
                      struct bench_memory before, uint64_t settle_ms)
{
    unsigned long long a, b;
    char tail;

    if (strcmp(phase, "memory") == 0) {
        struct timespec wait = {(time_t)(settle_ms / 1000), (long)(settle_ms % 1000) * 1000000};
        nanosleep(&wait, NULL); /* --settle: the allocator gives memory back by the clock */
        struct bench_memory now = bench_memory(load->pid);
        print_head(load, "memory");
        printf(",\"rss_per_connection\":%.1f,\"anon_per_connection\":%.1f,\"cold_rss_per_"
               "connection\":%.1f"
               ",\"rss\":%" PRIu64 "}\n",
               ((double)now.rss - (double)before.rss) / load->nclients,
               ((double)now.anon - (double)before.anon) / load->nclients,
               ((double)now.rss - (double)cold.rss) / load->nclients, now.rss);
    } else if (sscanf(phase, "single:%llu%c", &a, &tail) == 1 && a >= 1 && a <= MAX_PUBLISHES) {
        warm(load);
        phase_single(load, a);
    } else if (sscanf(phase, "window:%llu:%llu%c", &a, &b, &tail) == 2 && a >= 1 &&
               a <= MAX_WINDOW) {
        warm(load);
        phase_window(load, a, b);
    } else if (sscanf(phase, "rate:%llu:%llu%c", &a, &b, &tail) == 2 && a >= 1) {
        warm(load);
        phase_rate(load, a, b);
    } else if (sscanf(phase, "unheard:%llu%c", &a, &tail) == 1 && a >= 1 && a <= 100000000) {
        warm(load);
        phase_unheard(load, a);
    } else {
        bench_die("no such phase: %s\n%s", phase, usage);
    }
    fflush(stdout);
}

static void other_add(struct load *load, const char *option)
{
    const char *equals = strchr(option, '=');
    struct load_other *other = &load->others[load->nothers];

    if (equals == NULL || load->nothers == LOAD_OTHERS ||
        (size_t)(equals - option) >= sizeof(other->name)) {
        bench_die("--other: NAME=PID, at most %u times", LOAD_OTHERS);
    }
    snprintf(other->name, sizeof(other->name), "%.*s", (int)(equals - option), option);
    other->pid = (pid_t)bench_number("--other", equals + 1, 1, 1 << 30);
    load->nothers++;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"host", 1, NULL, 'h'},      {"port", 1, NULL, 'p'},       {"pid", 1, NULL, 'i'},
        {"socket", 1, NULL, 's'},    {"server", 1, NULL, 'n'},     {"app", 1, NULL, 'a'},
        {"secret", 1, NULL, 'x'},    {"path", 1, NULL, 'u'},       {"clients", 1, NULL, 'c'},
        {"channels", 1, NULL, 'm'},  {"per-client", 1, NULL, 'k'}, {"data", 1, NULL, 'd'},
        {"json", 0, NULL, 'j'},      {"deflate", 0, NULL, 'z'},    {"cpu", 1, NULL, 'C'},
        {"settle", 1, NULL, 'S'},    {"warm", 1, NULL, 'w'},       {"other", 1, NULL, 'o'},
        {"elsewhere", 0, NULL, 'e'}, {"pause", 1, NULL, 'P'},      {NULL, 0, NULL, 0},
    };
    struct load load = {
        .server = "server",
        .app = "fanfare",
        .secret = "fanfare-secret",
        .path = "/app/fanfare-key?protocol=7&client=js&version=8.4.0&flash=false",
        .prefix = "bench-channel-",
        .nclients = 1000,
        .nchannels = 1,
        .per_client = 1,
        .data_len = 100,
        .threshold = UINT64_MAX,
    };
    uint64_t settle = 1000;
    uint32_t warm_clients = 0;
    bool elsewhere = false;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            load.port = (uint16_t)bench_number("--port", optarg, 1, 65535);
            break;
        case 'i':
            load.pid = (pid_t)bench_number("--pid", optarg, 1, 1 << 30);
            break;
        case 's':
            load.socket = optarg;
            break;
        case 'n':
            load.server = optarg;
            break;
        case 'a':
            load.app = optarg;
            break;
        case 'x':
            load.secret = optarg;
            break;
        case 'u':
            load.path = optarg;
            break;
        case 'c':
            load.nclients = (uint32_t)bench_number("--clients", optarg, 1, 60000);
            break;
        case 'm':
            load.nchannels = (uint32_t)bench_number("--channels", optarg, 1, 4096);
            break;
        case 'k':
            load.per_client = (uint32_t)bench_number("--per-client", optarg, 1, 64);
            break;
        case 'd':
            load.data_len = (uint32_t)bench_number("--data", optarg, 64, 60000);
            break;
        case 'j':
            load.json = true;
            break;
        case 'z':
            load.deflate = true;
            break;
        case 'C':
            bench_pin((int)bench_number("--cpu", optarg, 0, 1023));
            break;
        case 'S':
            settle = bench_number("--settle", optarg, 0, 600000);
            break;
        case 'w':
            warm_clients = (uint32_t)bench_number("--warm", optarg, 0, 60000);
            break;
        case 'o':
            other_add(&load, optarg);
            break;
        case 'e':
            elsewhere = true;
            break;
        case 'P':
            load.pause_us = bench_number("--pause", optarg, 0, 1000000);
            break;
        default:
            bench_die("%s", usage);
        }
    }
    if (load.port == 0 || load.pid == 0 || load.socket == NULL) {
        bench_die("%s", usage);
    }
    if (load.nclients * load.per_client % load.nchannels != 0 || load.per_client > load.nchannels) {
        bench_die("the subscriptions do not spread evenly over the channels");
    }
    bench_raise_descriptors();
    load.min_payload = load.data_len;
    load.recipients = elsewhere ? 0 : subscribers(&load);
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load.clients = calloc(load.nclients, sizeof(struct client));
    if (load.epoll_fd < 0 || load.clients == NULL) {
        bench_die("out of memory");
    }
    load_publisher_open(&load);

    struct bench_memory cold = bench_memory(load.pid);
    if (warm_clients > load.nclients || (warm_clients != 0 && load.nchannels != 1)) {
        bench_die("--warm: at most as many as --clients, and on one channel");
    }
    if (warm_clients != 0) {
        warm_server(&load, warm_clients);
    }
    struct bench_memory before = bench_memory(load.pid);
    uint64_t cpu = bench_cpu(load.pid), start = bench_now();
    load_connect(&load);
    double seconds = (double)(bench_now() - start) / 1e9;
    cpu = bench_cpu(load.pid) - cpu;
    print_head(&load, "connect");
    printf(",\"connects_per_s\":%.0f,\"cpu_us_per_connect\":%.2f}\n", load.nclients / seconds,
           (double)cpu / 1e3 / load.nclients);
    fflush(stdout);
    for (int i = optind; i < argc; i++) {
        run_phase(&load, argv[i], cold, before, settle);
    }
    load_close(&load);
    return 0;
}
