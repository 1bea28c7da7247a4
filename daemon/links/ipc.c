#include "links/ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "links/ipc_ask.h"
#include "links/ipc_control.h"
#include "links/ipc_hello.h"
#include "links/ipc_listen.h"
#include "links/ipc_say.h"
#include "links/ipc_sockets.h"
#include "links/ipc_wait.h"
#include "links/listen.h"
#include "net/latency.h"
#include "pubsub/publish.h"
#include "pubsub/worker.h"
#include "shared/channel.h"
#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"

/* A hello is small. Nobody has said who he is yet, so no more than this is kept for him. */
#define MAX_HELLO 4096u

static void ipc_settle(struct conn *conn, size_t used, size_t left);

/* What the connection has waited for was answered. */
static void ipc_on_answered(struct conn *conn)
{
    struct peer *peer = ipc_peer(conn);
    if (!peer->asking) {
        latency_note(conn->loop, HISTOGRAM_ANSWER, peer->app, peer->asked_ns);
        peer->asked_ns = 0;
    }
    if (conn_waiting(conn) || ipc_peer(conn)->ending) {
        conn_resume(conn);
    }
    if (ipc_peer(conn)->ending) {
        ipc_settle(conn, 0, 0);
    }
}

struct ipc *ipc_new(struct hub *hub)
{
    struct ipc *ipc = mem_zalloc(sizeof(*ipc));
    ipc->hub = hub;
    ff_ipc_unpacker_init(&ipc->unpacker);
    msgpack_sbuffer_init(&ipc->out);
    hub->ipc = ipc;
    ipc->answered = ipc_on_answered;
    ipc_wait_init(ipc);
    return ipc;
}

void ipc_free(struct ipc *ipc)
{
    ipc_wait_free(ipc);
    ff_ipc_unpacker_free(&ipc->unpacker);
    msgpack_sbuffer_destroy(&ipc->out);
    mem_free(ipc->receipts);
    mem_free(ipc);
}

/* ---- answers ---- */

static void ipc_log_refusal(struct conn *conn, const char *reason, const char *why)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
    log_limited(LOG_LEVEL_WARN, "ipc", "refused a publisher (pid %ld, uid %ld): %s: %s",
                (long)peer.pid, (long)peer.uid, reason, why);
}

/* The connection cannot go on: say why, then end it. */
static void ipc_refuse(struct conn *conn, uint64_t seq, const char *reason, const char *why)
{
    ipc_log_refusal(conn, reason, why);
    ipc_reject(conn, seq, reason, why, -1);
    ipc_send_answers(conn);
    conn_finish(conn, false);
}

/* How many connections a termination has ended. */
static void ipc_tell_ended(struct conn *conn, const struct asker *asker, uint64_t n)
{
    ipc_packed(conn, ff_ipc_pack_count(&ipc_of(conn)->out, (enum ff_ipc_type)(asker->type + 64),
                                       asker->seq, (uint32_t)n));
}

/* All workers have done their part, or what is known when the time is over. */
static void ipc_on_terminated(void *hub, const struct asker *asker, uint64_t sum, bool whole)
{
    struct conn *conn = conn_find(((struct hub *)hub)->loop, asker->slot, asker->gen);
    (void)whole;
    if (conn == NULL) {
        return; /* whoever asked did not wait */
    }
    ipc_tell_ended(conn, asker, sum);
    ipc_peer(conn)->asking = false;
    ipc_send_answers(conn);
    ipc_on_answered(conn);
}

/* ---- hello ---- */

static void ipc_on_hello(struct conn *conn, const struct ff_ipc_hello *hello)
{
    struct app *app = NULL;
    char why[200];
    const char *reason = ipc_hello_judge(ipc_of(conn)->hub->apps, hello, &app, why, sizeof(why));
    if (reason != NULL) {
        counter_add(conn->loop->counters, COUNTER_IPC_REFUSED, 1);
        ipc_refuse(conn, 0, reason, why);
        return;
    }
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
    ipc_peer(conn)->app = app->index;
    ipc_peer(conn)->greeted = true;
    memcpy(ipc_peer(conn)->producer, hello->producer, FF_IPC_PRODUCER);
    conn_idle(conn, IDLE_NONE);
    log_limited_with(LOG_LEVEL_INFO, "ipc", LOG_FIELDS(.app = app->settings->id),
                     "publisher of application %s connected (pid %ld, uid %ld)", app->settings->id,
                     (long)peer.pid, (long)peer.uid);
}

/* ---- publishing ---- */

