#include "links/ipc_ask.h"

#include <string.h>

#include "base/mem.h"
#include "links/ipc_answer.h"
#include "links/ipc_say.h"
#include "pubsub/cluster.h"
#include "pubsub/gathered.h"
#include "pubsub/share.h"

/* What is kept of a question until the others have answered. */
struct ipc_question {
    struct conn *conn; /* NULL: it is gone */
    enum ff_ipc_type type;
    uint64_t seq;
    unsigned int wanted;
    bool named;
    uint32_t len;
    char name[];
};

static void ipc_ask_refuse(struct conn *conn, uint64_t seq, const char *reason, const char *why)
{
    counter_add(conn->loop->counters, COUNTER_IPC_QUERY_REFUSED, 1);
    ipc_reject(conn, seq, reason, why, -1);
}

static void ipc_ask_answer(struct conn *conn, const struct ff_ipc_frame *frame, bool partial)
{
    struct ipc *ipc = ipc_of(conn);
    struct ipc_refusal refusal;
    switch (ipc_answer(ipc->hub, ipc_app(conn), frame, partial, &ipc->out, &refusal)) {
    case IPC_ANSWERED:
        break;
    case IPC_REFUSED:
        ipc_ask_refuse(conn, frame->seq, refusal.reason, refusal.why);
        break;
    case IPC_NO_MEMORY:
        ipc_ask_refuse(conn, frame->seq, FF_IPC_REASON_INTERNAL, "the daemon is out of memory");
        break;
    }
}

static void ipc_ask_on_answer(void *arg, const struct gathered *gathered)
{
    struct ipc_question *question = arg;
    struct conn *conn = question->conn;
    if (conn != NULL) {
        struct hub *hub = ipc_of(conn)->hub;
        struct ff_ipc_frame frame = {
            .type = question->type,
            .seq = question->seq,
            .wanted = question->wanted,
            .name = {question->named ? question->name : NULL, question->len}};
        ipc_peer(conn)->question = NULL;
        ipc_peer(conn)->asking = false;
        if (ipc_serves(conn, frame.seq)) {
            hub->gathered = gathered;
            ipc_ask_answer(conn, &frame, !gathered_whole(gathered));
            hub->gathered = NULL;
        }
        ipc_send_answers(conn);
        ipc_of(conn)->answered(conn);
    }
    mem_free(question);
}

/* What the others are asked. False: this node knows all of it, or there is nothing to be known. */
static bool ipc_ask_concerns_others(const struct hub *hub, const struct app *app,
                                    const struct ff_ipc_frame *frame, enum cluster_ask *kind)
{
    switch (frame->type) {
    case FF_IPC_CHANNELS:
        *kind = CLUSTER_ASK_CHANNELS;
        return !share_counts(hub, app->index) && ipc_answer_prefix_fits(hub, app, frame->name);
    case FF_IPC_CHANNEL:
        *kind = CLUSTER_ASK_COUNTS;
        return !share_counts(hub, app->index) && ipc_answer_name_fits(hub, app, frame->name);
    case FF_IPC_CONNECTIONS:
        *kind = CLUSTER_ASK_CONNECTIONS;
        return true;
    default:
        return false;
    }
}

void ipc_ask(struct conn *conn, const struct ff_ipc_frame *frame)
{
    const struct hub *hub = ipc_of(conn)->hub;
    enum cluster_ask kind;
    if (hub->cluster_ops == NULL || !ipc_ask_concerns_others(hub, ipc_app(conn), frame, &kind)) {
        ipc_ask_answer(conn, frame, false);
        return;
    }
    struct ipc_question *question = mem_alloc(sizeof(*question) + frame->name.len + 1);
    *question = (struct ipc_question){.conn = conn,
                                      .type = frame->type,
                                      .seq = frame->seq,
                                      .wanted = frame->wanted,
                                      .named = frame->name.p != NULL,
                                      .len = frame->name.len};
    if (question->named) {
        memcpy(question->name, frame->name.p, frame->name.len);
    }
    struct slice name = {question->named ? question->name : NULL, question->len};
    enum cluster_asked asked =
        hub->cluster_ops->ask(hub->cluster, kind, ipc_peer(conn)->app, &name,
                              kind != CLUSTER_ASK_CONNECTIONS ? 1 : 0, ipc_ask_on_answer, question);
    if (asked == CLUSTER_ASKED) {
        ipc_peer(conn)->question = question;
        ipc_peer(conn)->asking = true;
        conn_wait(conn);
    } else {
        mem_free(question);
        ipc_ask_answer(conn, frame, asked == CLUSTER_AWAY);
    }
}

void ipc_ask_leave(struct conn *conn)
{
    if (ipc_peer(conn)->question != NULL) {
        ipc_peer(conn)->question->conn = NULL;
        ipc_peer(conn)->question = NULL;
    }
}
