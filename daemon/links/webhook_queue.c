#include "links/webhook_queue.h"

#include <string.h>

#include "base/mem.h"
#include "proto/webhook.h"
#include "pubsub/socket_id.h"

/* What an item is held under: the first byte of its key. */
#define KEY_VACATED 'v'
#define KEY_REMOVED 'm'
#define KEY_COUNT   'c'

struct hook_item {
    struct hook_item *prev, *next;
    uint64_t due;         /* while held back */
    uint32_t last, count; /* of a count: what was told last, and what is so now */
    uint32_t key_len, json_len;
    bool silent;
    bool theirs;     /* another node sends it, unless it is cancelled there as well */
    bool past;       /* it has, unless it is dead */
    uint32_t teller; /* that node */
    char bytes[];    /* key, JSON */
};

static void hook_item_key(const void *value, const char **key, size_t *len)
{
    const struct hook_item *item = value;
    *key = item->bytes;
    *len = item->key_len;
}

void hook_queue_init(struct hook_queue *queue, uint64_t max, unsigned int sends)
{
    *queue = (struct hook_queue){.max = max, .sends = sends};
    strmap_init(&queue->held, hook_item_key);
    buf_init(&queue->body, HOOK_BYTES + HOOK_BODY);
}

unsigned int hook_queue_needs(unsigned int sends)
{
    const unsigned int channel = ANNOUNCE_BIT(ANNOUNCE_OCCUPIED) | ANNOUNCE_BIT(ANNOUNCE_VACATED);
    const unsigned int member =
        ANNOUNCE_BIT(ANNOUNCE_MEMBER_ADDED) | ANNOUNCE_BIT(ANNOUNCE_MEMBER_REMOVED);
    return sends | ((sends & channel) != 0 ? channel : 0) | ((sends & member) != 0 ? member : 0);
}

/* ---- lists ---- */

static void hook_list_append(struct hook_list *list, struct hook_item *item)
{
    item->prev = list->last;
    item->next = NULL;
    if (list->last != NULL) {
        list->last->next = item;
    } else {
        list->first = item;
    }
    list->last = item;
    list->count++;
}

static void hook_list_take_out(struct hook_list *list, struct hook_item *item)
{
    if (item->prev != NULL) {
        item->prev->next = item->next;
    } else {
        list->first = item->next;
    }
    if (item->next != NULL) {
        item->next->prev = item->prev;
    } else {
        list->last = item->prev;
    }
    list->count--;
}

static uint64_t hook_item_weight(const struct hook_item *item)
{
    return sizeof(*item) + item->key_len + item->json_len;
}

static void hook_item_free(struct hook_queue *queue, struct hook_item *item)
{
    queue->bytes -= hook_item_weight(item);
    mem_free(item);
}

/* NULL: too many wait, or no memory. */
static struct hook_item *hook_item_new(struct hook_queue *queue, const struct buf *key,
                                       const struct buf *json)
{
    size_t key_len = key != NULL ? key->len : 0, json_len = json != NULL ? json->len : 0;
    uint64_t bytes = sizeof(struct hook_item) + key_len + json_len;
    if (queue->bytes + bytes > HOOK_BYTES) {
        return NULL;
    }
    struct hook_item *item = mem_try_alloc(bytes);
    if (item == NULL) {
        return NULL;
    }
    *item = (struct hook_item){.key_len = (uint32_t)key_len, .json_len = (uint32_t)json_len};
    if (key_len > 0) {
        memcpy(item->bytes, key->data, key_len);
    }
    if (json_len > 0) {
        memcpy(item->bytes + key_len, json->data, json_len);
    }
    queue->bytes += bytes;
    return item;
}

static bool hook_queue_full(const struct hook_queue *queue)
{
    return queue->ready.count + queue->delayed.count + queue->batch >= queue->max;
}