static const char *ipc_reason(enum publish_fault fault)
{
    switch (fault) {
    case PUBLISH_BAD_CHANNEL:
    case PUBLISH_LONG_CHANNEL:
        return FF_IPC_REASON_INVALID_CHANNEL;
    case PUBLISH_BAD_EVENT:
    case PUBLISH_LONG_EVENT:
        return FF_IPC_REASON_INVALID_EVENT;
    case PUBLISH_BAD_PAYLOAD:
        return FF_IPC_REASON_INVALID_PAYLOAD;
    case PUBLISH_TOO_LARGE:
        return FF_IPC_REASON_TOO_LARGE;
    case PUBLISH_BAD_EXCEPT:
    case PUBLISH_FINE:
        break;
    }
    return FF_IPC_REASON_OTHER;
}

static struct publish ipc_view(const struct ff_ipc_message *message)
{
    return (struct publish){
        .channels = message->channels,
        .nchannels = message->nchannels,
        .event = {message->event.p, message->event.len},
        .data = {message->data.p, message->data.len},
        .except = {message->except.p, message->except.len},
        .trace = {message->trace.p, message->trace.len},
    };
}

/* All of a frame is checked before any of it is sent. */
static bool ipc_check_all(struct conn *conn, const struct ff_ipc_frame *frame)
{
    for (uint32_t i = 0; i < frame->nmessages; i++) {
        char why[256];
        struct publish publish = ipc_view(&frame->messages[i]);
        enum publish_fault fault =
            publish_check(ipc_of(conn)->hub->limits, ipc_app(conn), &publish, why, sizeof(why));
        if (fault != PUBLISH_FINE) {
            publish_count_fault(conn->loop->counters, fault);
            counter_add(conn->loop->counters, COUNTER_PUBLISH_REJECTED, 1);
            ipc_reject(conn, frame->seq, ipc_reason(fault), why,
                       frame->type == FF_IPC_BATCH || frame->type == FF_IPC_CLUSTER_BATCH
                           ? (int64_t)i
                           : -1);
            return false;
        }
    }
    return true;
}

/* Now, or when the cluster has it. */
static void ipc_answer_publish(struct conn *conn, const struct ff_ipc_frame *frame,
                               const struct receipt *receipts, uint32_t n, bool duplicate)
{
    struct ipc *ipc = ipc_of(conn);
    if (FF_IPC_BY_CLUSTER(frame->type) && ipc->hub->cluster_ops != NULL) {
        ipc_wait_begin(conn, frame, receipts, n, duplicate);
    } else {
        ipc_acknowledge(conn, &ipc->out, frame->type, frame->seq, receipts, n, duplicate);
    }
}

/* One message: by its key it may have been sent before. -1: no memory. */
static int ipc_publish_one(struct conn *conn, const struct ff_ipc_message *message, uint64_t now,
                           struct receipt *receipt)
{
    struct hub *hub = ipc_of(conn)->hub;
    const struct app *app = ipc_app(conn);
    struct slice key = {message->key.p, message->key.len};
    struct publish publish = ipc_view(message);
    if (key.p != NULL && dedup_key(&hub->dedup, app->index, key, now, receipt)) {
        counter_add(conn->loop->counters, COUNTER_PUBLISH_DUPLICATE, 1);
        receipt->duplicate = true;
        return 0;
    }
    if (publish_broadcast(hub, app, &publish, receipt) != 0) {
        return -1;
    }
    counter_add(conn->loop->counters, COUNTER_PUBLISHED_IPC, 1);
    if (key.p != NULL) {
        dedup_key_done(&hub->dedup, app->index, key, now, receipt);
    }
    return 0;
}

