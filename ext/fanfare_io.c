#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "fanfare_io.h"

#define SPIN_NS 50000u

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set instead */
#endif

int fanfare_io_address(struct fanfare_address *out, const char *text, size_t len, const char **why)
{
	static const char scheme[] = "unix://";

	memset(out, 0, sizeof(*out));
	out->addr.sun_family = AF_UNIX;
	if (len >= sizeof(scheme) - 1 && memcmp(text, scheme, sizeof(scheme) - 1) == 0) {
		text += sizeof(scheme) - 1;
		len -= sizeof(scheme) - 1;
	}
	if (len < 2 || (text[0] != '/' && text[0] != '@')) {
		*why = "must be an absolute path, unix:///path or @name";
		return -1;
	}
	if (memchr(text, '\0', len) != NULL) {
		*why = "must not contain NUL bytes";
		return -1;
	}
	if (len >= sizeof(out->addr.sun_path)) {
		*why = "is longer than the system allows for a Unix socket";
		return -1;
	}
	memcpy(out->addr.sun_path, text, len);
	if (text[0] == '@') {
#ifdef __linux__
		out->addr.sun_path[0] = '\0';
		out->len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len);
#else
		*why = "must be a path: abstract sockets exist on Linux only";
		return -1;
#endif
	} else {
		out->len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len + 1);
	}
	return 0;
}

uint64_t fanfare_io_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t) ts.tv_sec * 1000000000u + (uint64_t) ts.tv_nsec;
}

/* After EINTR: whether the engine asked for control. A mere vm_interrupt (a signal handler of the script that is due)
 * can wait, as the call is bounded; a time limit that is over cannot. */
static bool engine_wants_control(void)
{
	return zend_atomic_bool_load_ex(&EG(timed_out));
}

void fanfare_io_limit(int fd, uint64_t ns)
{
	struct timeval tv;

	/* zero would mean no limit at all */
	if (ns < 1000000) {
		ns = 1000000;
	}
	tv.tv_sec = (time_t) (ns / 1000000000u);
	tv.tv_usec = (suseconds_t) (ns % 1000000000u / 1000);
	(void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	(void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static int open_socket(void)
{
#ifdef SOCK_CLOEXEC
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
#else
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0) {
		(void) fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
#endif
#ifdef SO_NOSIGPIPE
	int on = 1;
	if (fd >= 0) {
		(void) setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
	}
#endif
	return fd;
}

enum fanfare_io fanfare_io_connect(const struct fanfare_address *address, uint64_t deadline, int *out, int *err)
{
	int fd = open_socket();
	bool tried = false;

	*err = 0;
	if (fd < 0) {
		*err = errno;
		return FANFARE_IO_LOST;
	}
	for (;;) {
		uint64_t now = fanfare_io_now();
		enum fanfare_io status;

		if (tried && now >= deadline) {
			status = FANFARE_IO_TIMEOUT;
		} else {
			/* A non-blocking connect to a full backlog fails at once with EAGAIN, and there is nothing to poll for:
			 * only a blocking one with SO_SNDTIMEO waits. Even with no time left there is one attempt: what is missing
			 * should not be taken for slow. */
			fanfare_io_limit(fd, deadline > now ? deadline - now : 0);
			tried = true;
			if (connect(fd, (const struct sockaddr *) &address->addr, address->len) == 0) {
				*out = fd;
				return FANFARE_IO_OK;
			}
			*err = errno;
			if (errno == EINTR) {
				if (!engine_wants_control()) {
					continue;
				}
				status = FANFARE_IO_INTERRUPTED;
			} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
				status = FANFARE_IO_TIMEOUT;
			} else {
				status = FANFARE_IO_LOST;
			}
		}
		close(fd);
		return status;
	}
}

/* Waits for one of `events` until the deadline. */
static enum fanfare_io wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = fanfare_io_now();
		int ms, rc;

		if (now >= deadline) {
			return FANFARE_IO_TIMEOUT;
		}
		if (deadline - now > (uint64_t) 3600 * 1000000000u) {
			ms = 3600 * 1000;
		} else {
			ms = (int) ((deadline - now + 999999u) / 1000000u);
		}
		rc = poll(&pfd, 1, ms);
		if (rc > 0) {
			return FANFARE_IO_OK; /* an error on the descriptor shows in the call that follows */
		}
		if (rc < 0 && errno == EINTR && engine_wants_control()) {
			return FANFARE_IO_INTERRUPTED;
		}
	}
}

