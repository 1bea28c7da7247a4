/* links/redis against real servers: single ones, a Sentinel trio, a Cluster, and what happens to
 * them. With an argument only the tests whose names match it (a pattern as of a shell). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <event2/event.h>
#include <netdb.h>
#include <semaphore.h>

#include "base/mem.h"
#include "links/redis.h"
#include "redis_fixture.h"

/* ---- a caller: counts what it is told, and keeps what is not confirmed ---- */

#define ENTRIES 4096

struct heard {
    uint64_t number;
    struct redis_id id;
};

struct caller {
    struct event_base *base;
    struct redis *redis;
    struct redis_key *key;
    struct redis_settings settings;
    char url[256], *list[4];
    uint64_t answer_ms;
    size_t queue_max;
    unsigned int ups, downs, rooms, rewinds;
    unsigned int answered, refused, again, unsure;
    struct redis_id last_written, rewound_to;
    char refusal[200];
    /* writes numbers in order, and again from the first unconfirmed one */
    uint64_t next, confirmed, goal;
    bool keeps, failed;
    /* reads them */
    struct heard heard[ENTRIES];
    size_t nheard;
    uint64_t expected; /* the next number not seen yet */
    size_t doubles, gaps;
};

static void caller_write(struct caller *caller);

static void caller_on_state(void *arg, struct redis_key *key, enum redis_key_state state)
{
    struct caller *caller = arg;
    assert_ptr_equal(redis_key_tag(key), caller);
    if (state == REDIS_KEY_DOWN) {
        assert_false(redis_key_up(key));
        caller->downs++;
        return;
    }
    assert_true(redis_key_up(key));
    caller->ups += state == REDIS_KEY_UP;
    caller->rooms += state == REDIS_KEY_ROOM;
    if (state == REDIS_KEY_UP) {
        caller->next = caller->confirmed;
        caller->failed = false;
    }
    caller_write(caller);
}

static void caller_on_entry(void *arg, struct redis_key *key, struct redis_id id,
                            const struct slice *fields, size_t n)
{
    struct caller *caller = arg;
    assert_ptr_equal(redis_key_tag(key), caller);
    assert_int_equal(n, 2);
    char text[32];
    snprintf(text, sizeof(text), "%.*s", (int)fields[1].len, fields[1].p);
    uint64_t number = strtoull(text, NULL, 10);
    if (caller->nheard < ENTRIES) {
        caller->heard[caller->nheard++] = (struct heard){number, id};
    }
    if (number == caller->expected) {
        caller->expected++;
    } else if (number < caller->expected) {
        caller->doubles++;
    } else {
        caller->gaps++;
    }
}

static void caller_on_rewound(void *arg, struct redis_key *key, struct redis_id was,
                              struct redis_id last)
{
    struct caller *caller = arg;
    (void)key;
    assert_true(redis_id_compare(was, last) > 0);
    caller->rewinds++;
    caller->rewound_to = last;
}

static const struct redis_handler handler = {caller_on_state, caller_on_entry, caller_on_rewound};

static void caller_on_reply(void *arg, enum redis_result result, const struct redisReply *reply)
{
    struct caller *caller = arg;
    switch (result) {
    case REDIS_ANSWERED:
        caller->answered++;
        if (reply->type == REDIS_REPLY_STRING &&
            redis_id_read(reply->str, reply->len, &caller->last_written) && caller->keeps) {
            assert_false(caller->failed); /* none behind one that failed is executed before UP */
            caller->confirmed++;
        }
        break;
    case REDIS_REFUSED:
        caller->refused++;
        snprintf(caller->refusal, sizeof(caller->refusal), "%s", reply->str);
        break;
    case REDIS_AGAIN:
    case REDIS_UNSURE:
        assert_null(reply);
        caller->failed = true;
        caller->again += result == REDIS_AGAIN;
        caller->unsure += result == REDIS_UNSURE;
        break;
    }
    if (caller->keeps) {
        caller_write(caller);
    }
}

static int caller_send(struct caller *caller, const char *a, const char *b, const char *c,
                       const char *d, const char *e)
{
    const char *texts[] = {a, b, c, d, e};
    struct slice argv[5];
    size_t argc = 0;
    while (argc < 5 && texts[argc] != NULL) {
        argv[argc] = (struct slice){texts[argc], strlen(texts[argc])};
        argc++;
    }
    return redis_send(caller->key, argv, argc, caller_on_reply, caller);
}

static void caller_write(struct caller *caller)
{
    char number[24];
    while (caller->keeps && caller->next < caller->goal) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)caller->next);
        struct slice name = redis_key_name(caller->key);
        if (caller_send(caller, "XADD", name.p, "*", "n", number) != 0) {
            return;
        }
        caller->next++;
    }
}

/* ---- the loop ---- */

static void caller_turn(struct caller *caller)
{
    struct timeval time = {.tv_usec = 10000};
    event_base_loopexit(caller->base, &time);
    event_base_loop(caller->base, EVLOOP_ONCE);
}

