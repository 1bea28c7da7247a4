#include "links/redis_lookup.h"

#include <event2/event_struct.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

#define STACK (256u << 10) /* getaddrinfo's own needs, with room */

/* Two hold it, the loop and the thread; who lets go last frees it. So the loop can leave a thread
 * behind that waits for a name server. */
struct redis_lookup {
    _Atomic unsigned int holders;
    int fd;
    struct event ready;
    redis_lookup_fn *fn;
    void *arg;
    /* written by the thread before it writes to fd */
    int result;
    struct redis_addresses found;
    char host[];
};

static void lookup_drop(struct redis_lookup *lookup)
{
    if (atomic_fetch_sub_explicit(&lookup->holders, 1, memory_order_acq_rel) == 1) {
        close(lookup->fd);
        mem_free(lookup);
    }
}

static void *lookup_run(void *arg)
{
    struct redis_lookup *lookup = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC}, *list = NULL;
    uint64_t one = 1;

    lookup->result = getaddrinfo(lookup->host, NULL, &hints, &list);
    for (struct addrinfo *at = lookup->result == 0 ? list : NULL;
         at != NULL && lookup->found.count < REDIS_ADDRESSES; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, lookup->found.text[lookup->found.count],
                        REDIS_ADDRESS_TEXT, NULL, 0, NI_NUMERICHOST) == 0) {
            lookup->found.count++;
        }
    }
    if (list != NULL) {
        freeaddrinfo(list);
    }
    ssize_t ignored = write(lookup->fd, &one, sizeof(one));
    (void)ignored;
    lookup_drop(lookup);
    return NULL;
}

static void lookup_on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct redis_lookup *lookup = arg;
    struct redis_addresses found = {0};
    redis_lookup_fn *fn = lookup->fn;
    void *fn_arg = lookup->arg;
    const char *why = NULL;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) != sizeof(count)) {
        return;
    }
    found = lookup->found;
    if (lookup->result != 0) {
        why = gai_strerror(lookup->result);
    } else if (found.count == 0) {
        why = "the name has no address";
    }
    event_del(&lookup->ready);
    lookup_drop(lookup);
    fn(fn_arg, &found, why);
}

struct redis_lookup *redis_lookup_start(struct event_base *base, const char *host,
                                        redis_lookup_fn *fn, void *arg)
{
    size_t len = strlen(host);
    struct redis_lookup *lookup = mem_zalloc(sizeof(*lookup) + len + 1);
    pthread_attr_t attributes;
    pthread_t thread;

    memcpy(lookup->host, host, len + 1);
    lookup->fn = fn;
    lookup->arg = arg;
    atomic_init(&lookup->holders, 2);
    lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookup->fd < 0) {
        mem_free(lookup);
        return NULL;
    }
    check(pthread_attr_init(&attributes) == 0);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    int failed = pthread_create(&thread, &attributes, lookup_run, lookup);
    pthread_attr_destroy(&attributes);
    if (failed != 0) {
        close(lookup->fd);
        mem_free(lookup);
        return NULL;
    }
    check(event_assign(&lookup->ready, base, lookup->fd, EV_READ | EV_PERSIST, lookup_on_ready,
                       lookup) == 0);
    check(event_add(&lookup->ready, NULL) == 0);
    return lookup;
}

void redis_lookup_cancel(struct redis_lookup *lookup)
{
    if (lookup != NULL) {
        event_del(&lookup->ready);
        lookup_drop(lookup);
    }
}
