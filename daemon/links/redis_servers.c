/* Settings, servers, the one place where everything is put in order, and the life of the whole. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "links/redis_state.h"

#define TICK_MS    500u  /* while all is well */
#define HASTE_MS   20u   /* while something is not */
#define STALLED_MS 1000u /* a timer that is so late tells that the process was stopped */

/* ---- settings ---- */

bool redis_wanted(const struct redis_settings *settings)
{
    return settings->url[0] != '\0' || settings->sentinels.count > 0 || settings->cluster.count > 0;
}

static void list_copy(struct text_list *out, const struct text_list *list)
{
    out->count = list->count;
    out->items = mem_zalloc((list->count + 1) * sizeof(char *));
    for (size_t i = 0; i < list->count; i++) {
        out->items[i] = mem_strndup(list->items[i], strlen(list->items[i]));
    }
}

static bool list_same(const struct text_list *a, const struct text_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->items[i], b->items[i]) == 0;
    }
    return same;
}

static void list_free(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i]);
    }
    mem_free(list->items);
}

static void settings_copy(struct redis_settings *out, const struct redis_settings *settings)
{
    *out = *settings;
    out->url = mem_strndup(settings->url, strlen(settings->url));
    out->master = mem_strndup(settings->master, strlen(settings->master));
    out->prefix = mem_strndup(settings->prefix, strlen(settings->prefix));
    list_copy(&out->sentinels, &settings->sentinels);
    list_copy(&out->cluster, &settings->cluster);
}

static void settings_free(struct redis_settings *settings)
{
    explicit_bzero(settings->url, strlen(settings->url));
    mem_free(settings->url);
    mem_free(settings->master);
    mem_free(settings->prefix);
    list_free(&settings->sentinels);
    list_free(&settings->cluster);
}

static bool settings_same_servers(const struct redis_settings *a, const struct redis_settings *b)
{
    return strcmp(a->url, b->url) == 0 && strcmp(a->master, b->master) == 0 &&
           list_same(&a->sentinels, &b->sentinels) && list_same(&a->cluster, &b->cluster);
}

/* Reads the settings into mode, login and place. -1: TLS cannot be had. */
static int redis_use(struct redis *redis, const struct redis_settings *settings)
{
    struct redis_url url = {.place.host = ""};
    struct redis_tls *tls = NULL;
    struct redis_login *login = &redis->login;

    check(settings->url[0] == '\0' ||
          redis_url_read(settings->url, strlen(settings->url), &url)); /* by the configuration */
    if (url.tls && (tls = redis_tls_new()) == NULL) {
        return -1;
    }
    redis_tls_free(login->tls);
    login->tls = tls;
    login->db = url.db;
    memcpy(login->user, url.user, sizeof(login->user));
    memcpy(login->password, url.password, sizeof(login->password));
    login->connect_ms = settings->connect_timeout_ms;
    redis->mode = settings->sentinels.count > 0 ? REDIS_SENTINELS
                  : settings->cluster.count > 0 ? REDIS_CLUSTER
                                                : REDIS_SINGLE;
    redis->place = url.place;
    redis->placed = redis->mode == REDIS_SINGLE;
    settings_copy(&redis->settings, settings);
    redis->sentinels = redis->mode == REDIS_SENTINELS ? redis_sentinels_new(redis) : NULL;
    redis->slots = redis->mode == REDIS_CLUSTER ? redis_slots_new(redis) : NULL;
    explicit_bzero(&url, sizeof(url));
    return 0;
}

/* ---- what is logged ---- */

void redis_say(struct redis_said *said, const char *what, const struct redis_link *link, bool also)
{
    char place[REDIS_PLACE];
    if (link->state == LINK_UP && !said->up) {
        if (!also || said->trouble != REDIS_TROUBLE_NONE) {
            log_with(LOG_LEVEL_INFO, "redis",
                     LOG_FIELDS(.endpoint = redis_place_print(&link->place, place)),
                     "%s %s: connected", what, redis_place_print(&link->place, place));
        }
        *said = (struct redis_said){.up = true};
        return;
    }
    /* Who was lost cannot be reached for a while: that is one thing. */
    bool same = said->trouble == link->trouble ||
                (said->trouble == REDIS_TROUBLE_LOST && link->trouble == REDIS_TROUBLE_CONNECT);
    if (link->state == LINK_DOWN && link->trouble != REDIS_TROUBLE_NONE && (said->up || !same)) {
        const char *fix = redis_trouble_fix(link->trouble);
        *said = (struct redis_said){.trouble = link->trouble};
        log_with(LOG_LEVEL_WARN, "redis",
                 LOG_FIELDS(.endpoint = redis_place_print(&link->place, place)),
                 "%s %s %s%s%s%s%s%s", what, redis_place_print(&link->place, place),
                 redis_trouble_says(link->trouble), link->why[0] != '\0' ? " (" : "", link->why,
                 link->why[0] != '\0' ? ")" : "", *fix != '\0' ? ": " : "", fix);
    }
}

