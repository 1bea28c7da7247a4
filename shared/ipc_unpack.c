#include "ipc_unpack.h"

#include <stdlib.h>
#include <string.h>

/* Tables that one huge frame has made larger than this many entries are given back with the next
 * frame. */
#define KEEP_ENTRIES 4096u

void ff_ipc_unpacker_init(struct ff_ipc_unpacker *unpacker)
{
    memset(unpacker, 0, sizeof(*unpacker));
    msgpack_unpacked_init(&unpacker->unpacked);
}

void ff_ipc_unpacker_free(struct ff_ipc_unpacker *unpacker)
{
    msgpack_unpacked_destroy(&unpacker->unpacked);
    free(unpacker->slices);
    free(unpacker->messages);
    free(unpacker->receipts);
    free(unpacker->channels);
    free(unpacker->members);
    ff_ipc_listen_tables_free(&unpacker->listen);
    free(unpacker->sockets);
    ff_ipc_unpacker_init(unpacker);
}

/* Makes the table hold at least `need` entries; what it held is lost. Returns the table, or NULL
 * when memory ran out. */
static void *unpack_table(void *old, size_t *cap, size_t need, size_t entry)
{
    if (need <= *cap && (*cap <= KEEP_ENTRIES || need > KEEP_ENTRIES)) {
        if (old != NULL) {
            return old;
        }
    }
    free(old);
    *cap = 0;
    size_t want = need < 16 ? 16 : need;
    void *fresh = malloc(want * entry);
    if (fresh != NULL) {
        *cap = want;
    }
    return fresh;
}

static bool unpack_is_uint(const msgpack_object *o, uint64_t max)
{
    return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= max;
}

static bool unpack_text(const msgpack_object *o, struct ff_slice *out)
{
    if (o->type != MSGPACK_OBJECT_STR) {
        return false;
    }
    /* An empty text is not nil: it keeps a pointer. */
    out->p = o->via.str.size == 0 ? "" : o->via.str.ptr;
    out->len = o->via.str.size;
    return true;
}

static bool unpack_text_or_nil(const msgpack_object *o, struct ff_slice *out)
{
    if (o->type == MSGPACK_OBJECT_NIL) {
        *out = (struct ff_slice){NULL, 0};
        return true;
    }
    return unpack_text(o, out);
}

static bool unpack_bytes(const msgpack_object *o, struct ff_slice *out)
{
    if (o->type == MSGPACK_OBJECT_BIN) {
        out->p = o->via.bin.size == 0 ? "" : o->via.bin.ptr;
        out->len = o->via.bin.size;
        return true;
    }
    return unpack_text(o, out);
}

static int unpack_fail(const char **why, const char *sentence)
{
    *why = sentence;
    return -1;
}

/* The array [channels, event, except, key, data, traceparent] at `f`, of which `n`, at least the
 * first five, are there; `slices` has room for the channels. */
static int unpack_message(const msgpack_object *f, uint32_t n, struct ff_slice *slices,
                          struct ff_ipc_message *out, const char **why)
{
    const msgpack_object_array *channels = &f[0].via.array;

    for (uint32_t i = 0; i < channels->size; i++) {
        if (!unpack_text(&channels->ptr[i], &slices[i])) {
            return unpack_fail(why, "a channel is not a string");
        }
    }
    out->channels = slices;
    out->nchannels = channels->size;
    if (!unpack_text(&f[1], &out->event)) {
        return unpack_fail(why, "the event is not a string");
    }
    if (!unpack_text_or_nil(&f[2], &out->except)) {
        return unpack_fail(why, "the excluded socket is neither a string nor nil");
    }
    if (!unpack_text_or_nil(&f[3], &out->key)) {
        return unpack_fail(why, "the key is neither a string nor nil");
    }
    if (out->key.len > FF_IPC_MAX_KEY) {
        return unpack_fail(why, "the key is over 128 bytes");
    }
    if (!unpack_bytes(&f[4], &out->data)) {
        return unpack_fail(why, "the data is not a string");
    }
    /* What is no text here is of a version that means something else by it, and is ignored. */
    if (n < 6 || !unpack_text_or_nil(&f[5], &out->trace)) {
        out->trace = (struct ff_slice){NULL, 0};
    }
    return 0;
}