static void hook_queue_make_ready(struct hook_queue *queue, struct hook_item *item, uint64_t now)
{
    if (queue->ready.count == 0) {
        queue->gather_at = now + HOOK_GATHER_MS;
    }
    hook_list_append(&queue->ready, item);
}

/* ---- writing ---- */

static int hook_queue_write_json(struct buf *out, const struct announcement *what)
{
    switch (what->kind) {
    case ANNOUNCE_OCCUPIED:
        return webhook_channel(out, "channel_occupied", what->channel);
    case ANNOUNCE_VACATED:
        return webhook_channel(out, "channel_vacated", what->channel);
    case ANNOUNCE_MEMBER_ADDED:
        return webhook_member(out, "member_added", what->channel, what->user_id);
    case ANNOUNCE_MEMBER_REMOVED:
        return webhook_member(out, "member_removed", what->channel, what->user_id);
    case ANNOUNCE_CLIENT_EVENT: {
        char room[SOCKET_ID_MAX];
        struct slice socket_id = {room, socket_id_write(room, what->sender)};
        return webhook_client_event(out, what->channel, what->message, socket_id);
    }
    case ANNOUNCE_CACHE_MISS:
        return webhook_channel(out, "cache_miss", what->channel);
    case ANNOUNCE_COUNT:
        return webhook_count(out, what->channel, what->count);
    case ANNOUNCE_OPENED: /* only listeners hear of these */
    case ANNOUNCE_CLOSED:
    case ANNOUNCE_ONLINE:
    case ANNOUNCE_OFFLINE:
    case ANNOUNCE_KINDS:
        break;
    }
    return -1;
}

static int hook_queue_write_key(struct buf *out, char kind, const struct announcement *what)
{
    int failed = buf_append(out, &kind, 1) | buf_append(out, what->channel.p, what->channel.len);
    if (kind == KEY_REMOVED) { /* no channel's name has a line feed in it */
        failed |= buf_append(out, "\n", 1) | buf_append(out, what->user_id.p, what->user_id.len);
    }
    return failed;
}

/* ---- adding ---- */

static uint64_t hook_queue_send_soon(struct hook_queue *queue, const struct announcement *what,
                                     uint64_t now)
{
    struct hook_item *item = NULL;
    struct buf json;
    if (what->theirs || (queue->sends & ANNOUNCE_BIT(what->kind)) == 0) {
        return 0;
    }
    buf_init(&json, HOOK_BYTES);
    if (!hook_queue_full(queue) && hook_queue_write_json(&json, what) == 0) {
        item = hook_item_new(queue, NULL, &json);
    }
    buf_free(&json);
    if (item == NULL) {
        return 1;
    }
    hook_queue_make_ready(queue, item, now);
    return 0;
}

/* One of `past`, which is so no more, or was told. */
static void hook_queue_forget(struct hook_queue *queue, struct hook_item *item)
{
    hook_list_take_out(&queue->past, item);
    check(strmap_del(&queue->held, item->bytes, item->key_len) == item);
    hook_item_free(queue, item);
}

static uint64_t hook_queue_hold(struct hook_queue *queue, const struct announcement *what,
                                const struct buf *key, uint64_t now)
{
    struct hook_item *item = NULL;
    struct buf json;
    bool sends = (queue->sends & ANNOUNCE_BIT(what->kind)) != 0, silent = what->theirs || !sends;
    struct hook_item *old = strmap_get(&queue->held, (const char *)key->data, key->len);
    if (old != NULL && !old->past) {
        return 0;
    }
    if (old != NULL) {
        hook_queue_forget(queue, old);
    }
    buf_init(&json, HOOK_BYTES);
    if (!hook_queue_full(queue) && (!sends || hook_queue_write_json(&json, what) == 0)) {
        item = hook_item_new(queue, key, &json);
    }
    buf_free(&json);
    if (item == NULL) {
        return silent ? 0 : 1;
    }
    item->silent = silent;
    item->theirs = what->theirs;
    item->teller = what->teller;
    queue->silent += silent ? 1 : 0;
    item->due = queue->hurry ? now : now + HOOK_DELAY_MS;
    hook_list_append(&queue->delayed, item);
    strmap_put(&queue->held, item);
    return 0;
}

