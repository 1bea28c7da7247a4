#include "links/redis_link.h"

#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"

#define STEADY_MS 2000u /* who was up for so long begins again with the shortest back-off */
#define ARGUMENT  24u   /* bytes that the protocol and the allocator add to an argument */

/* ---- state ---- */

static void link_changed(struct redis_link *link)
{
    link->changed(link->owner);
}

/* The first reason counts: what follows from it is noise. */
static void link_blame(struct redis_link *link, enum redis_trouble trouble, const char *why)
{
    if (link->trouble == REDIS_TROUBLE_NONE) {
        link->trouble = trouble;
        snprintf(link->why, sizeof(link->why), "%s", why);
    }
}

/* The one place that takes a link down. */
static void link_down(struct redis_link *link, enum redis_trouble trouble, const char *why)
{
    uint64_t now = clock_mono_ms();
    if (link->state == LINK_DOWN) {
        return;
    }
    bool steady = link->state == LINK_UP && now - link->up_at >= STEADY_MS;
    bool another = link->state == LINK_OPENING && link->next_address < link->addresses.count;
    if (trouble == REDIS_TROUBLE_CONNECT && link->state == LINK_UP) {
        trouble = REDIS_TROUBLE_LOST;
    }
    if (trouble == REDIS_TROUBLE_CONNECT && link->session != NULL && link->state == LINK_GREETING) {
        why = redis_tls_why(link->session);
    }
    link->session = NULL;
    if (!another) {
        link_blame(link, trouble, why);
    }
    link->state = LINK_DOWN;
    link->number = 0;
    redis_lookup_cancel(link->lookup);
    link->lookup = NULL;
    if (another) { /* of the same name: at once */
        link->retry_at = now;
    } else {
        link->addresses.count = 0;
        link->backoff_ms = steady || link->backoff_ms == 0            ? REDIS_BACKOFF_MIN
                           : link->backoff_ms * 2 < REDIS_BACKOFF_MAX ? link->backoff_ms * 2
                                                                      : REDIS_BACKOFF_MAX;
        /* Many nodes lose a server at the same time. */
        link->retry_at = now + link->backoff_ms / 2 + rnd_below((uint32_t)link->backoff_ms / 2 + 1);
    }
    link_changed(link);
}

void redis_link_close(struct redis_link *link, enum redis_trouble trouble, const char *why)
{
    link_down(link, trouble, why);
    if (link->ac == NULL) {
        return;
    }
    if (link->in_reply) {
        redisAsyncFree(link->ac); /* hiredis does it when the callback has returned */
    } else {
        link->doomed = true;
        link_changed(link);
    }
}

bool redis_link_gone(const struct redis_link *link)
{
    return link->state == LINK_DOWN && link->ac == NULL && link->first == NULL;
}

/* ---- the loop's side: hiredis asks to be called when it can read or write ---- */

static void link_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct redis_link *link = arg;
    (void)fd;
    (void)what;
    link->heard_at = clock_mono_ms();
    redisAsyncHandleRead(link->ac);
}

static void link_write(struct redis_link *link)
{
    link->flushing = true;
    redisAsyncHandleWrite(link->ac);
    link->flushing = false;
}

static void link_on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    link_write(arg);
}

/* What a turn of the loop has sent leaves in one write, and without asking the kernel first. */
static void link_on_flush(evutil_socket_t fd, short what, void *arg)
{
    struct redis_link *link = arg;
    (void)fd;
    (void)what;
    if (link->ac != NULL && !link->doomed && !event_pending(&link->writing, EV_WRITE, NULL)) {
        link_write(link);
    }
}

static void link_add_read(void *arg)
{
    struct redis_link *link = arg;
    event_add(&link->reading, NULL);
}

static void link_del_read(void *arg)
{
    struct redis_link *link = arg;
    event_del(&link->reading);
}

static void link_add_write(void *arg)
{
    struct redis_link *link = arg;
    if (!link->flushing && link->state >= LINK_GREETING) {
        event_active(&link->flush, EV_TIMEOUT, 0);
    } else { /* not connected yet, or the kernel has just refused */
        event_add(&link->writing, NULL);
    }
}

static void link_del_write(void *arg)
{
    struct redis_link *link = arg;
    event_del(&link->writing);
}

static void link_on_cleanup(void *arg)
{
    struct redis_link *link = arg;
    event_del(&link->reading);
    event_del(&link->writing);
    event_del(&link->flush);
    link->ac = NULL;
    link->doomed = false;
    link_changed(link);
}

/* hiredis comes with an adapter of its own. This one adds the descriptor to the poll once instead
 * of twice for each command, needs no memory, and knows when bytes arrive. */