#define UNTIL(caller, condition)                                                                   \
    do {                                                                                           \
        uint64_t until_end = clock_mono_ms() + 20000;                                              \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > until_end) {                                                     \
                fail_msg("line %d waits in vain for %s", __LINE__, #condition);                    \
            }                                                                                      \
            caller_turn(caller);                                                                   \
        }                                                                                          \
    } while (0)

static struct redis_status status_of(const struct caller *caller)
{
    struct redis_status status;
    redis_status(caller->redis, &status);
    return status;
}

static struct caller *caller_init(void)
{
    struct caller *caller = mem_zalloc(sizeof(*caller));
    caller->base = event_base_new();
    caller->answer_ms = 4000;
    caller->settings = (struct redis_settings){.url = caller->url,
                                               .master = (char *)"",
                                               .prefix = (char *)"fanfare",
                                               .connect_timeout_ms = 2000};
    return caller;
}

static void caller_start(struct caller *caller, const char *key)
{
    struct redis_options options = {.settings = &caller->settings,
                                    .node = "node-1",
                                    .queue_max = caller->queue_max,
                                    .answer_ms = caller->answer_ms};
    caller->redis = redis_new(caller->base, &options, &handler, caller);
    assert_non_null(caller->redis);
    caller->key = redis_key_new(caller->redis, key, strlen(key), caller);
}

static struct caller *caller_new(const char *format, ...)
{
    struct caller *caller = caller_init();
    va_list args;
    va_start(args, format);
    vsnprintf(caller->url, sizeof(caller->url), format, args);
    va_end(args);
    caller_start(caller, "lane");
    return caller;
}

static void caller_free(struct caller *caller)
{
    redis_free(caller->redis);
    event_base_free(caller->base);
    mem_free(caller);
}

/* Writes up to `goal` numbers, and hears each of them once and in order. */
static void caller_run(struct caller *caller, uint64_t goal)
{
    caller->keeps = true;
    caller->goal = goal;
    caller_write(caller);
    UNTIL(caller, caller->confirmed == goal && caller->expected == goal);
    assert_int_equal(caller->gaps, 0);
}

/* ---- tests ---- */

static void test_one_server(void **state)
{
    (void)state;
    node_single(0);
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    assert_int_equal(caller_send(caller, "PING", NULL, NULL, NULL, NULL), -1);
    redis_read(caller->key, (struct redis_id){0, 0});
    UNTIL(caller, caller->ups == 1);
    caller_run(caller, 1000);
    assert_int_equal(caller->doubles, 0);
    assert_int_equal(caller->answered, 1000);
    struct redis_id at = redis_read_at(caller->key);
    assert_int_equal(redis_id_compare(at, caller->last_written), 0);

    assert_int_equal(caller_send(caller, "XADD", "lane", "1-1", "n", "x"), 0);
    UNTIL(caller, caller->refused == 1);
    assert_non_null(strstr(caller->refusal, "ERR"));

    const char *list = ask(nodes[0].port, "CLIENT LIST");
    assert_non_null(strstr(list, "name=fanfare:node-1:write "));
    assert_non_null(strstr(list, "name=fanfare:node-1:read "));
    struct redis_status status = status_of(caller);
    assert_true(status.up);
    assert_int_equal(status.servers, 1);
    assert_int_equal(status.servers_up, 1);
    assert_int_equal(status.reconnects, 0);
    assert_int_equal(status.entries, 1000);
    assert_int_equal(status.bytes, 0);

    /* what is under way at the end is answered as well */
    caller->keeps = false;
    assert_int_equal(caller_send(caller, "PING", NULL, NULL, NULL, NULL), 0);
    redis_free(caller->redis);
    assert_int_equal(caller->unsure, 1);
    caller->redis = NULL;
    caller_free(caller);
}

/* A password that is wrong, is right after a reload, and is never seen. */
static void test_password(void **state)
{
    (void)state;
    node_new(0, "server", "save \"\"\nuser me on >hunter2@ ~* &* +@all\nrequirepass hunter3\n");
    log_begin();
    struct caller *caller = caller_new("redis://me:hunter1@127.0.0.1:%d/2", nodes[0].port);
    UNTIL(caller, strstr(status_of(caller).why, "refuses the user or the password") != NULL);
    assert_int_equal(caller->ups, 0);
    UNTIL(caller, log_count("refuses the user or the password") == 1);
    snprintf(caller->url, sizeof(caller->url), "redis://me:hunter2%%40@127.0.0.1:%d/2",
             nodes[0].port);
    assert_int_equal(redis_reload(caller->redis, &caller->settings), 0);
    UNTIL(caller, caller->ups == 1);
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 10);
    /* again while commands are under way: the old connection's answers still count */
    caller->goal = 20;
    caller_write(caller);
    snprintf(caller->url, sizeof(caller->url), "redis://:hunter3@127.0.0.1:%d/2", nodes[0].port);
    assert_int_equal(redis_reload(caller->redis, &caller->settings), 0);
    caller_run(caller, 30);
    assert_int_equal(caller->unsure + caller->again, 0);
    assert_int_equal(caller->doubles, 0);
    assert_true(caller->downs >= 1);
    /* and nothing happens where nothing has changed */
    unsigned int downs = caller->downs;
    caller->settings.connect_timeout_ms = 1000;
    assert_int_equal(redis_reload(caller->redis, &caller->settings), 0);
    caller_run(caller, 40);
    assert_int_equal(caller->downs, downs);
    snprintf(caller->url, sizeof(caller->url), "redis://127.0.0.1:%d", nodes[0].port);
    assert_int_equal(redis_reload(caller->redis, &caller->settings), 0);
    UNTIL(caller, strstr(status_of(caller).why, "wants a password") != NULL);
    caller_free(caller);
    log_end();
    assert_int_equal(log_count("hunter"), 0);
    assert_int_equal(log_count("refuses the user or the password"), 1);
    assert_int_equal(log_count("wants a password: put it into [redis] url"), 1);
}

