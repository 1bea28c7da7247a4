#include "ops/server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "links/admin.h"
#include "links/cluster.h"
#include "links/console.h"
#include "links/ipc.h"
#include "links/listen.h"
#include "links/redis.h"
#include "links/trace_export.h"
#include "links/webhook.h"
#include "net/descriptors.h"
#include "net/listener.h"
#include "net/tls_context.h"
#include "ops/activation.h"
#include "ops/config_value.h"
#include "ops/control.h"
#include "ops/notify.h"
#include "ops/reload.h"
#include "ops/shutdown.h"
#include "ops/signals.h"
#include "proto/sign.h"
#include "proto/ws.h"
#include "ops/workers.h"
#include "pubsub/hub_mail.h"
#include "pubsub/joins.h"
#include "pubsub/limits.h"
#include "pubsub/mail_dispose.h"
#include "pubsub/worker_mail.h"
#include "serve/echo.h"
#include "serve/front.h"
#include "serve/handshake.h"
#include "serve/rates.h"
#include "serve/session.h"

#define WHY 512

/* A worker with its thread and its listeners. With one worker, `loop` is the hub's and there is no
 * thread. */
struct crew {
    struct worker worker;
    struct counters counters;
    struct loop own_loop;
    struct loop *loop;
    struct listener *listeners; /* the plain ones, then those of TLS */
    struct front front;
    pthread_t thread;
    bool threaded;
};

struct server {
    const struct config *config; /* as it was started */
    struct app_registry registry;
    struct counters counters; /* the hub's */
    struct rates *handshakes;
    struct descriptors descriptors;
    struct loop loop;
    struct flow flow;
    struct hub hub;
    struct ipc *ipc;
    struct cluster *cluster; /* NULL: the node stands alone */
    struct crew *crews;
    uint32_t ncrews;
    struct listener ipc_listener;
    struct listener *admin_listeners;
    struct trace_export *traces;      /* NULL: nothing is traced */
    struct listener control_listener; /* of [admin] socket */
    int control_lock;                 /* -1: none */
    int ipc_lock;                     /* -1: none */
    struct activation passed;         /* sockets that are somebody else's, too */
    struct shutdown shutdown;
    struct reload reload;
    struct restart *restart;
    struct control control;
    struct process_facts facts;
    struct event signals, housekeeping;
    int signal_fd;
    bool ended_by_signal; /* the next one ends it at once */
};

/* ---- settings ---- */

/* As many descriptors as the hard limit allows: what systemd and shells set as the soft one is for
 * programs that use select(). */
static void server_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (before != limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        limit.rlim_cur = before;
    }
    log_info("server", "up to %llu file descriptors, one for each connection",
             (unsigned long long)limit.rlim_cur);
}

/* What the first client would otherwise wait for: the library's look-up of its algorithms, and
 * pages that are used from then on. */
static void server_warm_up(struct loop *loop)
{
    char accept[WS_ACCEPT_LEN];
    uint8_t mac[SIGN_LEN];
    struct slice text = SLICE("warm");
    ws_accept(SLICE("AAAAAAAAAAAAAAAAAAAAAA=="), accept);
    sign_hmac(text, &text, 1, mac);
    memset(loop->read_room, 0, LOOP_READ);
    memset(loop->join_room, 0, LOOP_JOIN);
}

/* ---- opening ---- */

/* Why, and what sets the address: a key and a variable of the environment. */
static void server_cannot_listen(const char *section, const char *variable, const char *why)
{
    log_error(section, "%s ([%s] listen, %s)", why, section, variable);
}

static void server_cannot_listen_publicly(const struct tls_context *tls, const char *why)
{
    if (tls != NULL) {
        server_cannot_listen("tls", "FANFARE_TLS_LISTEN", why);
    } else {
        server_cannot_listen("server", "FANFARE_SERVER_LISTEN", why);
    }
}

/* `first` is the place of their first one among each worker's listeners. */
static int server_open_public(struct server *server, const struct text_list *listen, size_t first,
                              struct tls_context *tls)
{
    const struct apps *apps = server->hub.apps;
    char why[WHY];
    bool shared = server->ncrews > 1;
    for (size_t i = 0; i < listen->count; i++) {
        int passed = activation_public(&server->passed, listen->items[i]);
        if (passed < 0 && shared && listener_probe(listen->items[i], why, sizeof(why)) != 0) {
            server_cannot_listen_publicly(tls, why);
            return -1;
        }
        for (uint32_t j = 0; j < server->ncrews; j++) {
            struct crew *crew = &server->crews[j];
            int fd = passed >= 0 ? listener_share(passed, why, sizeof(why))
                                 : listener_tcp(listen->items[i], shared, why, sizeof(why));
            if (fd < 0) {
                server_cannot_listen_publicly(tls, why);
                return -1;
            }
            struct listener *listener = &crew->listeners[first + i];
            listener_start(listener, crew->loop, fd, KIND_HTTP, IDLE_HEAD, COUNTER_ACCEPTED);
            listener->passed = passed >= 0;
            listener_secure(listener, tls);
            listener->with_preamble = apps->proxy_protocol ? &apps->proxies : NULL;
        }
        log_info("server", "listening on %s%s%s", listen->items[i], tls != NULL ? " (TLS)" : "",
                 passed >= 0 ? ", a socket that was passed" : "");
    }
    return 0;
}