/* ---- servers ---- */

static void server_on_change(void *owner)
{
    struct redis_server *server = owner;
    redis_unsettled(server->redis);
}

struct redis_server *redis_server_at(struct redis *redis, const struct redis_place *place)
{
    struct redis_server *server;
    for (server = redis->servers; server != NULL; server = server->next) {
        if (!server->retired && redis_place_equal(&server->place, place)) {
            return server;
        }
    }
    server = mem_zalloc(sizeof(*server));
    server->redis = redis;
    server->place = *place;
    redis_link_init(&server->write, redis->base, &redis->login, place, "write",
                    LINK_LOGIN | (redis->mode == REDIS_CLUSTER ? 0 : LINK_SELECT | LINK_MASTER),
                    server_on_change, server);
    server->next = redis->servers;
    redis->servers = server;
    redis_unsettled(redis);
    return server;
}

bool redis_server_up(const struct redis_server *server)
{
    return server != NULL && !server->retired && server->write.state == LINK_UP;
}

static void server_settle(struct redis_server *server, uint64_t now, bool stalled)
{
    struct redis_link *link = &server->write;
    redis_link_settle(link, now, stalled);
    redis_say(&server->said, "Redis", link, false);
    if (server->seen_up != link->times_up) {
        server->redis->reconnects += server->seen_up != 0;
        server->seen_up = link->times_up;
        redis_readers_hurry(server);
    }
    if (server->wanted && redis_link_gone(link) && now >= link->retry_at) {
        redis_link_open(link);
    } else if (!server->wanted && link->bytes == 0) {
        redis_link_close(link, REDIS_TROUBLE_NONE, "");
    }
    redis_readers_settle(server, now, stalled);
}

static void redis_servers_settle(struct redis *redis, uint64_t now, bool stalled)
{
    for (struct redis_server *server = redis->servers; server != NULL; server = server->next) {
        server->wanted = redis->mode != REDIS_CLUSTER && redis->placed && !server->retired &&
                         redis_place_equal(&server->place, &redis->place);
    }
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        if (key->server != NULL && !key->server->retired) {
            key->server->wanted = true;
        }
    }
    for (struct redis_server **at = &redis->servers; *at != NULL;) {
        struct redis_server *server = *at;
        server_settle(server, now, stalled);
        if (!server->wanted && redis_link_gone(&server->write) && server->readers == NULL) {
            *at = server->next;
            redis_link_free(&server->write);
            mem_free(server);
        } else {
            at = &server->next;
        }
    }
}

/* ---- the one place where everything is put in order ---- */

void redis_unsettled(struct redis *redis)
{
    if (!redis->ending) {
        event_active(&redis->settle, EV_TIMEOUT, 0);
    }
}

static bool redis_steady(const struct redis *redis)
{
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        if (!key->up || key->full || !redis_readers_up(key->server)) {
            return false;
        }
    }
    return true;
}

static void redis_arm(struct redis *redis)
{
    uint64_t tick = redis->login.answer_ms / 8 < TICK_MS ? redis->login.answer_ms / 8 : TICK_MS;
    uint64_t every = redis_steady(redis) ? tick : HASTE_MS;
    if (every != redis->interval || !event_pending(&redis->timer, EV_TIMEOUT, NULL)) {
        struct timeval time = {.tv_sec = (time_t)(every / 1000),
                               .tv_usec = (suseconds_t)(every % 1000 * 1000)};
        redis->interval = every;
        event_add(&redis->timer, &time);
    }
}

static void redis_on_settle(evutil_socket_t fd, short what, void *arg)
{
    struct redis *redis = arg;
    uint64_t now = clock_mono_ms();
    bool stalled = now - redis->settled_at > redis->interval + STALLED_MS;
    (void)fd;
    (void)what;
    redis->settled_at = now;
    if (redis->sentinels != NULL) {
        redis_sentinels_settle(redis->sentinels, now, stalled);
    }
    if (redis->slots != NULL) {
        redis_slots_settle(redis->slots, now, stalled);
    }
    redis_keys_settle(redis, now);
    redis_servers_settle(redis, now, stalled);
    redis_arm(redis);
}