/* True: whoever had gone is back in time, and nothing is said. */
static bool hook_queue_cancel(struct hook_queue *queue, const struct buf *key, uint64_t now)
{
    struct hook_item *item = strmap_get(&queue->held, (const char *)key->data, key->len);
    if (item == NULL) {
        return false;
    }
    if (item->past) {
        hook_queue_forget(queue, item);
        return false;
    }
    check(strmap_del(&queue->held, item->bytes, item->key_len) == item);
    bool sure = !item->theirs || item->due >= now + HOOK_CLOSE_MS;
    hook_list_take_out(&queue->delayed, item);
    queue->silent -= item->silent ? 1 : 0;
    hook_item_free(queue, item);
    return sure;
}

static uint64_t hook_queue_tell_count(struct hook_queue *queue, struct hook_item *item,
                                      uint64_t now)
{
    struct announcement what = {.kind = ANNOUNCE_COUNT,
                                .channel = {item->bytes + 1, item->key_len - 1},
                                .count = item->count};
    item->last = item->count;
    return hook_queue_send_soon(queue, &what, now);
}

/*
 * The first change is told at once, further ones together when the time is over. That the last one
 * has left waits, as channel_vacated does.
 */
static uint64_t hook_queue_count_changed(struct hook_queue *queue, const struct announcement *what,
                                         const struct buf *key, uint64_t now)
{
    struct hook_item *item = strmap_get(&queue->held, (const char *)key->data, key->len);
    bool first = item == NULL;
    if (what->theirs) {
        /* They tell of it. What is told from here later must know it, and need not repeat it. */
        if (item != NULL) {
            item->count = what->count;
            item->last = what->count;
        }
        return 0;
    }
    if (first) {
        item = queue->counts.count < queue->max ? hook_item_new(queue, key, NULL) : NULL;
        if (item == NULL) {
            return hook_queue_send_soon(queue, what, now);
        }
        item->last = what->before;
        strmap_put(&queue->held, item);
    } else if (what->count == 0) {
        hook_list_take_out(&queue->counts, item);
    }
    if (first || what->count == 0) {
        item->due = queue->hurry ? now : now + HOOK_COUNT_MS;
        hook_list_append(&queue->counts, item);
    }
    item->count = what->count;
    return first && what->count != 0 ? hook_queue_tell_count(queue, item, now) : 0;
}

uint64_t hook_queue_add(struct hook_queue *queue, const struct announcement *announcement,
                        uint64_t now)
{
    uint64_t dropped = hook_queue_tick(queue, now);
    struct buf key;
    int failed = 0;
    buf_init(&key, HOOK_BYTES);
    switch (announcement->kind) {
    case ANNOUNCE_OCCUPIED:
    case ANNOUNCE_VACATED:
        failed = hook_queue_write_key(&key, KEY_VACATED, announcement);
        break;
    case ANNOUNCE_MEMBER_ADDED:
    case ANNOUNCE_MEMBER_REMOVED:
        failed = hook_queue_write_key(&key, KEY_REMOVED, announcement);
        break;
    case ANNOUNCE_COUNT:
        failed = hook_queue_write_key(&key, KEY_COUNT, announcement);
        break;
    case ANNOUNCE_CLIENT_EVENT:
    case ANNOUNCE_CACHE_MISS:
    case ANNOUNCE_OPENED: /* only listeners hear of these */
    case ANNOUNCE_CLOSED:
    case ANNOUNCE_ONLINE:
    case ANNOUNCE_OFFLINE:
    case ANNOUNCE_KINDS:
        break;
    }
    if (failed != 0) {
        dropped++;
    } else if (announcement->kind == ANNOUNCE_VACATED ||
               announcement->kind == ANNOUNCE_MEMBER_REMOVED) {
        dropped += hook_queue_hold(queue, announcement, &key, now);
    } else if (announcement->kind == ANNOUNCE_COUNT) {
        dropped += hook_queue_count_changed(queue, announcement, &key, now);
    } else if (key.len == 0 || !hook_queue_cancel(queue, &key, now)) {
        dropped += hook_queue_send_soon(queue, announcement, now);
    }
    buf_free(&key);
    return dropped;
}

