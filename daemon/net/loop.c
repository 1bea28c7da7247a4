#include "net/loop.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define TICK_MS     250
#define STALL_MS    1000 /* between two looks at the clock: the process did not run */
#define CHUNK_WORDS (LOOP_CHUNK / 64)

/* Chunks keep their numbers; an empty one gives its memory back. Free slots are taken lowest first,
 * so that slots, descriptors and the order of the flush go together. */
struct conn_chunk {
    uint64_t free[CHUNK_WORDS]; /* a bit per free slot */
    uint32_t used;
    struct tls **tls; /* by slot; NULL: nobody here speaks TLS */
    struct conn conns[LOOP_CHUNK];
};

/* ---- slots ---- */

void slots_push(struct slots *slots, uint32_t slot)
{
    if (slots->count == slots->cap) {
        slots->cap = slots->cap == 0 ? 64 : slots->cap * 2;
        slots->items = mem_realloc(slots->items, slots->cap * sizeof(*slots->items));
    }
    slots->items[slots->count++] = slot;
}

struct conn *loop_conn(const struct loop *loop, uint32_t slot)
{
    size_t chunk = slot / LOOP_CHUNK;
    if (chunk >= loop->nchunks || loop->chunks[chunk] == NULL) {
        return NULL;
    }
    return &loop->chunks[chunk]->conns[slot % LOOP_CHUNK];
}

static bool chunk_ready(struct loop *loop, size_t index)
{
    if (index == loop->nchunks) {
        size_t n = loop->nchunks == 0 ? 16 : loop->nchunks * 2;
        struct conn_chunk **chunks = mem_try_realloc(loop->chunks, n * sizeof(*chunks));
        if (chunks == NULL) {
            return false;
        }
        loop->chunks = chunks;
        uint64_t *dirty = mem_try_realloc(loop->dirty, n * CHUNK_WORDS * sizeof(*dirty));
        if (dirty == NULL) {
            return false;
        }
        loop->dirty = dirty;
        memset(chunks + loop->nchunks, 0, (n - loop->nchunks) * sizeof(*chunks));
        memset(dirty + loop->nchunks * CHUNK_WORDS, 0,
               (n - loop->nchunks) * CHUNK_WORDS * sizeof(*dirty));
        loop->nchunks = n;
    }
    if (loop->chunks[index] == NULL) {
        struct conn_chunk *chunk = mem_try_alloc(sizeof(*chunk));
        if (chunk == NULL) {
            return false;
        }
        chunk->used = 0;
        chunk->tls = NULL;
        memset(chunk->free, 0xff, sizeof(chunk->free));
        for (size_t i = 0; i < LOOP_CHUNK; i++) {
            chunk->conns[i].flags = 0;
        }
        loop->chunks[index] = chunk;
    }
    return true;
}

struct conn *loop_slot(struct loop *loop)
{
    size_t index = loop->first_free;
    while (index < loop->nchunks && loop->chunks[index] != NULL &&
           loop->chunks[index]->used == LOOP_CHUNK) {
        index++;
    }
    loop->first_free = index;
    if (!chunk_ready(loop, index)) {
        return NULL;
    }
    struct conn_chunk *chunk = loop->chunks[index];
    size_t word = 0;
    while (chunk->free[word] == 0) {
        word++;
    }
    uint32_t bit = (uint32_t)__builtin_ctzll(chunk->free[word]);
    chunk->free[word] &= ~(1ULL << bit);
    chunk->used++;
    loop->connections++;
    uint32_t in_chunk = (uint32_t)word * 64 + bit;
    struct conn *conn = &chunk->conns[in_chunk];
    memset(conn, 0, sizeof(*conn));
    conn->slot = (uint32_t)(index * LOOP_CHUNK) + in_chunk;
    conn->gen = ++loop->next_gen;
    conn->loop = loop;
    return conn;
}

static void unmark_dirty(struct loop *loop, uint32_t slot)
{
    uint64_t bit = 1ULL << (slot % 64);
    if (loop->dirty[slot / 64] & bit) {
        loop->dirty[slot / 64] &= ~bit;
        loop->ndirty--;
    }
}

void loop_slot_free(struct loop *loop, struct conn *conn)
{
    size_t index = conn->slot / LOOP_CHUNK;
    uint32_t in_chunk = conn->slot % LOOP_CHUNK;
    struct conn_chunk *chunk = loop->chunks[index];
    unmark_dirty(loop, conn->slot);
    conn->flags = 0;
    chunk->free[in_chunk / 64] |= 1ULL << (in_chunk % 64);
    chunk->used--;
    loop->connections--;
    if (index < loop->first_free) {
        loop->first_free = index;
    }
    if (chunk->used == 0) {
        mem_free(chunk->tls);
        mem_free(chunk);
        loop->chunks[index] = NULL;
    }
}

