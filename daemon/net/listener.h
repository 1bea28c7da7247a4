/*
 * Listening sockets: opening them with errors that say what to do, and accepting on a loop.
 *
 * A listener belongs to one loop. It is level-triggered, accepts a bounded number of sockets a
 * turn, and rests for 100 ms when descriptors are used up, but for those that it leaves to others,
 * instead of spinning.
 */
#ifndef FF_NET_LISTENER_H
#define FF_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

struct listener {
    int fd;
    struct loop *loop;
    uint8_t kind; /* of the connections that it makes */
    enum idle_class first;
    enum counter accepted;
    struct tls_context *tls; /* NULL: plain */
    /* Connections from these have a preamble (net/conn.h). NULL: none; outlives the listener. */
    const struct networks *with_preamble;
    bool passed; /* somebody else has it as well: who waits in it is not ours to take at the end */
    uint64_t spare; /* descriptors that it leaves to others (net/descriptors.h); 0: none */
    struct event ev, rest;
};

/*
 * Opens a TCP listener on "host:port" or "[v6]:port". With `shared` the port may be opened again by
 * this process (SO_REUSEPORT). Returns the descriptor, or -1 with a whole sentence in `why`.
 */
int listener_tcp(const char *address, bool shared, char *why, size_t size) MUST_CHECK;
/* Whether anybody else listens there: opens it without SO_REUSEPORT and closes it. 0, or -1 with
 * `why`. */
int listener_probe(const char *address, char *why, size_t size) MUST_CHECK;

/*
 * Opens a Unix listener: a socket file, or an abstract one for a name that starts with '@'. Guards
 * the path by a lock on
 * "<path>.lock", held for life in *lock (-1 for abstract names), and removes a stale socket only as
 * the lock's holder. mode and group (NULL: as it comes) are set on the file. Returns the descriptor
 * or -1 with `why`, which names the pid of another holder.
 */
int listener_unix(const char *path, unsigned int mode, const char *group, int *lock, char *why,
                  size_t size) MUST_CHECK;

/* Whether this is a Unix stream socket that listens; then its name is written to `name`: a path,
 * one that begins with '@' for an abstract socket, or nothing. */
bool listener_unix_name(int fd, char *name, size_t size) MUST_CHECK;

/*
 * Makes a Unix listener that was passed to this process usable. Its path is guarded as by
 * listener_unix, but *lock is -1 also where no lock can be made: in a directory of root's. Its
 * mode, group and file are whose who made it. 0, or -1 with `why`; the descriptor stays open.
 */
int listener_adopt(int fd, int *lock, char *why, size_t size) MUST_CHECK;

/* Whether this is a TCP socket that listens at "host:port", or at all addresses of both families
 * where that is all of one. */
bool listener_is_at(int fd, const char *address) MUST_CHECK;
/* What a descriptor is, for people: the address or path where it listens, or that it does not. */
void listener_place(int fd, char *text, size_t size);
/*
 * A descriptor of the caller's own for a TCP listener that was passed to this process and stays
 * open, with the options that listener_tcp sets. -1 with `why`. Its backlog is whose who made it.
 */
int listener_share(int fd, char *why, size_t size) MUST_CHECK;

/* Takes over the descriptor. */
void listener_start(struct listener *listener, struct loop *loop, int fd, uint8_t kind,
                    enum idle_class first, enum counter accepted);
/* Connections accepted from now on speak TLS with this context, of which it keeps a reference.
 * NULL: plain. */
void listener_secure(struct listener *listener, struct tls_context *context);
/* Accepts what is waiting, unless the socket was passed, then closes. Idempotent. */
void listener_stop(struct listener *listener);
/* Closes, and leaves what is waiting to whoever has the socket as well. Idempotent. */
void listener_leave(struct listener *listener);

#endif
