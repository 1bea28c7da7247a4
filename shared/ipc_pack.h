/*
 * Builds IPC frames, both those of a client and those of the daemon.
 *
 * Owns nothing: the caller brings the msgpack_sbuffer, and each function appends one whole frame,
 * length prefix included. Runs anywhere. Never checks what it packs: the daemon checks everything
 * that it receives, and a client that wants an early error uses shared/channel.h and shared/utf8.h
 * itself. All functions return 0, or -1 when memory ran out or the frame would exceed
 * FF_IPC_MAX_FRAME; then the buffer is as long as it was before.
 */
#ifndef FF_IPC_PACK_H
#define FF_IPC_PACK_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc_proto.h"

struct ff_ipc_hello {
    uint32_t version;
    struct ff_slice app;
    const uint8_t *producer; /* FF_IPC_PRODUCER bytes */
    uint64_t unix_ms;
    const uint8_t *mac; /* FF_IPC_MAC bytes */
    struct ff_slice name;
};

struct ff_ipc_message {
    const struct ff_slice *channels;
    uint32_t nchannels;
    struct ff_slice event;
    struct ff_slice except; /* p == NULL: nobody is excluded */
    struct ff_slice key;    /* p == NULL: no idempotency key */
    struct ff_slice data;   /* the text that clients receive as `data` */
    struct ff_slice trace;  /* its traceparent, not judged; p == NULL: none */
};

struct ff_ipc_receipt {
    struct ff_slice id;
    uint32_t recipients;
    bool duplicate;
};

struct ff_ipc_channel {
    struct ff_slice name;
    bool occupied;
    bool has_subscriptions, has_users; /* asked for, and such a channel */
    uint32_t subscriptions, users;
    struct ff_slice data; /* of the cached event; p == NULL: not asked for, or none */
    uint64_t ttl;         /* seconds that it will still be kept, 0 = for ever */
};

struct ff_ipc_member {
    struct ff_slice user_id;
    struct ff_slice info; /* JSON; p == NULL: none */
};

#define FF_IPC_ATTRIBUTES 3u

/* The words of enum ff_ipc_attribute. */
extern const struct ff_ipc_attribute_word {
    const char *word;
    unsigned int bit;
} ff_ipc_attributes[FF_IPC_ATTRIBUTES];

/* The text whose HMAC-SHA256 with the app's secret is the hello's mac. `out` needs 160 + app.len
 * bytes; returns the number of bytes written, without a terminator. */
size_t ff_ipc_mac_text(char *out, struct ff_slice app, const uint8_t *producer, uint64_t unix_ms);

int ff_ipc_pack_hello(msgpack_sbuffer *out, const struct ff_ipc_hello *hello);

/* Appends a publish frame up to but without the bytes of message->data, which the caller must send
 * right after it: the length prefix counts them already. With a trace the data is in the buffer,
 * and the trace behind it: ff_ipc_data_apart() says what is still to be sent. */
int ff_ipc_pack_publish_head(msgpack_sbuffer *out, uint64_t seq,
                             const struct ff_ipc_message *message);

/* The same to be acknowledged by the cluster, for which the daemon waits so many milliseconds at
 * most. *ack_at is where the buffer has them, for ff_ipc_set_ack_ms(). */
int ff_ipc_pack_cluster_publish_head(msgpack_sbuffer *out, uint64_t seq, uint32_t ack_ms,
                                     const struct ff_ipc_message *message, size_t *ack_at);
/* The data that such a frame is still short of; .len 0: nothing. */
static inline struct ff_slice ff_ipc_data_apart(const struct ff_ipc_message *message)
{
    struct ff_slice nothing = {0, 0};

    return message->trace.p != NULL ? nothing : message->data;
}

/* Another time in a frame that is packed and not sent yet. */
void ff_ipc_set_ack_ms(msgpack_sbuffer *out, size_t ack_at, uint32_t ack_ms);

