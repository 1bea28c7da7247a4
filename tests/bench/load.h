/*
 * The load generator's parts: clients that subscribe and count, and one publisher on the Unix
 * socket. Single-threaded, one epoll loop, all state in struct load.
 */
#ifndef FF_BENCH_LOAD_H
#define FF_BENCH_LOAD_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD_IN_FLIGHT 1000u /* connections that wait for the server at a time */
#define LOAD_NAME      64u
#define LOAD_OTHERS    4u

struct load_other {
    char name[32];
    pid_t pid;
    uint64_t cpu; /* ns, when the phase began */
};

enum stage { STAGE_GREETING, STAGE_SUBSCRIBING, STAGE_READY, STAGE_CLOSED };

struct client {
    int fd;
    uint8_t stage;
    uint8_t head_len; /* bytes of a frame header that came in two pieces */
    uint8_t head[4];
    uint32_t left; /* bytes of the current frame's payload still to come */
    uint32_t subscribed;
    uint32_t deliveries;
    char *greeting; /* until READY: what came, as text */
    uint32_t greeting_len;
};

#define LOAD_BUCKETS 20000u

struct load {
    /* What to do. */
    const char *host, *path, *socket, *app, *secret, *server, *prefix;
    uint16_t port;
    pid_t pid;
    struct load_other others[LOAD_OTHERS]; /* whose CPU counts as well */
    uint32_t nothers;
    uint64_t pause_us; /* of work between two publishes, one at a time */
    uint32_t nclients, nchannels, per_client, data_len;
    bool json, deflate;

    int epoll_fd;
    struct client *clients;
    uint32_t nopen, nready;
    uint32_t min_payload; /* shorter frames are pings, not deliveries */

    uint64_t deliveries; /* counted since the start */
    uint64_t threshold;  /* at this many deliveries reached_at is set */
    uint64_t reached_at; /* ns */
    uint64_t *sent_at;   /* ns, by publish number since sent_base; NULL: latencies are not wanted */
    uint64_t sent_base;  /* deliveries of each client before publish number 0 of sent_at */
    uint64_t sent_count;
    uint32_t *latency; /* LOAD_BUCKETS; bucket 0..9999 of 10 us, the others of 1 ms */

    int publisher;
    uint64_t seq, acked;
    uint32_t recipients; /* what each ack must say; UINT32_MAX: anything */
    uint32_t last_recipients;
    msgpack_sbuffer out;
    uint8_t *in;
    size_t in_len;
    char *data;
};

/* load_client.c */
void load_connect(struct load *load); /* all of them, subscribed; returns when the last one is */
void load_pump(struct load *load, int timeout_ms); /* one epoll_wait and what it brings */
void load_close(struct load *load);
void load_channel(const struct load *load, uint32_t channel, char out[LOAD_NAME]);

/* load_publisher.c */
void load_publisher_open(struct load *load);
void load_publish(struct load *load, uint32_t channel); /* appends to out */
void load_publisher_flush(struct load *load);
void load_publisher_readable(struct load *load);

#endif
