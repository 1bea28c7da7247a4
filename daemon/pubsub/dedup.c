#include "pubsub/dedup.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define FIRST_WINDOW 8u
#define PRODUCER_KEY (4u + DEDUP_PRODUCER_LEN)

/* What one frame was answered: one receipt inside, a batch's beside. */
struct answered {
    uint64_t seq; /* 0: empty */
    uint32_t n;
    struct receipt one;
    struct receipt *many;
};

/* `window` holds `cap` entries, a power of two; the entry of a seq is at seq % cap. It grows only
 * as far as it is used. */
struct producer {
    struct dedup_node node; /* first, so that a node is a producer */
    uint64_t last_ms, highest;
    uint32_t cap;
    char key[PRODUCER_KEY];
    struct answered *window;
};

struct key_use {
    struct dedup_node node;
    uint64_t first_ms;
    struct receipt receipt;
    uint32_t len;
    char key[];
};

static void dedup_producer_key(const void *value, const char **key, size_t *len)
{
    *key = ((const struct producer *)value)->key;
    *len = PRODUCER_KEY;
}

static void dedup_use_key(const void *value, const char **key, size_t *len)
{
    const struct key_use *use = value;
    *key = use->key;
    *len = use->len;
}

static void dedup_list_init(struct dedup_list *list)
{
    list->head.prev = list->head.next = &list->head;
}

static void dedup_list_remove(struct dedup_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
}

static void dedup_list_append(struct dedup_list *list, struct dedup_node *node)
{
    node->prev = list->head.prev;
    node->next = &list->head;
    list->head.prev->next = node;
    list->head.prev = node;
}

void dedup_init(struct dedup *dedup)
{
    *dedup = (struct dedup){.napps = 0};
    strmap_init(&dedup->producers, dedup_producer_key);
    dedup_list_init(&dedup->producers_list);
}

/* A ring's neighbours point at its head, so it cannot be moved as it is. */
static void dedup_list_move(struct dedup_list *to, const struct dedup_list *from)
{
    dedup_list_init(to);
    if (from->head.next != &from->head) {
        to->head = from->head;
        to->head.next->prev = to->head.prev->next = &to->head;
    }
}

void dedup_apps(struct dedup *dedup, size_t napps)
{
    if (napps <= dedup->napps) {
        return;
    }
    struct dedup_list *lists = mem_alloc(napps * sizeof(*lists));
    dedup->keys = mem_realloc(dedup->keys, napps * sizeof(*dedup->keys));
    for (size_t i = 0; i < napps; i++) {
        if (i < dedup->napps) {
            dedup_list_move(&lists[i], &dedup->keys_lists[i]);
        } else {
            dedup_list_init(&lists[i]);
            strmap_init(&dedup->keys[i], dedup_use_key);
        }
    }
    mem_free(dedup->keys_lists);
    dedup->keys_lists = lists;
    dedup->napps = napps;
}

static void dedup_producer_forget(struct dedup *dedup, struct producer *producer)
{
    strmap_del(&dedup->producers, producer->key, PRODUCER_KEY);
    dedup_list_remove(&producer->node);
    for (uint32_t i = 0; i < producer->cap; i++) {
        mem_free(producer->window[i].many);
    }
    mem_free(producer->window);
    mem_free(producer);
}

static void dedup_key_forget(struct dedup *dedup, uint32_t app, struct key_use *use)
{
    strmap_del(&dedup->keys[app], use->key, use->len);
    dedup_list_remove(&use->node);
    mem_free(use);
}

static struct producer *dedup_oldest_producer(const struct dedup *dedup)
{
    struct dedup_node *node = dedup->producers_list.head.next;
    return node == &dedup->producers_list.head ? NULL : (struct producer *)node;
}

static struct key_use *dedup_oldest_key(const struct dedup *dedup, size_t app)
{
    struct dedup_node *node = dedup->keys_lists[app].head.next;
    return node == &dedup->keys_lists[app].head ? NULL : (struct key_use *)node;
}

void dedup_free(struct dedup *dedup)
{
    while (dedup_oldest_producer(dedup) != NULL) {
        dedup_producer_forget(dedup, dedup_oldest_producer(dedup));
    }
    strmap_free(&dedup->producers);
    for (size_t i = 0; i < dedup->napps; i++) {
        while (dedup_oldest_key(dedup, i) != NULL) {
            dedup_key_forget(dedup, (uint32_t)i, dedup_oldest_key(dedup, i));
        }
        strmap_free(&dedup->keys[i]);
    }
    mem_free(dedup->keys);
    mem_free(dedup->keys_lists);
}

/* ---- producers ---- */