static void test_unix_socket(void **state)
{
    (void)state;
    node_new(0, "server", "save \"\"\nunixsocket %s/redis.sock\n", scene_dir);
    struct caller *caller = caller_new("unix://%s/redis.sock?db=3", scene_dir);
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 10);
    assert_non_null(strstr(ask(nodes[0].port, "INFO keyspace"), "db3:keys=1"));
    caller_free(caller);
}

/* Killed and back, emptied. Nobody hears anything twice or not at all. */
static void test_killed(void **state)
{
    (void)state;
    node_single(0);
    log_begin();
    struct caller *caller = caller_new("redis://localhost:%d", nodes[0].port);
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 100);
    node_kill(0);
    UNTIL(caller, caller->downs == 1);
    assert_int_equal(caller_send(caller, "PING", NULL, NULL, NULL, NULL), -1);
    UNTIL(caller, strstr(status_of(caller).why, "is lost") != NULL);
    for (int i = 0; i < 100; i++) {
        caller_turn(caller);
    }
    node_start(0);
    caller_run(caller, 200);
    assert_true(status_of(caller).reconnects >= 1);
    assert_int_equal(caller->doubles, 0);
    caller_free(caller);
    log_end();
    assert_int_equal(log_count("is lost"), 1);
    assert_int_equal(log_count("connected"), 2);
}

/* Ids that begin lower than those that were read: after FLUSHALL or a restart with a slower clock.
 */
static void test_rewound(void **state)
{
    (void)state;
    node_single(0);
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    redis_read(caller->key, (struct redis_id){0, 0});
    UNTIL(caller, caller->ups == 1);
    assert_int_equal(caller_send(caller, "XADD", "lane", "9999999999999-7", "n", "0"), 0);
    UNTIL(caller, caller->expected == 1);
    /* while it waits: found by asking now and then */
    ask(nodes[0].port, "FLUSHALL");
    ask(nodes[0].port, "XADD lane * n 1");
    UNTIL(caller, caller->expected == 2);
    assert_int_equal(caller->rewinds, 1);
    /* and at once when it connects */
    ask(nodes[0].port, "XADD lane 9999999999999-7 n 2");
    UNTIL(caller, caller->expected == 3);
    ask(nodes[0].port, "DEL lane");
    ask(nodes[0].port, "XADD lane 5-5 n 3");
    ask(nodes[0].port, "CLIENT KILL TYPE normal");
    UNTIL(caller, caller->expected == 4);
    assert_int_equal(caller->rewinds, 2);
    assert_int_equal(caller->rewound_to.ms, 5);
    assert_int_equal(caller->doubles + caller->gaps, 0);
    caller_free(caller);
}

/* A server that takes everything and answers nothing. */
static void test_stopped(void **state)
{
    (void)state;
    node_single(0);
    log_begin();
    struct caller *caller = caller_init();
    caller->answer_ms = 400;
    snprintf(caller->url, sizeof(caller->url), "redis://127.0.0.1:%d", nodes[0].port);
    caller->settings.connect_timeout_ms = 400;
    caller_start(caller, "lane");
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 10);
    node_signal(0, SIGSTOP);
    caller->goal = 20;
    caller_write(caller);
    UNTIL(caller, caller->unsure > 0);
    UNTIL(caller, !redis_key_up(caller->key));
    UNTIL(caller, strstr(status_of(caller).why, "does not answer") != NULL);
    node_signal(0, SIGCONT);
    UNTIL(caller, caller->confirmed == 20 && caller->expected == 20);
    assert_int_equal(caller->gaps, 0);
    /* found as well when nothing is sent, by a ping */
    unsigned int downs = caller->downs;
    redis_read_stop(caller->key);
    node_signal(0, SIGSTOP);
    UNTIL(caller, caller->downs > downs);
    node_signal(0, SIGCONT);
    UNTIL(caller, redis_key_up(caller->key));
    caller_free(caller);
    log_end();
}

