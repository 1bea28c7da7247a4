/*
 * bench_redis: what carrying messages through Redis costs when nobody does anything else, as the
 * yardstick for nodes that are joined by it. Prints one JSON line a phase.
 *
 * One process, one thread: it hands a message to Redis and is the one who gets it back, as the load
 * generator is both ends of what goes through two nodes. Streams are one XADD and one waiting XREAD
 * that is asked again after each answer; pub/sub is one PUBLISH and one SUBSCRIBE. Nothing is
 * joined, checked or kept, and nothing that is lost would be noticed but by the count.
 */
#include <errno.h>
#include <getopt.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define STALL_MS    30000
#define READERS_MAX 16u
#define STREAM      "bench:stream"
#define CHANNEL     "bench:channel"
#define KEPT        "10000" /* entries of the stream, about */

static const char usage[] =
    "usage: bench_redis --port N --pid N --kind stream|pubsub [options] PHASE...\n"
    "  --data N         bytes of a message (300)\n"
    "  --readers N      who get each message (1)\n"
    "  --pause US       of work between two messages, one at a time (0)\n"
    "phases:\n"
    "  single:N         N messages, one at a time\n"
    "  window:P:MS      P messages outstanding for MS milliseconds\n";

struct reader {
    redisContext *redis;
    char last[64]; /* id of the stream's entry that was read last */
    uint64_t got;
};

static struct {
    bool stream;
    pid_t pid;
    redisContext *writer;
    struct reader readers[READERS_MAX];
    uint32_t nreaders;
    char *data;
    size_t data_len;
    uint64_t sent, replied, pause_us;
} bare;

static redisContext *bare_dial(uint16_t port)
{
    redisContext *redis = redisConnect("127.0.0.1", port);
    if (redis == NULL || redis->err != 0) {
        bench_die("redis: %s", redis == NULL ? "out of memory" : redis->errstr);
    }
    return redis;
}

static void bare_flush(redisContext *redis)
{
    for (int done = 0; done == 0;) {
        if (redisBufferWrite(redis, &done) != REDIS_OK) {
            bench_die("redis: %s", redis->errstr);
        }
    }
}