struct producer *dedup_producer(struct dedup *dedup, uint32_t app, const uint8_t *id, uint64_t now)
{
    char key[PRODUCER_KEY];
    memcpy(key, &app, sizeof(app));
    memcpy(key + sizeof(app), id, DEDUP_PRODUCER_LEN);
    uint32_t hash = strmap_hash(key, sizeof(key));
    struct producer *producer = strmap_get_hashed(&dedup->producers, hash, key, sizeof(key));
    if (producer == NULL) {
        if (dedup->producers.count >= DEDUP_PRODUCERS) {
            dedup_producer_forget(dedup, dedup_oldest_producer(dedup));
        }
        producer = mem_zalloc(sizeof(*producer));
        memcpy(producer->key, key, sizeof(key));
        producer->cap = FIRST_WINDOW;
        producer->window = mem_zalloc(FIRST_WINDOW * sizeof(*producer->window));
        strmap_put_hashed(&dedup->producers, hash, producer);
    } else {
        dedup_list_remove(&producer->node);
    }
    dedup_list_append(&dedup->producers_list, &producer->node);
    producer->last_ms = now;
    return producer;
}

enum dedup_seen dedup_frame(const struct producer *producer, uint64_t seq,
                            const struct receipt **receipts, uint32_t *n)
{
    const struct answered *entry = &producer->window[seq & (producer->cap - 1)];
    check(seq > 0);
    if (entry->seq == seq) {
        *receipts = entry->many != NULL ? entry->many : &entry->one;
        *n = entry->n;
        return DEDUP_SEEN;
    }
    return producer->highest >= DEDUP_WINDOW && seq <= producer->highest - DEDUP_WINDOW
               ? DEDUP_TOO_OLD
               : DEDUP_NEW;
}

/* Twice the window; whatever is in it keeps its place by seq. */
static void dedup_window_grow(struct producer *producer)
{
    uint32_t cap = producer->cap * 2;
    struct answered *window = mem_zalloc(cap * sizeof(*window));
    for (uint32_t i = 0; i < producer->cap; i++) {
        if (producer->window[i].seq != 0) {
            window[producer->window[i].seq & (cap - 1)] = producer->window[i];
        }
    }
    mem_free(producer->window);
    producer->window = window;
    producer->cap = cap;
}

void dedup_frame_done(struct producer *producer, uint64_t seq, const struct receipt *receipts,
                      uint32_t n)
{
    if (seq > producer->highest) {
        producer->highest = seq;
    }
    struct answered *entry = &producer->window[seq & (producer->cap - 1)];
    while (entry->seq != 0 && producer->cap < DEDUP_WINDOW) {
        dedup_window_grow(producer);
        entry = &producer->window[seq & (producer->cap - 1)];
    }
    mem_free(entry->many);
    *entry = (struct answered){.seq = seq, .n = n};
    if (n == 1) {
        entry->one = receipts[0];
    } else {
        entry->many = mem_alloc((n + 1) * sizeof(*receipts));
        memcpy(entry->many, receipts, n * sizeof(*receipts));
    }
}

/* ---- keys ---- */

bool dedup_key(struct dedup *dedup, uint32_t app, struct slice key, uint64_t now,
               struct receipt *out)
{
    struct key_use *use = strmap_get(&dedup->keys[app], key.p, key.len);
    if (use == NULL) {
        return false;
    }
    if (now - use->first_ms >= DEDUP_FORGET_MS) {
        dedup_key_forget(dedup, app, use);
        return false;
    }
    dedup_list_remove(&use->node);
    dedup_list_append(&dedup->keys_lists[app], &use->node);
    *out = use->receipt;
    return true;
}

void dedup_key_done(struct dedup *dedup, uint32_t app, struct slice key, uint64_t now,
                    const struct receipt *receipt)
{
    if (strmap_get(&dedup->keys[app], key.p, key.len) != NULL) {
        return; /* twice in one batch: the first use counts */
    }
    if (dedup->keys[app].count >= DEDUP_KEYS) {
        dedup_key_forget(dedup, app, dedup_oldest_key(dedup, app));
    }
    struct key_use *use = mem_alloc(sizeof(*use) + key.len);
    *use = (struct key_use){.first_ms = now, .receipt = *receipt, .len = (uint32_t)key.len};
    memcpy(use->key, key.p, key.len);
    dedup_list_append(&dedup->keys_lists[app], &use->node);
    strmap_put(&dedup->keys[app], use);
}

void dedup_forget(struct dedup *dedup, uint64_t now)
{
    struct producer *producer;
    while ((producer = dedup_oldest_producer(dedup)) != NULL &&
           now - producer->last_ms >= DEDUP_FORGET_MS) {
        dedup_producer_forget(dedup, producer);
    }
    for (size_t i = 0; i < dedup->napps; i++) {
        struct key_use *use;
        while ((use = dedup_oldest_key(dedup, i)) != NULL &&
               now - use->first_ms >= DEDUP_FORGET_MS) {
            dedup_key_forget(dedup, (uint32_t)i, use);
        }
    }
}