static void link_attach(struct redis_link *link, struct redisAsyncContext *ac)
{
    evutil_socket_t fd = ac->c.fd;
    ac->ev.data = link;
    ac->ev.addRead = link_add_read;
    ac->ev.delRead = link_del_read;
    ac->ev.addWrite = link_add_write;
    ac->ev.delWrite = link_del_write;
    ac->ev.cleanup = link_on_cleanup;
    check(event_assign(&link->reading, link->base, fd, EV_READ | EV_PERSIST, link_on_readable,
                       link) == 0);
    check(event_assign(&link->writing, link->base, fd, EV_WRITE, link_on_writable, link) == 0);
    link->ac = ac;
}

/* ---- commands ---- */

static void link_on_reply(struct redisAsyncContext *ac, void *answer, void *arg)
{
    struct redis_call *call = arg;
    struct redis_link *link = call->link;
    check(link->first == call);
    link->first = call->next;
    if (link->first == NULL) {
        link->last = NULL;
    }
    link->bytes -= call->bytes;
    if (answer == NULL) { /* before the caller hears of it and sends more */
        link_down(link, REDIS_TROUBLE_CONNECT, ac->c.errstr);
    }
    if (call->fn != NULL) {
        link->in_reply = answer != NULL;
        call->fn(call->arg, answer);
        link->in_reply = false;
    }
    mem_free(call);
}

static int link_push(struct redis_link *link, int argc, const char *const *argv, const size_t *lens,
                     uint64_t wait_ms, redis_link_fn *fn, void *arg)
{
    struct redis_call *call = mem_alloc(sizeof(*call));
    *call = (struct redis_call){.link = link,
                                .fn = fn,
                                .arg = arg,
                                .sent = clock_mono_ms(),
                                .wait_ms = wait_ms != 0 ? wait_ms : link->login->answer_ms};
    for (int i = 0; i < argc; i++) {
        call->bytes += lens[i] + ARGUMENT;
    }
    /* WHY: hiredis does not change the arguments, and declares them so only from 1.0 on. */
    if (redisAsyncCommandArgv(link->ac, link_on_reply, call, argc, (const char **)(uintptr_t)argv,
                              lens) != REDIS_OK) {
        mem_free(call);
        return -1;
    }
    if (link->last != NULL) {
        link->last->next = call;
    } else {
        link->first = call;
    }
    link->last = call;
    link->bytes += call->bytes;
    return 0;
}

int redis_link_send(struct redis_link *link, int argc, const char *const *argv, const size_t *lens,
                    uint64_t wait_ms, redis_link_fn *fn, void *arg)
{
    if (link->state != LINK_UP) {
        return -1;
    }
    return link_push(link, argc, argv, lens, wait_ms, fn, arg);
}

/* Of words. */
static int link_ask(struct redis_link *link, redis_link_fn *fn, const char *a, const char *b,
                    const char *c)
{
    const char *argv[] = {a, b, c};
    size_t lens[3];
    int argc = 0;
    while (argc < 3 && argv[argc] != NULL) {
        lens[argc] = strlen(argv[argc]);
        argc++;
    }
    return link_push(link, argc, argv, lens, 0, fn, link);
}

/* ---- the greeting ---- */

/* Its answers come one behind the other; the first that is an error says what is wrong, and the
 * last, to PING, ends it. */

/* What Redis says here is never shown: one whose AUTH was renamed repeats the password. */
static void link_on_auth(void *arg, const struct redisReply *reply)
{
    struct redis_link *link = arg;
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return;
    }
    enum redis_trouble trouble = redis_trouble_of(reply->str, reply->len);
    bool none = strstr(reply->str, "without any password") != NULL ||
                strstr(reply->str, "no password is set") != NULL;
    link_blame(link, trouble == REDIS_TROUBLE_COMMAND ? REDIS_TROUBLE_WRONGPASS : trouble,
               none ? "it has no password set" : "");
}

static void link_on_select(void *arg, const struct redisReply *reply)
{
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        enum redis_trouble trouble = redis_trouble_of(reply->str, reply->len);
        link_blame(arg, trouble, trouble == REDIS_TROUBLE_COMMAND ? reply->str : "");
    }
}

/* A name may be refused. But who takes no connection says so unasked, and it comes as the answer to
 * what was sent first. */
static void link_on_name(void *arg, const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return;
    }
    enum redis_trouble trouble = redis_trouble_of(reply->str, reply->len);
    if (trouble == REDIS_TROUBLE_DENIED || trouble == REDIS_TROUBLE_CLIENTS) {
        link_blame(arg, trouble, "");
    }
}