static void ipc_on_publish(struct conn *conn, const struct ff_ipc_frame *frame)
{
    struct ipc *ipc = ipc_of(conn);
    struct peer *peer = ipc_peer(conn);
    struct dedup *dedup = &ipc->hub->dedup;
    uint64_t now = conn->loop->now;
    const struct receipt *earlier;
    uint32_t n;
    struct producer *producer = dedup_producer(dedup, peer->app, peer->producer, now);
    switch (dedup_frame(producer, frame->seq, &earlier, &n)) {
    case DEDUP_SEEN:
        counter_add(conn->loop->counters, COUNTER_PUBLISH_DUPLICATE, 1);
        if ((frame->type == FF_IPC_PUBLISH || frame->type == FF_IPC_CLUSTER_PUBLISH) && n != 1) {
            ipc_reject(conn, frame->seq, FF_IPC_REASON_OTHER,
                       "this seq was used for a batch before", -1);
            return;
        }
        ipc_answer_publish(conn, frame, earlier, n, true);
        return;
    case DEDUP_TOO_OLD:
        ipc_reject(conn, frame->seq, FF_IPC_REASON_OTHER,
                   "this seq lies too far behind the producer's last", -1);
        return;
    case DEDUP_NEW:
        break;
    }
    if (!ipc_check_all(conn, frame)) {
        return;
    }
    if (ipc->nreceipts < frame->nmessages) {
        ipc->receipts = mem_realloc(ipc->receipts, frame->nmessages * sizeof(*ipc->receipts));
        ipc->nreceipts = frame->nmessages;
    }
    for (uint32_t i = 0; i < frame->nmessages; i++) {
        if (ipc_publish_one(conn, &frame->messages[i], now, &ipc->receipts[i]) != 0) {
            ipc_reject(conn, frame->seq, FF_IPC_REASON_INTERNAL, "the daemon is out of memory", -1);
            return;
        }
    }
    dedup_frame_done(producer, frame->seq, ipc->receipts, frame->nmessages);
    ipc_answer_publish(conn, frame, ipc->receipts, frame->nmessages, false);
}

/* ---- the rest ---- */

static void ipc_refuse_query(struct conn *conn, uint64_t seq, const char *reason, const char *why)
{
    counter_add(conn->loop->counters, COUNTER_IPC_QUERY_REFUSED, 1);
    ipc_reject(conn, seq, reason, why, -1);
}

/* The workers end connections and say how many; nothing behind this frame is read before that. */
static void ipc_on_terminate(struct conn *conn, const struct ff_ipc_frame *frame)
{
    struct hub *hub = ipc_of(conn)->hub;
    struct asker asker = {
        .slot = conn->slot, .gen = conn->gen, .seq = frame->seq, .type = (uint32_t)frame->type};
    struct slice name = {frame->name.p, frame->name.len};
    struct socket_ref socket;
    bool user = frame->type == FF_IPC_TERMINATE;
    if (user && !ff_user_id_valid(name.p, name.len)) {
        ipc_refuse_query(conn, frame->seq, FF_IPC_REASON_OTHER,
                         "the user id must be 1 to 128 bytes of UTF-8");
        return;
    }
    if (!user && !ff_socket_id_valid(name.p, name.len)) {
        ipc_refuse_query(conn, frame->seq, FF_IPC_REASON_OTHER,
                         "the socket id must be digits, a dot and digits");
        return;
    }
    bool asked;
    if (user) {
        asked = hub_terminate_user(hub, ipc_app(conn), name, &asker, ipc_on_terminated);
    } else {
        socket_id_read(name, &socket);
        asked = hub_terminate_socket(hub, ipc_app(conn), &socket, &asker, ipc_on_terminated);
    }
    if (asked) {
        ipc_peer(conn)->asking = true;
        conn_wait(conn);
    } else {
        ipc_tell_ended(conn, &asker, 0);
    }
}

static void ipc_broken(struct conn *conn, uint64_t seq, const char *why)
{
    counter_add(conn->loop->counters, COUNTER_BAD_IPC, 1);
    ipc_refuse(conn, seq, FF_IPC_REASON_PROTOCOL, why);
}

static void ipc_take(struct conn *conn, const struct ff_ipc_frame *frame)
{
    if (frame->type == FF_IPC_HELLO) {
        if (ipc_peer(conn)->greeted) {
            ipc_broken(conn, 0, "a second hello");
        } else {
            ipc_on_hello(conn, &frame->hello);
        }
        return;
    }
    if (!ipc_peer(conn)->greeted) {
        ipc_broken(conn, frame->seq, "the first frame must be a hello");
        return;
    }
    if (frame->seq == 0) {
        ipc_broken(conn, 0, "seq must be 1 or more");
        return;
    }
    if (!ipc_serves(conn, frame->seq)) {
        return;
    }
    if (ipc_peer(conn)->listener != NULL) {
        if (!ipc_listener_takes(conn, frame)) {
            ipc_broken(conn, frame->seq, "a connection that listens may only settle and ping");
        }
        return;
    }
    switch (frame->type) {
    case FF_IPC_LISTEN:
        ipc_listen(conn, frame);
        break;
    case FF_IPC_SETTLE:
        ipc_broken(conn, frame->seq, "only a connection that listens may settle");
        break;
    case FF_IPC_PUBLISH:
    case FF_IPC_BATCH:
    case FF_IPC_CLUSTER_PUBLISH:
    case FF_IPC_CLUSTER_BATCH:
        ipc_on_publish(conn, frame);
        break;
    case FF_IPC_PING:
        ipc_packed(conn, ff_ipc_pack_bare(&ipc_of(conn)->out, FF_IPC_PONG, frame->seq));
        break;
    case FF_IPC_STATS:
    case FF_IPC_CHANNELS:
    case FF_IPC_CHANNEL:
    case FF_IPC_MEMBERS:
    case FF_IPC_CONNECTIONS:
        ipc_ask(conn, frame);
        break;
    case FF_IPC_TERMINATE:
    case FF_IPC_DISCONNECT:
        ipc_on_terminate(conn, frame);
        break;
    case FF_IPC_CONTROL:
        ipc_control(conn, frame);
        break;
    case FF_IPC_SOCKETS:
        ipc_sockets(conn, frame);
        break;
    default:
        ipc_broken(conn, frame->seq, "a frame that only the daemon sends");
    }
}