static int server_open_private(struct server *server)
{
    const struct config *config = server->config;
    char why[WHY];
    char name[128];
    int fd = server->passed.ipc;
    if (fd < 0) {
        fd = listener_unix(config->socket, config->mode, config->group, &server->ipc_lock, why,
                           sizeof(why));
    } else if (listener_adopt(fd, &server->ipc_lock, why, sizeof(why)) != 0) {
        fd = -1;
    }
    if (fd < 0 || !listener_unix_name(fd, name, sizeof(name))) {
        log_error("ipc", "%s", why);
        return -1;
    }
    listener_start(&server->ipc_listener, &server->loop, fd, KIND_IPC, IDLE_HEAD,
                   COUNTER_IPC_ACCEPTED);
    server->ipc_listener.passed = server->passed.ipc >= 0;
    log_info("ipc", "publishers connect to %s%s", name,
             server->passed.ipc >= 0 ? ", a socket that was passed" : "");
    for (size_t i = 0; i < config->admin_listen.count; i++) {
        fd = listener_tcp(config->admin_listen.items[i], false, why, sizeof(why));
        if (fd < 0) {
            server_cannot_listen("admin", "FANFARE_ADMIN_LISTEN", why);
            return -1;
        }
        listener_start(&server->admin_listeners[i], &server->loop, fd, KIND_ADMIN, IDLE_KEEPALIVE,
                       COUNTER_ADMIN_ACCEPTED);
        log_info("admin", "metrics and health on http://%s, the console on /console/",
                 config->admin_listen.items[i]);
    }
    return 0;
}

/* Whether the directory of a path is there. Publishers may come by a socket that was passed, and
 * then the path that [ipc] names need not lead anywhere: nothing is made there that nobody asked
 * for. */
static bool server_has_directory(const char *path)
{
    char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const char *slash = strrchr(path, '/');
    if (path[0] == '@' || slash == NULL || slash == path) {
        return true;
    }
    snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
    return access(parent, F_OK) == 0;
}

/* For fanfared ctl. A path that nobody has asked for may be one where nothing can be made: that is
 * no reason not to serve. */
static int server_open_control(struct server *server)
{
    const struct config *config = server->config;
    const char *path = config->admin_socket;
    char why[WHY];
    if (strcmp(path, SOCKET_NONE) == 0) {
        return 0;
    }
    if (config->admin_socket_derived && !server_has_directory(path)) {
        log_warn("admin",
                 "%s cannot be made, its directory is not there: fanfared ctl cannot be used; set "
                 "socket in [admin] to a path (FANFARE_ADMIN_SOCKET)",
                 path);
        return 0;
    }
    int fd = listener_unix(path, 0600, NULL, &server->control_lock, why, sizeof(why));
    if (fd < 0) {
        log_line(config->admin_socket_derived ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "admin",
                 "%s ([admin] socket, FANFARE_ADMIN_SOCKET)%s", why,
                 config->admin_socket_derived ? "; going on without: fanfared ctl cannot be used"
                                              : "");
        return config->admin_socket_derived ? 0 : -1;
    }
    listener_start(&server->control_listener, &server->loop, fd, KIND_CONTROL, IDLE_KEEPALIVE,
                   COUNTER_ADMIN_ACCEPTED);
    log_info("admin", "fanfared ctl connects to %s", path);
    return 0;
}

static size_t server_public_count(const struct config *config)
{
    return config->listen.count + config->tls_listen.count;
}

/* Clients leave some descriptors to publishers, those some to whoever asks about the daemon by TCP,
 * and those the last to fanfared ctl: each of them can be answered whatever the others do. */
