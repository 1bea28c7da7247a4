#include "net/input.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/descriptors.h"
#include "net/outq.h"
#include "net/slots.h"
#include "net/tls.h"
#include "net/turn.h"

#define READS_A_TURN 2          /* then the others have their turn */
#define DISCARDS     16         /* the same for what is thrown away */
#define DISCARD_MAX  (1u << 20) /* bytes read and thrown away while finishing */
#define INBUF_FIRST  512u
#define INBUF_JOINED 4096u /* left-over bytes that are moved in front of what is read next */

/* ---- opening and freeing ---- */

static void input_event(evutil_socket_t fd, short what, void *arg);

struct conn *conn_new(struct loop *loop, int fd, uint8_t kind, enum idle_class idle_class)
{
    check(kind < LOOP_KINDS && loop->handlers[kind] != NULL);
    struct conn *conn = slots_take(loop);
    if (conn == NULL) {
        close(fd);
        return NULL;
    }
    conn->fd = fd;
    conn->kind = kind;
    conn->flags = CONN_OPEN;
    loop->by_kind[kind]++;
    if (conn_watch(conn, input_event) != 0) {
        conn->flags = 0;
        close(fd);
        loop->by_kind[kind]--;
        slots_give(conn);
        return NULL;
    }
    conn_idle(conn, idle_class);
    return conn;
}

static struct tls *input_tls(const struct conn *conn)
{
    return conn->flags & CONN_TLS ? *slots_tls(conn->loop, conn->slot, false) : NULL;
}

void conn_secure(struct conn *conn, struct tls_context *context)
{
    struct tls **place = slots_tls(conn->loop, conn->slot, true);
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

void conn_free(struct conn *conn)
{
    check(conn->flags & CONN_DOOMED);
    conn_idle(conn, IDLE_NONE);
    event_del(&conn->ev);
    if (conn->flags & CONN_TLS) {
        struct tls **place = slots_tls(conn->loop, conn->slot, false);
        tls_free(*place);
        *place = NULL;
    }
    close(conn->fd);
    descriptors_give(conn->loop->descriptors);
    conn_drop_output(conn);
    mem_free(conn->in);
    conn->loop->by_kind[conn->kind]--;
    slots_give(conn);
}

/* ---- input ---- */

/* Keeps bytes that the handler did not use. */
static bool input_stash(struct conn *conn, const uint8_t *bytes, size_t len)
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

static bool input_grow(struct conn *conn)
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
static ssize_t input_read(struct conn *conn, struct tls *tls, uint8_t *room, size_t size)
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
static void input_discard(struct conn *conn)
{
    for (int i = 0; i < DISCARDS; i++) {
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
static bool input_preamble(struct conn *conn)
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
    if (conn_doomed(conn)) {
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

/* What is left over and then what can be read. */
static void input_process(struct conn *conn)
{
    const struct conn_handler *handler = conn->loop->handlers[conn->kind];
    if (conn_doomed(conn)) {
        return;
    }
    conn->loop->frames_left = handler->frames != 0 ? handler->frames : LOOP_FRAMES;
    if ((conn->flags & CONN_PREAMBLE) && conn_takes_input(conn) && !input_preamble(conn)) {
        return;
    }
    struct tls *tls = input_tls(conn);
    if (conn->in != NULL && conn_takes_input(conn)) {
        input_kept(conn);
    }
    for (int i = 0; i < READS_A_TURN; i++) {
        if (conn->flags & (CONN_DOOMED | CONN_EOF)) {
            return;
        }
        if (conn->flags & CONN_FINISHING) {
            input_discard(conn);
            return;
        }
        if (!conn_takes_input(conn) || (conn->flags & CONN_RESUME)) {
            return; /* it goes on when it is resumed, with what is left over and then with what can
                       be read */
        }
        if (tls != NULL && !tls_ready(tls) && conn->loop->tls_steps++ >= LOOP_TLS) {
            break;
        }
        uint8_t *room = conn->loop->read_room;
        size_t size = handler->first_read != 0 ? handler->first_read : LOOP_READ;
        size_t kept = conn->in != NULL ? conn->in->len : 0;
        if (kept > 0 && kept <= INBUF_JOINED) {
            /* Read behind it in its own small buffer, whoever sends without a pause would be read
             * there for ever: as much as one message at a time, each time with half of the next. */
            memcpy(room, conn->in->bytes, kept);
            room += kept;
            size = size < LOOP_READ - kept ? size : LOOP_READ - kept;
        } else if (conn->in != NULL) {
            kept = 0;
            if (!input_grow(conn)) {
                conn_doom(conn);
                return;
            }
            room = conn->in->bytes + conn->in->len;
            size = conn->in->cap - conn->in->len;
        }
        ssize_t got = input_read(conn, tls, room, size);
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
        if (conn->in != NULL && kept == 0) {
            conn->in->len += (size_t)got;
            input_kept(conn);
        } else {
            size_t have = kept + (size_t)got;
            mem_free(conn->in);
            conn->in = NULL;
            room -= kept;
            size_t used = conn->loop->handlers[conn->kind]->input(conn, room, have);
            if (used < have && conn_live(conn) && !input_stash(conn, room + used, have - used)) {
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

static void input_event(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    (void)fd;
    turn_awake(conn->loop);
    if (conn_doomed(conn)) {
        return;
    }
    if (what & EV_CLOSED) {
        conn->flags |= CONN_PEER_END;
    }
    if ((what & EV_WRITE) && (conn->flags & CONN_BLOCKED)) {
        conn_set_blocked(conn, false);
        slots_mark_dirty(conn);
    }
    struct tls *tls = input_tls(conn);
    if ((what & (EV_READ | EV_CLOSED)) || (tls != NULL && tls_read_wants_write(tls))) {
        if (conn->flags & CONN_RESUME) {
            return; /* it has its place in the order already */
        }
        if (budget_spent(&conn->loop->input)) {
            conn_postpone(conn);
        } else {
            input_process(conn);
        }
    }
    if (tls != NULL && tls_write_wants_read(tls) && (conn->flags & CONN_BLOCKED)) {
        conn_set_blocked(conn, false);
        slots_mark_dirty(conn);
    }
}

void input_resume(struct loop *loop)
{
    struct slot_list list = loop->resume;
    loop->resume = loop->resuming;
    loop->resume.count = 0;
    loop->resuming = (struct slot_list){0};
    budget_begin(&loop->input, LOOP_INPUT_US);
    size_t i = 0;
    for (; i < list.count && !budget_spent(&loop->input); i++) {
        struct conn *conn = slots_at(loop, list.items[i]);
        if (conn != NULL && (conn->flags & CONN_RESUME)) {
            conn->flags &= (uint16_t)~CONN_RESUME;
            input_process(conn);
        }
    }
    if (i < list.count) {
        /* In front of those who asked meanwhile, or the first ones would be served for ever. */
        struct slot_list asked = loop->resume;
        list.count -= i;
        memmove(list.items, list.items + i, list.count * sizeof(*list.items));
        for (i = 0; i < asked.count; i++) {
            slot_list_push(&list, asked.items[i]);
        }
        loop->resume = list;
        list = asked;
    }
    list.count = 0;
    loop->resuming = list;
}
