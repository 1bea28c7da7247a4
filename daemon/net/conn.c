#include "net/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop.h"
#include "net/tls.h"

#define READS_A_TURN 4          /* then the others have their turn */
#define DISCARD_MAX  (1u << 20) /* bytes read and thrown away while finishing */
#define INBUF_FIRST  512u

_Static_assert(sizeof(struct conn) <= 272, "a connection must stay small");

static void conn_event(evutil_socket_t fd, short what, void *arg);

/* ---- life ---- */

/* A Unix socket reports that it is writable whenever its peer has read something, so it is asked
 * only while it is blocked. A TCP socket does so only after it was full: its one event is added
 * once, for life. */
static int watch(struct conn *conn, bool writes)
{
    short what = EV_READ | EV_CLOSED | EV_ET | EV_PERSIST;
    if (writes) {
        what |= EV_WRITE;
    }
    if (event_assign(&conn->ev, conn->loop->base, conn->fd, what, conn_event, conn) != 0) {
        return -1;
    }
    return event_add(&conn->ev, NULL);
}

void conn_set_blocked(struct conn *conn, bool blocked)
{
    conn->flags = (uint16_t)(blocked ? conn->flags | CONN_BLOCKED : conn->flags & ~CONN_BLOCKED);
    if (conn->loop->handlers[conn->kind]->local) {
        event_del(&conn->ev);
        if (watch(conn, blocked) != 0) {
            conn_doom(conn);
        }
    }
}

struct conn *conn_new(struct loop *loop, int fd, uint8_t kind, enum idle_class idle_class)
{
    check(kind < LOOP_KINDS && loop->handlers[kind] != NULL);
    struct conn *conn = loop_slot(loop);
    if (conn == NULL) {
        close(fd);
        return NULL;
    }
    conn->fd = fd;
    conn->kind = kind;
    conn->flags = CONN_OPEN;
    loop->by_kind[kind]++;
    if (watch(conn, !loop->handlers[kind]->local) != 0) {
        conn->flags = 0;
        close(fd);
        loop->by_kind[kind]--;
        loop_slot_free(loop, conn);
        return NULL;
    }
    conn_idle(conn, idle_class);
    return conn;
}

static struct tls *tls_of(const struct conn *conn)
{
    return conn->flags & CONN_TLS ? *loop_tls(conn->loop, conn->slot, false) : NULL;
}

void conn_secure(struct conn *conn, struct tls_context *context)
{
    struct tls **place = loop_tls(conn->loop, conn->slot, true);
    struct tls *tls = place != NULL ? tls_new(context, conn->fd, conn->loop->counters) : NULL;
    if (tls == NULL) {
        conn_doom(conn);
        return;
    }
    *place = tls;
    conn->flags |= CONN_TLS;
}

bool conn_peer(const struct conn *conn, struct address *out)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    return getpeername(conn->fd, (struct sockaddr *)&from, &len) == 0 &&
           address_of_socket((struct sockaddr *)&from, out);
}

void conn_become(struct conn *conn, uint8_t kind, enum idle_class idle_class)
{
    check(kind < LOOP_KINDS && conn->loop->handlers[kind] != NULL);
    conn->loop->by_kind[conn->kind]--;
    conn->loop->by_kind[kind]++;
    conn->kind = kind;
    memset(conn->state, 0, sizeof(conn->state));
    conn_idle(conn, idle_class);
}

void conn_free(struct conn *conn)
{
    check(conn->flags & CONN_DOOMED);
    conn_idle(conn, IDLE_NONE);
    event_del(&conn->ev);
    if (conn->flags & CONN_TLS) {
        struct tls **place = loop_tls(conn->loop, conn->slot, false);
        tls_free(*place);
        *place = NULL;
    }
    close(conn->fd);
    conn_drop_output(conn);
    mem_free(conn->in);
    conn->loop->by_kind[conn->kind]--;
    loop_slot_free(conn->loop, conn);
}

struct conn *conn_at(struct loop *loop, uint32_t slot)
{
    struct conn *conn = loop_conn(loop, slot);
    if (conn == NULL || !(conn->flags & CONN_OPEN) ||
        (conn->flags & (CONN_FINISHING | CONN_DOOMED))) {
        return NULL;
    }
    return conn;
}

struct conn *conn_find(struct loop *loop, uint32_t slot, uint32_t gen)
{
    struct conn *conn = conn_at(loop, slot);
    return conn != NULL && conn->gen == gen ? conn : NULL;
}