struct tls **loop_tls(const struct loop *loop, uint32_t slot, bool make)
{
    struct conn_chunk *chunk = loop->chunks[slot / LOOP_CHUNK];
    if (chunk->tls == NULL && make) {
        chunk->tls = mem_try_alloc(LOOP_CHUNK * sizeof(*chunk->tls));
        if (chunk->tls != NULL) {
            memset(chunk->tls, 0, LOOP_CHUNK * sizeof(*chunk->tls));
        }
    }
    return chunk->tls != NULL ? &chunk->tls[slot % LOOP_CHUNK] : NULL;
}

void loop_mark_dirty(struct loop *loop, struct conn *conn)
{
    if (loop->handlers[conn->kind]->urgent) {
        slots_push(&loop->urgent, conn->slot);
        return;
    }
    uint64_t bit = 1ULL << (conn->slot % 64);
    if (!(loop->dirty[conn->slot / 64] & bit)) {
        loop->dirty[conn->slot / 64] |= bit;
        loop->ndirty++;
    }
}

void loop_each(struct loop *loop, uint8_t kind, void (*fn)(struct conn *, void *), void *arg)
{
    for (size_t i = 0; i < loop->nchunks; i++) {
        for (uint32_t j = 0; loop->chunks[i] != NULL && j < LOOP_CHUNK; j++) {
            struct conn *conn = conn_at(loop, (uint32_t)(i * LOOP_CHUNK) + j);
            if (conn != NULL && conn->kind == kind) {
                fn(conn, arg);
            }
        }
    }
}

/* ---- deliveries ---- */

struct delivery *delivery_new(struct loop *loop, struct frame *frame)
{
    struct delivery *delivery = mem_alloc(sizeof(*delivery));
    delivery->frame = frame;
    delivery->refs = 1;
    loop->queued_bytes += frame->len;
    return delivery;
}

void delivery_unref(struct loop *loop, struct delivery *delivery)
{
    if (--delivery->refs == 0) {
        loop->queued_bytes -= delivery->frame->len;
        frame_unref(delivery->frame);
        mem_free(delivery);
    }
}

/* ---- the flush ---- */

struct flush_batch {
    struct output_op ops[LOOP_BATCH];
    struct conn *conns[LOOP_BATCH];
    size_t count, room_used;
    /* What the last connection with several frames was given: its neighbours usually wait for the
     * very same. */
    const struct outq *like;
    const uint8_t *like_bytes;
    size_t like_len;
};

static void batch_run(struct flush_batch *batch)
{
    output_run(batch->ops, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        conn_flushed(batch->conns[i], batch->ops[i].len, batch->ops[i].sent);
    }
    batch->count = 0;
    batch->room_used = 0;
    batch->like = NULL;
}

static bool same_queue(const struct outq *a, const struct outq *b)
{
    return a->count == b->count && a->head == 0 && b->head == 0 && a->first_off == 0 &&
           b->first_off == 0 && memcmp(a->ring, b->ring, a->count * sizeof(a->ring[0])) == 0;
}

static void batch_add(struct loop *loop, struct flush_batch *batch, struct conn *conn)
{
    if (conn->flags & CONN_DOOMED) {
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
        batch_run(batch);
    }
    struct output_op *op = &batch->ops[batch->count];
    if (conn->q != NULL && batch->like != NULL && same_queue(batch->like, conn->q)) {
        op->bytes = batch->like_bytes;
        op->len = batch->like_len;
    } else {
        while (!conn_gather(conn, loop->join_room, LOOP_JOIN, &batch->room_used, &op->bytes,
                            &op->len)) {
            batch_run(batch);
            op = &batch->ops[0];
        }
        if (conn->q != NULL && conn->q->count > 1) {
            batch->like = conn->q;
            batch->like_bytes = op->bytes;
            batch->like_len = op->len;
        }
    }
    op->fd = conn->fd;
    op->tls = conn->flags & CONN_TLS ? *loop_tls(loop, conn->slot, false) : NULL;
    batch->conns[batch->count++] = conn;
}

/* Flushes what is urgent and then one slice of the dirty connections, in the order of their slots,
 * from where the last one stopped. */