/* Whether `f` are `n` fields that can be a message, and how many channels it has. */
static int unpack_count_channels(const msgpack_object *f, uint32_t n, size_t *channels,
                                 const char **why)
{
    if (n < 5) {
        return unpack_fail(why, "a message lacks fields");
    }
    if (f[0].type != MSGPACK_OBJECT_ARRAY) {
        return unpack_fail(why, "the channels are not an array");
    }
    if (f[0].via.array.size > FF_IPC_MAX_CHANNELS) {
        return unpack_fail(why, "a message has more than 10000 channels");
    }
    *channels += f[0].via.array.size;
    return 0;
}

static int unpack_reserve_messages(struct ff_ipc_unpacker *u, size_t messages, size_t channels,
                                   const char **why)
{
    u->messages = unpack_table(u->messages, &u->capmessages, messages, sizeof(*u->messages));
    u->slices = unpack_table(u->slices, &u->capslices, channels, sizeof(*u->slices));
    u->nslices = channels;
    if (u->messages == NULL || u->slices == NULL) {
        return unpack_fail(why, "out of memory");
    }
    return 0;
}

static int unpack_hello(const msgpack_object_array *a, struct ff_ipc_hello *out, const char **why)
{
    struct ff_slice producer, mac;

    if (a->size < 8) {
        return unpack_fail(why, "the hello lacks fields");
    }
    if (!unpack_is_uint(&a->ptr[2], UINT32_MAX)) {
        return unpack_fail(why, "the hello's version is not a number");
    }
    out->version = (uint32_t)a->ptr[2].via.u64;
    if (!unpack_text(&a->ptr[3], &out->app)) {
        return unpack_fail(why, "the hello's app id is not a string");
    }
    if (!unpack_bytes(&a->ptr[4], &producer) || producer.len != FF_IPC_PRODUCER) {
        return unpack_fail(why, "the hello's producer is not 16 bytes");
    }
    if (!unpack_is_uint(&a->ptr[5], UINT64_MAX)) {
        return unpack_fail(why, "the hello's time is not a number");
    }
    out->unix_ms = a->ptr[5].via.u64;
    if (!unpack_bytes(&a->ptr[6], &mac) || mac.len != FF_IPC_MAC) {
        return unpack_fail(why, "the hello's mac is not 32 bytes");
    }
    if (!unpack_text(&a->ptr[7], &out->name) || out->name.len > FF_IPC_MAX_NAME) {
        return unpack_fail(why, "the hello's client name is not a string of at most 64 bytes");
    }
    out->producer = (const uint8_t *)producer.p;
    out->mac = (const uint8_t *)mac.p;
    return 0;
}

/* The fields begin at `first`. */
static int unpack_publish(struct ff_ipc_unpacker *u, const msgpack_object_array *a, uint32_t first,
                          struct ff_ipc_frame *out, const char **why)
{
    size_t channels = 0;

    if (unpack_count_channels(a->ptr + first, a->size - first, &channels, why) != 0 ||
        unpack_reserve_messages(u, 1, channels, why) != 0 ||
        unpack_message(a->ptr + first, a->size - first, u->slices, &u->messages[0], why) != 0) {
        return -1;
    }
    out->messages = u->messages;
    out->nmessages = 1;
    return 0;
}

static int unpack_batch(struct ff_ipc_unpacker *u, const msgpack_object_array *a, uint32_t first,
                        struct ff_ipc_frame *out, const char **why)
{
    size_t channels = 0;

    if (a->size <= first || a->ptr[first].type != MSGPACK_OBJECT_ARRAY) {
        return unpack_fail(why, "the batch has no array of messages");
    }
    const msgpack_object_array *items = &a->ptr[first].via.array;
    if (items->size > FF_IPC_MAX_CHANNELS) {
        return unpack_fail(why, "a batch has more than 10000 messages");
    }
    for (uint32_t i = 0; i < items->size; i++) {
        const msgpack_object *item = &items->ptr[i];
        if (item->type != MSGPACK_OBJECT_ARRAY) {
            return unpack_fail(why, "a message of the batch is not an array");
        }
        if (unpack_count_channels(item->via.array.ptr, item->via.array.size, &channels, why) != 0) {
            return -1;
        }
    }
    if (unpack_reserve_messages(u, items->size, channels, why) != 0) {
        return -1;
    }
    struct ff_slice *slices = u->slices;
    for (uint32_t i = 0; i < items->size; i++) {
        if (unpack_message(items->ptr[i].via.array.ptr, items->ptr[i].via.array.size, slices,
                           &u->messages[i], why) != 0) {
            return -1;
        }
        slices += u->messages[i].nchannels;
    }
    out->messages = u->messages;
    out->nmessages = items->size;
    return 0;
}