static void server_share_descriptors(struct server *server)
{
    struct descriptors *descriptors = &server->descriptors;
    descriptors_init(descriptors);
    server->loop.descriptors = descriptors;
    for (uint32_t i = 0; i < server->ncrews; i++) {
        struct crew *crew = &server->crews[i];
        crew->loop->descriptors = descriptors;
        for (size_t j = 0; j < server_public_count(server->config); j++) {
            crew->listeners[j].spare = descriptors->spare;
        }
    }
    server->ipc_listener.spare = descriptors->spare / 2;
    for (size_t i = 0; i < server->config->admin_listen.count; i++) {
        server->admin_listeners[i].spare = descriptors->spare / 4;
    }
}

/* ---- workers ---- */

static void *crew_main(void *arg)
{
    struct crew *crew = arg;
    server_warm_up(crew->loop);
    worker_attach(&crew->worker);
    loop_run(crew->loop);
    return NULL;
}

static int crew_init(struct server *server, uint32_t id)
{
    struct crew *crew = &server->crews[id];
    const struct config *config = server->config;
    crew->loop = &server->loop;
    crew->threaded = server->ncrews > 1;
    if (mailbox_init(&crew->worker.box) != 0) {
        log_with(LOG_LEVEL_ERROR, "server", LOG_FIELDS(.error = errno),
                 "cannot make an eventfd: %s", strerror(errno));
        return -1;
    }
    if (crew->threaded) {
        struct loop_limits limits = limits_of_loop(&config->limits);
        if (loop_init(&crew->own_loop, &crew->counters, &limits) != 0) {
            log_error("server", "cannot make an event loop");
            return -1;
        }
        crew->loop = &crew->own_loop;
        server->hub.counters[server->hub.ncounters++] = &crew->counters;
    }
    loop_handler(crew->loop, KIND_HTTP, &handshake_handler);
    loop_handler(crew->loop, KIND_SESSION, &session_handler);
#ifdef FANFARE_ECHO
    loop_handler(crew->loop, KIND_ECHO, &echo_handler);
#endif
    worker_init(&crew->worker, id, crew->loop, &server->flow, server->hub.apps, &front_ops);
    crew->worker.handshakes = server->handshakes;
    crew->listeners = mem_zalloc(server_public_count(config) * sizeof(*crew->listeners));
    for (size_t i = 0; i < server_public_count(config); i++) {
        crew->listeners[i].fd = -1;
    }
    front_init(&crew->front, &crew->worker, crew->listeners, server_public_count(config));
    return 0;
}

static int crews_start(struct server *server)
{
    server_share_descriptors(server);
    for (uint32_t i = 0; i < server->ncrews; i++) {
        struct crew *crew = &server->crews[i];
        if (!crew->threaded) {
            worker_attach(&crew->worker);
            continue;
        }
        int error = pthread_create(&crew->thread, NULL, crew_main, crew);
        if (error != 0) {
            log_error("server", "cannot start a worker thread: %s", strerror(error));
            return -1;
        }
        char name[16];
        snprintf(name, sizeof(name), "worker-%u", i & 63);
        pthread_setname_np(crew->thread, name);
    }
    return 0;
}

static void crews_stop(struct server *server)
{
    for (uint32_t i = 0; i < server->ncrews; i++) {
        struct crew *crew = &server->crews[i];
        if (crew->threaded && crew->thread != 0) {
            struct mail *stop = mem_zalloc(sizeof(*stop));
            stop->type = MAIL_STOP;
            stop->weight = flow_mail(sizeof(*stop));
            mailbox_post_urgent(&crew->worker.box, stop);
            pthread_join(crew->thread, NULL);
        }
    }
}

/* ---- signals and time ---- */

static void server_on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct server *server = arg;
    struct signalfd_siginfo info;
    (void)what;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        const char *idle = signals_idle_name(info.ssi_signo);
        if (idle != NULL) {
            log_limited(LOG_LEVEL_INFO, "server", "%s is ignored", idle);
            continue;
        }
        if (info.ssi_signo == SIGHUP) {
            reload_run(&server->reload);
            continue;
        }
        if (server->hub.draining && server->ended_by_signal) {
            log_info("server", "signal %u again: exiting now", info.ssi_signo);
            loop_stop(&server->loop);
            return;
        }
        /* Whoever supervises it sends one behind an order to drain, which must not cut its clients
         * off. */
        server->ended_by_signal = true;
        log_info("server", "signal %u: shutting down", info.ssi_signo);
        control_stop(&server->control);
    }
}

static void server_on_housekeeping(evutil_socket_t fd, short what, void *arg)
{
    struct server *server = arg;
    (void)fd;
    (void)what;
    hub_housekeep(&server->hub);
    notify_alive();
}