static void link_on_number(void *arg, const struct redisReply *reply)
{
    struct redis_link *link = arg;
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0) {
        link->number = (uint64_t)reply->integer;
    }
}

/* A user who may not ask is believed: a replica refuses the first write. */
static void link_on_role(void *arg, const struct redisReply *reply)
{
    struct redis_link *link = arg;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->element[0]->type != REDIS_REPLY_STRING) {
        return;
    }
    if (strcmp(reply->element[0]->str, "slave") == 0) {
        link_blame(link, REDIS_TROUBLE_READONLY, "");
    } else if (strcmp(reply->element[0]->str, "sentinel") == 0) {
        link_blame(link, REDIS_TROUBLE_PROTOCOL,
                   "it is a Sentinel, which belongs into [redis] sentinels");
    }
}

static void link_on_greeted(void *arg, const struct redisReply *reply)
{
    struct redis_link *link = arg;
    if (reply == NULL) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        enum redis_trouble trouble = redis_trouble_of(reply->str, reply->len);
        link_blame(link, trouble, trouble == REDIS_TROUBLE_COMMAND ? reply->str : "");
    } else if (reply->type != REDIS_REPLY_STATUS || strcmp(reply->str, "PONG") != 0) {
        link_blame(link, REDIS_TROUBLE_PROTOCOL, "");
    }
    if (link->trouble != REDIS_TROUBLE_NONE) {
        redis_link_close(link, link->trouble, "");
        return;
    }
    link->state = LINK_UP;
    link->times_up++;
    link->up_at = clock_mono_ms();
    link_changed(link);
}

static int link_greet(struct redis_link *link)
{
    const struct redis_login *login = link->login;
    char name[REDIS_NAME], db[16];
    int failed = 0;
    if ((link->wants & LINK_LOGIN) != 0 && login->password[0] != '\0') {
        failed |= login->user[0] != '\0'
                      ? link_ask(link, link_on_auth, "AUTH", login->user, login->password)
                      : link_ask(link, link_on_auth, "AUTH", login->password, NULL);
    }
    if ((link->wants & LINK_SELECT) != 0 && login->db != 0) {
        snprintf(db, sizeof(db), "%u", (unsigned int)login->db);
        failed |= link_ask(link, link_on_select, "SELECT", db, NULL);
    }
    snprintf(name, sizeof(name), "fanfare:%s:%s", login->node, link->role);
    failed |= link_ask(link, link_on_name, "CLIENT", "SETNAME", name);
    if ((link->wants & LINK_NUMBER) != 0) {
        failed |= link_ask(link, link_on_number, "CLIENT", "ID", NULL);
    }
    if ((link->wants & LINK_MASTER) != 0) {
        failed |= link_ask(link, link_on_role, "ROLE", NULL, NULL);
    }
    return failed | link_ask(link, link_on_greeted, "PING", NULL, NULL);
}

/* ---- connecting ---- */

static void link_on_connect(const struct redisAsyncContext *ac, int status)
{
    struct redis_link *link = ac->data;
    if (status != REDIS_OK) { /* hiredis ends it behind this call */
        link_down(link, REDIS_TROUBLE_CONNECT, ac->c.errstr);
        return;
    }
    if (link->state != LINK_OPENING) {
        return; /* closed in the meantime */
    }
    link->state = LINK_GREETING;
    const char *why;
    if (link->login->tls != NULL && link->place.port != 0 &&
        redis_tls_start(link->login->tls, &link->ac->c, link->place.host, &link->session, &why) !=
            0) {
        redis_link_close(link, REDIS_TROUBLE_CONNECT, why);
        return;
    }
    if (link_greet(link) != 0) {
        redis_link_close(link, REDIS_TROUBLE_CONNECT, "no memory");
    }
}

static void link_on_disconnect(const struct redisAsyncContext *ac, int status)
{
    (void)status;
    link_down(ac->data, REDIS_TROUBLE_CONNECT, ac->c.errstr);
}

static struct redisAsyncContext *link_begin(struct redis_link *link)
{
    if (link->place.port == 0) {
        return redisAsyncConnectUnix(link->place.host);
    }
    return redisAsyncConnect(link->addresses.text[link->next_address++], link->place.port);
}