static int unpack_ack_ms(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 3 || !unpack_is_uint(&a->ptr[2], UINT32_MAX)) {
        return unpack_fail(why, "the time for the cluster is not a number");
    }
    out->ack_ms = (uint32_t)a->ptr[2].via.u64;
    return 0;
}

static int unpack_receipt(const msgpack_object *f, uint32_t n, struct ff_ipc_receipt *out,
                          const char **why)
{
    if (n < 3 || !unpack_text(&f[0], &out->id) || !unpack_is_uint(&f[1], UINT32_MAX) ||
        f[2].type != MSGPACK_OBJECT_BOOLEAN) {
        return unpack_fail(why, "a receipt is not a string, a number and a boolean");
    }
    out->recipients = (uint32_t)f[1].via.u64;
    out->duplicate = f[2].via.boolean;
    return 0;
}

static int unpack_ack(struct ff_ipc_unpacker *u, const msgpack_object_array *a,
                      struct ff_ipc_frame *out, const char **why)
{
    u->receipts = unpack_table(u->receipts, &u->capreceipts, 1, sizeof(*u->receipts));
    if (u->receipts == NULL) {
        return unpack_fail(why, "out of memory");
    }
    if (unpack_receipt(a->ptr + 2, a->size - 2, &u->receipts[0], why) != 0) {
        return -1;
    }
    out->receipts = u->receipts;
    out->nreceipts = 1;
    return 0;
}

static int unpack_batch_ack(struct ff_ipc_unpacker *u, const msgpack_object_array *a,
                            struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 3 || a->ptr[2].type != MSGPACK_OBJECT_ARRAY) {
        return unpack_fail(why, "the batch's answer has no array of receipts");
    }
    const msgpack_object_array *items = &a->ptr[2].via.array;
    if (items->size > FF_IPC_MAX_CHANNELS) {
        return unpack_fail(why, "a batch's answer has more than 10000 receipts");
    }
    u->receipts = unpack_table(u->receipts, &u->capreceipts, items->size, sizeof(*u->receipts));
    if (u->receipts == NULL) {
        return unpack_fail(why, "out of memory");
    }
    for (uint32_t i = 0; i < items->size; i++) {
        const msgpack_object *item = &items->ptr[i];
        if (item->type != MSGPACK_OBJECT_ARRAY) {
            return unpack_fail(why, "a receipt is not an array");
        }
        if (unpack_receipt(item->via.array.ptr, item->via.array.size, &u->receipts[i], why) != 0) {
            return -1;
        }
    }
    out->receipts = u->receipts;
    out->nreceipts = items->size;
    return 0;
}

static int unpack_error(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 5 || !unpack_text(&a->ptr[2], &out->reason) ||
        !unpack_text(&a->ptr[3], &out->text)) {
        return unpack_fail(why, "the error has no reason and message");
    }
    if (a->ptr[4].type != MSGPACK_OBJECT_NIL) {
        if (!unpack_is_uint(&a->ptr[4], INT64_MAX)) {
            return unpack_fail(why, "the error's index is neither a number nor nil");
        }
        out->index = (int64_t)a->ptr[4].via.u64;
    }
    return 0;
}

static int unpack_stats(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 3 || a->ptr[2].type != MSGPACK_OBJECT_MAP) {
        return unpack_fail(why, "the stats are not a map");
    }
    out->stats = &a->ptr[2].via.map;
    return 0;
}

static int unpack_name(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 3 || !unpack_text(&a->ptr[2], &out->name)) {
        return unpack_fail(why, "the name is not a string");
    }
    return 0;
}