static void leave_once(struct conn *conn)
{
    if (!(conn->flags & CONN_LEFT)) {
        conn->flags |= CONN_LEFT;
        conn->loop->handlers[conn->kind]->leave(conn);
    }
}

void conn_finish(struct conn *conn, bool hangup)
{
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    if (!(conn->flags & CONN_FINISHING)) {
        conn->flags |= CONN_FINISHING;
        conn->flags &= (uint16_t)~CONN_WAITING;
        leave_once(conn);
        loop_mark_dirty(conn->loop, conn);
        conn_idle(conn, IDLE_CLOSING);
    }
    if (hangup) {
        conn_idle(conn, IDLE_HANGUP);
    }
}

void conn_doom(struct conn *conn)
{
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    conn->flags |= CONN_DOOMED;
    leave_once(conn);
    slots_push(&conn->loop->doomed, conn->slot);
}

void conn_wait(struct conn *conn)
{
    conn->flags |= CONN_WAITING;
}

void conn_resume(struct conn *conn)
{
    conn->flags &= (uint16_t)~CONN_WAITING;
    if (!(conn->flags & (CONN_RESUME | CONN_DOOMED))) {
        conn->flags |= CONN_RESUME;
        slots_push(&conn->loop->resume, conn->slot);
    }
}

/* ---- input ---- */

static bool takes_input(const struct conn *conn)
{
    return !(conn->flags & (CONN_WAITING | CONN_DOOMED | CONN_FINISHING));
}

/* Keeps bytes that the handler did not use. */
static bool stash(struct conn *conn, const uint8_t *bytes, size_t len)
{
    size_t max = conn->loop->max_input[conn->kind];
    size_t cap = INBUF_FIRST;
    while (cap < len) {
        cap *= 2;
    }
    if (len > max && len > LOOP_READ) {
        return false;
    }
    struct inbuf *in = mem_try_alloc(sizeof(*in) + cap);
    if (in == NULL) {
        return false;
    }
    memcpy(in->bytes, bytes, len);
    in->len = len;
    in->cap = cap;
    conn->in = in;
    return true;
}

static bool inbuf_grow(struct conn *conn)
{
    struct inbuf *in = conn->in;
    if (in->len < in->cap) {
        return true;
    }
    size_t max = conn->loop->max_input[conn->kind];
    if (in->cap >= max + LOOP_READ) {
        return false; /* the handler should have refused long ago */
    }
    struct inbuf *grown = mem_try_realloc(in, sizeof(*in) + in->cap * 2);
    if (grown == NULL) {
        return false;
    }
    grown->cap *= 2;
    conn->in = grown;
    return true;
}

/* Hands over what lies in `in`. The handler may have ended the connection, but the bytes are there
 * until it returns. */
static void input_kept(struct conn *conn)
{
    struct inbuf *in = conn->in;
    size_t used = conn->loop->handlers[conn->kind]->input(conn, in->bytes, in->len);
    if (used == in->len || (conn->flags & CONN_FINISHING)) {
        mem_free(in);
        conn->in = NULL;
    } else if (used > 0) {
        in->len -= used;
        memmove(in->bytes, in->bytes + used, in->len);
    }
}

static void input_end(struct conn *conn)
{
    conn->flags |= CONN_EOF;
    if (conn->flags & CONN_FINISHING) {
        if (conn_queued(conn) == 0) {
            conn_doom(conn);
        } else {
            conn_idle(conn, IDLE_HANGUP);
        }
    } else {
        conn_finish(conn, true); /* answers to what came before the end are still flushed */
    }
}

/* Bytes for the protocol: their number, 0 at the end, -errno. -EAGAIN: an edge will come. */
static ssize_t read_some(struct conn *conn, struct tls *tls, uint8_t *room, size_t size)
{
    if (tls != NULL) {
        return tls_read(tls, room, size);
    }
    ssize_t got;
    do {
        got = recv(conn->fd, room, size, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    return got >= 0 ? got : -errno;
}

/* What arrives when nobody listens any more; it is not even deciphered. */
static void discard(struct conn *conn)
{
    for (int i = 0; i < READS_A_TURN * 4; i++) {
        ssize_t got = recv(conn->fd, conn->loop->read_room, LOOP_READ, MSG_DONTWAIT);
        if (got == 0) {
            input_end(conn);
            return;
        }
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                conn_doom(conn);
            }
            return;
        }
        conn->discarded += (uint32_t)got;
        if (conn->discarded > DISCARD_MAX) {
            conn_doom(conn);
            return;
        }
    }
    conn_resume(conn);
}