/* Whether the frame goes on its way beside those that wait for the cluster; all others wait for
 * them, or their answers would come out of order. */
static bool ipc_may_pass(struct conn *conn, const struct ff_ipc_frame *frame, bool good)
{
    return !ipc_waits(conn) ||
           (good && FF_IPC_BY_CLUSTER(frame->type) && frame->seq != 0 && !ipc_waits_full(conn));
}

/* How long its answer took: it is known when it is written. One that waits for the cluster is
 * counted by ipc_wait, and what a listener says has no answer. */
static void ipc_time(struct conn *conn, const struct ff_ipc_frame *frame)
{
    struct peer *peer = ipc_peer(conn);
    uint64_t now = latency_turn(conn->loop);
    if (peer->asking) {
        peer->asked_ns = now;
    } else if (peer->greeted && frame->seq != 0 && peer->listener == NULL && !conn_doomed(conn) &&
               !(FF_IPC_BY_CLUSTER(frame->type) && ipc_of(conn)->hub->cluster_ops != NULL)) {
        latency_note(conn->loop, HISTOGRAM_ANSWER, peer->app, now);
    }
}

/* False: it stays where it is until conn_resume. */
static bool ipc_on_frame(struct conn *conn, const uint8_t *bytes, size_t len)
{
    struct ff_ipc_frame frame;
    const char *why = NULL;
    bool good = ff_ipc_unpack(&ipc_of(conn)->unpacker, bytes, len, &frame, &why) == 0;
    if (!ipc_may_pass(conn, &frame, good)) {
        conn_wait(conn);
        return false;
    }
    counter_add(conn->loop->counters, COUNTER_IPC_FRAMES, 1);
    if (!good) {
        ipc_broken(conn, frame.seq, why);
    } else {
        ipc_take(conn, &frame);
        ipc_time(conn, &frame);
        ipc_wait_queue(conn);
    }
    return true;
}

/* ---- reload ---- */

/* All that it had sent was answered, and what is left is no whole frame. The publisher connects
 * again and sends that once more. */
static void ipc_settle(struct conn *conn, size_t used, size_t left)
{
    struct peer *peer = ipc_peer(conn);
    peer->unsettled -= used < peer->unsettled ? (uint32_t)used : peer->unsettled;
    if (peer->unsettled <= left && !peer->asking && !ipc_waits(conn)) {
        conn_finish(conn, false);
    }
}

static void ipc_end_peer(struct conn *conn)
{
    struct peer *peer = ipc_peer(conn);
    int unread = 0;
    if (peer->ending) {
        return;
    }
    size_t kept = conn->in != NULL ? conn->in->len : 0;
    if (ioctl(conn->fd, FIONREAD, &unread) != 0 || unread < 0) {
        unread = 0;
    }
    peer->ending = true;
    peer->unsettled = (uint32_t)kept + (uint32_t)unread;
    if (peer->asking || (ipc_waits(conn) && peer->unsettled == 0)) {
        return; /* it goes on when that is answered */
    }
    if (peer->unsettled == 0) {
        conn_finish(conn, false);
    } else {
        conn_resume(conn); /* what was kept may be whole frames that had to rest */
    }
}

struct reloading {
    const struct apps *old, *now;
};

static void ipc_judge_peer(struct conn *conn, void *arg)
{
    const struct reloading *reloading = arg;
    if (!ipc_peer(conn)->greeted) {
        return;
    }
    const struct app *old = &reloading->old->items[ipc_peer(conn)->app];
    const struct app *now = &reloading->now->items[ipc_peer(conn)->app];
    if ((!app_serves(now) || !slice_equal(old->secret, now->secret)) && !ipc_peer(conn)->ending) {
        counter_add(conn->loop->counters, COUNTER_CLOSED_PUBLISHER, 1);
        ipc_end_peer(conn);
    }
}