static int unpack_query(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 4 || !unpack_text_or_nil(&a->ptr[2], &out->name) ||
        (out->type == FF_IPC_CHANNEL && out->name.p == NULL)) {
        return unpack_fail(why, "the query has no name");
    }
    if (a->ptr[3].type != MSGPACK_OBJECT_ARRAY) {
        return unpack_fail(why, "the attributes are not an array");
    }
    const msgpack_object_array *words = &a->ptr[3].via.array;
    for (uint32_t i = 0; i < words->size; i++) {
        struct ff_slice word;
        if (!unpack_text(&words->ptr[i], &word)) {
            return unpack_fail(why, "an attribute is not a string");
        }
        for (size_t k = 0; k < FF_IPC_ATTRIBUTES; k++) {
            const char *known = ff_ipc_attributes[k].word;
            if (word.len == strlen(known) && memcmp(word.p, known, word.len) == 0) {
                out->wanted |= ff_ipc_attributes[k].bit;
            }
        }
    }
    return 0;
}

static int unpack_count(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 3 || !unpack_is_uint(&a->ptr[2], UINT64_MAX)) {
        return unpack_fail(why, "the number is missing");
    }
    out->count = a->ptr[2].via.u64;
    return 0;
}

/* Whether an answer leaves nodes out: the field behind the others, which older daemons do not have.
 */
static int unpack_partial(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 4) {
        return 0;
    }
    if (a->ptr[3].type != MSGPACK_OBJECT_BOOLEAN) {
        return unpack_fail(why, "whether the answer is partial is no boolean");
    }
    out->partial = a->ptr[3].via.boolean;
    return 0;
}

static bool unpack_number_or_nil(const msgpack_object *o, bool *has, uint32_t *number)
{
    *has = o->type != MSGPACK_OBJECT_NIL;
    *number = 0;
    if (!*has) {
        return true;
    }
    if (!unpack_is_uint(o, UINT32_MAX)) {
        return false;
    }
    *number = (uint32_t)o->via.u64;
    return true;
}

static int unpack_channel(const msgpack_object *o, struct ff_ipc_channel *out, const char **why)
{
    const msgpack_object *f = o->via.array.ptr;

    if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size < 5 ||
        !unpack_text(&f[0], &out->name) || f[1].type != MSGPACK_OBJECT_BOOLEAN ||
        !unpack_number_or_nil(&f[2], &out->has_subscriptions, &out->subscriptions) ||
        !unpack_number_or_nil(&f[3], &out->has_users, &out->users)) {
        return unpack_fail(why, "a channel is not a name, a boolean and two numbers");
    }
    out->occupied = f[1].via.boolean;
    out->data = (struct ff_slice){NULL, 0};
    out->ttl = 0;
    if (f[4].type == MSGPACK_OBJECT_NIL) {
        return 0;
    }
    const msgpack_object_array *cached = &f[4].via.array;
    if (f[4].type != MSGPACK_OBJECT_ARRAY || cached->size < 2 ||
        !unpack_bytes(&cached->ptr[0], &out->data) ||
        !unpack_is_uint(&cached->ptr[1], UINT64_MAX)) {
        return unpack_fail(why, "a cached event is not data and a number");
    }
    out->ttl = cached->ptr[1].via.u64;
    return 0;
}

static int unpack_channels(struct ff_ipc_unpacker *u, const msgpack_object *o, uint32_t n,
                           struct ff_ipc_frame *out, const char **why)
{
    u->channels = unpack_table(u->channels, &u->capchannels, n, sizeof(*u->channels));
    if (u->channels == NULL) {
        return unpack_fail(why, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        if (unpack_channel(&o[i], &u->channels[i], why) != 0) {
            return -1;
        }
    }
    out->channels = u->channels;
    out->nchannels = n;
    return 0;
}

static int unpack_channels_reply(struct ff_ipc_unpacker *u, const msgpack_object_array *a,
                                 struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 3) {
        return unpack_fail(why, "the reply has no channels");
    }
    if (out->type == FF_IPC_CHANNEL_REPLY) {
        return unpack_channels(u, &a->ptr[2], 1, out, why);
    }
    if (a->ptr[2].type != MSGPACK_OBJECT_ARRAY) {
        return unpack_fail(why, "the channels are not an array");
    }
    return unpack_channels(u, a->ptr[2].via.array.ptr, a->ptr[2].via.array.size, out, why);
}

