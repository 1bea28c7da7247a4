#include "net/flush.h"

#include <string.h>

#include "net/outq.h"
#include "net/output.h"
#include "net/slots.h"

#define WORD 64u /* slots in a word of the dirty set */

struct flush_batch {
    struct output_op ops[LOOP_BATCH];
    struct conn *conns[LOOP_BATCH];
    size_t count, room_used;
    size_t bytes; /* in this slice */
    /* What the last connection with several frames was given: its neighbours usually wait for the
     * very same. */
    const struct outq *like;
    const uint8_t *like_bytes;
    size_t like_len;
};

static void flush_run(struct flush_batch *batch)
{
    output_run(batch->ops, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        batch->bytes += batch->ops[i].len;
        conn_flushed(batch->conns[i], batch->ops[i].len, batch->ops[i].sent);
    }
    batch->count = 0;
    batch->room_used = 0;
    batch->like = NULL;
}

static bool flush_alike(const struct outq *a, const struct outq *b)
{
    return a->count == b->count && a->head == 0 && b->head == 0 && a->first_off == 0 &&
           b->first_off == 0 && memcmp(a->ring, b->ring, a->count * sizeof(a->ring[0])) == 0;
}

static void flush_add(struct loop *loop, struct flush_batch *batch, struct conn *conn)
{
    if (conn_doomed(conn)) {
        return;
    }
    if (conn->flags & CONN_BLOCKED) {
        if (conn->q != NULL) {
            conn_judge(conn);
        }
        return;
    }
    if (conn->q == NULL && conn->q0 == NULL) {
        conn_flushed(conn, 0, 0); /* nothing to send, but perhaps an end to be told */
        return;
    }
    if (batch->count == LOOP_BATCH) {
        flush_run(batch);
    }
    struct output_op *op = &batch->ops[batch->count];
    if (conn->q != NULL && batch->like != NULL && flush_alike(batch->like, conn->q)) {
        op->bytes = batch->like_bytes;
        op->len = batch->like_len;
    } else {
        while (!conn_gather(conn, loop->join_room, LOOP_JOIN, &batch->room_used, &op->bytes,
                            &op->len)) {
            flush_run(batch);
            op = &batch->ops[0];
        }
        if (conn->q != NULL && conn->q->count > 1) {
            batch->like = conn->q;
            batch->like_bytes = op->bytes;
            batch->like_len = op->len;
        }
    }
    op->fd = conn->fd;
    op->tls = conn->flags & CONN_TLS ? *slots_tls(loop, conn->slot, false) : NULL;
    batch->conns[batch->count++] = conn;
}

static void flush_came_round(struct loop *loop)
{
    loop->admitted = loop->delivered = loop->places = 0;
    loop->rounds++;
}

void flush_slice(struct loop *loop)
{
    struct flush_batch batch = {.count = 0};
    for (size_t i = 0; i < loop->urgent.count; i++) {
        struct conn *conn = slots_at(loop, loop->urgent.items[i]);
        bool twice = false;
        for (size_t j = 0; j < batch.count; j++) {
            twice |= batch.conns[j] == conn;
        }
        if (conn != NULL && (conn->flags & CONN_OPEN) && !twice) {
            flush_add(loop, &batch, conn);
        }
    }
    loop->urgent.count = 0;
    flush_run(&batch); /* what this made urgent again has its turn in the next one */

    uint32_t words = (uint32_t)(loop->nchunks * (LOOP_CHUNK / WORD));
    uint32_t budget = LOOP_SLICE;
    bool wrapped = false;
    batch.bytes = 0;
    while (loop->ndirty > 0 && budget > 0 && batch.bytes < LOOP_SLICE_BYTES) {
        if (loop->flush_at >= words) {
            if (wrapped) {
                break;
            }
            wrapped = true;
            loop->flush_at = 0;
            /* Once round: every queue has been visited since the first of these broadcasts was
             * taken in. */
            flush_came_round(loop);
        }
        uint64_t bits = loop->dirty[loop->flush_at];
        while (bits != 0 && budget > 0 && batch.bytes < LOOP_SLICE_BYTES) {
            uint32_t bit = (uint32_t)__builtin_ctzll(bits);
            bits &= bits - 1;
            uint32_t slot = loop->flush_at * WORD + bit;
            slots_unmark_dirty(loop, slot);
            flush_add(loop, &batch, slots_at(loop, slot));
            budget--;
        }
        if (bits == 0) {
            loop->flush_at++;
        }
    }
    flush_run(&batch);
    if (loop->ndirty == 0) {
        loop->flush_at = 0;
        flush_came_round(loop);
    }
}

void flush_enforce_total(struct loop *loop)
{
    while (loop->limits.output_total != 0 && loop->queued_bytes > loop->limits.output_total &&
           loop->backlog.head != 0) {
        struct conn *conn = slots_at(loop, loop->backlog.head - 1);
        if (!(conn->flags & CONN_DOOMED)) {
            counter_add(loop->counters, COUNTER_DROPPED_OUTPUT_TOTAL, 1);
        }
        conn_doom(conn);
        conn_drop_output(conn);
    }
}