static void test_connections_killed(void **state)
{
    (void)state;
    node_single(0);
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 50);
    for (uint64_t round = 0; round < 5; round++) {
        caller->goal += 50;
        caller_write(caller);
        ask(nodes[0].port, "CLIENT KILL TYPE normal");
        UNTIL(caller, caller->confirmed == caller->goal && caller->expected == caller->goal);
    }
    assert_int_equal(caller->gaps, 0);
    assert_true(status_of(caller).reconnects >= 5);
    caller_free(caller);
}

/* A master that becomes a replica, and one again. */
static void test_read_only(void **state)
{
    (void)state;
    node_single(0);
    node_single(1);
    log_begin();
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 10);
    ask(nodes[0].port, "REPLICAOF 127.0.0.1 %d", nodes[1].port);
    caller->goal = 20;
    caller_write(caller);
    UNTIL(caller, caller->downs > 0 && caller->again + caller->unsure > 0);
    UNTIL(caller, strstr(status_of(caller).why, "is a replica") != NULL);
    unsigned int ups = caller->ups;
    for (int i = 0; i < 50; i++) { /* known before anything is written to it */
        caller_turn(caller);
    }
    assert_int_equal(caller->ups, ups);
    ask(nodes[0].port, "REPLICAOF NO ONE");
    UNTIL(caller, caller->confirmed == 20 && caller->expected == 20);
    caller_free(caller);
    log_end();
    assert_int_equal(log_count("is a replica and takes no writes: name the master"), 1);
}

/* Refusals that may pass: one line, one command at a time, and on it goes. */
static void test_no_memory(void **state)
{
    (void)state;
    node_single(0);
    log_begin();
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 10);
    ask(nodes[0].port, "CONFIG SET maxmemory 1");
    caller->goal = 100;
    caller_write(caller);
    UNTIL(caller, caller->again >= 90);
    unsigned int again = caller->again;
    UNTIL(caller, caller->again >= again + 3);
    assert_true(caller->again <= again + 4);
    assert_int_equal(status_of(caller).servers_up, 1);
    UNTIL(caller, strstr(status_of(caller).why, "maxmemory") != NULL || redis_key_up(caller->key));
    ask(nodes[0].port, "CONFIG SET maxmemory 0");
    UNTIL(caller, caller->confirmed == 100 && caller->expected == 100);
    assert_int_equal(caller->gaps + caller->doubles, 0);
    UNTIL(caller, status_of(caller).up);
    caller_free(caller);
    log_end();
    assert_int_equal(log_count("raise maxmemory"), 1);
    assert_int_equal(log_count("takes commands again"), 1);
}

/* What a server owes is bounded, and there is word of room. */
static void test_room(void **state)
{
    static char big[65536];
    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    node_single(0);
    struct caller *caller = caller_init();
    caller->queue_max = 1 << 20;
    snprintf(caller->url, sizeof(caller->url), "redis://127.0.0.1:%d", nodes[0].port);
    caller_start(caller, "lane");
    UNTIL(caller, caller->ups == 1);
    node_signal(0, SIGSTOP);
    unsigned int sent = 0;
    while (caller_send(caller, "SET", "lane", big, NULL, NULL) == 0) {
        sent++;
        if (sent % 4 == 0) {
            caller_turn(caller);
        }
        assert_true(sent < 100);
    }
    assert_true(sent >= 15);
    struct redis_status status = status_of(caller);
    assert_true(status.bytes <= 1 << 20);
    assert_true(status.unsent <= status.bytes);
    assert_true(redis_key_up(caller->key));
    node_signal(0, SIGCONT);
    UNTIL(caller, caller->rooms == 1);
    UNTIL(caller, caller->answered == sent);
    assert_int_equal(caller->ups, 1);
    caller_free(caller);
}

/* Reading goes on elsewhere although a read waits at the server, stops, and rests. */
static void test_places(void **state)
{
    (void)state;
    node_single(0);
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 5);
    for (int i = 0; i < 5; i++) { /* it waits now */
        caller_turn(caller);
    }
    redis_read(caller->key, caller->heard[2].id);
    UNTIL(caller, caller->nheard == 7);
    assert_int_equal(caller->heard[5].number, 3);
    assert_int_equal(caller->heard[6].number, 4);
    assert_non_null(strstr(ask(nodes[0].port, "INFO commandstats"), "cmdstat_client|unblock"));
    redis_read_stop(caller->key);
    caller_turn(caller);
    ask(nodes[0].port, "XADD lane * n 5");
    for (int i = 0; i < 30; i++) {
        caller_turn(caller);
    }
    assert_int_equal(caller->nheard, 7);
    redis_read(caller->key, caller->last_written);
    UNTIL(caller, caller->nheard == 8);
    redis_read_pause(caller->redis, true);
    UNTIL(caller, strstr(ask(nodes[0].port, "INFO clients"), "blocked_clients:0") != NULL);
    ask(nodes[0].port, "XADD lane * n 6");
    for (int i = 0; i < 30; i++) {
        caller_turn(caller);
    }
    assert_int_equal(caller->nheard, 8);
    redis_read_pause(caller->redis, false);
    UNTIL(caller, caller->nheard == 9);
    caller_free(caller);
}