static int unpack_members(struct ff_ipc_unpacker *u, const msgpack_object_array *a,
                          struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 3 || a->ptr[2].type != MSGPACK_OBJECT_ARRAY) {
        return unpack_fail(why, "the members are not an array");
    }
    const msgpack_object_array *items = &a->ptr[2].via.array;
    u->members = unpack_table(u->members, &u->capmembers, items->size, sizeof(*u->members));
    if (u->members == NULL) {
        return unpack_fail(why, "out of memory");
    }
    for (uint32_t i = 0; i < items->size; i++) {
        const msgpack_object_array *item = &items->ptr[i].via.array;
        if (items->ptr[i].type != MSGPACK_OBJECT_ARRAY || item->size < 2 ||
            !unpack_text(&item->ptr[0], &u->members[i].user_id) ||
            !unpack_text_or_nil(&item->ptr[1], &u->members[i].info)) {
            return unpack_fail(why, "a member is not an id and its info");
        }
    }
    out->members = u->members;
    out->nmembers = items->size;
    return 0;
}

/* ---- control, and connections ---- */

static int unpack_sockets(const msgpack_object_array *a, struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 4 || !unpack_text_or_nil(&a->ptr[2], &out->name) ||
        !unpack_is_uint(&a->ptr[3], UINT64_MAX)) {
        return unpack_fail(why, "the question is not a socket id or nil, and a number");
    }
    out->count = a->ptr[3].via.u64;
    return 0;
}

static bool unpack_socket(const msgpack_object *o, struct ff_ipc_socket *out)
{
    const msgpack_object *f = o->via.array.ptr;

    if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size < 5 ||
        !unpack_text(&f[0], &out->socket_id) || !unpack_text_or_nil(&f[1], &out->user_id) ||
        !unpack_text(&f[2], &out->address) || !unpack_is_uint(&f[3], UINT64_MAX) ||
        !unpack_is_uint(&f[4], UINT32_MAX)) {
        return false;
    }
    out->opened_ms = f[3].via.u64;
    out->subscriptions = (uint32_t)f[4].via.u64;
    return true;
}

static int unpack_sockets_reply(struct ff_ipc_unpacker *u, const msgpack_object_array *a,
                                struct ff_ipc_frame *out, const char **why)
{
    if (a->size < 5 || a->ptr[2].type != MSGPACK_OBJECT_ARRAY ||
        !unpack_text_or_nil(&a->ptr[3], &out->name) || a->ptr[4].type != MSGPACK_OBJECT_BOOLEAN) {
        return unpack_fail(why, "the reply is not connections, what comes next, and a boolean");
    }
    const msgpack_object_array *items = &a->ptr[2].via.array;
    u->sockets = unpack_table(u->sockets, &u->capsockets, items->size, sizeof(*u->sockets));
    if (u->sockets == NULL) {
        return unpack_fail(why, "out of memory");
    }
    for (uint32_t i = 0; i < items->size; i++) {
        if (!unpack_socket(&items->ptr[i], &u->sockets[i])) {
            return unpack_fail(why, "a connection is not three texts and two numbers");
        }
    }
    out->sockets = u->sockets;
    out->nsockets = items->size;
    out->partial = a->ptr[4].via.boolean;
    return 0;
}

/* Unpacks into the unpacker's zone, which is emptied and used again, frame after frame. */
static int unpack_value(struct ff_ipc_unpacker *u, const uint8_t *bytes, size_t len,
                        const char **why)
{
    if (u->unpacked.zone == NULL) {
        u->unpacked.zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
        if (u->unpacked.zone == NULL) {
            return unpack_fail(why, "out of memory");
        }
    } else {
        msgpack_zone_clear(u->unpacked.zone);
    }
    size_t at = 0;
    msgpack_unpack_return rc =
        msgpack_unpack((const char *)bytes, len, &at, u->unpacked.zone, &u->unpacked.data);
    if (rc == MSGPACK_UNPACK_NOMEM_ERROR) {
        return unpack_fail(why, "out of memory");
    }
    if (rc != MSGPACK_UNPACK_SUCCESS) {
        return unpack_fail(why, "not one complete msgpack value");
    }
    return 0;
}