static void server_watch(struct server *server)
{
    struct timeval second = {.tv_sec = 1};
    check(event_assign(&server->signals, server->loop.base, server->signal_fd, EV_READ | EV_PERSIST,
                       server_on_signal, server) == 0);
    check(event_add(&server->signals, NULL) == 0);
    check(event_assign(&server->housekeeping, server->loop.base, -1, EV_PERSIST,
                       server_on_housekeeping, server) == 0);
    check(event_add(&server->housekeeping, &second) == 0);
}

/* ---- from start to end ---- */

/* A relay has no clients, and its workers next to nothing to do. */
static uint32_t server_workers(const struct config *config)
{
    if (config->workers != 0) {
        return config->workers;
    }
    return config->listen.count == 0 ? 1 : workers_auto();
}

/* With the others, if there are to be any; before the hub's loop runs. */
static int server_join(struct server *server)
{
    const struct config *config = server->config;
    if (!redis_wanted(&config->redis)) {
        return 0;
    }
    server->cluster = cluster_new(&server->hub, &config->redis, &config->cluster);
    return server->cluster != NULL ? 0 : -1;
}

static int server_trace(struct server *server)
{
    const struct trace_settings *settings = &server->config->trace;
    if (settings->endpoint[0] == '\0') {
        return 0;
    }
    server->traces =
        trace_export_new(settings, server->cluster != NULL ? cluster_name(server->cluster) : "");
    if (server->traces == NULL) {
        log_error("trace", "cannot start the export of spans: %s", strerror(errno));
        return -1;
    }
    server->flow.tracer = trace_export_tracer(server->traces);
    server->hub.counters[server->hub.ncounters++] = trace_export_counters(server->traces);
    log_with(LOG_LEVEL_INFO, "trace", LOG_FIELDS(.endpoint = settings->endpoint), "spans go to %s",
             settings->endpoint);
    return 0;
}

/* Who gives orders, and what may be known of the process. */
static int server_take_orders(struct server *server, const char *path)
{
    server->facts = (struct process_facts){.listen = &server->config->listen,
                                           .tls_listen = &server->config->tls_listen,
                                           .socket = server->config->socket,
                                           .config_path = path};
    server->control = (struct control){.hub = &server->hub,
                                       .shutdown = &server->shutdown,
                                       .reload = &server->reload,
                                       .restart = server->restart};
    server->hub.facts = &server->facts;
    server->hub.control_ops = &control_ops;
    server->hub.controller = &server->control;
    return restart_init(server->restart, &server->shutdown, server->config, path);
}

static int server_init(struct server *server, const struct config *config, const char *path,
                       struct restart *restart)
{
    *server = (struct server){.config = config,
                              .ipc_lock = -1,
                              .control_lock = -1,
                              .ipc_listener = {.fd = -1},
                              .control_listener = {.fd = -1},
                              .restart = restart};
    activation_take(&server->passed, config);
    restart_hold(restart, &server->passed);
    server->ncrews = server_workers(config);
    struct loop_limits limits = limits_of_loop(&config->limits);
    server->signal_fd = signals_open();
    if (server->signal_fd < 0 || loop_init(&server->loop, &server->counters, &limits) != 0 ||
        mailbox_init(&server->hub.box) != 0) {
        log_with(LOG_LEVEL_ERROR, "server", LOG_FIELDS(.error = errno), "cannot start: %s",
                 strerror(errno));
        return -1;
    }
    server_raise_descriptors();
    server_warm_up(&server->loop);
    app_registry_init(&server->registry);
    struct tls_context *tls;
    if (generation_prepare(config, NULL, &tls, reload_report, NULL) != 0) {
        return -1;
    }
    struct apps *apps = generation_new(&server->registry, config, tls, false);
    server->handshakes = rates_new();
    server->flow.nworkers = server->ncrews;
    hub_init(&server->hub, &server->loop, &server->flow, apps);
    apps_unref(apps);
    server->hub.counters[server->hub.ncounters++] = &server->counters;
    server->ipc = ipc_new(&server->hub);
    webhooks_new(&server->hub);
    listens_new(&server->hub);
    consoles_new(&server->hub);
    if (server_join(server) != 0 || server_trace(server) != 0) {
        return -1;
    }
    loop_handler(&server->loop, KIND_IPC, &ipc_handler);
    loop_handler(&server->loop, KIND_ADMIN, &admin_handler);
    loop_handler(&server->loop, KIND_CONTROL, &admin_control_handler);
    loop_handler(&server->loop, KIND_CONSOLE, &console_handler);
    server->admin_listeners =
        mem_zalloc((config->admin_listen.count + 1) * sizeof(*server->admin_listeners));
    for (size_t i = 0; i < config->admin_listen.count; i++) {
        server->admin_listeners[i].fd = -1;
    }
    server->crews = mem_zalloc(server->ncrews * sizeof(*server->crews));
    for (uint32_t i = 0; i < server->ncrews; i++) {
        if (crew_init(server, i) != 0) {
            return -1;
        }
    }
    shutdown_init(&server->shutdown, &server->hub);
    server->shutdown.cluster = server->cluster;
    server->shutdown.ipc = server->ipc;
    server->shutdown.ipc_listener = &server->ipc_listener;
    shutdown_set(&server->shutdown, config->drain_delay * 1000, config->drain_period * 1000,
                 config->limits.close_timeout * 1000);
    server->reload = (struct reload){.path = path,
                                     .started = config,
                                     .current = config,
                                     .hub = &server->hub,
                                     .ipc = server->ipc,
                                     .cluster = server->cluster,
                                     .shutdown = &server->shutdown,
                                     .counters = &server->counters};
    if (reload_init(&server->reload) != 0 || server_take_orders(server, path) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < server->ncrews; i++) {
        server->shutdown.workers[i] = &server->crews[i].worker;
    }
    return 0;
}