/* Several keys of one server are read over one connection. */
static void test_many_keys(void **state)
{
    (void)state;
    node_single(0);
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    redis_read(caller->key, (struct redis_id){0, 0});
    UNTIL(caller, caller->ups == 1);
    for (int i = 1; i < (int)REDIS_KEYS_MAX; i++) {
        char name[24];
        snprintf(name, sizeof(name), "lane-%d", i);
        redis_read(redis_key_new(caller->redis, name, strlen(name), caller),
                   (struct redis_id){0, 0});
    }
    for (unsigned int i = 0; i < REDIS_KEYS_MAX; i++) {
        char name[24] = "lane";
        if (i > 0) {
            snprintf(name, sizeof(name), "lane-%u", i);
        }
        ask(nodes[0].port, "XADD %s * n %u", name, i);
        UNTIL(caller, caller->nheard == i + 1);
        assert_int_equal(caller->heard[i].number, i);
    }
    const char *list = ask(nodes[0].port, "CLIENT LIST");
    const char *first = strstr(list, ":read ");
    assert_non_null(first);
    assert_null(strstr(first + 1, ":read "));
    caller_free(caller);
}

/* It says so unasked, and closes. */
static void test_too_many_clients(void **state)
{
    (void)state;
    node_single(0);
    ask(nodes[0].port, "CONFIG SET maxclients 1");
    redisContext *one = redisConnect("127.0.0.1", nodes[0].port);
    assert_non_null(one);
    freeReplyObject(redisCommand(one, "PING"));
    log_begin();
    struct caller *caller = caller_new("redis://127.0.0.1:%d", nodes[0].port);
    UNTIL(caller, status_of(caller).trouble == REDIS_TROUBLE_CLIENTS);
    redisFree(one);
    UNTIL(caller, caller->ups == 1);
    caller_free(caller);
    log_end();
    assert_int_equal(log_count("has too many clients: raise maxclients"), 1);
}

/* ---- what is no Redis ---- */

static sem_t looked_up, answer;

/* Takes the place of the C library's for links/redis_lookup.c. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (strcmp(name, "silent.example") == 0) {
        sem_post(&looked_up);
        sem_wait(&answer);
        return EAI_AGAIN;
    }
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    }
    return real(name, service, hints, found);
}

/* A name server that is silent holds up neither the loop nor the end. */
static void test_silent_name_server(void **state)
{
    (void)state;
    sem_init(&looked_up, 0, 0);
    sem_init(&answer, 0, 0);
    log_begin();
    struct caller *caller = caller_init();
    snprintf(caller->url, sizeof(caller->url), "redis://silent.example");
    caller->settings.connect_timeout_ms = 100;
    caller_start(caller, "lane");
    UNTIL(caller, strstr(status_of(caller).why, "does not answer") != NULL);
    assert_int_equal(sem_trywait(&looked_up), 0);
    caller_free(caller);
    log_end();
    for (int i = 0; i < 50; i++) { /* threads that are left behind end with an answer */
        sem_post(&answer);
    }
    usleep(100000);
}

static int listener(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *port = port_choose();
    at.sin_port = htons((uint16_t)*port);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void test_no_redis(void **state)
{
    static const char *const greetings[] = {"HTTP/1.1 400 Bad Request\r\n\r\n",
                                            "220 mail.example ESMTP\r\n", "+OK POP3 ready\r\n",
                                            ":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n",

                                            "$-2\r\n"};
    int port, fd = listener(&port);
    (void)state;
    log_begin();
    struct caller *caller = caller_init();
    snprintf(caller->url, sizeof(caller->url), "redis://127.0.0.1:%d", port);
    caller->settings.connect_timeout_ms = 100;
    caller_start(caller, "lane");
    UNTIL(caller, strstr(status_of(caller).why, "does not answer") != NULL);
    caller_free(caller);
    for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
        while (accept4(fd, NULL, NULL, SOCK_CLOEXEC) >= 0) { /* of before */
        }
        int peer;
        caller = caller_new("redis://127.0.0.1:%d", port);
        UNTIL(caller, (peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0);
        assert_true(write(peer, greetings[i], strlen(greetings[i])) > 0);
        UNTIL(caller, status_of(caller).trouble != REDIS_TROUBLE_NONE);
        assert_int_equal(caller->ups, 0);
        close(peer);
        caller_free(caller);
    }
    close(fd);
    log_end();
}

/* ---- TLS ---- */

#ifdef FANFARE_REDIS_TLS

static void certificate(const char *name, const char *alternative)
{
    char command[1024];
    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
             "-subj /CN=%s -addext subjectAltName=%s -keyout %s/%s.key -out %s/%s.crt 2>/dev/null",
             name, alternative, scene_dir, name, scene_dir, name);
    assert_int_equal(system(command), 0);
}