/* Only looked at until it is complete, and then taken out to the byte: what follows is for another
 * reader. False: there is nothing else to read yet. */
static bool skip_preamble(struct conn *conn)
{
    uint8_t *room = conn->loop->read_room;
    ssize_t got = recv(conn->fd, room, CONN_PREAMBLE_MAX, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0) {
        input_end(conn);
        return false;
    }
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            conn_doom(conn);
        }
        return false;
    }
    size_t used = conn->loop->handlers[conn->kind]->preamble(conn, room, (size_t)got);
    if (conn->flags & CONN_DOOMED) {
        return false;
    }
    if (used == 0) {
        if (conn->flags & CONN_PEER_END) {
            conn_doom(conn); /* the rest will not come */
        }
        return false;
    }
    if (recv(conn->fd, room, used, MSG_DONTWAIT) != (ssize_t)used) {
        conn_doom(conn);
        return false;
    }
    conn->flags &= (uint16_t)~CONN_PREAMBLE;
    return true;
}

void conn_process(struct conn *conn)
{
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    if ((conn->flags & CONN_PREAMBLE) && takes_input(conn) && !skip_preamble(conn)) {
        return;
    }
    struct tls *tls = tls_of(conn);
    if (conn->in != NULL && takes_input(conn)) {
        input_kept(conn);
    }
    for (int i = 0; i < READS_A_TURN; i++) {
        if (conn->flags & (CONN_DOOMED | CONN_EOF)) {
            return;
        }
        if (conn->flags & CONN_FINISHING) {
            discard(conn);
            return;
        }
        if (!takes_input(conn) || (conn->flags & CONN_RESUME)) {
            return; /* it goes on when it is resumed, with what is left over and then with what can
                       be read */
        }
        if (tls != NULL && !tls_ready(tls) && conn->loop->tls_steps++ >= LOOP_TLS) {
            break;
        }
        uint8_t *room = conn->loop->read_room;
        size_t size = LOOP_READ;
        if (conn->in != NULL) {
            if (!inbuf_grow(conn)) {
                conn_doom(conn);
                return;
            }
            room = conn->in->bytes + conn->in->len;
            size = conn->in->cap - conn->in->len;
        }
        ssize_t got = read_some(conn, tls, room, size);
        if (got == 0) {
            input_end(conn);
            return;
        }
        if (got == -EAGAIN) {
            return;
        }
        if (got == -EPROTO && tls != NULL) {
            conn_finish(conn, false); /* the alert that says why must not be lost to a reset */
            continue;
        }
        if (got < 0) {
            conn_doom(conn);
            return;
        }
        if (conn->loop->handlers[conn->kind]->client) {
            counter_add(conn->loop->counters, COUNTER_BYTES_IN, (uint64_t)got);
        }
        if (conn->in != NULL) {
            conn->in->len += (size_t)got;
            input_kept(conn);
        } else {
            size_t used = conn->loop->handlers[conn->kind]->input(conn, room, (size_t)got);
            if (used < (size_t)got && !(conn->flags & (CONN_FINISHING | CONN_DOOMED)) &&
                !stash(conn, room + used, (size_t)got - used)) {
                conn_doom(conn);
                return;
            }
        }
        if (tls != NULL && tls_unread(tls)) {
            continue;
        }
        /* A short read has emptied the socket; but data and the peer's end arriving together give
         * one edge. So do data and a reset, and that libevent reports as if it were data alone: who
         * is answered learns of it by writing, the others are read once more. */
        if ((size_t)got < size && !(conn->flags & (CONN_PEER_END | CONN_FINISHING)) &&
            conn_queued(conn) > 0) {
            return;
        }
    }
    conn_resume(conn);
}

static void conn_event(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    (void)fd;
    if (conn->flags & CONN_DOOMED) {
        return;
    }
    if (what & EV_CLOSED) {
        conn->flags |= CONN_PEER_END;
    }
    if ((what & EV_WRITE) && (conn->flags & CONN_BLOCKED)) {
        conn_set_blocked(conn, false);
        loop_mark_dirty(conn->loop, conn);
    }
    struct tls *tls = tls_of(conn);
    if (what & (EV_READ | EV_CLOSED) || (tls != NULL && tls_read_wants_write(tls))) {
        conn_process(conn);
    }
    if (tls != NULL && tls_write_wants_read(tls) && (conn->flags & CONN_BLOCKED)) {
        conn_set_blocked(conn, false);
        loop_mark_dirty(conn->loop, conn);
    }
}
