#include "ipc_pack.h"

#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "ipc_walk.h"

const struct ff_ipc_attribute_word ff_ipc_attributes[FF_IPC_ATTRIBUTES] = {
    {"subscription_count", FF_IPC_SUBSCRIPTION_COUNT},
    {"user_count", FF_IPC_USER_COUNT},
    {"cache", FF_IPC_CACHE},
};

/* Every msgpack_pack_* returns what the writer returned: 0, or -1 when memory ran out. They are
 * collected with |=, a statement each (the operands of one | have no order), so that a frame is
 * checked once at its end. */

static msgpack_packer pack_to(msgpack_sbuffer *out)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    return pk;
}

static int pack_frame_begin(msgpack_sbuffer *out, size_t *mark)
{
    static const char room[FF_IPC_HEADER] = {0};

    *mark = out->size;
    return msgpack_sbuffer_write(out, room, sizeof(room));
}

/* Writes the prefix of the frame at `mark`, which counts `extra` bytes that follow outside of the
 * buffer, or takes the frame out again. */
static int pack_frame_end(msgpack_sbuffer *out, size_t mark, size_t extra, int failed)
{
    size_t len = 0;

    if (!failed) {
        len = out->size - mark - FF_IPC_HEADER + extra;
        failed = len > FF_IPC_MAX_FRAME;
    }
    if (failed) {
        out->size = mark;
        return -1;
    }
    unsigned char *prefix = (unsigned char *)out->data + mark;
    prefix[0] = (unsigned char)(len >> 24);
    prefix[1] = (unsigned char)(len >> 16);
    prefix[2] = (unsigned char)(len >> 8);
    prefix[3] = (unsigned char)len;
    return 0;
}

static int pack_head(msgpack_packer *pk, size_t fields, enum ff_ipc_type type, uint64_t seq)
{
    int rc = msgpack_pack_array(pk, fields);

    rc |= msgpack_pack_uint8(pk, (uint8_t)type);
    rc |= msgpack_pack_uint64(pk, seq);
    return rc;
}

static int pack_bytes(msgpack_packer *pk, const char *p, size_t len)
{
    int rc = msgpack_pack_str(pk, len);
    if (len != 0) {
        rc |= msgpack_pack_str_body(pk, p, len);
    }
    return rc;
}

static int pack_text(msgpack_packer *pk, struct ff_slice text)
{
    return pack_bytes(pk, text.p, text.len);
}

static int pack_text_or_nil(msgpack_packer *pk, struct ff_slice text)
{
    return text.p == NULL ? msgpack_pack_nil(pk) : pack_text(pk, text);
}

static int pack_bool(msgpack_packer *pk, bool value)
{
    return value ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
}

static int pack_binary(msgpack_packer *pk, const uint8_t *bytes, size_t len)
{
    int rc = msgpack_pack_bin(pk, len);

    rc |= msgpack_pack_bin_body(pk, bytes, len);
    return rc;
}

/* Everything of a message but the bytes of its data. */
static int pack_message_head(msgpack_packer *pk, const struct ff_ipc_message *message)
{
    int rc = msgpack_pack_array(pk, message->nchannels);

    for (uint32_t i = 0; i < message->nchannels; i++) {
        rc |= pack_text(pk, message->channels[i]);
    }
    rc |= pack_text(pk, message->event);
    rc |= pack_text_or_nil(pk, message->except);
    rc |= pack_text_or_nil(pk, message->key);
    rc |= msgpack_pack_str(pk, message->data.len);
    return rc;
}

/* With a trace, the data is not last in the frame and cannot be left to the caller. */
static int pack_message_tail(msgpack_packer *pk, const struct ff_ipc_message *message)
{
    int rc = 0;

    if (message->trace.p == NULL) {
        return 0;
    }
    if (message->data.len != 0) {
        rc |= msgpack_pack_str_body(pk, message->data.p, message->data.len);
    }
    rc |= pack_text(pk, message->trace);
    return rc;
}

