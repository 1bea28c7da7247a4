/*
 * Real Redis servers for the tests of links/redis: each a process of its own in a directory of its
 * own, on a free port below 32768, gone with the test.
 */
#ifndef TESTS_UNIT_REDIS_FIXTURE_H
#define TESTS_UNIT_REDIS_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rnd.h"

#define NODES 8

struct node {
    pid_t pid; /* 0: does not run */
    int port;
    char conf[128];
};

static char scene_dir[] = "/tmp/fanfare-redis-XXXXXX";
static struct node nodes[NODES];

/* ---- processes ---- */

static bool have_program(const char *name)
{
    char line[100];
    snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1", name);
    return system(line) == 0;
}

static bool port_free(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bool is = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    close(fd);
    return is;
}

/* That of a Cluster's own connections, 10,000 above, must be free as well. */
static int port_choose(void)
{
    for (;;) {
        int port = 12000 + (int)rnd_below(10000);
        bool taken = !port_free(port) || !port_free(port + 10000);
        for (size_t i = 0; i < NODES; i++) {
            taken |= nodes[i].port == port;
        }
        if (!taken) {
            return port;
        }
    }
}

/* Asks a server, waiting for the answer. The text of the reply, or "" when there is none. */
static const char *ask(int port, const char *format, ...)
{
    static char text[65536];
    struct timeval limit = {.tv_sec = 5};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", port, limit);
    text[0] = '\0';
    if (c != NULL && c->err == 0) {
        va_list args;
        redisSetTimeout(c, limit);
        va_start(args, format);
        redisReply *reply = redisvCommand(c, format, args);
        va_end(args);
        if (reply != NULL && reply->type == REDIS_REPLY_INTEGER) {
            snprintf(text, sizeof(text), "%lld", reply->integer);
        } else if (reply != NULL && reply->str != NULL) {
            snprintf(text, sizeof(text), "%s", reply->str);
        }
        freeReplyObject(reply);
    }
    redisFree(c);
    return text;
}

static void nap(void)
{
    usleep(20000);
}

static void node_start(size_t i)
{
    struct node *node = &nodes[i];
    uint64_t until = clock_mono_ms() + 20000;
    node->pid = fork();
    if (node->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char log[160];
        snprintf(log, sizeof(log), "%s.out", node->conf);
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        const char *name =
            strstr(node->conf, "sentinel") != NULL ? "redis-sentinel" : "redis-server";
        execlp(name, name, node->conf, (char *)NULL);
        _exit(127);
    }
    while (strstr(ask(node->port, "PING"), "PONG") == NULL &&
           strstr(ask(node->port, "PING"), "NOAUTH") == NULL) {
        if (clock_mono_ms() > until) {
            fail_msg("the server on port %d does not answer", node->port);
        }
        nap();
    }
}

/* Starts a server with these lines in its configuration, on the port that the node already has or
 * on a free one. */
static void node_new(size_t i, const char *kind, const char *format, ...)
{
    struct node *node = &nodes[i];
    char dir[96];
    va_list args;
    if (node->port == 0) {
        node->port = port_choose();
    }
    snprintf(dir, sizeof(dir), "%s/%s%zu", scene_dir, kind, i);
    snprintf(node->conf, sizeof(node->conf), "%s.conf", dir);
    char command[240];
    snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", dir, dir);
    assert_int_equal(system(command), 0);
    FILE *out = fopen(node->conf, "we");
    assert_non_null(out);
    fprintf(out, "port %d\nbind 127.0.0.1\ndir %s\nloglevel notice\n", node->port, dir);
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fclose(out);
    node_start(i);
}

static void node_signal(size_t i, int number)
{
    kill(nodes[i].pid, number);
}

static void node_kill(size_t i)
{
    if (nodes[i].pid > 0) {
        kill(nodes[i].pid, SIGCONT);
        kill(nodes[i].pid, SIGKILL);
        waitpid(nodes[i].pid, NULL, 0);
        nodes[i].pid = 0;
    }
}

static void nodes_kill(void)
{
    for (size_t i = 0; i < NODES; i++) {
        node_kill(i);
        nodes[i].port = 0;
    }
}

static void node_single(size_t i)
{
    node_new(i, "server", "save \"\"\nappendonly no\n");
}

/* ---- what is logged ---- */

static int stderr_saved = -1;
static char log_path[128];

static void log_begin(void)
{
    snprintf(log_path, sizeof(log_path), "%s/log", scene_dir);
    int fd = open(log_path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    stderr_saved = dup(2);
    dup2(fd, 2);
    close(fd);
}

static void log_end(void)
{
    dup2(stderr_saved, 2);
    close(stderr_saved);
    stderr_saved = -1;
}

static size_t log_count(const char *text)
{
    static char all[1 << 18];
    FILE *in = fopen(log_path, "re");
    assert_non_null(in);
    size_t len = fread(all, 1, sizeof(all) - 1, in), count = 0;
    fclose(in);
    all[len] = '\0';
    for (const char *at = all; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

#endif
