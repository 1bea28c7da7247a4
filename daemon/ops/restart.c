#include "ops/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/listener.h"
#include "ops/config_load.h"
#include "ops/notify.h"

extern char **environ;

#define CHECK_MS     10000u
#define PROGRAM_MAX  4096u
#define RESTART_ENDS "the daemon is shutting down"

struct restart_asker {
    struct restart_asker *next;
    control_done_fn *done;
    void *arg;
};

/* ---- the program ---- */

static bool restart_is_self(const char *path)
{
    struct stat here, self;
    return path[0] == '/' && stat(path, &here) == 0 && stat("/proc/self/exe", &self) == 0 &&
           here.st_dev == self.st_dev && here.st_ino == self.st_ino;
}

/* The first name on PATH that is this program. */
static char *restart_on_path(const char *name)
{
    const char *at = getenv("PATH");
    char path[PROGRAM_MAX];
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ":");
        int n = snprintf(path, sizeof(path), "%.*s/%s", (int)len, at, name);
        if (n > 0 && (size_t)n < sizeof(path) && restart_is_self(path)) {
            return mem_strndup(path, (size_t)n);
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
    return NULL;
}

/* As it was called, so that a link that points to another release by then is followed anew; the
 * file that runs now, where that does not lead to it. */
static char *restart_program(const char *name)
{
    char path[PROGRAM_MAX], directory[PROGRAM_MAX];
    if (name != NULL && strchr(name, '/') != NULL) {
        if (name[0] == '/') {
            snprintf(path, sizeof(path), "%s", name);
        } else if (getcwd(directory, sizeof(directory)) == NULL ||
                   (size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path)) {
            path[0] = '\0';
        }
        if (restart_is_self(path)) {
            return mem_strndup(path, strlen(path));
        }
    }
    char *found = name != NULL && name[0] != '\0' ? restart_on_path(name) : NULL;
    if (found != NULL) {
        return found;
    }
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
    return n > 0 && (size_t)n < sizeof(path) ? mem_strndup(path, (size_t)n) : NULL;
}

void restart_find(struct restart *restart, char **argv)
{
    *restart = (struct restart){.argv = argv, .passed = {.ipc = -1}};
    restart->program = restart_program(argv[0]);
}

/* ---- checking, on a thread ---- */

/* The first line that names an error, else the first one. */
static void restart_take_problem(struct restart *restart, const char *text)
{
    const char *line = strstr(text, "error: ");
    if (line != NULL && (line == text || line[-1] == '\n')) {
        text = line + strlen("error: ");
    }
    snprintf(restart->problem, sizeof(restart->problem), "%.*s", (int)strcspn(text, "\n"), text);
}

/* What the program prints until it closes its end. False: it took too long, or nobody wants to know
 * any more. */
static bool restart_listen(struct restart *restart, int fd, char *text, size_t size)
{
    uint64_t until = clock_mono_ms() + CHECK_MS;
    size_t len = 0;
    char spare[512];
    text[0] = '\0';
    for (;;) {
        uint64_t now = clock_mono_ms();
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
                               {.fd = restart->stop, .events = POLLIN}};
        if (now >= until || poll(fds, 2, (int)(until - now)) == 0) {
            snprintf(restart->problem, sizeof(restart->problem),
                     "it did not say within %u s whether it would start", CHECK_MS / 1000);
            return false;
        }
        if (fds[1].revents != 0) {
            return false;
        }
        if (fds[0].revents == 0) {
            continue; /* a signal */
        }
        bool room = len + 1 < size;
        ssize_t n = read(fd, room ? text + len : spare, room ? size - len - 1 : sizeof(spare));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return true;
        }
        if (n > 0 && room) {
            len += (size_t)n;
            text[len] = '\0';
        }
    }
}

/* With its output into `out`, and no signal blocked or ignored. Returns 0 or an errno. */
static int restart_spawn(const struct restart *restart, int out, pid_t *pid)
{
    size_t n = 0;
    while (restart->argv[n] != NULL) {
        n++;
    }
    char **argv = mem_alloc((n + 2) * sizeof(*argv));
    memcpy(argv, restart->argv, n * sizeof(*argv));
    argv[n] = (char *)(uintptr_t) "--check-config";
    argv[n + 1] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, ignored;
    sigemptyset(&none);
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGPIPE);
    sigaddset(&ignored, SIGXFSZ);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &ignored);
    int error = posix_spawn(pid, restart->program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    mem_free(argv);
    return error;
}