static int pack_receipt(msgpack_packer *pk, const struct ff_ipc_receipt *receipt)
{
    int rc = pack_text(pk, receipt->id);

    rc |= msgpack_pack_uint32(pk, receipt->recipients);
    rc |= pack_bool(pk, receipt->duplicate);
    return rc;
}

size_t ff_ipc_mac_text(char *out, struct ff_slice app, const uint8_t *producer, uint64_t unix_ms)
{
    char *p = out;
    char number[24];

    memcpy(p, FF_IPC_MAC_PREFIX "\n", sizeof(FF_IPC_MAC_PREFIX));
    p += sizeof(FF_IPC_MAC_PREFIX);
    if (app.len != 0) {
        memcpy(p, app.p, app.len);
        p += app.len;
    }
    *p++ = '\n';
    p = ff_hex_write(p, producer, FF_IPC_PRODUCER);
    *p++ = '\n';
    int digits = snprintf(number, sizeof(number), "%llu", (unsigned long long)unix_ms);
    memcpy(p, number, (size_t)digits);
    return (size_t)(p - out) + (size_t)digits;
}

int ff_ipc_pack_hello(msgpack_sbuffer *out, const struct ff_ipc_hello *hello)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 8, FF_IPC_HELLO, 0);
    rc |= msgpack_pack_uint32(&pk, hello->version);
    rc |= pack_text(&pk, hello->app);
    rc |= pack_binary(&pk, hello->producer, FF_IPC_PRODUCER);
    rc |= msgpack_pack_uint64(&pk, hello->unix_ms);
    rc |= pack_binary(&pk, hello->mac, FF_IPC_MAC);
    rc |= pack_text(&pk, hello->name);
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_publish_head(msgpack_sbuffer *out, uint64_t seq,
                             const struct ff_ipc_message *message)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, message->trace.p != NULL ? 8 : 7, FF_IPC_PUBLISH, seq);
    rc |= pack_message_head(&pk, message);
    rc |= pack_message_tail(&pk, message);
    return pack_frame_end(out, mark, ff_ipc_data_apart(message).len, rc);
}

/* Always in the form of five bytes, so that another number fits in. */
static int pack_ack_ms(msgpack_sbuffer *out, uint32_t ack_ms, size_t *ack_at)
{
    static const char form[5] = {(char)0xce, 0, 0, 0, 0};
    if (msgpack_sbuffer_write(out, form, sizeof(form)) != 0) {
        return -1;
    }
    *ack_at = out->size - 4;
    ff_ipc_set_ack_ms(out, *ack_at, ack_ms);
    return 0;
}

void ff_ipc_set_ack_ms(msgpack_sbuffer *out, size_t ack_at, uint32_t ack_ms)
{
    unsigned char *p = (unsigned char *)out->data + ack_at;
    p[0] = (unsigned char)(ack_ms >> 24);
    p[1] = (unsigned char)(ack_ms >> 16);
    p[2] = (unsigned char)(ack_ms >> 8);
    p[3] = (unsigned char)ack_ms;
}

int ff_ipc_pack_cluster_publish_head(msgpack_sbuffer *out, uint64_t seq, uint32_t ack_ms,
                                     const struct ff_ipc_message *message, size_t *ack_at)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, message->trace.p != NULL ? 9 : 8, FF_IPC_CLUSTER_PUBLISH, seq);
    rc |= pack_ack_ms(out, ack_ms, ack_at);
    rc |= pack_message_head(&pk, message);
    rc |= pack_message_tail(&pk, message);
    return pack_frame_end(out, mark, ff_ipc_data_apart(message).len, rc);
}

int ff_ipc_pack_batch_begin(msgpack_sbuffer *out, uint64_t seq, uint32_t count, size_t *mark)
{
    msgpack_packer pk = pack_to(out);
    int rc = pack_frame_begin(out, mark);

    rc |= pack_head(&pk, 3, FF_IPC_BATCH, seq);
    rc |= msgpack_pack_array(&pk, count);
    if (rc != 0) {
        out->size = *mark;
        return -1;
    }
    return 0;
}