void ipc_reload(struct ipc *ipc, const struct apps *old)
{
    struct reloading reloading = {.old = old, .now = ipc->hub->apps};
    conn_each(ipc->hub->loop, KIND_IPC, ipc_judge_peer, &reloading);
}

static void ipc_end_any(struct conn *conn, void *arg)
{
    (void)arg;
    ipc_end_peer(conn);
}

static void ipc_count_unsettled(struct conn *conn, void *arg)
{
    *(size_t *)arg += conn_live(conn) ? 1 : 0;
}

size_t ipc_end(struct ipc *ipc)
{
    size_t left = 0;
    conn_each(ipc->hub->loop, KIND_IPC, ipc_end_any, NULL);
    conn_each(ipc->hub->loop, KIND_IPC, ipc_count_unsettled, &left);
    return left;
}

void ipc_give_up(struct ipc *ipc)
{
    ipc_wait_give_up(ipc);
}

/* ---- input ---- */

/* Whether reading from this publisher must rest for a moment. */
static bool ipc_must_rest(struct conn *conn)
{
    struct ipc *ipc = ipc_of(conn);
    if (!loop_admits(conn->loop)) {
        conn_postpone(conn); /* the flush has not come round yet */
        return true;
    }
    if (!hub_open(ipc->hub)) {
        counter_add(conn->loop->counters, COUNTER_HELD_IPC, 1);
        conn_hold(conn);
        return true;
    }
    if (ipc->out.size > OUTQ_UNREAD) {
        ipc_send_answers(conn);
    }
    /* A listener may have its events unread and say nevertheless what it has settled. */
    if ((ipc_peer(conn)->listener == NULL || conn_weight(conn) > LISTEN_UNREAD) &&
        conn_rests(conn)) {
        counter_add(conn->loop->counters, COUNTER_HELD_UNREAD, 1);
        return true;
    }
    return !conn_turn(conn);
}

static size_t ipc_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct ipc *ipc = ipc_of(conn);
    size_t used = 0;
    bool whole = true; /* as far as it was looked at */
    /* Whoever was told that he is subscribed must be known before this is routed. */
    loop_drain_mail(conn->loop, &ipc->hub->box);
    while (conn_takes_input(conn)) {
        int64_t frame = ff_ipc_frame_len(bytes + used, len - used);
        if (frame < 0 && ipc_waits(conn)) {
            conn_wait(conn); /* what came before it is answered first */
            break;
        }
        if (frame < 0) {
            ipc_broken(conn, 0, "not a frame: the length is 0 or over 16 MiB");
            break;
        }
        if (frame > MAX_HELLO && !ipc_peer(conn)->greeted) {
            ipc_broken(conn, 0, "the first frame must be a hello, which is small");
            break;
        }
        if (frame == 0 || len - used - FF_IPC_HEADER < (size_t)frame) {
            whole = false;
            break;
        }
        if (ipc_must_rest(conn)) {
            break;
        }
        if (!ipc_on_frame(conn, bytes + used + FF_IPC_HEADER, (size_t)frame)) {
            break;
        }
        used += FF_IPC_HEADER + (size_t)frame;
    }
    if (conn_doomed(conn)) {
        ipc->out.size = 0;
    } else {
        ipc_send_answers(conn);
    }
    if (ipc_peer(conn)->ending) {
        ipc_settle(conn, used, whole ? 0 : len - used);
    }
    return used;
}

static void ipc_leave(struct conn *conn)
{
    ipc_listen_leave(conn);
    ipc_wait_leave(conn);
    ipc_ask_leave(conn);
    ipc_control_leave(conn);
    ipc_sockets_leave(conn);
}

static void ipc_expired(struct conn *conn, enum idle_class was)
{
    (void)was;
    counter_add(conn->loop->counters, COUNTER_TIMEOUT_HEAD, 1);
    ipc_refuse(conn, 0, FF_IPC_REASON_PROTOCOL, "no hello came in time");
}

const struct conn_handler ipc_handler = {
    .input = ipc_input,
    .leave = ipc_leave,
    .expired = ipc_expired,
    .max_input = FF_IPC_MAX_FRAME + FF_IPC_HEADER,
    .frames = 256, /* what an extension has outstanding at most */
    .local = true,
    .urgent = true,
};