/* Who is not signed by a known authority, or has another name, is not spoken to. */
static void test_tls(void **state)
{
    char file[128];
    (void)state;
    certificate("good", "DNS:localhost,IP:127.0.0.1");
    certificate("other", "DNS:redis.example");
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "good" : "other";
        int tls = port_choose();
        node_new(i, "server",
                 "save \"\"\ntls-port %d\ntls-cert-file %s/%s.crt\ntls-key-file %s/%s.key\n"
                 "tls-auth-clients no\n",
                 tls, scene_dir, name, scene_dir, name);
        snprintf(file, sizeof(file), "%s/%s.crt", scene_dir, name);
        log_begin();
        setenv("SSL_CERT_FILE", file, 1);
        static const char *const hosts[] = {"localhost", "127.0.0.1"};
        for (size_t host = 0; host < 2; host++) {
            struct caller *caller = caller_new("rediss://%s:%d", hosts[host], tls);
            if (i == 0) {
                redis_read(caller->key, (struct redis_id){0, 0});
                caller_run(caller, 200);
            } else {
                UNTIL(caller, status_of(caller).trouble == REDIS_TROUBLE_CONNECT ||
                                  status_of(caller).trouble == REDIS_TROUBLE_LOST);
                assert_int_equal(caller->ups, 0);
            }
            caller_free(caller);
            ask(nodes[i].port, "FLUSHALL");
        }
        unsetenv("SSL_CERT_FILE");
        struct caller *caller = caller_new("rediss://localhost:%d", tls);
        UNTIL(caller, status_of(caller).trouble != REDIS_TROUBLE_NONE);
        assert_int_equal(caller->ups, 0);
        caller_free(caller);
        assert_int_equal(log_count("self-signed certificate"), 1);
        assert_int_equal(log_count("hostname mismatch"), i);
        assert_int_equal(log_count("IP address mismatch"), i);
        /* and what speaks no TLS */
        caller = caller_new("rediss://localhost:%d", nodes[i].port);
        UNTIL(caller, status_of(caller).trouble != REDIS_TROUBLE_NONE);
        caller_free(caller);
        log_end();
        assert_int_equal(log_count("the TLS handshake has failed"), 1);
    }
}

#else

static void test_tls(void **state)
{
    struct redis_settings settings = {
        .url = (char *)"rediss://localhost", .master = (char *)"", .prefix = (char *)""};
    struct redis_options options = {.settings = &settings, .node = "n"};
    (void)state;
    log_begin();
    assert_null(redis_new(NULL, &options, &handler, NULL));
    log_end();
    assert_int_equal(log_count("TLS cannot be set up"), 1);
}

#endif

/* ---- Sentinel ---- */

static void test_sentinels(void **state)
{
    (void)state;
    node_single(0);
    node_new(1, "server", "save \"\"\nreplicaof 127.0.0.1 %d\n", nodes[0].port);
    for (size_t i = 2; i < 5; i++) {
        node_new(i, "sentinel",
                 "sentinel monitor mine 127.0.0.1 %d 2\nsentinel down-after-milliseconds mine 500\n"
                 "sentinel failover-timeout mine 3000\nrequirepass hunter2\n"
                 "sentinel sentinel-pass hunter2\n",
                 nodes[0].port);
    }
    log_begin();
    struct caller *caller = caller_init();
    char places[3][40];
    for (size_t i = 0; i < 3; i++) {
        snprintf(places[i], sizeof(places[i]), "127.0.0.1:%d", nodes[2 + i].port);
        caller->list[i] = places[i];
    }
    caller->settings.sentinels = (struct text_list){caller->list, 3};
    caller->settings.master = (char *)"other";
    snprintf(caller->url, sizeof(caller->url), "redis://:hunter2@");
    caller_start(caller, "lane");
    redis_read(caller->key, (struct redis_id){0, 0});
    UNTIL(caller, strstr(status_of(caller).why, "no Sentinel knows a master other") != NULL);
    caller->settings.master = (char *)"mine";
    ask(nodes[0].port, "CONFIG SET requirepass hunter2");
    assert_int_equal(redis_reload(caller->redis, &caller->settings), 0);
    UNTIL(caller, caller->ups == 1);
    caller_run(caller, 50);
    caller_free(caller);
    log_end();
    assert_true(log_count("knows no master other") >= 1);
    assert_int_equal(log_count("the master mine is 127.0.0.1"), 1);
    assert_int_equal(log_count("hunter"), 0);
}