static void flush_slice(struct loop *loop)
{
    struct flush_batch batch = {.count = 0};
    for (size_t i = 0; i < loop->urgent.count; i++) {
        struct conn *conn = loop_conn(loop, loop->urgent.items[i]);
        bool twice = false;
        for (size_t j = 0; j < batch.count; j++) {
            twice |= batch.conns[j] == conn;
        }
        if (conn != NULL && (conn->flags & CONN_OPEN) && !twice) {
            batch_add(loop, &batch, conn);
        }
    }
    loop->urgent.count = 0;
    batch_run(&batch); /* what this made urgent again has its turn in the next one */

    uint32_t words = (uint32_t)(loop->nchunks * CHUNK_WORDS);
    uint32_t budget = LOOP_SLICE;
    bool wrapped = false;
    while (loop->ndirty > 0 && budget > 0) {
        if (loop->flush_at >= words) {
            if (wrapped) {
                break;
            }
            wrapped = true;
            loop->flush_at = 0;
            /* Once round: every queue has been visited since the first of these broadcasts was
             * taken in. */
            loop->admitted = loop->delivered = 0;
        }
        uint64_t bits = loop->dirty[loop->flush_at];
        while (bits != 0 && budget > 0) {
            uint32_t bit = (uint32_t)__builtin_ctzll(bits);
            bits &= bits - 1;
            uint32_t slot = loop->flush_at * 64 + bit;
            unmark_dirty(loop, slot);
            batch_add(loop, &batch, loop_conn(loop, slot));
            budget--;
        }
        if (bits == 0) {
            loop->flush_at++;
        }
    }
    batch_run(&batch);
    if (loop->ndirty == 0) {
        loop->flush_at = 0;
        loop->admitted = loop->delivered = 0;
    }
}

/* Over the total, those that have gone longest without taking a byte make room. */
static void enforce_total(struct loop *loop)
{
    while (loop->limits.output_total != 0 && loop->queued_bytes > loop->limits.output_total &&
           loop->backlog.head != 0) {
        struct conn *conn = loop_conn(loop, loop->backlog.head - 1);
        if (!(conn->flags & CONN_DOOMED)) {
            counter_add(loop->counters, COUNTER_DROPPED_OUTPUT_TOTAL, 1);
        }
        conn_doom(conn);
        conn_drop_output(conn);
    }
}

/* ---- time ---- */

/*
 * WHY: a process that was stopped must not hold that time against its clients: their answers may
 * wait in more sockets than one poll reports. So the loop's time stands still meanwhile, and the
 * first tick behind the gap judges nobody. The second one does, so that a loop whose every turn is
 * that long still has time-outs.
 */
static void look_at_clock(struct loop *loop)
{
    uint64_t clock = clock_mono_ms();
    uint64_t passed = clock - loop->looked;
    loop->looked = clock;
    if (passed >= STALL_MS) {
        loop->stalled = true;
        passed = TICK_MS;
    }
    loop->now += passed;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    (void)fd;
    (void)what;
    look_at_clock(loop);
    loop->spared = loop->stalled && !loop->spared;
    loop->stalled = false;
    if (!loop->spared) {
        idle_expire(loop);
    }
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* ---- mail ---- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;
    (void)what;
    (void)arg;
    ssize_t ignored = read(fd, &count, sizeof(count));
    (void)ignored;
}

void loop_mailbox(struct loop *loop, struct mailbox *box, loop_mail_fn *handle,
                  void (*before_flush)(void *), void *arg)
{
    check(loop->nmailboxes < LOOP_MAILBOXES);
    struct loop_mailbox *mine = &loop->mailboxes[loop->nmailboxes++];
    *mine = (struct loop_mailbox){
        .box = box, .handle = handle, .before_flush = before_flush, .arg = arg};
    mailbox_adopt(box);
    check(event_assign(&mine->wake, loop->base, box->wake, EV_READ | EV_PERSIST, on_wake, NULL) ==
          0);
    check(event_add(&mine->wake, NULL) == 0);
}

/* True if anything was handled. */
static bool handle_mail(struct loop_mailbox *mine)
{
    bool handled = false;
    for (;;) {
        if (mine->rest == NULL) {
            mine->rest = mailbox_take(mine->box);
            if (mine->rest == NULL) {
                return handled;
            }
        }
        while (mine->rest != NULL) {
            struct mail *mail = mine->rest;
            struct mail *next = mail->next; /* the handler frees it */
            if (!mine->handle(mine->arg, mail)) {
                return handled;
            }
            mine->rest = next;
            handled = true;
        }
    }
}

void loop_drain_mail(struct loop *loop, struct mailbox *box)
{
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        if (loop->mailboxes[i].box == box) {
            handle_mail(&loop->mailboxes[i]);
        }
    }
}

/* ---- the turn ---- */

static void resume_all(struct loop *loop)
{
    struct slots swap = loop->resuming;
    loop->resuming = loop->resume;
    loop->resume = swap;
    loop->resume.count = 0;
    for (size_t i = 0; i < loop->resuming.count; i++) {
        struct conn *conn = loop_conn(loop, loop->resuming.items[i]);
        if (conn != NULL && (conn->flags & CONN_RESUME)) {
            conn->flags &= (uint16_t)~CONN_RESUME;
            conn_process(conn);
        }
    }
    loop->resuming.count = 0;
}