static void link_connect(struct redis_link *link)
{
    link->state = LINK_OPENING;
    struct redisAsyncContext *ac = link_begin(link);
    if (ac == NULL) {
        link_down(link, REDIS_TROUBLE_CONNECT, "no memory");
        return;
    }
    ac->data = link;
    if (ac->err != 0 || ac->c.fd < 0) {
        link_down(link, REDIS_TROUBLE_CONNECT, ac->err != 0 ? ac->c.errstr : "no socket");
        redisAsyncFree(ac);
        return;
    }
    /* Not for what this process may execute. */
    fcntl(ac->c.fd, F_SETFD, FD_CLOEXEC);
    link_attach(link, ac);
    redisAsyncSetConnectCallback(ac, link_on_connect);
    redisAsyncSetDisconnectCallback(ac, link_on_disconnect);
}

static void link_on_lookup(void *arg, const struct redis_addresses *found, const char *why)
{
    struct redis_link *link = arg;
    link->lookup = NULL;
    if (why != NULL) {
        link_down(link, REDIS_TROUBLE_CONNECT, why);
        return;
    }
    link->addresses = *found;
    link->next_address = 0;
    link_connect(link);
}

/* Digits and dots, or an IPv6 address: nothing to look up. */
static bool link_numeric(const char *host)
{
    return strchr(host, ':') != NULL || host[strspn(host, "0123456789.")] == '\0';
}

void redis_link_open(struct redis_link *link)
{
    check(redis_link_gone(link));
    link->trouble = REDIS_TROUBLE_NONE;
    link->why[0] = '\0';
    link->opened_at = link->heard_at = clock_mono_ms();
    link->state = LINK_LOOKUP;
    if (link->place.port == 0 || link->next_address < link->addresses.count) {
        link_connect(link);
    } else if (link_numeric(link->place.host)) {
        link->addresses.count = 1;
        link->next_address = 0;
        snprintf(link->addresses.text[0], REDIS_ADDRESS_TEXT, "%.*s", (int)REDIS_ADDRESS_TEXT - 1,
                 link->place.host);
        link_connect(link);
    } else {
        link->lookup = redis_lookup_start(link->base, link->place.host, link_on_lookup, link);
        if (link->lookup == NULL) {
            link_down(link, REDIS_TROUBLE_CONNECT, "no thread to look up its name");
        }
    }
}

/* ---- looking after it ---- */

static void link_watch(struct redis_link *link, uint64_t now)
{
    char why[REDIS_WHY];
    if (link->state != LINK_UP) {
        if (now - link->opened_at > link->login->connect_ms) {
            snprintf(why, sizeof(why), "not within %g s", (double)link->login->connect_ms / 1000);
            redis_link_close(link, REDIS_TROUBLE_SILENT, why);
        }
        return;
    }
    struct redis_call *first = link->first;
    if (first == NULL) {
        if (now - link->heard_at >= link->login->answer_ms &&
            link_ask(link, NULL, "PING", NULL, NULL) != 0) {
            redis_link_close(link, REDIS_TROUBLE_CONNECT, "no memory");
        }
        return;
    }
    /* A long answer that trickles in is an answer. */
    uint64_t since = first->sent > link->heard_at ? first->sent : link->heard_at;
    if (now > since && now - since > first->wait_ms) {
        snprintf(why, sizeof(why), "not within %g s", (double)first->wait_ms / 1000);
        redis_link_close(link, REDIS_TROUBLE_SILENT, why);
    }
}

void redis_link_settle(struct redis_link *link, uint64_t now, bool stalled)
{
    if (stalled) {
        link->opened_at = link->heard_at = now;
    }
    if (link->state != LINK_DOWN) {
        link_watch(link, now);
    }
    if (link->doomed && link->ac != NULL) {
        redisAsyncFree(link->ac);
    }
}

size_t redis_link_unsent(const struct redis_link *link)
{
    return link->ac != NULL && link->ac->c.obuf != NULL ? sdslen(link->ac->c.obuf) : 0;
}

static void link_ignore(void *owner)
{
    (void)owner;
}

void redis_link_init(struct redis_link *link, struct event_base *base,
                     const struct redis_login *login, const struct redis_place *place,
                     const char *role, unsigned int wants, void (*changed)(void *owner),
                     void *owner)
{
    memset(link, 0, sizeof(*link));
    link->base = base;
    link->login = login;
    link->place = *place;
    link->role = role;
    link->wants = wants;
    link->changed = changed;
    link->owner = owner;
    check(event_assign(&link->flush, base, -1, 0, link_on_flush, link) == 0);
}

void redis_link_free(struct redis_link *link)
{
    link->changed = link_ignore;
    redis_link_close(link, REDIS_TROUBLE_CONNECT, "");
    if (link->ac != NULL) {
        redisAsyncFree(link->ac);
    }
    check(redis_link_gone(link));
    event_del(&link->flush);
}