static redisReply *bare_reply(redisContext *redis)
{
    void *reply = NULL;
    if (redisGetReplyFromReader(redis, &reply) != REDIS_OK) {
        bench_die("redis: %s", redis->errstr);
    }
    if (reply != NULL && ((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
        bench_die("redis: %s", ((redisReply *)reply)->str);
    }
    return reply;
}

/* ---- there ---- */

static void bare_send(void)
{
    const char *stream[] = {"XADD", STREAM, "MAXLEN", "~", KEPT, "*", "e", bare.data};
    const size_t stream_len[] = {4, strlen(STREAM), 6, 1, strlen(KEPT), 1, 1, bare.data_len};
    const char *publish[] = {"PUBLISH", CHANNEL, bare.data};
    const size_t publish_len[] = {7, strlen(CHANNEL), bare.data_len};

    if (redisAppendCommandArgv(bare.writer, bare.stream ? 8 : 3, bare.stream ? stream : publish,
                               bare.stream ? stream_len : publish_len) != REDIS_OK) {
        bench_die("redis: %s", bare.writer->errstr);
    }
    bare.sent++;
}

/* ---- and back ---- */

static void reader_ask(struct reader *reader)
{
    const char *argv[] = {"XREAD", "COUNT",   "1024", "BLOCK",
                          "10000", "STREAMS", STREAM, reader->last};

    if (bare.stream) {
        redisAppendCommandArgv(reader->redis, 8, argv, NULL);
        bare_flush(reader->redis);
    }
}

static void reader_entries(struct reader *reader, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY) {
        return; /* nothing came for a while */
    }
    const redisReply *list = reply->element[0]->element[1];
    for (size_t i = 0; i < list->elements; i++) {
        const redisReply *entry = list->element[i];
        if (entry->element[1]->element[1]->len != bare.data_len) {
            bench_die("redis: an entry of another length");
        }
        snprintf(reader->last, sizeof(reader->last), "%s", entry->element[0]->str);
        reader->got++;
    }
}

static void reader_open(struct reader *reader, uint16_t port)
{
    reader->redis = bare_dial(port);
    snprintf(reader->last, sizeof(reader->last), "0");
    if (bare.stream) {
        reader_ask(reader);
        return;
    }
    freeReplyObject(redisCommand(reader->redis, "SUBSCRIBE " CHANNEL));
}

static void reader_readable(struct reader *reader)
{
    bool answered = false;
    if (redisBufferRead(reader->redis) != REDIS_OK) {
        bench_die("redis: %s", reader->redis->errstr);
    }
    for (redisReply *reply; (reply = bare_reply(reader->redis)) != NULL;) {
        if (bare.stream) {
            reader_entries(reader, reply);
        } else {
            reader->got++;
        }
        freeReplyObject(reply);
        answered = true;
    }
    if (answered) {
        reader_ask(reader);
    }
}

static void writer_readable(void)
{
    if (redisBufferRead(bare.writer) != REDIS_OK) {
        bench_die("redis: %s", bare.writer->errstr);
    }
    for (redisReply *reply; (reply = bare_reply(bare.writer)) != NULL;) {
        freeReplyObject(reply);
        bare.replied++;
    }
}

static void bare_pump(void)
{
    struct pollfd fds[READERS_MAX + 1] = {{.fd = bare.writer->fd, .events = POLLIN}};
    for (uint32_t i = 0; i < bare.nreaders; i++) {
        fds[i + 1] = (struct pollfd){.fd = bare.readers[i].redis->fd, .events = POLLIN};
    }
    int n = poll(fds, bare.nreaders + 1, STALL_MS);
    if (n == 0 || (n < 0 && errno != EINTR)) {
        bench_die("redis: nothing comes back");
    }
    for (uint32_t i = 0; n > 0 && i < bare.nreaders; i++) {
        if (fds[i + 1].revents != 0) {
            reader_readable(&bare.readers[i]);
        }
    }
    if (n > 0 && fds[0].revents != 0) {
        writer_readable();
    }
}

/* What all readers have. */
static uint64_t bare_got(void)
{
    uint64_t got = UINT64_MAX;
    for (uint32_t i = 0; i < bare.nreaders; i++) {
        got = bare.readers[i].got < got ? bare.readers[i].got : got;
    }
    return got;
}

static void bare_drain(void)
{
    while (bare_got() < bare.sent || bare.replied < bare.sent) {
        bare_pump();
    }
}

/* ---- phases ---- */

static void bare_head(const char *phase)
{
    printf("{\"server\":\"%s\",\"phase\":\"%s\",\"data\":%zu,\"readers\":%u",
           bare.stream ? "stream" : "pubsub", phase, bare.data_len, bare.nreaders);
}

static void bare_single(uint64_t count)
{
    const uint64_t warmup = 100;
    uint64_t *took = malloc(count * sizeof(uint64_t)), cpu = 0;
    if (took == NULL) {
        bench_die("out of memory");
    }
    for (uint64_t i = 0; i < count + warmup; i++) {
        if (i == warmup) {
            cpu = bench_cpu(bare.pid);
        }
        bench_work(bare.pause_us * 1000);
        uint64_t start = bench_now();
        bare_send();
        bare_flush(bare.writer);
        while (bare_got() < bare.sent) {
            bare_pump();
        }
        took[i < warmup ? 0 : i - warmup] = bench_now() - start;
        bare_drain();
    }
    cpu = bench_cpu(bare.pid) - cpu;
    bare_head("single");
    printf(",\"publishes\":%" PRIu64 ",\"p50_us\":%.2f,\"p99_us\":%.2f,\"redis_cpu_us\":%.4f}\n",
           count, bench_percentile(took, count, 0.5) / 1e3,
           bench_percentile(took, count, 0.99) / 1e3, (double)cpu / 1e3 / (double)count);
    free(took);
}

static void bare_window(uint64_t outstanding, uint64_t ms)
{
    uint64_t base = bare.sent, start = bench_now(), end = start + ms * 1000000;
    uint64_t cpu = bench_cpu(bare.pid);

    while (bench_now() < end) {
        while (bare.sent - bare_got() < outstanding) {
            bare_send();
        }
        bare_flush(bare.writer);
        bare_pump();
    }
    bare_drain();
    double seconds = (double)(bench_now() - start) / 1e9, sent = (double)(bare.sent - base);
    cpu = bench_cpu(bare.pid) - cpu;
    bare_head("window");
    printf(",\"outstanding\":%" PRIu64 ",\"publishes_per_s\":%.0f,\"redis_cpu_us\":%.4f}\n",
           outstanding, sent / seconds, (double)cpu / 1e3 / sent);
}

static void bare_phase(const char *phase)
{
    unsigned long long a, b;
    char tail;

    if (sscanf(phase, "single:%llu%c", &a, &tail) == 1 && a >= 1 && a <= 1000000) {
        bare_single(a);
    } else if (sscanf(phase, "window:%llu:%llu%c", &a, &b, &tail) == 2 && a >= 1 && a <= 100000) {
        bare_window(a, b);
    } else {
        bench_die("no such phase: %s\n%s", phase, usage);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'}, {"pid", 1, NULL, 'i'},     {"kind", 1, NULL, 'k'},
        {"data", 1, NULL, 'd'}, {"readers", 1, NULL, 'r'}, {"pause", 1, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    uint16_t port = 0;
    bool pubsub = false;
    bare.data_len = 300;
    bare.nreaders = 1;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            port = (uint16_t)bench_number("--port", optarg, 1, 65535);
            break;
        case 'i':
            bare.pid = (pid_t)bench_number("--pid", optarg, 1, 1 << 30);
            break;
        case 'k':
            bare.stream = strcmp(optarg, "stream") == 0;
            pubsub = strcmp(optarg, "pubsub") == 0;
            break;
        case 'd':
            bare.data_len = bench_number("--data", optarg, 1, 1000000);
            break;
        case 'r':
            bare.nreaders = (uint32_t)bench_number("--readers", optarg, 1, READERS_MAX);
            break;
        case 's':
            bare.pause_us = bench_number("--pause", optarg, 0, 1000000);
            break;
        default:
            bench_die("%s", usage);
        }
    }
    if (port == 0 || bare.pid == 0 || bare.stream == pubsub) {
        bench_die("%s", usage);
    }
    bare.data = malloc(bare.data_len);
    if (bare.data == NULL) {
        bench_die("out of memory");
    }
    memset(bare.data, 'x', bare.data_len);
    bare.writer = bare_dial(port);
    freeReplyObject(redisCommand(bare.writer, "DEL " STREAM));
    for (uint32_t i = 0; i < bare.nreaders; i++) {
        reader_open(&bare.readers[i], port);
    }
    for (int i = optind; i < argc; i++) {
        bare_phase(argv[i]);
    }
    freeReplyObject(redisCommand(bare.writer, "DEL " STREAM));
    return 0;
}
