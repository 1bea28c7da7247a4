#include "ops/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

/* Log rotation sends SIGUSR1 or SIGUSR2 to whoever has a log; a timer that was set before an exec
 * is inherited and sends one of the rest. */
static const struct {
    int signo;
    const char *name;
} signals_idle[] = {
    {SIGUSR1, "SIGUSR1"},     {SIGUSR2, "SIGUSR2"}, {SIGALRM, "SIGALRM"},
    {SIGVTALRM, "SIGVTALRM"}, {SIGPROF, "SIGPROF"},
};
#define SIGNALS_IDLE (sizeof(signals_idle) / sizeof(signals_idle[0]))

static void signals_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < SIGNALS_IDLE; i++) {
        sigaddset(set, signals_idle[i].signo);
    }
}

void signals_hold(void)
{
    sigset_t set;
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    signals_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    /* A log file that has reached the limit for files takes no more lines, which are counted. */
    sigaction(SIGXFSZ, &ignore, NULL);
}

int signals_open(void)
{
    sigset_t set;

    signals_set(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

const char *signals_idle_name(unsigned int signo)
{
    for (size_t i = 0; i < SIGNALS_IDLE; i++) {
        if ((unsigned int)signals_idle[i].signo == signo) {
            return signals_idle[i].name;
        }
    }
    return NULL;
}