/* One batch frame: begin, add `count` messages, end. `*mark` remembers where the frame starts. */
int ff_ipc_pack_batch_begin(msgpack_sbuffer *out, uint64_t seq, uint32_t count, size_t *mark);
int ff_ipc_pack_cluster_batch_begin(msgpack_sbuffer *out, uint64_t seq, uint32_t ack_ms,
                                    uint32_t count, size_t *mark, size_t *ack_at);
int ff_ipc_pack_batch_add(msgpack_sbuffer *out, size_t mark, const struct ff_ipc_message *message);
int ff_ipc_pack_batch_end(msgpack_sbuffer *out, size_t mark);

/* A frame of nothing but [type, seq]: ping, pong, stats, connections. */
int ff_ipc_pack_bare(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq);

/* [type, seq, text]: terminate, disconnect, members. */
int ff_ipc_pack_named(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                      struct ff_slice text);
/* [type, seq, text|nil, [attribute...]]: channels, channel. `wanted` has bits of ff_ipc_attribute.
 */
int ff_ipc_pack_query(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                      struct ff_slice text, unsigned int wanted);

/* FF_IPC_ACK or FF_IPC_CLUSTER_ACK. */
int ff_ipc_pack_ack(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                    const struct ff_ipc_receipt *receipt);
/* FF_IPC_BATCH_ACK or FF_IPC_CLUSTER_BATCH_ACK. */
int ff_ipc_pack_batch_ack(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                          const struct ff_ipc_receipt *receipts, uint32_t n);
/* index < 0 packs nil. */
int ff_ipc_pack_error(msgpack_sbuffer *out, uint64_t seq, const char *reason, const char *message,
                      int64_t index);

/* A stats reply: begin with the number of pairs, add each, end. */
int ff_ipc_pack_stats_begin(msgpack_sbuffer *out, uint64_t seq, uint32_t pairs, size_t *mark);
int ff_ipc_pack_stats_uint(msgpack_sbuffer *out, const char *name, uint64_t value);
int ff_ipc_pack_stats_bool(msgpack_sbuffer *out, const char *name, bool value);
int ff_ipc_pack_stats_text(msgpack_sbuffer *out, const char *name, const char *value);
int ff_ipc_pack_stats_end(msgpack_sbuffer *out, size_t mark);

/* [type, seq, number]: terminated, disconnected. */
int ff_ipc_pack_count(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq, uint64_t count);
/* partial: some nodes have not answered. */
int ff_ipc_pack_connections_reply(msgpack_sbuffer *out, uint64_t seq, uint64_t count, bool partial);

#define FF_IPC_FULL (-2) /* the answer would be larger than a reader takes */

/* FF_IPC_FULL: its cached event is too large for a frame. */
int ff_ipc_pack_channel_reply(msgpack_sbuffer *out, uint64_t seq,
                              const struct ff_ipc_channel *channel, bool partial);

/*
 * A reply whose number of entries nobody knows beforehand: begin, add each, end. When an entry
 * cannot be added the list is to be dropped. The functions that add return FF_IPC_FULL when it
 * does not fit.
 */
struct ff_ipc_list {
    size_t mark;     /* where the frame starts */
    size_t at;       /* where its number of entries stands */
    uint32_t n;      /* entries */
    uint32_t values; /* of msgpack */
    bool marked;     /* `partial` stands behind the entries: of channels */
};

int ff_ipc_pack_list_begin(msgpack_sbuffer *out, enum ff_ipc_type type, uint64_t seq,
                           struct ff_ipc_list *list);
int ff_ipc_pack_list_channel(msgpack_sbuffer *out, struct ff_ipc_list *list,
                             const struct ff_ipc_channel *channel);
int ff_ipc_pack_list_member(msgpack_sbuffer *out, struct ff_ipc_list *list,
                            const struct ff_ipc_member *member);
/* `partial` is said of channels only: members are known on every node. */
int ff_ipc_pack_list_end(msgpack_sbuffer *out, struct ff_ipc_list *list, bool partial);
void ff_ipc_pack_list_drop(msgpack_sbuffer *out, const struct ff_ipc_list *list);

#endif