int ff_ipc_pack_cluster_batch_begin(msgpack_sbuffer *out, uint64_t seq, uint32_t ack_ms,
                                    uint32_t count, size_t *mark, size_t *ack_at)
{
    msgpack_packer pk = pack_to(out);
    int rc = pack_frame_begin(out, mark);

    rc |= pack_head(&pk, 4, FF_IPC_CLUSTER_BATCH, seq);
    rc |= pack_ack_ms(out, ack_ms, ack_at);
    rc |= msgpack_pack_array(&pk, count);
    if (rc != 0) {
        out->size = *mark;
        return -1;
    }
    return 0;
}

int ff_ipc_pack_batch_add(msgpack_sbuffer *out, size_t mark, const struct ff_ipc_message *message)
{
    msgpack_packer pk = pack_to(out);
    size_t before = out->size;
    int rc = 0;

    /* Asked before the data is copied, so that a far too long one is not copied first. */
    if (message->data.len > FF_IPC_MAX_FRAME) {
        return -1;
    }
    rc |= msgpack_pack_array(&pk, message->trace.p != NULL ? 6 : 5);
    rc |= pack_message_head(&pk, message);
    rc |= pack_message_tail(&pk, message);
    if (ff_ipc_data_apart(message).len != 0) {
        rc |= msgpack_pack_str_body(&pk, message->data.p, message->data.len);
    }
    if (rc != 0 || out->size - mark - FF_IPC_HEADER > FF_IPC_MAX_FRAME) {
        out->size = before;
        return -1;
    }
    return 0;
}

int ff_ipc_pack_batch_end(msgpack_sbuffer *out, size_t mark)
{
    return pack_frame_end(out, mark, 0, 0);
}

int ff_ipc_pack_bare(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 2, type, seq);
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_named(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                      struct ff_slice text)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 3, type, seq);
    rc |= pack_text(&pk, text);
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_query(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                      struct ff_slice text, unsigned int wanted)
{
    msgpack_packer pk = pack_to(out);
    size_t mark, n = 0;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 4, type, seq);
    rc |= pack_text_or_nil(&pk, text);
    for (size_t i = 0; i < FF_IPC_ATTRIBUTES; i++) {
        n += (wanted & ff_ipc_attributes[i].bit) != 0;
    }
    rc |= msgpack_pack_array(&pk, n);
    for (size_t i = 0; i < FF_IPC_ATTRIBUTES; i++) {
        if (wanted & ff_ipc_attributes[i].bit) {
            rc |= pack_bytes(&pk, ff_ipc_attributes[i].word, strlen(ff_ipc_attributes[i].word));
        }
    }
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_ack(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                    const struct ff_ipc_receipt *receipt)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 5, type, seq);
    rc |= pack_receipt(&pk, receipt);
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_batch_ack(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                          const struct ff_ipc_receipt *receipts, uint32_t n)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 3, type, seq);
    rc |= msgpack_pack_array(&pk, n);
    for (uint32_t i = 0; i < n; i++) {
        rc |= msgpack_pack_array(&pk, 3);
        rc |= pack_receipt(&pk, &receipts[i]);
    }
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_error(msgpack_sbuffer *out, uint64_t seq, const char *reason, const char *message,
                      int64_t index)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 5, FF_IPC_ERROR, seq);
    rc |= pack_bytes(&pk, reason, strlen(reason));
    rc |= pack_bytes(&pk, message, strlen(message));
    rc |= index < 0 ? msgpack_pack_nil(&pk) : msgpack_pack_uint64(&pk, (uint64_t)index);
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_stats_begin(msgpack_sbuffer *out, uint64_t seq, uint32_t pairs, size_t *mark)
{
    msgpack_packer pk = pack_to(out);
    int rc = pack_frame_begin(out, mark);

    rc |= pack_head(&pk, 3, FF_IPC_STATS_REPLY, seq);
    rc |= msgpack_pack_map(&pk, pairs);
    if (rc != 0) {
        out->size = *mark;
        return -1;
    }
    return 0;
}

