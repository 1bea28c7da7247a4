#include "pubsub/subscribed.h"

#include "base/mem.h"

#define FIRST 64u

uint64_t subscribed_print(uint64_t random, uint32_t app, uint32_t channel_hash)
{
    /* The finalizer of MurmurHash3 over both halves: every bit of the input reaches the low bits
     * that choose the place. */
    uint64_t x =
        random ^ ((uint64_t)channel_hash << 32 | (app * 0x9e3779b1u)) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    x ^= x >> 33;
    return x != 0 ? x : 1;
}

static void subscribed_place(struct subscribed *set, uint64_t print)
{
    size_t i = print & set->mask;
    while (set->slots[i] != 0) {
        i = (i + 1) & set->mask;
    }
    set->slots[i] = print;
}

static void subscribed_resize(struct subscribed *set, size_t slots)
{
    uint64_t *old = set->slots;
    size_t n = old != NULL ? set->mask + 1 : 0;
    set->slots = mem_zalloc(slots * sizeof(*set->slots));
    set->mask = slots - 1;
    for (size_t i = 0; i < n; i++) {
        if (old[i] != 0) {
            subscribed_place(set, old[i]);
        }
    }
    mem_free(old);
}

void subscribed_add(struct subscribed *set, uint64_t print)
{
    if (set->slots == NULL) {
        subscribed_resize(set, FIRST);
    } else if ((set->count + 1) * 4 > (set->mask + 1) * 3) {
        subscribed_resize(set, (set->mask + 1) * 2);
    }
    subscribed_place(set, print);
    set->count++;
}

void subscribed_remove(struct subscribed *set, uint64_t print)
{
    if (set->slots == NULL) {
        return;
    }
    size_t i = print & set->mask;
    while (set->slots[i] != print) {
        if (set->slots[i] == 0) {
            return;
        }
        i = (i + 1) & set->mask;
    }
    /* Whoever stands behind the gap and would be looked for before it moves up. */
    size_t gap = i;
    for (size_t j = (i + 1) & set->mask; set->slots[j] != 0; j = (j + 1) & set->mask) {
        size_t home = set->slots[j] & set->mask;
        if (((j - home) & set->mask) >= ((j - gap) & set->mask)) {
            set->slots[gap] = set->slots[j];
            gap = j;
        }
    }
    set->slots[gap] = 0;
    set->count--;
    if (set->mask + 1 > FIRST && set->count * 8 < set->mask + 1) {
        subscribed_resize(set, (set->mask + 1) / 2);
    }
}

bool subscribed_has(const struct subscribed *set, uint64_t print)
{
    if (set->slots == NULL) {
        return false;
    }
    for (size_t i = print & set->mask; set->slots[i] != 0; i = (i + 1) & set->mask) {
        if (set->slots[i] == print) {
            return true;
        }
    }
    return false;
}

void subscribed_free(struct subscribed *set)
{
    mem_free(set->slots);
    *set = (struct subscribed){0};
}