/* The master dies; what was confirmed lately may be lost with it and is written again. */
static void test_failover(void **state)
{
    (void)state;
    node_single(0);
    node_new(1, "server", "save \"\"\nreplicaof 127.0.0.1 %d\n", nodes[0].port);
    for (size_t i = 2; i < 5; i++) {
        node_new(i, "sentinel",
                 "sentinel monitor mine 127.0.0.1 %d 2\nsentinel down-after-milliseconds mine 500\n"
                 "sentinel failover-timeout mine 3000\n",
                 nodes[0].port);
    }
    uint64_t end = clock_mono_ms() + 20000; /* until they know each other and the replica */
    for (size_t i = 2; i < 5; i++) {
        while (strstr(ask(nodes[i].port, "INFO sentinel"), "slaves=1,sentinels=3") == NULL &&
               clock_mono_ms() < end) {
            nap();
        }
    }
    log_begin();
    struct caller *caller = caller_init();
    char places[3][40];
    for (size_t i = 0; i < 3; i++) {
        snprintf(places[i], sizeof(places[i]), "127.0.0.1:%d", nodes[2 + i].port);
        caller->list[i] = places[i];
    }
    caller->settings.sentinels = (struct text_list){caller->list, 3};
    caller->settings.master = (char *)"mine";
    caller_start(caller, "lane");
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 50);
    UNTIL(caller, strcmp(ask(nodes[1].port, "XLEN lane"), "50") == 0);
    /* by order, with all alive: the old master refuses what is written */
    unsigned int downs = caller->downs;
    assert_string_equal(ask(nodes[2].port, "SENTINEL FAILOVER mine"), "OK");
    UNTIL(caller, caller->downs > downs && redis_key_up(caller->key));
    caller_run(caller, 100);
    assert_string_equal(ask(nodes[1].port, "XLEN lane"), "100");
    ask(nodes[0].port, "REPLICAOF 127.0.0.1 %d", nodes[1].port); /* Sentinel takes ten seconds */
    UNTIL(caller, strcmp(ask(nodes[0].port, "XLEN lane"), "100") == 0);
    /* and without one */
    node_kill(1);
    caller->goal = 150;
    caller_write(caller);
    UNTIL(caller, caller->confirmed == 150 && caller->expected == 150);
    assert_int_equal(caller->gaps, 0);
    assert_string_equal(ask(nodes[0].port, "XLEN lane"), "150");
    caller_free(caller);
    log_end();
    assert_true(log_count("the master mine is 127.0.0.1") >= 2);
}

/* ---- Cluster ---- */

static void cluster_start(void)
{
    for (size_t i = 0; i < 6; i++) {
        node_new(i, "server",
                 "save \"\"\ncluster-enabled yes\ncluster-node-timeout 1500\n"
                 "cluster-replica-validity-factor 0\nrepl-diskless-sync-delay 0\n");
    }
    char command[512];
    snprintf(command, sizeof(command),
             "redis-cli --cluster create 127.0.0.1:%d 127.0.0.1:%d 127.0.0.1:%d 127.0.0.1:%d "
             "127.0.0.1:%d 127.0.0.1:%d --cluster-replicas 1 --cluster-yes > %s/create 2>&1",
             nodes[0].port, nodes[1].port, nodes[2].port, nodes[3].port, nodes[4].port,
             nodes[5].port, scene_dir);
    assert_int_equal(system(command), 0);
    for (size_t i = 0; i < 6; i++) {
        uint64_t end = clock_mono_ms() + 20000;
        while (strstr(ask(nodes[i].port, "CLUSTER INFO"), "cluster_state:ok") == NULL) {
            assert_true(clock_mono_ms() < end);
            nap();
        }
    }
}

/* Which node is the master of a slot, by trying. */
static size_t cluster_owner(const char *key)
{
    for (size_t i = 0; i < 6; i++) {
        if (nodes[i].pid > 0 && strstr(ask(nodes[i].port, "ROLE"), "") != NULL &&
            strstr(ask(nodes[i].port, "INFO replication"), "role:master") != NULL &&
            ask(nodes[i].port, "XLEN %s", key)[0] != 'M') {
            return i;
        }
    }
    fail_msg("nobody owns %s", key);
    return 0;
}

static void cluster_migrate(const char *key, size_t from, size_t to, struct caller *caller,
                            struct caller *writer)
{
    char from_id[64], to_id[64];
    int slot = redis_slot(key, strlen(key));
    snprintf(from_id, sizeof(from_id), "%s", ask(nodes[from].port, "CLUSTER MYID"));
    snprintf(to_id, sizeof(to_id), "%s", ask(nodes[to].port, "CLUSTER MYID"));
    assert_string_equal(ask(nodes[to].port, "CLUSTER SETSLOT %d IMPORTING %s", slot, from_id),
                        "OK");
    assert_string_equal(ask(nodes[from].port, "CLUSTER SETSLOT %d MIGRATING %s", slot, to_id),
                        "OK");
    caller_run(caller, caller->goal + 10);
    assert_string_equal(
        ask(nodes[from].port, "MIGRATE 127.0.0.1 %d %s 0 5000", nodes[to].port, key), "OK");
    writer->goal++; /* by ASK, alone on its way */
    caller_write(writer);
    UNTIL(writer, writer->confirmed == writer->goal);
    assert_int_equal(writer->again, 1);
    assert_int_equal(writer->downs, 1);
    caller_run(caller, caller->goal + 10);
    for (size_t i = 0; i < 6; i++) {
        ask(nodes[i].port, "CLUSTER SETSLOT %d NODE %s", slot, to_id);
    }
    caller_run(caller, caller->goal + 1);
    caller_run(caller, caller->goal + 10);
}

