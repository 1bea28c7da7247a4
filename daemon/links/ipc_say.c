#include "links/ipc_say.h"

#include "base/mem.h"
#include "pubsub/publish.h"
#include "shared/ipc_pack.h"

#define KEEP_ANSWERS (1u << 20) /* a buffer that one answer made larger is given back */

void ipc_packed(struct conn *conn, int result)
{
    if (result != 0) {
        conn_doom(conn);
    }
}

void ipc_reject(struct conn *conn, uint64_t seq, const char *reason, const char *why, int64_t index)
{
    ipc_packed(conn, ff_ipc_pack_error(&ipc_of(conn)->out, seq, reason, why, index));
}

void ipc_acknowledge(struct conn *conn, msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                     const struct receipt *receipts, uint32_t n, bool duplicate)
{
    struct ff_ipc_receipt *packable = mem_alloc((n + 1) * (sizeof(*packable) + PUBLISH_ID_MAX));
    char *ids = (char *)(packable + n + 1);
    for (uint32_t i = 0; i < n; i++) {
        char *id = ids + (size_t)i * PUBLISH_ID_MAX;
        unsigned int len = (unsigned int)publish_id(ipc_of(conn)->hub, receipts[i].id, id);
        packable[i] = (struct ff_ipc_receipt){.id = {id, len},
                                              .recipients = receipts[i].recipients,
                                              .duplicate = duplicate || receipts[i].duplicate};
    }
    enum ff_ipc_type answer = (enum ff_ipc_type)(type + 64);
    if (type == FF_IPC_BATCH || type == FF_IPC_CLUSTER_BATCH) {
        ipc_packed(conn, ff_ipc_pack_batch_ack(out, answer, seq, packable, n));
    } else {
        ipc_packed(conn, ff_ipc_pack_ack(out, answer, seq, &packable[0]));
    }
    mem_free(packable);
}

bool ipc_serves(struct conn *conn, uint64_t seq)
{
    const struct app *app = ipc_app(conn);
    if (app_serves(app)) {
        return true;
    }
    ipc_reject(conn, seq, app->removed ? FF_IPC_REASON_UNKNOWN_APP : FF_IPC_REASON_APP_DISABLED,
               app->removed ? "the application was removed" : "the application is disabled", -1);
    return false;
}

void ipc_send(struct conn *conn, msgpack_sbuffer *out)
{
    if (out->size > 0) {
        conn_send(conn, frame_copy(out->data, out->size));
        if (out->alloc > KEEP_ANSWERS) {
            msgpack_sbuffer_destroy(out);
            msgpack_sbuffer_init(out);
        }
        out->size = 0;
    }
}

void ipc_send_answers(struct conn *conn)
{
    ipc_send(conn, &ipc_of(conn)->out);
}