static bool has_work(struct loop *loop)
{
    if (loop->ndirty > 0 || loop->urgent.count > 0 || loop->doomed.count > 0) {
        return true;
    }
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        if (loop->mailboxes[i].rest != NULL || !mailbox_empty(loop->mailboxes[i].box)) {
            return true;
        }
    }
    return loop->resume.count > 0;
}

static void turn(struct loop *loop)
{
    look_at_clock(loop);
    loop->tls_steps = 0;
    resume_all(loop);
    bool again;
    do {
        again = false;
        for (size_t i = 0; i < loop->nmailboxes; i++) {
            again |= handle_mail(&loop->mailboxes[i]);
        }
        for (size_t i = 0; i < loop->nmailboxes; i++) {
            if (loop->mailboxes[i].before_flush != NULL) {
                loop->mailboxes[i].before_flush(loop->mailboxes[i].arg);
            }
        }
    } while (again);
    flush_slice(loop);
    enforce_total(loop);
    for (size_t i = 0; i < loop->doomed.count; i++) {
        conn_free(loop_conn(loop, loop->doomed.items[i]));
    }
    loop->doomed.count = 0;
    /* Those that left in the flush have something to say, too. */
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        if (loop->mailboxes[i].before_flush != NULL) {
            loop->mailboxes[i].before_flush(loop->mailboxes[i].arg);
        }
    }
}

void loop_run(struct loop *loop)
{
    while (!loop->stop) {
        int flags = EVLOOP_ONCE;
        if (has_work(loop)) {
            if (loop->throttled && loop->ndirty == 0 && loop->urgent.count == 0 &&
                loop->doomed.count == 0) {
                struct timeval millisecond = {.tv_usec = 1000};
                event_add(&loop->pause, &millisecond);
            } else {
                flags |= EVLOOP_NONBLOCK;
            }
        }
        loop->throttled = false;
        event_base_loop(loop->base, flags);
        turn(loop);
    }
}

void loop_turn(struct loop *loop)
{
    event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    turn(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}

void loop_throttle(struct loop *loop)
{
    loop->throttled = true;
}

int loop_init(struct loop *loop, struct counters *counters, const struct loop_limits *limits)
{
    *loop = (struct loop){.counters = counters, .limits = *limits, .looked = clock_mono_ms()};
    loop->now = loop->looked;
    struct event_config *config = event_config_new();
    check(config != NULL);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (loop->base == NULL) {
        return -1;
    }
    loop->read_room = mem_alloc(LOOP_READ);
    loop->join_room = mem_alloc(LOOP_JOIN);
    struct timeval tick = {.tv_usec = TICK_MS * 1000};
    check(event_assign(&loop->tick, loop->base, -1, EV_PERSIST, on_tick, loop) == 0);
    check(event_add(&loop->tick, &tick) == 0);
    check(event_assign(&loop->pause, loop->base, -1, 0, on_pause, loop) == 0);
    return 0;
}

void loop_handler(struct loop *loop, uint8_t kind, const struct conn_handler *handler)
{
    check(kind < LOOP_KINDS);
    loop->handlers[kind] = handler;
    loop_max_input(loop, kind, handler->max_input);
}

void loop_max_input(struct loop *loop, uint8_t kind, size_t max)
{
    if (loop->max_input[kind] < max) {
        loop->max_input[kind] = max;
    }
}

void loop_close(struct loop *loop)
{
    for (size_t i = 0; i < loop->nchunks; i++) {
        for (uint32_t j = 0; loop->chunks[i] != NULL && j < LOOP_CHUNK; j++) {
            struct conn *conn = &loop->chunks[i]->conns[j];
            if (conn->flags & CONN_OPEN) {
                conn_doom(conn);
            }
        }
    }
    for (size_t i = 0; i < loop->doomed.count; i++) {
        conn_free(loop_conn(loop, loop->doomed.items[i]));
    }
    loop->doomed.count = 0;
}

void loop_free(struct loop *loop, void (*dispose)(struct mail *mail))
{
    check(loop->connections == 0);
    for (size_t i = 0; i < loop->nmailboxes; i++) {
        struct loop_mailbox *mine = &loop->mailboxes[i];
        event_del(&mine->wake);
        while (mine->rest != NULL) {
            struct mail *next = mine->rest->next;
            dispose(mine->rest);
            mine->rest = next;
        }
        mailbox_free(mine->box, dispose);
    }
    event_del(&loop->tick);
    event_del(&loop->pause);
    event_base_free(loop->base);
    mem_free(loop->chunks);
    mem_free(loop->dirty);
    mem_free(loop->urgent.items);
    mem_free(loop->resume.items);
    mem_free(loop->resuming.items);
    mem_free(loop->doomed.items);
    mem_free(loop->read_room);
    mem_free(loop->join_room);
}