int ff_ipc_unpack(struct ff_ipc_unpacker *unpacker, const uint8_t *bytes, size_t len,
                  struct ff_ipc_frame *out, const char **why)
{
    memset(out, 0, sizeof(*out));
    out->index = -1;
    unpacker->nslices = 0;

    if (!ff_ipc_walk(bytes, len)) {
        return unpack_fail(why, "not one complete msgpack value within the limits");
    }
    if (unpack_value(unpacker, bytes, len, why) != 0) {
        return -1;
    }
    if (unpacker->unpacked.data.type != MSGPACK_OBJECT_ARRAY) {
        return unpack_fail(why, "the frame is not an array");
    }
    const msgpack_object_array *a = &unpacker->unpacked.data.via.array;
    if (a->size < 2 || !unpack_is_uint(&a->ptr[1], UINT64_MAX)) {
        return unpack_fail(why, "the frame does not start with a type and a sequence number");
    }
    out->seq = a->ptr[1].via.u64;
    if (!unpack_is_uint(&a->ptr[0], UINT8_MAX)) {
        return unpack_fail(why, "the frame's type is not a number up to 255");
    }
    out->type = (enum ff_ipc_type)a->ptr[0].via.u64;

    switch (out->type) {
    case FF_IPC_HELLO:
        return unpack_hello(a, &out->hello, why);
    case FF_IPC_PUBLISH:
        return unpack_publish(unpacker, a, 2, out, why);
    case FF_IPC_BATCH:
        return unpack_batch(unpacker, a, 2, out, why);
    case FF_IPC_CLUSTER_PUBLISH:
        return unpack_ack_ms(a, out, why) != 0 ? -1 : unpack_publish(unpacker, a, 3, out, why);
    case FF_IPC_CLUSTER_BATCH:
        return unpack_ack_ms(a, out, why) != 0 ? -1 : unpack_batch(unpacker, a, 3, out, why);
    case FF_IPC_PING:
    case FF_IPC_STATS:
    case FF_IPC_PONG:
    case FF_IPC_CONNECTIONS:
    case FF_IPC_CONTROLLED:
        return 0;
    case FF_IPC_TERMINATE:
    case FF_IPC_DISCONNECT:
    case FF_IPC_MEMBERS:
    case FF_IPC_CONTROL:
        return unpack_name(a, out, why);
    case FF_IPC_CHANNELS:
    case FF_IPC_CHANNEL:
        return unpack_query(a, out, why);
    case FF_IPC_ERROR:
        return unpack_error(a, out, why);
    case FF_IPC_ACK:
    case FF_IPC_CLUSTER_ACK:
        return unpack_ack(unpacker, a, out, why);
    case FF_IPC_BATCH_ACK:
    case FF_IPC_CLUSTER_BATCH_ACK:
        return unpack_batch_ack(unpacker, a, out, why);
    case FF_IPC_STATS_REPLY:
        return unpack_stats(a, out, why);
    case FF_IPC_TERMINATED:
    case FF_IPC_DISCONNECTED:
        return unpack_count(a, out, why);
    case FF_IPC_CONNECTIONS_REPLY:
        return unpack_count(a, out, why) != 0 ? -1 : unpack_partial(a, out, why);
    case FF_IPC_CHANNELS_REPLY:
    case FF_IPC_CHANNEL_REPLY:
        return unpack_partial(a, out, why) != 0 ? -1 : unpack_channels_reply(unpacker, a, out, why);
    case FF_IPC_MEMBERS_REPLY:
        return unpack_members(unpacker, a, out, why);
    case FF_IPC_LISTEN:
    case FF_IPC_SETTLE:
    case FF_IPC_LISTENING:
    case FF_IPC_EVENT:
    case FF_IPC_SNAPSHOT:
        return ff_ipc_listen_unpack(&unpacker->listen, out->type, a, &out->listening, why);
    case FF_IPC_SOCKETS:
        return unpack_sockets(a, out, why);
    case FF_IPC_SOCKETS_REPLY:
        return unpack_sockets_reply(unpacker, a, out, why);
    }
    return unpack_fail(why, FF_IPC_UNKNOWN_TYPE);
}
