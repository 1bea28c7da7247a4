/*
 * Sockets: the only part of the extension that makes system calls for them.
 *
 * Owns nothing: descriptors belong to the caller. Runs on the calling PHP thread and never calls into the engine, never
 * throws, never prints; it looks at the engine's flags for an execution time that is over.
 * A deadline is a point of the monotonic clock in nanoseconds.
 */
#ifndef FANFARE_IO_H
#define FANFARE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

struct fanfare_address {
	struct sockaddr_un addr;
	socklen_t len;
};

enum fanfare_io {
	FANFARE_IO_OK,
	FANFARE_IO_TIMEOUT,     /* the deadline has passed */
	FANFARE_IO_INTERRUPTED, /* the engine wants control back: execution time over, thread shutdown */
	FANFARE_IO_LOST,        /* the peer is gone, or never was there; *err says why, 0 for an orderly end */
	FANFARE_IO_EMPTY,       /* only of fanfare_io_recv_nowait(): nothing is there */
};

/* An absolute path, unix:///path, or @name for an abstract socket. 0, or -1 with a static sentence in *why. */
int fanfare_io_address(struct fanfare_address *out, const char *text, size_t len, const char **why);

uint64_t fanfare_io_now(void);

/* Waits for a place in the backlog, not for accept(). On success *fd is a blocking descriptor above 2. */
enum fanfare_io fanfare_io_connect(const struct fanfare_address *address, uint64_t deadline, int *fd, int *err);

/*
 * Whether a daemon that is being restarted explains a connect() that failed with `err` after `waited` nanoseconds of
 * attempts: nobody listens on the socket, or it is gone and its directory is there. A directory that is not there is a
 * wrong path, as is a file that is no socket. A lack of permission is one, unless the daemon is just between making the
 * socket and giving it its mode.
 */
bool fanfare_io_may_return(const struct fanfare_address *address, int err, uint64_t waited);

/* Whether a connect() that failed with `err` says nothing of the daemon: this process or this machine has run out of
 * something, and did not get as far as asking. */
bool fanfare_io_is_ours(int err);

/* Sleeps. FANFARE_IO_OK when it is `until`, or FANFARE_IO_INTERRUPTED. */
enum fanfare_io fanfare_io_pause(uint64_t until);

/* How long a patient fanfare_io_recv() blocks at once. */
void fanfare_io_patience(int fd, uint64_t ns);

/* Writes all of iov, which it may change. *sent counts the bytes that left in any case. */
enum fanfare_io fanfare_io_send(int fd, struct iovec *iov, int n, uint64_t deadline, size_t *sent, int *err);

/*
 * Reads what is there, at least one byte, and waits for it until the deadline. With `patient` the first attempt blocks,
 * which costs one system call in place of three: only where fanfare_io_patience() is no longer than what is left.
 */
enum fanfare_io fanfare_io_recv(int fd, void *buf, size_t cap, uint64_t deadline, bool patient, size_t *got, int *err);

/*
 * Waits until there is something to read, or with fd < 0 for the deadline alone. OK, TIMEOUT, or INTERRUPTED: the
 * execution time is over, or, if it is `attentive`, a signal has come or the engine wants control back for whatever
 * reason, also if it wanted it before the call. That is for waits that are long, which must not keep the handler of a
 * signal from running; the functions above end within the time of a call.
 */
enum fanfare_io fanfare_io_await(int fd, uint64_t deadline, bool attentive);

/* Reads what has already arrived. */
enum fanfare_io fanfare_io_recv_nowait(int fd, void *buf, size_t cap, size_t *got, int *err);

#endif