static void server_free(struct server *server)
{
    cluster_free(server->cluster); /* who waits for an answer gets it while there are connections */
    listener_stop(&server->ipc_listener);
    for (size_t i = 0; i < server->passed.count; i++) {
        close(server->passed.publics[i]);
    }
    if (server->ipc_lock >= 0) {
        /* The socket's file goes before the lock, so that the next holder never finds ours. */
        if (server->passed.ipc < 0) {
            unlink(server->config->socket);
        }
        close(server->ipc_lock);
    }
    listener_stop(&server->control_listener);
    if (server->control_lock >= 0) {
        unlink(server->config->admin_socket);
        close(server->control_lock);
    }
    for (size_t i = 0; i < server->config->admin_listen.count; i++) {
        listener_stop(&server->admin_listeners[i]);
    }
    for (uint32_t i = 0; i < server->ncrews; i++) {
        for (size_t j = 0; j < server_public_count(server->config); j++) {
            listener_stop(&server->crews[i].listeners[j]);
        }
        front_free(&server->crews[i].front);
        loop_close(server->crews[i].loop);
    }
    loop_close(&server->loop);
    for (uint32_t i = 0; i < server->ncrews; i++) {
        struct crew *crew = &server->crews[i];
        worker_free(&crew->worker);
        if (crew->threaded) {
            loop_free(crew->loop, mail_dispose);
        }
        mem_free(crew->listeners);
    }
    server->flow.tracer = NULL;
    restart_free(server->restart);
    reload_free(&server->reload);
    shutdown_free(&server->shutdown);
    webhooks_free(server->hub.webhooks);
    listens_free(server->hub.listens);
    consoles_free(server->hub.consoles);
    event_del(&server->signals);
    event_del(&server->housekeeping);
    close(server->signal_fd);
    loop_free(&server->loop, mail_dispose);
    ipc_free(server->ipc);
    joins_free(&server->hub);
    hub_free(&server->hub);
    app_registry_free(&server->registry);
    trace_export_free(server->traces);
    rates_free(server->handshakes);
    mem_free(server->admin_listeners);
    mem_free(server->crews);
}

int server_run(const struct config *config, const char *path, struct restart *restart)
{
    struct server *server = mem_zalloc(sizeof(*server));
    int status = 1;
    mem_give_back();
    log_info("server", "fanfared %s starts, pid %ld", FANFARE_VERSION, (long)getpid());
    if (server_init(server, config, path, restart) != 0) {
        return 1; /* the process ends; nothing has been opened that others see */
    }
    hub_attach(&server->hub);
    server_watch(server);
    if (server_open_private(server) == 0 && server_open_control(server) == 0 &&
        server_open_public(server, &config->listen, 0, NULL) == 0 &&
        server_open_public(server, &config->tls_listen, config->listen.count,
                           server->hub.apps->tls) == 0 &&
        crews_start(server) == 0) {
        if (config->listen.count == 0) {
            log_info(
                "server",
                "a relay: no clients connect here, what PHP publishes goes to the other nodes");
        }
        log_info("server", "ready: %u worker%s, %zu application%s", server->ncrews,
                 server->ncrews == 1 ? "" : "s", config->napps, config->napps == 1 ? "" : "s");
        notify_ready();
        loop_run(&server->loop);
        status = 0;
    }
    crews_stop(server);
    server_free(server);
    mem_free(server);
    if (status == 0) {
        log_info("server", "%s", restart->wanted ? "ended, to start anew" : "ended");
    }
    return status;
}