/* A pair is in the buffer whole or not at all. */
static int pack_pair_end(msgpack_sbuffer *out, size_t before, int failed)
{
    if (failed) {
        out->size = before;
        return -1;
    }
    return 0;
}

int ff_ipc_pack_stats_uint(msgpack_sbuffer *out, const char *name, uint64_t value)
{
    msgpack_packer pk = pack_to(out);
    size_t before = out->size;
    int rc = pack_bytes(&pk, name, strlen(name));

    rc |= msgpack_pack_uint64(&pk, value);
    return pack_pair_end(out, before, rc);
}

int ff_ipc_pack_stats_bool(msgpack_sbuffer *out, const char *name, bool value)
{
    msgpack_packer pk = pack_to(out);
    size_t before = out->size;
    int rc = pack_bytes(&pk, name, strlen(name));

    rc |= pack_bool(&pk, value);
    return pack_pair_end(out, before, rc);
}

int ff_ipc_pack_stats_text(msgpack_sbuffer *out, const char *name, const char *value)
{
    msgpack_packer pk = pack_to(out);
    size_t before = out->size;
    int rc = pack_bytes(&pk, name, strlen(name));

    rc |= pack_bytes(&pk, value, strlen(value));
    return pack_pair_end(out, before, rc);
}

int ff_ipc_pack_stats_end(msgpack_sbuffer *out, size_t mark)
{
    return pack_frame_end(out, mark, 0, 0);
}

/* ---- answers to queries ---- */

#define CHANNEL_BESIDES  128u /* bytes of a channel's reply besides its texts, at most */
/* array 32: the one whose number has its place whatever it is */
#define LIST_HEAD_BYTES  5u
#define LIST_HEAD_VALUES 4u
#define LIST_MARK        1u /* bytes, and values, of the mark behind the entries */
#define CHANNEL_VALUES   8u
#define MEMBER_VALUES    3u

int ff_ipc_pack_count(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq, uint64_t count)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 3, type, seq);
    rc |= msgpack_pack_uint64(&pk, count);
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_connections_reply(msgpack_sbuffer *out, uint64_t seq, uint64_t count, bool partial)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;
    int rc = pack_frame_begin(out, &mark);

    rc |= pack_head(&pk, 4, FF_IPC_CONNECTIONS_REPLY, seq);
    rc |= msgpack_pack_uint64(&pk, count);
    rc |= pack_bool(&pk, partial);
    return pack_frame_end(out, mark, 0, rc);
}

static int pack_number_or_nil(msgpack_packer *pk, bool has, uint32_t number)
{
    return has ? msgpack_pack_uint32(pk, number) : msgpack_pack_nil(pk);
}

static int pack_channel(msgpack_packer *pk, const struct ff_ipc_channel *channel)
{
    int rc = msgpack_pack_array(pk, 5);

    rc |= pack_text(pk, channel->name);
    rc |= pack_bool(pk, channel->occupied);
    rc |= pack_number_or_nil(pk, channel->has_subscriptions, channel->subscriptions);
    rc |= pack_number_or_nil(pk, channel->has_users, channel->users);
    if (channel->data.p == NULL) {
        rc |= msgpack_pack_nil(pk);
    } else {
        rc |= msgpack_pack_array(pk, 2);
        rc |= pack_text(pk, channel->data);
        rc |= msgpack_pack_uint64(pk, channel->ttl);
    }
    return rc;
}