/* ---- life ---- */

struct redis *redis_new(struct event_base *base, const struct redis_options *options,
                        const struct redis_handler *handler, void *arg)
{
    struct redis *redis = mem_zalloc(sizeof(*redis));
    redis->base = base;
    redis->handler = handler;
    redis->arg = arg;
    redis->queue_max = options->queue_max != 0 ? options->queue_max : REDIS_QUEUE_MAX;
    redis->login.answer_ms = options->answer_ms != 0 ? options->answer_ms : REDIS_ANSWER_MS;
    snprintf(redis->login.node, sizeof(redis->login.node), "%s", options->node);
    check(event_assign(&redis->settle, base, -1, 0, redis_on_settle, redis) == 0);
    check(event_assign(&redis->timer, base, -1, EV_PERSIST, redis_on_settle, redis) == 0);
    redis->settled_at = clock_mono_ms();
    redis->interval = TICK_MS;
    if (redis_use(redis, options->settings) != 0) {
        log_error("redis", "TLS cannot be set up: see the certificates that SSL_CERT_FILE and "
                           "SSL_CERT_DIR name");
        mem_free(redis);
        return NULL;
    }
    redis_unsettled(redis);
    return redis;
}

int redis_reload(struct redis *redis, const struct redis_settings *settings)
{
    struct redis_settings old = redis->settings;
    struct redis_sentinels *sentinels = redis->sentinels;
    struct redis_slots *slots = redis->slots;
    if (settings_same_servers(&old, settings)) {
        redis->settings.require = settings->require;
        redis->settings.connect_timeout_ms = settings->connect_timeout_ms;
        redis->login.connect_ms = settings->connect_timeout_ms;
        return 0;
    }
    if (redis_use(redis, settings) != 0) {
        return -1;
    }
    redis_sentinels_free(sentinels);
    redis_slots_free(slots);
    settings_free(&old);
    for (struct redis_server *server = redis->servers; server != NULL; server = server->next) {
        server->retired = true;
    }
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        redis_key_route(key, NULL, 0);
    }
    redis_unsettled(redis);
    return 0;
}

void redis_free(struct redis *redis)
{
    if (redis == NULL) {
        return;
    }
    redis->ending = true;
    event_del(&redis->settle);
    event_del(&redis->timer);
    redis_sentinels_free(redis->sentinels);
    redis_slots_free(redis->slots);
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        key->up = false; /* takes nothing of what the callbacks send */
    }
    while (redis->servers != NULL) {
        struct redis_server *server = redis->servers;
        redis->servers = server->next;
        redis_readers_free(server);
        redis_link_free(&server->write);
        mem_free(server);
    }
    redis_keys_free(redis);
    redis_tls_free(redis->login.tls);
    settings_free(&redis->settings);
    explicit_bzero(&redis->login, sizeof(redis->login));
    mem_free(redis);
}

/* ---- status ---- */

static void status_why(const struct redis *redis, struct redis_status *out)
{
    char place[REDIS_PLACE];
    if ((redis->sentinels != NULL &&
         redis_sentinels_why(redis->sentinels, out->why, sizeof(out->why))) ||
        (redis->slots != NULL && redis_slots_why(redis->slots, out->why, sizeof(out->why)))) {
        return;
    }
    for (struct redis_server *server = redis->servers; server != NULL; server = server->next) {
        enum redis_trouble trouble =
            server->write.state != LINK_UP ? server->said.trouble : server->refusing;
        if (server->retired || trouble == REDIS_TROUBLE_NONE) {
            continue;
        }
        out->trouble = trouble;
        snprintf(out->why, sizeof(out->why), "%.100s %.90s",
                 redis_place_print(&server->place, place), redis_trouble_says(trouble));
        return;
    }
    snprintf(out->why, sizeof(out->why), "connecting");
}

void redis_status(const struct redis *redis, struct redis_status *out)
{
    *out = (struct redis_status){.up = redis->keys != NULL,
                                 .reconnects = redis->reconnects,
                                 .commands = redis->commands,
                                 .failed = redis->failed,
                                 .entries = redis->entries};
    for (struct redis_key *key = redis->keys; key != NULL; key = key->next) {
        out->up &= key->up && (!key->reading || redis_readers_up(key->server));
    }
    for (struct redis_server *server = redis->servers; server != NULL; server = server->next) {
        out->servers += !server->retired;
        out->servers_up += redis_server_up(server);
        out->bytes += server->write.bytes;
        out->unsent += redis_link_unsent(&server->write);
    }
    if (!out->up) {
        status_why(redis, out);
    }
}