static void restart_check_with(struct restart *restart, const int ends[2])
{
    char text[4096];
    pid_t pid;
    int status = 0;
    int error = restart_spawn(restart, ends[1], &pid);
    close(ends[1]); /* or the end of what it prints would never come */
    if (error != 0) {
        snprintf(restart->problem, sizeof(restart->problem), "cannot run %s: %s", restart->program,
                 strerror(error));
        return;
    }
    bool heard = restart_listen(restart, ends[0], text, sizeof(text));
    if (!heard) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!heard) {
        return;
    }
    restart->fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!restart->fine) {
        restart_take_problem(restart, text[0] != '\0' ? text : "it ended without a word");
    }
}

/* ---- ports that are new ---- */

static const char *restart_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon != NULL ? colon : address;
}

/* This process has the port, on whatever address: it is free when it has ended. */
static bool restart_has_port(const struct config *config, const char *address)
{
    const struct text_list *lists[] = {&config->listen, &config->tls_listen, &config->admin_listen};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (size_t k = 0; k < lists[i]->count; k++) {
            if (strcmp(restart_port(lists[i]->items[k]), restart_port(address)) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void restart_ignore(void *arg, bool error, const char *text)
{
    (void)arg;
    (void)error;
    (void)text;
}

static void restart_try_ports(struct restart *restart, const struct config *config)
{
    const struct text_list *lists[] = {&config->listen, &config->tls_listen, &config->admin_listen};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (size_t k = 0; k < lists[i]->count && restart->fine; k++) {
            const char *address = lists[i]->items[k];
            restart->fine =
                restart_has_port(restart->config, address) ||
                listener_probe(address, restart->problem, sizeof(restart->problem)) == 0;
        }
    }
}

/* Of a configuration that the program has found right. A pipe is not read once more than it must,
 * and what only another version understands is for that to try. */
static void restart_check_ports(struct restart *restart)
{
    struct stat file;
    if (restart->path != NULL && (stat(restart->path, &file) != 0 || !S_ISREG(file.st_mode))) {
        return;
    }
    struct config *config =
        config_load(restart->path, restart->stop, environ, restart_ignore, NULL);
    if (config != NULL) {
        restart_try_ports(restart, config);
        config_free(config);
    }
}

static void *restart_check(void *arg)
{
    struct restart *restart = arg;
    uint64_t one = 1;
    int ends[2];
    restart->fine = false;
    restart->problem[0] = '\0';
    if (restart->program == NULL) {
        snprintf(restart->problem, sizeof(restart->problem),
                 "where its program lies cannot be found out");
    } else if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(restart->problem, sizeof(restart->problem), "cannot make a pipe: %s",
                 strerror(errno));
    } else {
        restart_check_with(restart, ends);
        close(ends[0]);
    }
    if (restart->fine) {
        restart_check_ports(restart);
    }
    ssize_t ignored = write(restart->checked, &one, sizeof(one));
    (void)ignored;
    return NULL;
}

/* ---- on the hub ---- */

static void restart_tell(struct restart *restart, enum control_result result, const char *why)
{
    struct restart_asker *asker = restart->askers;
    restart->askers = NULL;
    while (asker != NULL) {
        struct restart_asker *next = asker->next;
        asker->done(asker->arg, result, why);
        mem_free(asker);
        asker = next;
    }
}

static void restart_refuse(struct restart *restart)
{
    char why[sizeof(restart->problem) + 80];
    snprintf(why, sizeof(why), "it would not start again, and goes on as it is: %s",
             restart->problem);
    log_error("server", "restart refused: %s", restart->problem);
    restart_tell(restart, CONTROL_REFUSED, why);
}

static void restart_on_checked(evutil_socket_t fd, short what, void *arg)
{
    struct restart *restart = arg;
    uint64_t count;
    (void)what;
    ssize_t ignored = read(fd, &count, sizeof(count));
    (void)ignored;
    pthread_join(restart->thread, NULL);
    restart->checking = false;
    if (restart->shutdown->hub->draining) {
        restart_tell(restart, CONTROL_DRAINING, RESTART_ENDS);
    } else if (!restart->fine) {
        restart_refuse(restart);
    } else {
        restart->wanted = true;
        log_info("server", "shutting down to start anew");
        notify_reloading();
        restart_tell(restart, CONTROL_ACCEPTED, NULL);
        shutdown_begin(restart->shutdown);
    }
}

void restart_ask(struct restart *restart, control_done_fn *done, void *arg)
{
    if (restart->shutdown->hub->draining) {
        done(arg, restart->wanted ? CONTROL_ACCEPTED : CONTROL_DRAINING, RESTART_ENDS);
        return;
    }
    struct restart_asker *asker = mem_alloc(sizeof(*asker));
    *asker = (struct restart_asker){.next = restart->askers, .done = done, .arg = arg};
    restart->askers = asker;
    if (restart->checking) {
        return;
    }
    int error = pthread_create(&restart->thread, NULL, restart_check, restart);
    if (error != 0) {
        snprintf(restart->problem, sizeof(restart->problem), "cannot start a thread: %s",
                 strerror(error));
        restart_refuse(restart);
        return;
    }
    pthread_setname_np(restart->thread, "restart");
    restart->checking = true;
}

int restart_init(struct restart *restart, struct shutdown *shutdown, const struct config *config,
                 const char *path)
{
    restart->shutdown = shutdown;
    restart->config = config;
    restart->path = path;
    restart->checked = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    restart->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (restart->checked < 0 || restart->stop < 0) {
        log_with(LOG_LEVEL_ERROR, "server", LOG_FIELDS(.error = errno),
                 "cannot make an eventfd: %s", strerror(errno));
        return -1;
    }
    check(event_assign(&restart->event, shutdown->hub->loop->base, restart->checked,
                       EV_READ | EV_PERSIST, restart_on_checked, restart) == 0);
    check(event_add(&restart->event, NULL) == 0);
    return 0;
}

void restart_free(struct restart *restart)
{
    if (restart->checking) {
        uint64_t one = 1;
        ssize_t ignored = write(restart->stop, &one, sizeof(one));
        (void)ignored;
        pthread_join(restart->thread, NULL);
        restart->checking = false;
    }
    restart_tell(restart, CONTROL_DRAINING, RESTART_ENDS);
    event_del(&restart->event);
    close(restart->checked);
    close(restart->stop);
}

/* ---- the end ---- */

void restart_hold(struct restart *restart, const struct activation *passed)
{
    /* Above where the next program looks for them, or one would be put in the place of another. */
    int above = ACTIVATION_FIRST + 1 + (int)passed->count;
    restart->passed = (struct activation){.ipc = -1};
    if (passed->ipc >= 0) {
        restart->passed.ipc = fcntl(passed->ipc, F_DUPFD_CLOEXEC, above);
    }
    for (size_t i = 0; i < passed->count; i++) {
        int fd = fcntl(passed->publics[i], F_DUPFD_CLOEXEC, above);
        if (fd >= 0) {
            restart->passed.publics[restart->passed.count++] = fd;
        }
    }
}

/* As a service manager does it, see ops/activation.h. */
static int restart_pass(const struct restart *restart)
{
    const struct activation *passed = &restart->passed;
    char pid[24], fds[24], names[ACTIVATION_MAX * sizeof("public:")] = "";
    int next = ACTIVATION_FIRST;
    if (passed->ipc >= 0) {
        snprintf(names, sizeof(names), "ipc:");
        if (dup2(passed->ipc, next++) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < passed->count; i++) {
        size_t len = strlen(names);
        snprintf(names + len, sizeof(names) - len, "public:");
        if (dup2(passed->publics[i], next++) < 0) {
            return -1;
        }
    }
    if (next == ACTIVATION_FIRST) {
        return 0;
    }
    names[strlen(names) - 1] = '\0';
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    snprintf(fds, sizeof(fds), "%d", next - ACTIVATION_FIRST);
    return setenv("LISTEN_PID", pid, 1) != 0 || setenv("LISTEN_FDS", fds, 1) != 0 ||
                   setenv("LISTEN_FDNAMES", names, 1) != 0
               ? -1
               : 0;
}

void restart_now(struct restart *restart)
{
    if (restart_pass(restart) == 0) {
        execve(restart->program, restart->argv, environ);
    }
    log_error("server", "cannot start %s anew: %s", restart->program, strerror(errno));
}
