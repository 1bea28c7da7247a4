#include "proto/bus_record.h"

#define MAGIC         0xfau
#define FLAG_NUMBERED 1u
#define PREFIX        12u /* magic, format, oldest reader, flags, node */
#define VARINT_MAX    10u

/* ---- what each type has ---- */

/* In the order in which they are written. Every record begins with FIELD_FLAGS. */
#define FIELD_APP         (1u << 0)
#define FIELD_CHANNEL     (1u << 1)
#define FIELD_USER        (1u << 2)
#define FIELD_ID          (1u << 3)
#define FIELD_INFO        (1u << 4)
#define FIELD_SOCKET      (1u << 5)
#define FIELD_NODE        (1u << 6)
#define FIELD_INCARNATION (1u << 7)
#define FIELD_NUMBER      (1u << 8)
#define FIELD_BROADCASTS  (1u << 9)
#define FIELD_BASE        (1u << 10)
#define FIELD_BASE_BC     (1u << 11)
#define FIELD_APPLIED     (1u << 12)
#define FIELD_KNOWN       (1u << 13)
#define FIELD_TEXT        (1u << 14)
#define FIELD_TRACE       (1u << 15)

static const uint16_t bus_fields[] = {
    [BUS_DELIVER] = FIELD_APP | FIELD_CHANNEL | FIELD_SOCKET | FIELD_TEXT | FIELD_TRACE,
    [BUS_JOINED] = FIELD_APP | FIELD_CHANNEL | FIELD_USER | FIELD_ID | FIELD_INFO,
    [BUS_LEFT] = FIELD_APP | FIELD_CHANNEL | FIELD_USER,
    [BUS_COUNT] = FIELD_APP | FIELD_CHANNEL | FIELD_NUMBER,
    [BUS_CACHED] = FIELD_APP | FIELD_CHANNEL | FIELD_NUMBER | FIELD_TEXT,
    [BUS_GROUP] = FIELD_APP | FIELD_CHANNEL | FIELD_NUMBER | FIELD_BASE,
    [BUS_QUEUED] = FIELD_APP | FIELD_CHANNEL | FIELD_NODE | FIELD_TEXT,
    [BUS_TOLD] = FIELD_APP | FIELD_TEXT,
    [BUS_SETTLED] = FIELD_APP | FIELD_CHANNEL | FIELD_TEXT,
    [BUS_TERMINATE_USER] = FIELD_APP | FIELD_USER | FIELD_NUMBER,
    [BUS_TERMINATE_SOCKET] = FIELD_APP | FIELD_SOCKET | FIELD_NUMBER,
    [BUS_HELLO] = FIELD_TEXT,
    [BUS_ASK] = FIELD_NODE,
    [BUS_BEGIN] = FIELD_NUMBER | FIELD_KNOWN | FIELD_TEXT,
    [BUS_END] = FIELD_NUMBER,
    [BUS_GOODBYE] = 0,
    [BUS_DEAD] = FIELD_NODE | FIELD_INCARNATION,
    [BUS_BEAT] = FIELD_NUMBER | FIELD_BROADCASTS | FIELD_BASE | FIELD_BASE_BC,
    [BUS_APPLIED] = FIELD_APPLIED,
    [BUS_QUERY] = FIELD_APP | FIELD_NUMBER | FIELD_BASE | FIELD_TEXT,
    [BUS_ANSWER] = FIELD_NODE | FIELD_NUMBER | FIELD_TEXT,
    [BUS_DECLARED] = FIELD_NODE | FIELD_INCARNATION,
};

/* The flags that stand in front of the fields. */
#define HAS_RESTATED 1u
#define HAS_CLIENT   2u
#define HAS_LAST     4u
#define HAS_INFO     8u
#define HAS_SOCKET   16u
#define HAS_TRACE    32u /* since format 2 */

#define TRACE_LEN (TRACE_ID + TRACE_SPAN_ID + 1u)