uint64_t hook_queue_tick(struct hook_queue *queue, uint64_t now)
{
    uint64_t dropped = 0;
    struct hook_item *item;
    while ((item = queue->delayed.first) != NULL && (item->due <= now || queue->hurry)) {
        hook_list_take_out(&queue->delayed, item);
        queue->silent -= item->silent ? 1 : 0;
        if (item->theirs && item->json_len > 0 && queue->keep_ms > 0 && !queue->hurry) {
            item->past = true;
            hook_list_append(&queue->past, item);
            continue;
        }
        check(strmap_del(&queue->held, item->bytes, item->key_len) == item);
        if (item->silent) {
            hook_item_free(queue, item);
        } else {
            hook_queue_make_ready(queue, item, now);
        }
    }
    while ((item = queue->past.first) != NULL &&
           (item->due + queue->keep_ms <= now || queue->past.count > queue->max)) {
        hook_queue_forget(queue, item);
    }
    while ((item = queue->counts.first) != NULL && (item->due <= now || queue->hurry)) {
        hook_list_take_out(&queue->counts, item);
        bool changed = item->count != item->last;
        if (changed) {
            dropped += hook_queue_tell_count(queue, item, now);
        }
        if (changed && !queue->hurry) {
            item->due = now + HOOK_COUNT_MS;
            hook_list_append(&queue->counts, item);
        } else {
            check(strmap_del(&queue->held, item->bytes, item->key_len) == item);
            hook_item_free(queue, item);
        }
    }
    return dropped;
}

void hook_queue_take_over(struct hook_queue *queue, uint32_t teller, uint64_t heard, uint64_t now)
{
    struct hook_item *item, *next;
    for (item = queue->delayed.first; item != NULL; item = item->next) {
        if (item->theirs && item->teller == teller && item->json_len > 0) {
            item->theirs = false;
            item->silent = false;
            queue->silent--;
        }
    }
    for (item = queue->past.first; item != NULL; item = next) {
        next = item->next;
        if (item->teller != teller) {
            continue;
        }
        if (item->due + HOOK_TOLD_MS < heard) {
            hook_queue_forget(queue, item);
            continue;
        }
        hook_list_take_out(&queue->past, item);
        check(strmap_del(&queue->held, item->bytes, item->key_len) == item);
        hook_queue_make_ready(queue, item, now);
    }
}

void hook_queue_hurry(struct hook_queue *queue)
{
    queue->hurry = true;
}

/* ---- delivering ---- */

static uint64_t hook_queue_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t hook_queue_due(const struct hook_queue *queue)
{
    uint64_t due = HOOK_NEVER;
    if (queue->delayed.first != NULL) {
        due = queue->hurry ? 0 : queue->delayed.first->due;
    }
    if (queue->counts.first != NULL) {
        due = queue->hurry ? 0 : hook_queue_earlier(due, queue->counts.first->due);
    }
    if (queue->under_way) {
        return due;
    }
    if (queue->batch > 0) {
        return hook_queue_earlier(due, queue->retry_at);
    }
    if (queue->ready.count >= HOOK_BATCH || (queue->hurry && queue->ready.count > 0)) {
        return 0;
    }
    return queue->ready.count > 0 ? hook_queue_earlier(due, queue->gather_at) : due;
}

