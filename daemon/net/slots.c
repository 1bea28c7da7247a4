#include "net/slots.h"

#include <string.h>

#include "base/mem.h"

#define CHUNK_WORDS (LOOP_CHUNK / 64)

struct conn_chunk {
    uint64_t free[CHUNK_WORDS]; /* a bit per free slot */
    uint32_t used;
    struct tls **tls;        /* by slot; NULL: nobody here speaks TLS */
    struct address *clients; /* by slot; NULL: nobody here speaks for others */
    struct conn conns[LOOP_CHUNK];
};

void slot_list_push(struct slot_list *list, uint32_t item)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 64 : list->cap * 2;
        list->items = mem_realloc(list->items, list->cap * sizeof(*list->items));
    }
    list->items[list->count++] = item;
}

struct conn *slots_at(const struct loop *loop, uint32_t slot)
{
    size_t chunk = slot / LOOP_CHUNK;
    if (chunk >= loop->nchunks || loop->chunks[chunk] == NULL) {
        return NULL;
    }
    return &loop->chunks[chunk]->conns[slot % LOOP_CHUNK];
}

static bool slots_chunk_ready(struct loop *loop, size_t index)
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
        chunk->clients = NULL;
        memset(chunk->free, 0xff, sizeof(chunk->free));
        for (size_t i = 0; i < LOOP_CHUNK; i++) {
            chunk->conns[i].flags = 0;
        }
        loop->chunks[index] = chunk;
    }
    return true;
}

struct conn *slots_take(struct loop *loop)
{
    size_t index = loop->first_free;
    while (index < loop->nchunks && loop->chunks[index] != NULL &&
           loop->chunks[index]->used == LOOP_CHUNK) {
        index++;
    }
    loop->first_free = index;
    if (!slots_chunk_ready(loop, index)) {
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

void slots_give(struct conn *conn)
{
    struct loop *loop = conn->loop;
    size_t index = conn->slot / LOOP_CHUNK;
    uint32_t in_chunk = conn->slot % LOOP_CHUNK;
    struct conn_chunk *chunk = loop->chunks[index];
    slots_unmark_dirty(loop, conn->slot);
    conn->flags = 0;
    chunk->free[in_chunk / 64] |= 1ULL << (in_chunk % 64);
    chunk->used--;
    loop->connections--;
    if (index < loop->first_free) {
        loop->first_free = index;
    }
    if (chunk->used == 0) {
        mem_free(chunk->tls);
        mem_free(chunk->clients);
        mem_free(chunk);
        loop->chunks[index] = NULL;
    }
}

struct tls **slots_tls(const struct loop *loop, uint32_t slot, bool make)
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

struct address *slots_client(const struct loop *loop, uint32_t slot, bool make)
{
    struct conn_chunk *chunk = loop->chunks[slot / LOOP_CHUNK];
    if (chunk->clients == NULL && make) {
        chunk->clients = mem_try_alloc(LOOP_CHUNK * sizeof(*chunk->clients));
        if (chunk->clients != NULL) {
            memset(chunk->clients, 0, LOOP_CHUNK * sizeof(*chunk->clients));
        }
    }
    return chunk->clients != NULL ? &chunk->clients[slot % LOOP_CHUNK] : NULL;
}

void slots_mark_dirty(struct conn *conn)
{
    struct loop *loop = conn->loop;
    if (loop->handlers[conn->kind]->urgent) {
        slot_list_push(&loop->urgent, conn->slot);
        return;
    }
    uint64_t bit = 1ULL << (conn->slot % 64);
    if (!(loop->dirty[conn->slot / 64] & bit)) {
        loop->dirty[conn->slot / 64] |= bit;
        loop->ndirty++;
    }
}

void slots_unmark_dirty(struct loop *loop, uint32_t slot)
{
    uint64_t bit = 1ULL << (slot % 64);
    if (loop->dirty[slot / 64] & bit) {
        loop->dirty[slot / 64] &= ~bit;
        loop->ndirty--;
    }
}

void slots_free(struct loop *loop)
{
    check(loop->connections == 0);
    mem_free(loop->chunks);
    mem_free(loop->dirty);
    struct slot_list *lists[] = {&loop->urgent, &loop->resume, &loop->resuming, &loop->doomed,
                                 &loop->held};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        mem_free(lists[i]->items);
    }
}