static bool bus_type_known(uint8_t type)
{
    switch ((enum bus_type)type) {
    case BUS_DELIVER:
    case BUS_JOINED:
    case BUS_LEFT:
    case BUS_COUNT:
    case BUS_CACHED:
    case BUS_TERMINATE_USER:
    case BUS_TERMINATE_SOCKET:
    case BUS_GROUP:
    case BUS_QUEUED:
    case BUS_TOLD:
    case BUS_SETTLED:
    case BUS_HELLO:
    case BUS_ASK:
    case BUS_BEGIN:
    case BUS_END:
    case BUS_GOODBYE:
    case BUS_DEAD:
    case BUS_BEAT:
    case BUS_APPLIED:
    case BUS_QUERY:
    case BUS_ANSWER:
    case BUS_DECLARED:
        return true;
    case BUS_STATE_END:
        break;
    }
    return false;
}

/* ---- writing ---- */

static size_t bus_varint_put(uint8_t *out, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        out[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (uint8_t)value;
    return n;
}

static size_t bus_fixed_put(uint8_t *out, uint64_t value)
{
    for (size_t i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
    return 8;
}

int bus_entry_begin(struct buf *out, const struct bus_entry *entry)
{
    uint8_t bytes[BUS_HEADER_MAX];
    size_t n = 0;
    bytes[n++] = MAGIC;
    bytes[n++] = BUS_FORMAT;
    bytes[n++] = BUS_FORMAT_OLDEST;
    bytes[n++] = entry->numbered ? FLAG_NUMBERED : 0;
    n += bus_fixed_put(bytes + n, entry->node);
    n += bus_varint_put(bytes + n, entry->lane);
    n += bus_varint_put(bytes + n, entry->lanes);
    n += bus_varint_put(bytes + n, entry->incarnation);
    n += bus_varint_put(bytes + n, entry->first);
    if (entry->numbered) {
        n += bus_varint_put(bytes + n, entry->before);
    }
    return buf_append(out, bytes, n);
}

/* Into a buf that has the room. */
static void bus_put(struct buf *out, const void *bytes, size_t len)
{
    if (len > 0) {
        memcpy(out->data + out->len, bytes, len);
        out->len += len;
    }
}

static void bus_put_number(struct buf *out, uint64_t value)
{
    out->len += bus_varint_put(out->data + out->len, value);
}

static void bus_put_text(struct buf *out, struct slice text)
{
    bus_put_number(out, text.len);
    bus_put(out, text.p, text.len);
}

static size_t bus_varint_len(uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    return bus_varint_put(bytes, value);
}

static size_t bus_text_len(struct slice text)
{
    return bus_varint_len(text.len) + text.len;
}

static uint8_t bus_record_flags(const struct bus_record *record, unsigned int fields)
{
    unsigned int flags = (record->restated ? HAS_RESTATED : 0) | (record->client ? HAS_CLIENT : 0) |
                         (record->last ? HAS_LAST : 0);
    if ((fields & FIELD_INFO) != 0 && record->info_json.p != NULL) {
        flags |= HAS_INFO;
    }
    if ((fields & FIELD_SOCKET) != 0 && record->socket.random != 0) {
        flags |= HAS_SOCKET;
    }
    if ((fields & FIELD_TRACE) != 0 && record->traced) {
        flags |= HAS_TRACE;
    }
    return (uint8_t)flags;
}

static size_t bus_record_len(const struct bus_record *record, unsigned int fields, unsigned flags)
{
    size_t len = 1;
    len += (fields & FIELD_APP) != 0 ? bus_text_len(record->app) : 0;
    len += (fields & FIELD_CHANNEL) != 0 ? bus_text_len(record->channel) : 0;
    len += (fields & FIELD_USER) != 0 ? bus_text_len(record->user_id) : 0;
    len += (fields & FIELD_ID) != 0 ? bus_text_len(record->id_json) : 0;
    len += (flags & HAS_INFO) != 0 ? bus_text_len(record->info_json) : 0;
    if ((flags & HAS_SOCKET) != 0) {
        len += 8 + bus_varint_len(record->socket.worker) + bus_varint_len(record->socket.slot);
    }
    len += (fields & FIELD_NODE) != 0 ? 8 : 0;
    len += (fields & FIELD_INCARNATION) != 0 ? bus_varint_len(record->incarnation) : 0;
    len += (fields & FIELD_NUMBER) != 0 ? bus_varint_len(record->number) : 0;
    len += (fields & FIELD_BROADCASTS) != 0 ? bus_varint_len(record->broadcasts) : 0;
    len += (fields & FIELD_BASE) != 0 ? bus_varint_len(record->base) : 0;
    len += (fields & FIELD_BASE_BC) != 0 ? bus_varint_len(record->base_broadcasts) : 0;
    len += (fields & (FIELD_APPLIED | FIELD_KNOWN)) != 0 ? bus_text_len(record->list) : 0;
    len += (fields & FIELD_TEXT) != 0 ? bus_text_len(record->text) : 0;
    len += (flags & HAS_TRACE) != 0 ? TRACE_LEN : 0;
    return len;
}

int bus_record_write(struct buf *out, const struct bus_record *record)
{
    check(bus_type_known(record->type));
    unsigned int fields = bus_fields[record->type];
    uint8_t flags = bus_record_flags(record, fields), fixed[8];
    size_t len = bus_record_len(record, fields, flags);
    if (len > BUS_ENTRY_MAX || buf_reserve(out, 1 + bus_varint_len(len) + len) != 0) {
        return -1;
    }
    bus_put(out, &record->type, 1);
    bus_put_number(out, len);
    size_t start = out->len;
    bus_put(out, &flags, 1);
    if ((fields & FIELD_APP) != 0) {
        bus_put_text(out, record->app);
    }
    if ((fields & FIELD_CHANNEL) != 0) {
        bus_put_text(out, record->channel);
    }
    if ((fields & FIELD_USER) != 0) {
        bus_put_text(out, record->user_id);
    }
    if ((fields & FIELD_ID) != 0) {
        bus_put_text(out, record->id_json);
    }
    if ((flags & HAS_INFO) != 0) {
        bus_put_text(out, record->info_json);
    }
    if ((flags & HAS_SOCKET) != 0) {
        bus_put(out, fixed, bus_fixed_put(fixed, record->socket.random));
        bus_put_number(out, record->socket.worker);
        bus_put_number(out, record->socket.slot);
    }
    if ((fields & FIELD_NODE) != 0) {
        bus_put(out, fixed, bus_fixed_put(fixed, record->node));
    }
    if ((fields & FIELD_INCARNATION) != 0) {
        bus_put_number(out, record->incarnation);
    }
    if ((fields & FIELD_NUMBER) != 0) {
        bus_put_number(out, record->number);
    }
    if ((fields & FIELD_BROADCASTS) != 0) {
        bus_put_number(out, record->broadcasts);
    }
    if ((fields & FIELD_BASE) != 0) {
        bus_put_number(out, record->base);
    }
    if ((fields & FIELD_BASE_BC) != 0) {
        bus_put_number(out, record->base_broadcasts);
    }
    if ((fields & (FIELD_APPLIED | FIELD_KNOWN)) != 0) {
        bus_put_text(out, record->list);
    }
    if ((fields & FIELD_TEXT) != 0) {
        bus_put_text(out, record->text);
    }
    if ((flags & HAS_TRACE) != 0) {
        bus_put(out, record->trace.trace, TRACE_ID);
        bus_put(out, record->trace.span, TRACE_SPAN_ID);
        bus_put(out, &record->trace.flags, 1);
    }
    check(out->len - start == len);
    return 0;
}

int bus_applied_write(struct buf *list, const struct bus_applied *applied)
{
    uint8_t bytes[8 + 2 * VARINT_MAX];
    size_t n = bus_fixed_put(bytes, applied->node);
    n += bus_varint_put(bytes + n, applied->number);
    n += bus_varint_put(bytes + n, applied->seen);
    return buf_append(list, bytes, n);
}

int bus_known_write(struct buf *list, const struct bus_known *known)
{
    uint8_t bytes[8 + VARINT_MAX + 1];
    size_t n = bus_fixed_put(bytes, known->node);
    n += bus_varint_put(bytes + n, known->incarnation);
    bytes[n++] = known->alive ? 1 : 0;
    return buf_append(list, bytes, n);
}

/* ---- reading ---- */

/* Bytes that are still to be read. Once one was missing everything that follows is, too. */
struct bus_bytes {
    const uint8_t *p, *end;
    bool bad;
};

static uint8_t bus_get_byte(struct bus_bytes *in)
{
    if (in->p == in->end) {
        in->bad = true;
        return 0;
    }
    return *in->p++;
}

/* At most 64 bits, in at most ten bytes. */
static uint64_t bus_get_number(struct bus_bytes *in)
{
    uint64_t value = 0;
    for (unsigned int shift = 0; shift < 70; shift += 7) {
        uint8_t byte = bus_get_byte(in);
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    in->bad = true;
    in->p = in->end;
    return 0;
}

static uint32_t bus_get_number32(struct bus_bytes *in)
{
    uint64_t value = bus_get_number(in);
    if (value > UINT32_MAX) {
        in->bad = true;
        return 0;
    }
    return (uint32_t)value;
}

static uint64_t bus_get_fixed(struct bus_bytes *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | bus_get_byte(in);
    }
    return value;
}

static void bus_get_bytes(struct bus_bytes *in, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = bus_get_byte(in);
    }
}

static struct slice bus_get_text(struct bus_bytes *in)
{
    uint64_t len = bus_get_number(in);
    if (in->bad || len > (uint64_t)(in->end - in->p)) {
        in->bad = true;
        in->p = in->end;
        return (struct slice){NULL, 0};
    }
    struct slice text = {(const char *)in->p, (size_t)len};
    in->p += len;
    return text;
}

bool bus_applied_next(struct slice list, size_t *cursor, struct bus_applied *out)
{
    if (*cursor >= list.len) {
        return false;
    }
    const uint8_t *start = (const uint8_t *)list.p;
    struct bus_bytes in = {start + *cursor, start + list.len, false};
    *out = (struct bus_applied){.node = bus_get_fixed(&in)};
    out->number = bus_get_number(&in);
    out->seen = bus_get_number(&in);
    *cursor = (size_t)(in.p - start);
    return !in.bad;
}

bool bus_known_next(struct slice list, size_t *cursor, struct bus_known *out)
{
    if (*cursor >= list.len) {
        return false;
    }
    const uint8_t *start = (const uint8_t *)list.p;
    struct bus_bytes in = {start + *cursor, start + list.len, false};
    *out = (struct bus_known){.node = bus_get_fixed(&in)};
    out->incarnation = bus_get_number(&in);
    out->alive = bus_get_byte(&in) != 0;
    *cursor = (size_t)(in.p - start);
    return !in.bad;
}

static bool bus_list_fine(struct slice list, unsigned int fields)
{
    struct bus_applied applied;
    struct bus_known known;
    size_t cursor = 0;
    bool more = list.len > 0;
    while (more && cursor < list.len) {
        more = (fields & FIELD_APPLIED) != 0 ? bus_applied_next(list, &cursor, &applied)
                                             : bus_known_next(list, &cursor, &known);
    }
    return list.len == 0 || more;
}

/* The body of a record whose type is known. Bytes behind the last field are a newer format's. */
static bool bus_body_read(struct bus_bytes *in, struct bus_record *out)
{
    unsigned int fields = bus_fields[out->type];
    uint8_t flags = bus_get_byte(in);
    out->restated = (flags & HAS_RESTATED) != 0;
    out->client = (flags & HAS_CLIENT) != 0;
    out->last = (flags & HAS_LAST) != 0;
    if ((fields & FIELD_APP) != 0) {
        out->app = bus_get_text(in);
    }
    if ((fields & FIELD_CHANNEL) != 0) {
        out->channel = bus_get_text(in);
    }
    if ((fields & FIELD_USER) != 0) {
        out->user_id = bus_get_text(in);
    }
    if ((fields & FIELD_ID) != 0) {
        out->id_json = bus_get_text(in);
    }
    if ((fields & FIELD_INFO) != 0 && (flags & HAS_INFO) != 0) {
        out->info_json = bus_get_text(in);
    }
    if ((fields & FIELD_SOCKET) != 0 && (flags & HAS_SOCKET) != 0) {
        out->socket.random = bus_get_fixed(in);
        out->socket.worker = bus_get_number32(in);
        out->socket.slot = bus_get_number32(in);
    }
    if ((fields & FIELD_NODE) != 0) {
        out->node = bus_get_fixed(in);
    }
    if ((fields & FIELD_INCARNATION) != 0) {
        out->incarnation = bus_get_number(in);
    }
    if ((fields & FIELD_NUMBER) != 0) {
        out->number = bus_get_number(in);
    }
    if ((fields & FIELD_BROADCASTS) != 0) {
        out->broadcasts = bus_get_number(in);
    }
    if ((fields & FIELD_BASE) != 0) {
        out->base = bus_get_number(in);
    }
    if ((fields & FIELD_BASE_BC) != 0) {
        out->base_broadcasts = bus_get_number(in);
    }
    if ((fields & (FIELD_APPLIED | FIELD_KNOWN)) != 0) {
        out->list = bus_get_text(in);
    }
    if ((fields & FIELD_TEXT) != 0) {
        out->text = bus_get_text(in);
    }
    if ((fields & FIELD_TRACE) != 0 && (flags & HAS_TRACE) != 0) {
        bus_get_bytes(in, out->trace.trace, TRACE_ID);
        bus_get_bytes(in, out->trace.span, TRACE_SPAN_ID);
        out->trace.flags = bus_get_byte(in);
        out->traced = true;
    }
    return !in->bad;
}

static bool bus_record_sound(const struct bus_record *record)
{
    switch (record->type) {
    case BUS_HELLO:
        return record->text.len <= BUS_NAME_MAX;
    case BUS_BEGIN:
        return record->text.len <= BUS_NAME_MAX && bus_list_fine(record->list, FIELD_KNOWN);
    case BUS_APPLIED:
        return bus_list_fine(record->list, FIELD_APPLIED);
    case BUS_BEAT:
        /* What is kept is a part of what was appended. */
        return record->base >= 1 && record->base <= record->number &&
               record->base_broadcasts <= record->broadcasts &&
               record->broadcasts - record->base_broadcasts <= record->number - record->base;
    default:
        return true;
    }
}

/* False: broken. */
static bool bus_record_read(struct bus_bytes *in, struct bus_record *out)
{
    *out = (struct bus_record){.type = bus_get_byte(in)};
    struct slice body = bus_get_text(in);
    if (in->bad || !bus_type_known(out->type)) {
        return !in->bad;
    }
    const uint8_t *start = (const uint8_t *)body.p;
    struct bus_bytes bytes = {start, start + body.len, false};
    return bus_body_read(&bytes, out);
}

enum bus_result bus_entry_read(const uint8_t *bytes, size_t len, struct bus_entry *out)
{
    *out = (struct bus_entry){.format = 0};
    if (len < PREFIX || len > BUS_ENTRY_MAX || bytes[0] != MAGIC) {
        return BUS_BAD;
    }
    struct bus_bytes in = {bytes + 4, bytes + len, false};
    out->format = bytes[1];
    out->node = bus_get_fixed(&in);
    if (bytes[1] < bytes[2] || bytes[2] == 0) {
        return BUS_BAD;
    }
    if (bytes[2] > BUS_FORMAT) {
        return BUS_FOREIGN;
    }
    out->numbered = (bytes[3] & FLAG_NUMBERED) != 0;
    out->lane = bus_get_number32(&in);
    out->lanes = bus_get_number32(&in);
    out->incarnation = bus_get_number(&in);
    out->first = bus_get_number(&in);
    out->before = out->numbered ? bus_get_number(&in) : 0;
    if (in.bad || out->lanes > BUS_LANES_MAX || out->lane >= out->lanes || out->first == 0 ||
        out->first > UINT64_MAX / 2 || out->before >= out->first) {
        return BUS_BAD;
    }
    out->records = in.p;
    out->len = (size_t)(in.end - in.p);
    while (in.p < in.end) {
        struct bus_record record;
        if (!bus_record_read(&in, &record) || !bus_record_sound(&record) ||
            bus_type_unnumbered(record.type) == out->numbered) {
            return BUS_BAD;
        }
        out->count++;
        out->broadcasts += bus_type_broadcast(record.type) ? 1 : 0;
    }
    return out->count > 0 ? BUS_FINE : BUS_BAD;
}

bool bus_record_next(const struct bus_entry *entry, size_t *cursor, struct bus_record *out)
{
    if (*cursor >= entry->len) {
        return false;
    }
    struct bus_bytes in = {entry->records + *cursor, entry->records + entry->len, false};
    bool fine = bus_record_read(&in, out);
    check(fine); /* bus_entry_read has seen it */
    *cursor = (size_t)(in.p - entry->records);
    return true;
}