/* What follows a call that failed with errno: try again (OK) or one of the other results. */
static enum fanfare_io after_failure(int fd, short events, uint64_t deadline, int *err)
{
	int e = errno;

	if (e == EINTR) {
		return engine_wants_control() ? FANFARE_IO_INTERRUPTED : FANFARE_IO_OK;
	}
	if (e == EAGAIN || e == EWOULDBLOCK) {
		return wait_for(fd, events, deadline);
	}
	*err = e;
	return FANFARE_IO_LOST;
}

static int skip_bytes(struct iovec **iov, int n, size_t bytes)
{
	while (n > 0 && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		n--;
	}
	if (n > 0) {
		(*iov)->iov_base = (char *) (*iov)->iov_base + bytes;
		(*iov)->iov_len -= bytes;
	}
	return n;
}

enum fanfare_io fanfare_io_send(int fd, struct iovec *iov, int n, uint64_t deadline, size_t *sent, int *err)
{
	int flags = MSG_NOSIGNAL; /* the first attempt blocks */

	*sent = 0;
	*err = 0;
	for (;;) {
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
		ssize_t rc = sendmsg(fd, &msg, flags);

		if (rc >= 0) {
			*sent += (size_t) rc;
			n = skip_bytes(&iov, n, (size_t) rc);
			if (n == 0) {
				return FANFARE_IO_OK;
			}
		} else {
			enum fanfare_io status = after_failure(fd, POLLOUT, deadline, err);
			if (status != FANFARE_IO_OK) {
				return status;
			}
		}
		flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	}
}

/* A daemon on another core answers sooner than a core that has gone to sleep wakes up: look a few times before
 * blocking, giving way to whoever else wants this core (the daemon, perhaps, and then the first look finds the answer).
 */
static ssize_t recv_soon(int fd, void *buf, size_t cap)
{
	uint64_t until = fanfare_io_now() + SPIN_NS;
	ssize_t rc;

	do {
		rc = recv(fd, buf, cap, MSG_DONTWAIT);
		if (rc >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
			return rc;
		}
		sched_yield();
	} while (fanfare_io_now() < until);
	return recv(fd, buf, cap, 0);
}

enum fanfare_io fanfare_io_recv(int fd, void *buf, size_t cap, uint64_t deadline, bool patient, size_t *got, int *err)
{
	*err = 0;
	for (;;) {
		ssize_t rc = patient ? recv_soon(fd, buf, cap) : recv(fd, buf, cap, MSG_DONTWAIT);

		if (rc > 0) {
			*got = (size_t) rc;
			return FANFARE_IO_OK;
		}
		if (rc == 0) {
			return FANFARE_IO_LOST;
		}
		enum fanfare_io status = after_failure(fd, POLLIN, deadline, err);
		if (status != FANFARE_IO_OK) {
			return status;
		}
		patient = false;
	}
}

enum fanfare_io fanfare_io_recv_nowait(int fd, void *buf, size_t cap, size_t *got, int *err)
{
	*err = 0;
	for (;;) {
		ssize_t rc = recv(fd, buf, cap, MSG_DONTWAIT);

		if (rc > 0) {
			*got = (size_t) rc;
			return FANFARE_IO_OK;
		}
		if (rc == 0) {
			return FANFARE_IO_LOST;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return FANFARE_IO_EMPTY;
		}
		if (errno != EINTR) {
			*err = errno;
			return FANFARE_IO_LOST;
		}
	}
}
