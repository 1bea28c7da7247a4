#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "fanfare_io.h"

#define BOUND_NS 20000000u /* from bind() to the socket's right mode, amply */
#ifndef __linux__
#define IO_SLICE_NS 100000000u
#endif

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
static bool io_engine_wants_control(void)
{
	return zend_atomic_bool_load_ex(&EG(timed_out));
}

/* Zero would mean no limit at all. */
static void io_set_time(int fd, int option, uint64_t ns)
{
	struct timeval tv;

	if (ns < 1000) {
		ns = 1000;
	}
	tv.tv_sec = (time_t) (ns / 1000000000u);
	tv.tv_usec = (suseconds_t) (ns % 1000000000u / 1000);
	(void) setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
}

void fanfare_io_patience(int fd, uint64_t ns)
{
	io_set_time(fd, SO_RCVTIMEO, ns);
}

/* Away from 0, 1 and 2. A process that was started with one of them closed gets it for the next thing that it opens,
 * and whatever is printed then would be written to the daemon, in the middle of a conversation. */
static int io_beyond_standard(int fd)
{
	int moved, err;

	if (EXPECTED(fd > STDERR_FILENO)) {
		return fd;
	}
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	err = errno;
	close(fd);
	errno = err;
	return moved;
}

static int io_socket(void)
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
	return fd < 0 ? -1 : io_beyond_standard(fd);
}

bool fanfare_io_is_ours(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

enum fanfare_io fanfare_io_connect(const struct fanfare_address *address, uint64_t deadline, int *out, int *err)
{
	int fd = io_socket();
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
			io_set_time(fd, SO_SNDTIMEO, deadline > now ? deadline - now : 0);
			tried = true;
			if (connect(fd, (const struct sockaddr *) &address->addr, address->len) == 0) {
				*out = fd;
				return FANFARE_IO_OK;
			}
			*err = errno;
			if (errno == EINTR) {
				if (!io_engine_wants_control()) {
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

enum fanfare_io fanfare_io_pause(uint64_t until)
{
	for (uint64_t now; (now = fanfare_io_now()) < until;) {
		struct timespec ts = {.tv_sec = (time_t) ((until - now) / 1000000000u),
		                      .tv_nsec = (long) ((until - now) % 1000000000u)};

		/* before it as well: a signal between two sleeps interrupts neither */
		if (io_engine_wants_control() || (nanosleep(&ts, NULL) != 0 && io_engine_wants_control())) {
			return FANFARE_IO_INTERRUPTED;
		}
	}
	return FANFARE_IO_OK;
}

bool fanfare_io_may_return(const struct fanfare_address *address, int err, uint64_t waited)
{
	char dir[sizeof(address->addr.sun_path)];
	char *slash;
	struct stat file;

	switch (err) {
	case ECONNREFUSED:
		/* of an abstract name, or of a file that is a socket: connect() says the same of any other file */
		return address->addr.sun_path[0] == '\0' ||
		       (stat(address->addr.sun_path, &file) == 0 && S_ISSOCK(file.st_mode));
	case ENOENT:
		memcpy(dir, address->addr.sun_path, sizeof(dir));
		dir[sizeof(dir) - 1] = '\0';
		slash = strrchr(dir, '/');
		if (slash == NULL) {
			return false;
		}
		slash[slash == dir ? 1 : 0] = '\0';
		return access(dir, F_OK) == 0;
	case EACCES:
		return waited < BOUND_NS;
	default:
		return false;
	}
}

/* Waits for one of `events` until the deadline. */
static enum fanfare_io io_wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = fanfare_io_now();
		int ms, rc;

		if (now >= deadline) {
			return FANFARE_IO_TIMEOUT;
		}
		if (io_engine_wants_control()) {
			return FANFARE_IO_INTERRUPTED;
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
		if (rc < 0 && errno == EINTR && io_engine_wants_control()) {
			return FANFARE_IO_INTERRUPTED;
		}
	}
}

/* One poll(), which a signal ends. */
static int io_poll_once(struct pollfd *pfd, nfds_t n, uint64_t ns)
{
#ifdef __linux__
	struct timespec ts = {.tv_sec = (time_t) (ns / 1000000000u), .tv_nsec = (long) (ns % 1000000000u)};
	sigset_t all, before;
	int rc, err;

	/* A signal between the look at the flag and the beginning of the wait would be noticed at its end only: let it come
	 * within the wait. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (zend_atomic_bool_load_ex(&EG(vm_interrupt))) {
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		errno = EINTR;
		return -1;
	}
	rc = ppoll(pfd, n, &ts, &before);
	err = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return rc;
#else
	/* there may be no ppoll(): such a signal waits for the end of a slice */
	if (zend_atomic_bool_load_ex(&EG(vm_interrupt))) {
		errno = EINTR;
		return -1;
	}
	return poll(pfd, n, ns > IO_SLICE_NS ? IO_SLICE_NS / 1000000u : (int) ((ns + 999999u) / 1000000u));
#endif
}

enum fanfare_io fanfare_io_await(int fd, uint64_t deadline, bool attentive)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	if (!attentive) {
		return io_wait_for(fd, POLLIN, deadline);
	}
	for (;;) {
		uint64_t now = fanfare_io_now();
		int rc;

		if (now >= deadline) {
			return zend_atomic_bool_load_ex(&EG(vm_interrupt)) ? FANFARE_IO_INTERRUPTED : FANFARE_IO_TIMEOUT;
		}
		rc = io_poll_once(&pfd, fd < 0 ? 0 : 1, deadline - now);
		if (rc > 0) {
			return FANFARE_IO_OK;
		}
		if (rc < 0 && errno == EINTR) {
			return FANFARE_IO_INTERRUPTED;
		}
	}
}

/* What follows a call that failed with errno: try again (OK) or one of the other results. */
static enum fanfare_io io_after_failure(int fd, short events, uint64_t deadline, int *err)
{
	int e = errno;

	if (e == EINTR) {
		return io_engine_wants_control() ? FANFARE_IO_INTERRUPTED : FANFARE_IO_OK;
	}
	if (e == EAGAIN || e == EWOULDBLOCK) {
		return io_wait_for(fd, events, deadline);
	}
	*err = e;
	return FANFARE_IO_LOST;
}

static int io_skip(struct iovec **iov, int n, size_t bytes)
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
	*sent = 0;
	*err = 0;
	for (;;) {
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
		/* never a blocking one: SO_SNDTIMEO begins anew for each part of a long message that finds room */
		ssize_t rc = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (rc >= 0) {
			*sent += (size_t) rc;
			n = io_skip(&iov, n, (size_t) rc);
			if (n == 0) {
				return FANFARE_IO_OK;
			}
		} else {
			enum fanfare_io status = io_after_failure(fd, POLLOUT, deadline, err);
			if (status != FANFARE_IO_OK) {
				return status;
			}
		}
	}
}

enum fanfare_io fanfare_io_recv(int fd, void *buf, size_t cap, uint64_t deadline, bool patient, size_t *got, int *err)
{
	*err = 0;
	for (;;) {
		ssize_t rc = recv(fd, buf, cap, patient && EXPECTED(!io_engine_wants_control()) ? 0 : MSG_DONTWAIT);

		if (rc > 0) {
			*got = (size_t) rc;
			return FANFARE_IO_OK;
		}
		if (rc == 0) {
			return FANFARE_IO_LOST;
		}
		enum fanfare_io status = io_after_failure(fd, POLLIN, deadline, err);
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