int ff_ipc_pack_channel_reply(msgpack_sbuffer *out, uint64_t seq,
                              const struct ff_ipc_channel *channel, bool partial)
{
    msgpack_packer pk = pack_to(out);
    size_t mark;

    if ((size_t)channel->data.len + channel->name.len > FF_IPC_MAX_FRAME - CHANNEL_BESIDES) {
        return FF_IPC_FULL;
    }
    int rc = pack_frame_begin(out, &mark);
    rc |= pack_head(&pk, 4, FF_IPC_CHANNEL_REPLY, seq);
    rc |= pack_channel(&pk, channel);
    rc |= pack_bool(&pk, partial);
    return pack_frame_end(out, mark, 0, rc);
}

int ff_ipc_pack_list_begin(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                           struct ff_ipc_list *list)
{
    static const char head[LIST_HEAD_BYTES] = {(char)0xdd, 0, 0, 0, 0};
    msgpack_packer pk = pack_to(out);
    int rc = pack_frame_begin(out, &list->mark);

    list->marked = type == FF_IPC_CHANNELS_REPLY;
    rc |= pack_head(&pk, list->marked ? 4 : 3, type, seq);
    list->at = out->size + 1;
    rc |= msgpack_sbuffer_write(out, head, sizeof(head));
    list->n = 0;
    list->values = LIST_HEAD_VALUES + (list->marked ? LIST_MARK : 0);
    if (rc != 0) {
        out->size = list->mark;
        return -1;
    }
    return 0;
}

/* Whether an entry of so many bytes of text and so many values fits behind the others. */
static bool pack_list_has_room(const msgpack_sbuffer *out, const struct ff_ipc_list *list,
                               size_t bytes, uint32_t values)
{
    size_t used = out->size - list->mark - FF_IPC_HEADER + (list->marked ? LIST_MARK : 0);
    return bytes <= FF_IPC_MAX_FRAME && used + bytes + (size_t)values * 9 <= FF_IPC_MAX_FRAME &&
           list->values + values <= FF_IPC_MAX_VALUES;
}

static int pack_list_added(msgpack_sbuffer *out, struct ff_ipc_list *list, size_t before,
                           uint32_t values, int failed)
{
    if (failed) {
        out->size = before;
        return -1;
    }
    list->n++;
    list->values += values;
    return 0;
}

int ff_ipc_pack_list_channel(msgpack_sbuffer *out, struct ff_ipc_list *list,
                             const struct ff_ipc_channel *channel)
{
    msgpack_packer pk = pack_to(out);
    size_t before = out->size, bytes = (size_t)channel->name.len + channel->data.len;

    if (!pack_list_has_room(out, list, bytes, CHANNEL_VALUES)) {
        return FF_IPC_FULL;
    }
    return pack_list_added(out, list, before, CHANNEL_VALUES, pack_channel(&pk, channel));
}

int ff_ipc_pack_list_member(msgpack_sbuffer *out, struct ff_ipc_list *list,
                            const struct ff_ipc_member *member)
{
    msgpack_packer pk = pack_to(out);
    size_t before = out->size, bytes = (size_t)member->user_id.len + member->info.len;

    if (!pack_list_has_room(out, list, bytes, MEMBER_VALUES)) {
        return FF_IPC_FULL;
    }
    int rc = msgpack_pack_array(&pk, 2);
    rc |= pack_text(&pk, member->user_id);
    rc |= pack_text_or_nil(&pk, member->info);
    return pack_list_added(out, list, before, MEMBER_VALUES, rc);
}

int ff_ipc_pack_list_end(msgpack_sbuffer *out, struct ff_ipc_list *list, bool partial)
{
    msgpack_packer pk = pack_to(out);
    int rc = list->marked ? pack_bool(&pk, partial) : 0;
    unsigned char *n = (unsigned char *)out->data + list->at;

    n[0] = (unsigned char)(list->n >> 24);
    n[1] = (unsigned char)(list->n >> 16);
    n[2] = (unsigned char)(list->n >> 8);
    n[3] = (unsigned char)list->n;
    return pack_frame_end(out, list->mark, 0, rc);
}

void ff_ipc_pack_list_drop(msgpack_sbuffer *out, const struct ff_ipc_list *list)
{
    out->size = list->mark;
}
