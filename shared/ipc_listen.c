#include "ipc_listen.h"

#include <stdlib.h>
#include <string.h>

/* Tables that one huge frame has made larger than this many entries are given back with the next
 * frame. */
#define KEEP_ENTRIES 4096u

const char *const ff_ipc_event_words[FF_IPC_EVENT_TYPES] = {
    "channel_occupied",  "channel_vacated", "member_added",       "member_removed",
    "client_event",      "cache_miss",      "subscription_count", "connection_opened",
    "connection_closed", "user_online",     "user_offline",       "events_lost",
};

enum ff_ipc_event_type ff_ipc_event_of_word(struct ff_slice word)
{
    unsigned int i = 0;
    while (i < FF_IPC_EVENT_TYPES &&
           (word.len != strlen(ff_ipc_event_words[i]) ||
            (word.len != 0 && memcmp(word.p, ff_ipc_event_words[i], word.len) != 0))) {
        i++;
    }
    return (enum ff_ipc_event_type)i;
}

/* ---- reading ---- */

void ff_ipc_listen_tables_free(struct ff_ipc_listen_tables *tables)
{
    free(tables->numbers);
    free(tables->occupied);
    free(tables->members);
    memset(tables, 0, sizeof(*tables));
}

/* Makes the table hold at least `need` entries; what it held is lost. NULL: no memory. */
static void *listen_table(void *old, size_t *cap, size_t need, size_t entry)
{
    if (old != NULL && need <= *cap && (*cap <= KEEP_ENTRIES || need > KEEP_ENTRIES)) {
        return old;
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

static int listen_fail(const char **why, const char *sentence)
{
    *why = sentence;
    return -1;
}

static bool listen_read_uint(const msgpack_object *o, uint64_t max, uint64_t *out)
{
    if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER || o->via.u64 > max) {
        return false;
    }
    *out = o->via.u64;
    return true;
}

static bool listen_read_uint32(const msgpack_object *o, uint32_t *out)
{
    uint64_t n = 0;
    bool good = listen_read_uint(o, UINT32_MAX, &n);
    *out = (uint32_t)n;
    return good;
}

static bool listen_read_bool(const msgpack_object *o, bool *out)
{
    if (o->type != MSGPACK_OBJECT_BOOLEAN) {
        return false;
    }
    *out = o->via.boolean;
    return true;
}

static bool listen_read_text(const msgpack_object *o, struct ff_slice *out)
{
    if (o->type != MSGPACK_OBJECT_STR) {
        return false;
    }
    /* An empty text is not nil: it keeps a pointer. */
    out->p = o->via.str.size == 0 ? "" : o->via.str.ptr;
    out->len = o->via.str.size;
    return true;
}

static bool listen_read_text_or_nil(const msgpack_object *o, struct ff_slice *out)
{
    *out = (struct ff_slice){NULL, 0};
    return o->type == MSGPACK_OBJECT_NIL || listen_read_text(o, out);
}

static int listen_read_listen(const msgpack_object_array *a, struct ff_ipc_listen *out,
                              const char **why)
{
    if (a->size < 7 || a->ptr[2].type != MSGPACK_OBJECT_ARRAY) {
        return listen_fail(why, "the listener's types are not an array, or fields are missing");
    }
    const msgpack_object_array *words = &a->ptr[2].via.array;
    for (uint32_t i = 0; i < words->size; i++) {
        struct ff_slice word;
        if (!listen_read_text(&words->ptr[i], &word)) {
            return listen_fail(why, "a type of event is not a string");
        }
        enum ff_ipc_event_type type = ff_ipc_event_of_word(word);
        if (type != FF_IPC_EVENT_TYPES) {
            out->types |= FF_IPC_EVENT_BIT(type) & FF_IPC_EVENTS_ALL;
        } else if (out->unknown.p == NULL) {
            out->unknown = word;
        }
    }
    if (words->size == 0) {
        out->types = FF_IPC_EVENTS_ALL;
    }
    if (!listen_read_text_or_nil(&a->ptr[3], &out->group)) {
        return listen_fail(why, "the group is neither a string nor nil");
    }
    if (!listen_read_uint32(&a->ptr[4], &out->window) ||
        !listen_read_uint32(&a->ptr[5], &out->ack_ms)) {
        return listen_fail(why, "the listener's window or time is not a number");
    }
    if (!listen_read_bool(&a->ptr[6], &out->snapshot)) {
        return listen_fail(why, "whether a snapshot is wanted is no boolean");
    }
    return 0;
}

static int listen_read_settle(struct ff_ipc_listen_tables *t, const msgpack_object_array *a,
                              struct ff_ipc_listening *out, const char **why)
{
    if (a->size < 4 || a->ptr[2].type != MSGPACK_OBJECT_ARRAY) {
        return listen_fail(why, "the numbers of deliveries are not an array");
    }
    const msgpack_object_array *numbers = &a->ptr[2].via.array;
    if (numbers->size > FF_IPC_MAX_SETTLED) {
        return listen_fail(why, "more than 10000 deliveries are settled at once");
    }
    t->numbers = listen_table(t->numbers, &t->capnumbers, numbers->size, sizeof(*t->numbers));
    if (t->numbers == NULL) {
        return listen_fail(why, "out of memory");
    }
    for (uint32_t i = 0; i < numbers->size; i++) {
        if (!listen_read_uint(&numbers->ptr[i], UINT64_MAX, &t->numbers[i])) {
            return listen_fail(why, "the number of a delivery is no number");
        }
    }
    if (!listen_read_bool(&a->ptr[3], &out->done)) {
        return listen_fail(why, "whether the deliveries are done is no boolean");
    }
    out->numbers = t->numbers;
    out->nnumbers = numbers->size;
    return 0;
}

static int listen_read_listening(const msgpack_object_array *a, struct ff_ipc_listening *out,
                                 const char **why)
{
    if (a->size < 5 || !listen_read_bool(&a->ptr[2], &out->created) ||
        !listen_read_uint(&a->ptr[3], UINT64_MAX, &out->waiting) ||
        !listen_read_uint(&a->ptr[4], UINT64_MAX, &out->order)) {
        return listen_fail(why, "the answer to a listener is not a boolean and two numbers");
    }
    return 0;
}

static int listen_read_event(const msgpack_object_array *a, struct ff_ipc_event *out,
                             const char **why)
{
    const msgpack_object *f = a->ptr;

    if (a->size < 13 || !listen_read_uint(&f[1], UINT64_MAX, &out->number) ||
        !listen_read_text(&f[2], &out->id) || !listen_read_text(&f[3], &out->word) ||
        !listen_read_uint(&f[4], UINT64_MAX, &out->unix_ms) ||
        !listen_read_uint32(&f[5], &out->attempt) ||
        !listen_read_uint(&f[6], UINT64_MAX, &out->order)) {
        return listen_fail(why, "an event does not start with an id, a type, a time and numbers");
    }
    if (!listen_read_text_or_nil(&f[7], &out->channel) ||
        !listen_read_text_or_nil(&f[8], &out->user_id) ||
        !listen_read_text_or_nil(&f[9], &out->socket_id) ||
        !listen_read_text_or_nil(&f[10], &out->event) ||
        !listen_read_text_or_nil(&f[11], &out->data)) {
        return listen_fail(why, "a field of an event is neither a string nor nil");
    }
    out->has_count = f[12].type != MSGPACK_OBJECT_NIL;
    if (out->has_count && !listen_read_uint(&f[12], UINT64_MAX, &out->count)) {
        return listen_fail(why, "an event's count is neither a number nor nil");
    }
    out->type = ff_ipc_event_of_word(out->word);
    return 0;
}

static bool listen_read_member(const msgpack_object *o, struct ff_ipc_member *out)
{
    return o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size >= 2 &&
           listen_read_text(&o->via.array.ptr[0], &out->user_id) &&
           listen_read_text_or_nil(&o->via.array.ptr[1], &out->info);
}

static int listen_read_occupied(const msgpack_object *o, struct ff_ipc_member *members,
                                struct ff_ipc_occupied *out, const char **why)
{
    const msgpack_object *f = o->via.array.ptr;

    if (!listen_read_text(&f[0], &out->name) ||
        !listen_read_uint(&f[1], UINT64_MAX, &out->subscriptions)) {
        return listen_fail(why, "a channel of the snapshot is not a name and a number");
    }
    out->has_members = f[2].type == MSGPACK_OBJECT_ARRAY;
    out->members = members;
    out->nmembers = out->has_members ? f[2].via.array.size : 0;
    for (uint32_t i = 0; i < out->nmembers; i++) {
        if (!listen_read_member(&f[2].via.array.ptr[i], &members[i])) {
            return listen_fail(why, "a member is not an id and its info");
        }
    }
    return 0;
}

static int listen_read_snapshot(struct ff_ipc_listen_tables *t, const msgpack_object_array *a,
                                struct ff_ipc_listening *out, const char **why)
{
    if (a->size < 5 || !listen_read_uint(&a->ptr[2], UINT64_MAX, &out->order) ||
        a->ptr[3].type != MSGPACK_OBJECT_ARRAY || !listen_read_bool(&a->ptr[4], &out->last)) {
        return listen_fail(why, "a snapshot is not a number, an array and a boolean");
    }
    const msgpack_object_array *items = &a->ptr[3].via.array;
    size_t members = 0;
    for (uint32_t i = 0; i < items->size; i++) {
        const msgpack_object *item = &items->ptr[i];
        if (item->type != MSGPACK_OBJECT_ARRAY || item->via.array.size < 3 ||
            (item->via.array.ptr[2].type != MSGPACK_OBJECT_ARRAY &&
             item->via.array.ptr[2].type != MSGPACK_OBJECT_NIL)) {
            return listen_fail(why, "a channel of the snapshot lacks fields");
        }
        if (item->via.array.ptr[2].type == MSGPACK_OBJECT_ARRAY) {
            members += item->via.array.ptr[2].via.array.size;
        }
    }
    t->occupied = listen_table(t->occupied, &t->capoccupied, items->size, sizeof(*t->occupied));
    t->members = listen_table(t->members, &t->capmembers, members, sizeof(*t->members));
    if (t->occupied == NULL || t->members == NULL) {
        return listen_fail(why, "out of memory");
    }
    struct ff_ipc_member *at = t->members;
    for (uint32_t i = 0; i < items->size; i++) {
        if (listen_read_occupied(&items->ptr[i], at, &t->occupied[i], why) != 0) {
            return -1;
        }
        at += t->occupied[i].nmembers;
    }
    out->occupied = t->occupied;
    out->noccupied = items->size;
    return 0;
}

int ff_ipc_listen_unpack(struct ff_ipc_listen_tables *tables, enum ff_ipc_type type,
                         const msgpack_object_array *fields, struct ff_ipc_listening *out,
                         const char **why)
{
    memset(out, 0, sizeof(*out));
    switch (type) {
    case FF_IPC_LISTEN:
        return listen_read_listen(fields, &out->listen, why);
    case FF_IPC_SETTLE:
        return listen_read_settle(tables, fields, out, why);
    case FF_IPC_LISTENING:
        return listen_read_listening(fields, out, why);
    case FF_IPC_EVENT:
        return listen_read_event(fields, &out->event, why);
    case FF_IPC_SNAPSHOT:
        return listen_read_snapshot(tables, fields, out, why);
    default:
        return listen_fail(why, FF_IPC_UNKNOWN_TYPE);
    }
}

/* ---- writing; what a packer returns is collected as in ipc_pack.c ---- */

static int listen_begin(msgpack_sbuffer *out, msgpack_packer *pk, size_t *mark, size_t fields,
                        enum ff_ipc_type type, uint64_t seq)
{
    static const char room[FF_IPC_HEADER] = {0};

    *mark = out->size;
    int rc = msgpack_sbuffer_write(out, room, sizeof(room));
    msgpack_packer_init(pk, out, msgpack_sbuffer_write);
    rc |= msgpack_pack_array(pk, fields);
    rc |= msgpack_pack_uint8(pk, (uint8_t)type);
    rc |= msgpack_pack_uint64(pk, seq);
    return rc;
}

static void listen_put_number(msgpack_sbuffer *out, size_t at, uint32_t n)
{
    unsigned char *p = (unsigned char *)out->data + at;
    p[0] = (unsigned char)(n >> 24);
    p[1] = (unsigned char)(n >> 16);
    p[2] = (unsigned char)(n >> 8);
    p[3] = (unsigned char)n;
}

static int listen_end(msgpack_sbuffer *out, size_t mark, int failed)
{
    size_t len = failed ? 0 : out->size - mark - FF_IPC_HEADER;

    if (failed || len > FF_IPC_MAX_FRAME) {
        out->size = mark;
        return -1;
    }
    listen_put_number(out, mark, (uint32_t)len);
    return 0;
}

static int listen_text(msgpack_packer *pk, struct ff_slice text)
{
    int rc = msgpack_pack_str(pk, text.len);
    if (text.len != 0) {
        rc |= msgpack_pack_str_body(pk, text.p, text.len);
    }
    return rc;
}

static int listen_text_or_nil(msgpack_packer *pk, struct ff_slice text)
{
    return text.p == NULL ? msgpack_pack_nil(pk) : listen_text(pk, text);
}

static int listen_bool(msgpack_packer *pk, bool value)
{
    return value ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
}

static int listen_word(msgpack_packer *pk, unsigned int type)
{
    const char *word = ff_ipc_event_words[type];
    return listen_text(pk, (struct ff_slice){word, (unsigned int)strlen(word)});
}

int ff_ipc_pack_listen(msgpack_sbuffer *out, uint64_t seq, const struct ff_ipc_listen *listen)
{
    msgpack_packer pk;
    size_t mark, n = 0;
    int rc = listen_begin(out, &pk, &mark, 7, FF_IPC_LISTEN, seq);
    bool all = listen->types == FF_IPC_EVENTS_ALL && listen->unknown.p == NULL;

    for (unsigned int i = 0; !all && i < FF_IPC_EVENT_TYPES; i++) {
        n += (listen->types & FF_IPC_EVENT_BIT(i)) != 0;
    }
    rc |= msgpack_pack_array(&pk, n + (listen->unknown.p != NULL));
    for (unsigned int i = 0; !all && i < FF_IPC_EVENT_TYPES; i++) {
        if (listen->types & FF_IPC_EVENT_BIT(i)) {
            rc |= listen_word(&pk, i);
        }
    }
    if (listen->unknown.p != NULL) {
        rc |= listen_text(&pk, listen->unknown);
    }
    rc |= listen_text_or_nil(&pk, listen->group);
    rc |= msgpack_pack_uint32(&pk, listen->window);
    rc |= msgpack_pack_uint32(&pk, listen->ack_ms);
    rc |= listen_bool(&pk, listen->snapshot);
    return listen_end(out, mark, rc);
}

int ff_ipc_pack_settle(msgpack_sbuffer *out, uint64_t seq, const uint64_t *numbers, uint32_t n,
                       bool done)
{
    msgpack_packer pk;
    size_t mark;
    int rc = listen_begin(out, &pk, &mark, 4, FF_IPC_SETTLE, seq);

    rc |= msgpack_pack_array(&pk, n);
    for (uint32_t i = 0; i < n; i++) {
        rc |= msgpack_pack_uint64(&pk, numbers[i]);
    }
    rc |= listen_bool(&pk, done);
    return listen_end(out, mark, rc);
}

int ff_ipc_pack_listening(msgpack_sbuffer *out, uint64_t seq, bool created, uint64_t waiting,
                          uint64_t order)
{
    msgpack_packer pk;
    size_t mark;
    int rc = listen_begin(out, &pk, &mark, 5, FF_IPC_LISTENING, seq);

    rc |= listen_bool(&pk, created);
    rc |= msgpack_pack_uint64(&pk, waiting);
    rc |= msgpack_pack_uint64(&pk, order);
    return listen_end(out, mark, rc);
}

int ff_ipc_pack_event(msgpack_sbuffer *out, const struct ff_ipc_event *event)
{
    msgpack_packer pk;
    size_t mark;
    int rc = listen_begin(out, &pk, &mark, 13, FF_IPC_EVENT, event->number);

    rc |= listen_text(&pk, event->id);
    rc |= event->type == FF_IPC_EVENT_TYPES ? listen_text(&pk, event->word)
                                            : listen_word(&pk, event->type);
    rc |= msgpack_pack_uint64(&pk, event->unix_ms);
    rc |= msgpack_pack_uint32(&pk, event->attempt);
    rc |= msgpack_pack_uint64(&pk, event->order);
    rc |= listen_text_or_nil(&pk, event->channel);
    rc |= listen_text_or_nil(&pk, event->user_id);
    rc |= listen_text_or_nil(&pk, event->socket_id);
    rc |= listen_text_or_nil(&pk, event->event);
    rc |= listen_text_or_nil(&pk, event->data);
    rc |= event->has_count ? msgpack_pack_uint64(&pk, event->count) : msgpack_pack_nil(&pk);
    return listen_end(out, mark, rc);
}

/* The form whose number has its place whatever it is. */
static int listen_open_array(msgpack_sbuffer *out, size_t *at)
{
    static const char head[5] = {(char)0xdd, 0, 0, 0, 0};
    *at = out->size + 1;
    return msgpack_sbuffer_write(out, head, sizeof(head));
}

static void listen_close_members(msgpack_sbuffer *out, struct ff_ipc_snapshot *snapshot)
{
    if (snapshot->members_at != 0) {
        listen_put_number(out, snapshot->members_at, snapshot->members);
        snapshot->members_at = 0;
    }
}

int ff_ipc_pack_snapshot_begin(msgpack_sbuffer *out, uint64_t seq, uint64_t order,
                               struct ff_ipc_snapshot *snapshot)
{
    msgpack_packer pk;
    memset(snapshot, 0, sizeof(*snapshot));
    int rc = listen_begin(out, &pk, &snapshot->mark, 5, FF_IPC_SNAPSHOT, seq);

    rc |= msgpack_pack_uint64(&pk, order);
    rc |= listen_open_array(out, &snapshot->at);
    if (rc != 0) {
        out->size = snapshot->mark;
        return -1;
    }
    return 0;
}

int ff_ipc_pack_snapshot_channel(msgpack_sbuffer *out, struct ff_ipc_snapshot *snapshot,
                                 struct ff_slice name, uint64_t subscriptions, bool has_members)
{
    msgpack_packer pk;
    size_t before = out->size, members_at = 0;
    listen_close_members(out, snapshot);
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    int rc = msgpack_pack_array(&pk, 3);

    rc |= listen_text(&pk, name);
    rc |= msgpack_pack_uint64(&pk, subscriptions);
    rc |= has_members ? listen_open_array(out, &members_at) : msgpack_pack_nil(&pk);
    if (rc != 0) {
        out->size = before;
        return -1;
    }
    snapshot->members_at = members_at;
    snapshot->members = 0;
    snapshot->n++;
    return 0;
}

int ff_ipc_pack_snapshot_member(msgpack_sbuffer *out, struct ff_ipc_snapshot *snapshot,
                                const struct ff_ipc_member *member)
{
    msgpack_packer pk;
    size_t before = out->size;
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    int rc = msgpack_pack_array(&pk, 2);

    rc |= listen_text(&pk, member->user_id);
    rc |= listen_text_or_nil(&pk, member->info);
    if (rc != 0) {
        out->size = before;
        return -1;
    }
    snapshot->members++;
    return 0;
}

int ff_ipc_pack_snapshot_end(msgpack_sbuffer *out, struct ff_ipc_snapshot *snapshot, bool last)
{
    msgpack_packer pk;
    listen_close_members(out, snapshot);
    listen_put_number(out, snapshot->at, snapshot->n);
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    return listen_end(out, snapshot->mark, listen_bool(&pk, last));
}