/* -1: no memory for it. */
static int hook_queue_pack(struct hook_queue *queue, uint64_t wall)
{
    struct hook_item *item = queue->ready.first;
    buf_clear(&queue->body);
    int failed = webhook_open(&queue->body, wall);
    uint32_t count = 0;
    while (failed == 0 && item != NULL && count < HOOK_BATCH &&
           (count == 0 || queue->body.len + item->json_len < HOOK_BODY)) {
        failed = (count > 0 ? buf_text(&queue->body, ",") : 0) |
                 buf_append(&queue->body, item->bytes + item->key_len, item->json_len);
        item = item->next;
        count++;
    }
    if (failed != 0 || buf_text(&queue->body, "]}") != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        item = queue->ready.first;
        hook_list_take_out(&queue->ready, item);
        hook_item_free(queue, item);
    }
    queue->batch = count;
    return 0;
}

/* The batch is due once more. False: no memory for the time, so it waits a little longer. */
static bool hook_queue_repeat(struct hook_queue *queue, uint64_t now, uint64_t wall)
{
    /* By the clock that receivers judge it by, which may have been set meanwhile. */
    bool stale = wall < queue->time_ms || wall - queue->time_ms > HOOK_FRESH_MS;
    if (stale && webhook_retime(&queue->body, wall) != 0) {
        queue->retry_at = now + HOOK_RETRY_MS;
        return false;
    }
    queue->time_ms = stale ? wall : queue->time_ms;
    queue->under_way = true;
    return true;
}

bool hook_queue_take(struct hook_queue *queue, uint64_t now, uint64_t wall)
{
    if (queue->under_way) {
        return false;
    }
    if (queue->batch > 0) {
        return queue->retry_at <= now && hook_queue_repeat(queue, now, wall);
    }
    if (queue->ready.count == 0 ||
        (queue->gather_at > now && queue->ready.count < HOOK_BATCH && !queue->hurry)) {
        return false;
    }
    if (hook_queue_pack(queue, wall) != 0) {
        queue->gather_at = now + HOOK_RETRY_MS; /* memory may be there by then */
        return false;
    }
    queue->attempts = 0;
    queue->first_at = now;
    queue->time_ms = wall;
    queue->under_way = true;
    return true;
}

static void hook_queue_batch_over(struct hook_queue *queue, uint64_t now)
{
    buf_free(&queue->body);
    queue->batch = 0;
    queue->gather_at = now; /* what came meanwhile has gathered long enough */
}

uint64_t hook_queue_done(struct hook_queue *queue, bool delivered, uint64_t now)
{
    check(queue->under_way);
    uint32_t batch = queue->batch;
    queue->under_way = false;
    if (delivered) {
        hook_queue_batch_over(queue, now);
        return 0;
    }
    uint64_t end = queue->first_at + HOOK_GIVE_UP_MS;
    if (now >= end) {
        hook_queue_batch_over(queue, now);
        return batch;
    }
    uint64_t wait = (uint64_t)HOOK_RETRY_MS << (queue->attempts < 20 ? queue->attempts : 20);
    queue->attempts++;
    queue->retry_at = hook_queue_earlier(now + wait, end);
    return 0;
}

uint64_t hook_queue_waiting(const struct hook_queue *queue)
{
    return queue->ready.count + queue->delayed.count - queue->silent + queue->batch;
}

static void hook_list_free(struct hook_queue *queue, struct hook_list *list)
{
    struct hook_item *item;
    while ((item = list->first) != NULL) {
        hook_list_take_out(list, item);
        hook_item_free(queue, item);
    }
}

void hook_queue_free(struct hook_queue *queue)
{
    hook_list_free(queue, &queue->delayed);
    hook_list_free(queue, &queue->counts);
    hook_list_free(queue, &queue->past);
    hook_list_free(queue, &queue->ready);
    strmap_free(&queue->held);
    buf_free(&queue->body);
}