static void test_cluster(void **state)
{
    (void)state;
    cluster_start();
    log_begin();
    struct caller *caller = caller_init();
    char place[40];
    snprintf(place, sizeof(place), "127.0.0.1:%d", nodes[5].port);
    caller->list[0] = place;
    caller->settings.cluster = (struct text_list){caller->list, 1};
    caller_start(caller, "lane");
    redis_read(caller->key, (struct redis_id){0, 0});
    caller_run(caller, 100);
    assert_int_equal(caller->again + caller->unsure, 0);

    /* keys of other slots, so that it is connected to all masters; and nothing but its own commands
     * tells it where the slot is */
    struct caller *writer = caller_init();
    writer->list[0] = place;
    writer->settings.cluster = (struct text_list){writer->list, 1};
    caller_start(writer, "{lane}w");
    static const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        redis_key_new(writer->redis, names[i], 1, writer);
    }
    UNTIL(writer, writer->ups == 4);
    assert_int_equal(status_of(writer).servers_up, 3);
    writer->keeps = true;

    /* a slot that moves: asked for elsewhere while it does, and afterwards */
    size_t from = cluster_owner("lane"), to = 0;
    while (to == from || strstr(ask(nodes[to].port, "INFO replication"), "role:master") == NULL) {
        to++;
    }
    cluster_migrate("lane", from, to, caller, writer);
    caller_free(writer);
    assert_true(caller->again > 0);
    assert_int_equal(caller->unsure + caller->doubles, 0);
    assert_int_equal(cluster_owner("lane"), to);
    char length[24];
    snprintf(length, sizeof(length), "%llu", (unsigned long long)caller->goal);
    assert_string_equal(ask(nodes[to].port, "XLEN lane"), length);

    /* who has taken it for a single server is told so */
    struct caller *other = caller_new("redis://127.0.0.1:%d", nodes[from].port);
    UNTIL(other, other->ups == 1);
    other->keeps = true;
    other->goal = 1;
    caller_write(other);
    UNTIL(other, log_count("is a node of a Redis Cluster") == 1);
    assert_int_equal(log_count("list its nodes in [redis] cluster"), 1);
    caller_free(other);

    /* its master dies, and a replica takes over */
    uint64_t end = clock_mono_ms() + 20000;
    while (strstr(ask(nodes[to].port, "WAIT 1 1000"), "1") == NULL) {
        assert_true(clock_mono_ms() < end);
    }
    node_kill(to);
    caller_run(caller, caller->goal + 50);
    assert_int_not_equal(cluster_owner("lane"), to);
    UNTIL(caller, status_of(caller).up);
    caller_free(caller);
    log_end();
}

/* A single server behind cluster: what to change is said. */
static void test_wrong_kind(void **state)
{
    (void)state;
    node_single(0);
    log_begin();
    struct caller *caller = caller_init();
    char place[40];
    snprintf(place, sizeof(place), "127.0.0.1:%d", nodes[0].port);
    caller->list[0] = place;
    caller->settings.cluster = (struct text_list){caller->list, 1};
    caller_start(caller, "lane");
    UNTIL(caller, log_count("is no node of a Redis Cluster: name it in [redis] url") == 1);
    assert_false(status_of(caller).up);
    assert_true(status_of(caller).why[0] != '\0');
    caller_free(caller);

    log_end();
}

/* ---- the frame ---- */

static void test_nothing(void **state)
{
    (void)state;
    printf("SKIP links/redis: redis-server, redis-sentinel and redis-cli are needed (Debian: "
           "redis-server, redis-sentinel, redis-tools)\n");
    skip();
}

static int teardown(void **state)
{
    (void)state;
    if (stderr_saved >= 0) { /* a test that failed */
        log_end();
        char command[160];
        snprintf(command, sizeof(command), "cat %s >&2", log_path);
        (void)!system(command);
    }
    nodes_kill();
    return 0;
}

int main(int argc, char **argv)
{
#define REAL_TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        REAL_TEST(test_one_server),
        REAL_TEST(test_password),
        REAL_TEST(test_unix_socket),
        REAL_TEST(test_killed),
        REAL_TEST(test_rewound),
        REAL_TEST(test_stopped),
        REAL_TEST(test_connections_killed),
        REAL_TEST(test_read_only),
        REAL_TEST(test_no_memory),
        REAL_TEST(test_room),
        REAL_TEST(test_places),
        REAL_TEST(test_many_keys),
        REAL_TEST(test_too_many_clients),
        REAL_TEST(test_silent_name_server),
        REAL_TEST(test_no_redis),
        REAL_TEST(test_tls),
        REAL_TEST(test_sentinels),
        REAL_TEST(test_failover),
        REAL_TEST(test_cluster),
        REAL_TEST(test_wrong_kind),
    };
    if (!have_program("redis-server") || !have_program("redis-sentinel") ||
        !have_program("redis-cli")) {
        const struct CMUnitTest none[] = {cmocka_unit_test(test_nothing)};
        return cmocka_run_group_tests(none, NULL, NULL);
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(scene_dir) == NULL) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", scene_dir);
    (void)!system(command);
    return failed;
}
